// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.evm.TransactionProcessor.Mode;
import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.TransactionRules;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What stands in the block access list, rule by rule of EIP-7928. */
class AccessListTest {
  private static final Address SENDER = address(0xaa);
  private static final Address COINBASE = address(0xcb);
  private static final Address CONTRACT = address(0x01);
  private static final Address OTHER = address(0x02);
  private static final UInt256 RICH = UInt256.of(1L << 50);

  private final Map<Address, Account> accounts = new HashMap<>();
  private final Map<Hash, Bytes> codes = new HashMap<>();
  private final Map<UInt256, UInt256> slots = new HashMap<>();
  private int index;

  private static Address address(int last) {
    return Address.fromHex("0x10" + "00".repeat(18) + String.format("%02x", last));
  }

  private final EvmState state =
      new EvmState(
          new StateBase() {
            @Override
            public @Nullable Account account(Address address) {
              return accounts.get(address);
            }

            @Override
            public UInt256 storage(Address address, UInt256 key) {
              return slots.getOrDefault(key, UInt256.ZERO);
            }

            @Override
            public Bytes code(Hash codeHash) {
              return codes.getOrDefault(codeHash, Bytes.EMPTY);
            }
          },
          new CodeCache(1 << 20));

  private final TransactionProcessor processor =
      new TransactionProcessor(
          state,
          new BlockContext(
              Fork.AMSTERDAM,
              UInt256.ONE,
              COINBASE,
              1,
              1,
              30_000_000,
              UInt256.ZERO,
              Hash.ZERO,
              UInt256.ZERO,
              UInt256.ONE,
              0x1234,
              6,
              number -> Hash.ZERO,
              TransactionRules.ETHEREUM));

  AccessListTest() {
    accounts.put(SENDER, new Account(0, RICH, Account.EMPTY_ROOT, Account.EMPTY_CODE));
  }

  private void contract(Address address, String hex) {
    Bytes code = Bytes.fromHex("0x" + hex.replace(" ", ""));
    codes.put(code.keccak(), code);
    accounts.put(address, new Account(1, UInt256.ZERO, Hash.ZERO, code.keccak()));
  }

  private ExecutionResult run(Transaction transaction) throws Exception {
    state.accessIndex(++index);
    return processor.process(transaction, 30_000_000, Mode.SIMULATION, null);
  }

  private ExecutionResult call(Address to, long value, long gas) throws Exception {
    return run(transaction(to, Bytes.EMPTY, value, gas, List.of()));
  }

  private static Transaction transaction(
      @Nullable Address to, Bytes data, long value, long gas, List<AccessListEntry> accesses) {
    return Transaction.builder(TransactionType.ACCESS_LIST)
        .to(to)
        .data(data)
        .gasLimit(gas)
        .value(UInt256.of(value))
        .accessList(accesses)
        .sender(SENDER)
        .build();
  }

  /** Returns the list as text: numbers in hexadecimal without zeros before them. */
  private Map<String, String> list() {
    Bytes encoded = state.accessList();
    assertThat(encoded).isNotNull();
    Map<String, String> out = new java.util.LinkedHashMap<>();
    RlpReader all = RlpReader.of(encoded.toArray()).list();
    while (all.hasNext()) {
      RlpReader account = all.list();
      String address = account.address().toString();
      List<String> parts = new ArrayList<>();
      while (account.hasNext()) {
        parts.add(text(account));
      }
      out.put(address.substring(40), String.join(" ", parts));
    }
    return out;
  }

  private static String text(RlpReader reader) {
    if (!reader.nextIsList()) {
      return reader.bytes().toString().substring(2);
    }
    List<String> items = new ArrayList<>();
    RlpReader list = reader.list();
    while (list.hasNext()) {
      items.add(text(list));
    }
    return "[" + String.join(",", items) + "]";
  }

  private static String push(Address address) {
    return "73" + address.toString().substring(2);
  }

  @Test
  void aTransferChangesBalancesAndANonce() throws Exception {
    call(OTHER, 5, 21_000);
    assertThat(list())
        .containsExactly(
            Map.entry("02", "[] [] [[01,05]] [] []"),
            Map.entry("aa", "[] [] [[01,03fffffffffffb]] [[01,01]] []"),
            Map.entry("cb", "[] [] [] [] []"));
  }

