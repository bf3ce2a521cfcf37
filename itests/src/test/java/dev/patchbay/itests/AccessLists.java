// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Block access lists (EIP-7928) as text. */
final class AccessLists {
  private AccessLists() {}

  /**
   * Returns the list of a payload: for each account the changes of storage, reads, changes of
   * balance, nonce and code, separated by spaces, with numbers in hexadecimal.
   */
  static Map<String, String> of(JsonNode envelope) {
    Bytes encoded = Bytes.fromHex(envelope.at("/executionPayload/blockAccessList").asText());
    Map<String, String> out = new LinkedHashMap<>();
    RlpReader all = RlpReader.of(encoded.toArray()).list();
    while (all.hasNext()) {
      RlpReader account = all.list();
      String address = account.address().toString();
      List<String> parts = new ArrayList<>();
      while (account.hasNext()) {
        parts.add(text(account));
      }
      out.put(address, String.join(" ", parts));
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
}
