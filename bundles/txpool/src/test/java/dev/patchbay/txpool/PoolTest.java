// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;

class PoolTest {
  private static final byte[] KEY = filled((byte) 1);
  private static final byte[] OTHER = filled((byte) 2);
  private static final long GWEI = 1_000_000_000L;

  private final Map<Address, Account> accounts = new HashMap<>();
  private Block head = block(1, List.of());
  private final Pool pool =
      new Pool(
          stub(BundleContext.class, Map.of("registerService", args -> null)),
          stub(
              ChainReader.class,
              Map.of(
                  "head",
                  args -> head,
                  "config",
                  args -> ChainConfig.of(UInt256.ONE, Fork.LONDON))),
          stub(
              StateProvider.class,
              Map.of(
                  "stateAfter",
                  args ->
                      stub(
                          StateReader.class,
                          Map.of("account", address -> accounts.get(address[0]))))));

  {
    accounts.put(sender(KEY), account(0));
    accounts.put(sender(OTHER), account(0));
  }

  @Test
  void nonceOrderDecidesWhatCanBeExecuted() {
    List<Transaction> announced = new ArrayList<>();
    pool.addListener(announced::add);
    Transaction second = tx(KEY, 1, 2 * GWEI);
    assertThat(pool.add(second)).isInstanceOf(AddResult.Accepted.class);
    assertThat(announced).as("a gap").isEmpty();
    assertThat(pool.pending()).isEmpty();
    assertThat(pool.queued().get(sender(KEY))).containsExactly(second);
    assertThat(pool.nextNonce(sender(KEY))).isZero();
    Transaction first = tx(KEY, 0, 2 * GWEI);
    pool.add(first);
    assertThat(announced).containsExactly(first, second);
    assertThat(pool.pending().get(sender(KEY))).containsExactly(first, second);
    assertThat(pool.nextNonce(sender(KEY))).isEqualTo(2);
    assertThat(pool.nextNonce(sender(OTHER))).isNull();
  }

  @Test
  void aReplacementPaysATenthMoreOfBothFees() {
    Transaction old = tx(KEY, 0, 10 * GWEI);
    pool.add(old);
    assertThat(reason(tx(KEY, 0, 11 * GWEI - 1))).isEqualTo(Reason.UNDERPRICED);
    Transaction dearer = tx(KEY, 0, 11 * GWEI);
    assertThat(pool.add(dearer)).isInstanceOf(AddResult.Accepted.class);
    assertThat(pool.get(old.hash())).isNull();
    assertThat(pool.get(dearer.hash())).isEqualTo(dearer);
    assertThat(pool.pending().get(sender(KEY))).containsExactly(dearer);
  }

  @Test
  void whatIsMinedLeavesAndWhatIsUnminedComesBack() {
    Transaction first = tx(KEY, 0, GWEI);
    Transaction second = tx(KEY, 1, GWEI);
    pool.add(first);
    pool.add(second);
    Block mined = block(2, List.of(first));
    accounts.put(sender(KEY), account(1));
    head = mined;
    pool.headChanged(List.of(), List.of(mined));
    assertThat(pool.get(first.hash())).isNull();
    assertThat(pool.pending().get(sender(KEY))).containsExactly(second);
    Block other = block(2, List.of(tx(OTHER, 0, GWEI)));
    accounts.put(sender(KEY), account(0));
    head = other;
    pool.headChanged(List.of(mined), List.of(other));
    assertThat(pool.pending().get(sender(KEY))).containsExactly(first, second);
  }

