// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracer.erc7562;

import dev.patchbay.api.tracing.Tracer.CallType;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.tracing.CallFrame;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A call, and what it did that the rules of ERC-7562 are about. */
final class Erc7562Frame extends CallFrame {
  /** The code that a call looked at, and by which instruction first. */
  record ContractSize(int size, int opcode) {}

  final Map<String, List<String>> reads = new TreeMap<>();
  final Map<String, Integer> writes = new TreeMap<>();
  final Map<String, Integer> transientReads = new TreeMap<>();
  final Map<String, Integer> transientWrites = new TreeMap<>();
  final List<String> externalCode = new ArrayList<>();
  final Map<Integer, Integer> opcodes = new TreeMap<>();
  final Map<Address, ContractSize> contractSizes = new TreeMap<>();

  /** Preimages of hashes, of the outermost frame only. */
  final Set<Bytes> preimages = new LinkedHashSet<>();

  Erc7562Frame(CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {
    super(type, from, to, input, gas, value);
  }

  Map<String, @Nullable Object> tell(boolean withLogs) {
    Map<String, @Nullable Object> out = json(withLogs);
    Map<String, Object> slots = new LinkedHashMap<>();
    slots.put("reads", reads);
    slots.put("writes", writes);
    slots.put("transientReads", transientReads);
    slots.put("transientWrites", transientWrites);
    out.put("accessedSlots", slots);
    out.put("extCodeAccessInfo", externalCode);
    Map<String, Object> used = new LinkedHashMap<>();
    opcodes.forEach((opcode, count) -> used.put("0x" + Integer.toHexString(opcode), count));
    out.put("usedOpcodes", used);
    Map<String, Object> sizes = new LinkedHashMap<>();
    contractSizes.forEach(
        (address, size) ->
            sizes.put(
                address.toString(), Map.of("contractSize", size.size, "opcode", size.opcode)));
    out.put("contractSize", sizes);
    String error = error();
    out.put("outOfGas", error != null && error.contains("out of gas"));
    if (!preimages.isEmpty()) {
      out.put("keccak", preimages.stream().map(Bytes::toString).sorted().toList());
    }
    return out;
  }
}
