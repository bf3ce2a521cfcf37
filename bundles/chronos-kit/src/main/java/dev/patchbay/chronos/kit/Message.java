// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;

/**
 * A message of the protocol.
 *
 * @param code its code
 * @param whole the object with all members
 * @param size bytes of its text
 */
record Message(String code, JsonNode whole, int size) {

  /** Returns the content; a missing node without one. */
  JsonNode data() {
    JsonNode data = whole.get("data");
    return data == null ? MissingNode.getInstance() : data;
  }

  /** Returns whether it has a code, and a string as its data in which case does not matter. */
  boolean is(String otherCode, String text) {
    return code.equals(otherCode) && data().isTextual() && data().asText().equalsIgnoreCase(text);
  }

  /** Returns whether it is an error with a code. */
  boolean isError(String error) {
    return code.equals("ERROR") && data().path("code").asText().equals(error);
  }

  /** Returns the text, cut when it is long. */
  String shown() {
    String text = whole.toString();
    return text.length() <= 200 ? text : text.substring(0, 200) + " … (" + size + " bytes)";
  }
}