  @Test
  void whatCannotBeMinedIsRefusedWithAReason() {
    accounts.put(sender(KEY), account(3));
    assertThat(reason(tx(KEY, 2, GWEI))).isEqualTo(Reason.NONCE_TOO_LOW);
    Transaction known = tx(KEY, 3, GWEI);
    pool.add(known);
    assertThat(reason(known)).isEqualTo(Reason.ALREADY_KNOWN);
    assertThat(reason(builder(4, GWEI).gasLimit(30_000_001).sign(KEY))).isEqualTo(Reason.GAS_LIMIT);
    assertThat(reason(builder(4, GWEI).gasLimit(20_999).sign(KEY))).isEqualTo(Reason.INVALID);
    assertThat(reason(builder(4, GWEI).chainId(UInt256.of(2)).sign(KEY))).isEqualTo(Reason.INVALID);
    assertThat(reason(builder(4, GWEI).data(Bytes.wrap(new byte[200_000])).sign(KEY)))
        .isEqualTo(Reason.INVALID);
    assertThat(reason(tx(filled((byte) 9), 0, GWEI))).isEqualTo(Reason.INSUFFICIENT_FUNDS);
  }

  @Test
  void whatASenderHasInThePoolCountsAgainstTheBalance() {
    UInt256 most = UInt256.of(21_000 * 3 * GWEI + 2);
    accounts.put(sender(KEY), new Account(0, most, Account.EMPTY_ROOT, Account.EMPTY_CODE));
    assertThat(pool.add(tx(KEY, 0, GWEI))).isInstanceOf(AddResult.Accepted.class);
    assertThat(pool.add(tx(KEY, 1, GWEI))).isInstanceOf(AddResult.Accepted.class);
    assertThat(reason(tx(KEY, 2, GWEI))).isEqualTo(Reason.INSUFFICIENT_FUNDS);
  }

  @Test
  void oneSenderCannotFillThePool() {
    for (int i = 0; i < 1_024; i++) {
      assertThat(pool.add(tx(KEY, i, GWEI))).isInstanceOf(AddResult.Accepted.class);
    }
    assertThat(reason(tx(KEY, 1_024, GWEI))).isEqualTo(Reason.POOL_FULL);
    assertThat(pool.add(tx(OTHER, 0, GWEI))).isInstanceOf(AddResult.Accepted.class);
  }

  private Reason reason(Transaction transaction) {
    return ((AddResult.Rejected) pool.add(transaction)).reason();
  }

  private static byte[] filled(byte value) {
    byte[] out = new byte[32];
    java.util.Arrays.fill(out, value);
    return out;
  }

  private static Address sender(byte[] key) {
    return tx(key, 0, GWEI).sender();
  }

  private static Account account(long nonce) {
    return new Account(nonce, UInt256.of(Long.MAX_VALUE), Account.EMPTY_ROOT, Account.EMPTY_CODE);
  }

  private static Transaction.Builder builder(long nonce, long fee) {
    return Transaction.builder(TransactionType.FEE_MARKET)
        .chainId(UInt256.ONE)
        .nonce(nonce)
        .maxFeePerGas(UInt256.of(fee))
        .maxPriorityFeePerGas(UInt256.of(fee))
        .gasLimit(21_000)
        .to(Address.fromHex("0x00000000000000000000000000000000000000aa"))
        .value(UInt256.ONE);
  }

  private static Transaction tx(byte[] key, long nonce, long fee) {
    return builder(nonce, fee).sign(key);
  }

  private static Block block(long number, List<Transaction> transactions) {
    BlockHeader header =
        new BlockHeader(
            Hash.ZERO,
            BlockHeader.EMPTY_OMMERS,
            Address.ZERO,
            Hash.ZERO,
            transactions.isEmpty() ? Hash.ZERO : transactions.get(0).hash(),
            Hash.ZERO,
            Bloom.EMPTY,
            UInt256.ZERO,
            number,
            30_000_000,
            0,
            number,
            Bytes.EMPTY,
            Hash.ZERO,
            0,
            UInt256.ONE,
            null,
            null,
            null,
            null,
            null);
    return new Block(header, transactions, List.of(), null);
  }

  @SuppressWarnings("unchecked") // a proxy of an interface is of that interface
  private static <T> T stub(Class<T> type, Map<String, Function<Object[], Object>> methods) {
    return (T)
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, args) -> {
              Function<Object[], Object> body = methods.get(method.getName());
              return body == null ? null : body.apply(args);
            });
  }
}
