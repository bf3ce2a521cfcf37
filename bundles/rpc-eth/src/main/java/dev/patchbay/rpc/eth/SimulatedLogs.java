// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.UInt256;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Collects the logs of a call and, when asked to, a log for each transfer of ether as if it were an
 * ERC-20 token (execution-apis, {@code traceTransfers}). What a revert undoes goes, but its logs
 * were counted, as geth does.
 */
final class SimulatedLogs implements Tracer {
  private static final Address ETHER =
      Address.fromHex("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
  private static final Hash TRANSFER =
      Hash.keccak("Transfer(address,address,uint256)".getBytes(StandardCharsets.US_ASCII));

  /**
   * A log.
   *
   * @param index how many there were in the block before, those that were undone included
   */
  record Indexed(Log log, int index) {}

  private final boolean transfers;
  private final List<Indexed> logs = new ArrayList<>();
  private final Deque<Integer> marks = new ArrayDeque<>();
  private int count;

  SimulatedLogs(boolean transfers, int count) {
    this.transfers = transfers;
    this.count = count;
  }

  @Override
  public void onEnter(
      int depth, CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    marks.push(logs.size());
    if (transfers && type != CallType.DELEGATECALL && !value.isZero()) {
      onLog(new Log(ETHER, List.of(TRANSFER, word(from), word(to)), Bytes.wrap(value.toArray())));
    }
  }

  private static Hash word(Address address) {
    return UInt256.ofBytes(address.toArray()).toHash();
  }

  @Override
  public void onExit(
      int depth, Bytes output, long gasUsed, @Nullable String error, boolean reverted) {
    int mark = marks.pop();
    if (error != null) {
      logs.subList(mark, logs.size()).clear();
    }
  }

  @Override
  public void onLog(Log log) {
    logs.add(new Indexed(log, count++));
  }

  List<Indexed> logs() {
    return logs;
  }

  /** Returns how many logs there were in the block, with those of this call. */
  int count() {
    return count;
  }

  @Override
  public @Nullable Object result() {
    return null;
  }
}