  @Test
  void slotsAreReadOrChanged() throws Exception {
    slots.put(UInt256.of(7), UInt256.of(9));
    // slot 1 = calldata size, slot 7 = 9, which it is; slot 3 is read
    contract(CONTRACT, "36 6001 55  6009 6007 55  6003 54 00");
    run(transaction(CONTRACT, Bytes.fromHex("0x0102"), 0, 100_000, List.of()));
    run(transaction(CONTRACT, Bytes.EMPTY, 0, 100_000, List.of()));
    run(transaction(CONTRACT, Bytes.EMPTY, 0, 100_000, List.of()));
    assertThat(list().get("01")).isEqualTo("[[01,[[01,02],[02,]]]] [03,07] [] [] []");
  }

  @Test
  void whatARevertUndoesIsARead() throws Exception {
    contract(OTHER, "6001 6005 55 6000 6000 fd");
    contract(CONTRACT, "6000 6000 6000 6000 6000 " + push(OTHER) + " 5a f1 00");
    call(CONTRACT, 0, 200_000);
    assertThat(list()).containsEntry("02", "[] [05] [] [] []");
  }

  @Test
  void aCreationChangesNonceAndCode() throws Exception {
    // returns one byte 0x00 as code, after writing slot 1
    Bytes init = Bytes.fromHex("0x6002600155600160005360016000f3");
    ExecutionResult result = run(transaction(null, init, 3, 200_000, List.of()));
    assertThat(result.success()).isTrue();
    Address created = result.contract();
    assertThat(created).isNotNull();
    assertThat(list().get(created.toString().substring(40)))
        .isEqualTo("[[01,[[01,02]]]] [] [[01,03]] [[01,01]] [[01,01]]");
  }

  @Test
  void aContractThatIsGoneAgainHasChangedNothing() throws Exception {
    Bytes init = Bytes.fromHex("0x6002600155" + push(OTHER) + "ff");
    ExecutionResult result = run(transaction(null, init, 3, 200_000, List.of()));
    assertThat(result.success()).isTrue();
    Address created = Address.ofCreation(SENDER, 0);
    assertThat(list().get(created.toString().substring(40))).isEqualTo("[] [01] [] [] []");
    assertThat(list().get("02")).isEqualTo("[] [] [[01,03]] [] []");
  }

  @Test
  void theAccessListOfATransactionIsNoAccess() throws Exception {
    Hash key = UInt256.of(5).toHash();
    List<AccessListEntry> named = List.of(new AccessListEntry(OTHER, List.of(key)));
    contract(CONTRACT, "00");
    run(transaction(CONTRACT, Bytes.EMPTY, 0, 100_000, named));
    assertThat(list()).containsOnlyKeys("01", "aa", "cb");
  }

  @Test
  void anAccessThatWasNotPaidForIsNone() throws Exception {
    contract(CONTRACT, push(OTHER) + " 31 00");
    assertThat(call(CONTRACT, 0, 21_000 + 3 + 2_599).success()).isFalse();
    assertThat(list()).containsOnlyKeys("01", "aa", "cb");
    assertThat(call(CONTRACT, 0, 21_000 + 3 + 2_600).success()).isTrue();
    assertThat(list()).containsOnlyKeys("01", "02", "aa", "cb");
  }

  @Test
  void changesOfOneIndexAreOne() {
    state.accessIndex(1);
    for (int twice = 0; twice < 2; twice++) {
      state.credit(OTHER, UInt256.of(4), Fork.AMSTERDAM);
      state.endTransaction(Fork.AMSTERDAM);
    }
    state.credit(COINBASE, UInt256.ZERO, Fork.AMSTERDAM);
    state.endTransaction(Fork.AMSTERDAM);
    assertThat(list())
        .containsExactly(
            Map.entry("02", "[] [] [[01,08]] [] []"), Map.entry("cb", "[] [] [] [] []"));
  }

  @Test
  void overridesAreAPartOfTheStateBefore() throws Exception {
    state.override(OTHER, UInt256.of(100), null, null);
    state.endOverride(Fork.AMSTERDAM);
    call(OTHER, 1, 21_000);
    assertThat(list()).containsEntry("02", "[] [] [[01,65]] [] []");
  }

  @Test
  void systemContractsAreAccessedAndTheSystemIsNot() {
    contract(CONTRACT, "6001 6002 55 00");
    processor.systemCall(CONTRACT, Bytes.EMPTY);
    processor.systemCall(OTHER, Bytes.EMPTY);
    assertThat(list())
        .containsExactly(
            Map.entry("01", "[[02,[[,01]]]] [] [] [] []"), Map.entry("02", "[] [] [] [] []"));
  }

  @Test
  void codeSeesTheSlot() throws Exception {
    contract(CONTRACT, "4b 6000 52 6020 6000 f3");
    ExecutionResult result = call(CONTRACT, 0, 100_000);
    assertThat(UInt256.ofBytes(result.output().toArray())).isEqualTo(UInt256.of(0x1234));
  }
}
