// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.execution.ExecutionResult;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a block does besides its transactions: EIP-4788, EIP-2935 before them, EIP-6110, 7002 and
 * 7251 after.
 */
final class SystemCalls {
  private static final Address BEACON_ROOTS =
      Address.fromHex("0x000f3df6d732807ef1319fb7b8bb8522d0beac02");
  private static final Address HISTORY =
      Address.fromHex("0x0000f90827f1c53a10cb7a02335b175320002935");
  private static final Address WITHDRAWAL_REQUESTS =
      Address.fromHex("0x00000961ef480eb55e80d19ad83579a64c007002");
  private static final Address CONSOLIDATION_REQUESTS =
      Address.fromHex("0x0000bbddc7ce488642fb579f8b00f3a590007251");
  private static final Hash DEPOSIT_EVENT =
      Hash.fromHex("0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");
  private static final int DEPOSIT_DATA = 576;
  private static final int[] FIELD_OFFSETS = {160, 256, 320, 384, 512};
  private static final int[] FIELD_SIZES = {48, 32, 8, 96, 8};

  private SystemCalls() {}

  static void before(EvmExecution execution, BlockHeader header, Fork fork) {
    Hash beaconRoot = header.parentBeaconBlockRoot();
    if (fork.includes(Fork.CANCUN) && beaconRoot != null) {
      execution.systemCall(BEACON_ROOTS, Bytes.wrap(beaconRoot.toArray()));
    }
    if (fork.includes(Fork.PRAGUE)) {
      execution.systemCall(HISTORY, Bytes.wrap(header.parentHash().toArray()));
    }
  }

  /**
   * Returns the requests of a block, each with its type byte; empty ones are left out (EIP-7685).
   *
   * @throws InvalidBlockException when a deposit is malformed or a contract fails: the block is not
   *     valid
   */
  static List<byte[]> requests(
      EvmExecution execution, List<Receipt> receipts, @Nullable Address depositContract)
      throws InvalidBlockException {
    List<byte[]> out = new ArrayList<>();
    add(out, 0, deposits(receipts, depositContract));
    add(out, 1, output(execution, WITHDRAWAL_REQUESTS));
    add(out, 2, output(execution, CONSOLIDATION_REQUESTS));
    return out;
  }

  private static byte[] output(EvmExecution execution, Address contract)
      throws InvalidBlockException {
    ExecutionResult result = execution.systemCall(contract, Bytes.EMPTY);
    if (result == null) {
      throw new InvalidBlockException("the system contract " + contract + " has no code");
    }
    if (!result.success()) {
      throw new InvalidBlockException("the system contract " + contract + " has failed");
    }
    return result.output().toArray();
  }

  private static void add(List<byte[]> out, int type, byte[] data) {
    if (data.length > 0) {
      out.add(ByteBuffer.allocate(data.length + 1).put((byte) type).put(data).array());
    }
  }

  /** Checks the heads and lengths of the five fields (EIP-6110). */
  private static void checkLayout(byte[] data) throws InvalidBlockException {
    if (data.length != DEPOSIT_DATA) {
      throw new InvalidBlockException("a deposit event has " + data.length + " bytes");
    }
    for (int field = 0; field < FIELD_OFFSETS.length; field++) {
      int offset = FIELD_OFFSETS[field];
      if (!isNumber(data, 32 * field, offset) || !isNumber(data, offset, FIELD_SIZES[field])) {
        throw new InvalidBlockException("field " + field + " of a deposit event is not in place");
      }
    }
  }

  private static boolean isNumber(byte[] data, int at, int value) {
    for (int i = at; i < at + 28; i++) {
      if (data[i] != 0) {
        return false;
      }
    }
    return ByteBuffer.wrap(data).getInt(at + 28) == value;
  }

  /** Packs the fields of the deposit events: ABI heads and lengths are left out (EIP-6110). */
  private static byte[] deposits(List<Receipt> receipts, @Nullable Address contract)
      throws InvalidBlockException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Receipt receipt : receipts) {
      for (Log log : receipt.logs()) {
        boolean deposit =
            log.address().equals(contract)
                && !log.topics().isEmpty()
                && log.topics().get(0).equals(DEPOSIT_EVENT);
        if (deposit) {
          byte[] data = log.data().unsafeArray();
          checkLayout(data);
          out.write(data, 192, 48);
          out.write(data, 288, 32);
          out.write(data, 352, 8);
          out.write(data, 416, 96);
          out.write(data, 544, 8);
        }
      }
    }
    return out.toByteArray();
  }
}
