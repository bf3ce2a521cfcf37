// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.regex.Pattern;

/**
 * A message of the protocol.
 *
 * @param code its code
 * @param whole the object with all members
 * @param size bytes of its text
 */
record Message(String code, JsonNode whole, int size) {
  private static final Pattern UNPRINTABLE = Pattern.compile("[^\\x20-\\x7e]");

  /**
   * Returns a text in printable ASCII. The escapes of JSON replace all other characters: control
   * characters and changes of direction could forge the output of a terminal.
   */
  static String printable(String text) {
    return UNPRINTABLE.matcher(text).replaceAll(found -> escaped(found.group()));
  }

  private static String escaped(String character) {
    StringBuilder out = new StringBuilder();
    character.chars().forEach(unit -> out.append(String.format("\\\\u%04x", unit)));
    return out.toString();
  }

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
    return text.length() <= 200 ? text : text.substring(0, 200) + "... (" + size + " bytes)";
  }
}
