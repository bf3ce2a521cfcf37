// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

/** Text of other bundles, as a report shows it. */
final class Text {
  private static final String WRAPPER = "java.lang.reflect.InvocationTargetException";
  private static final String CAUSE = "Caused by: ";

  private Text() {}

  /**
   * Returns one line that a terminal can show: control characters are escaped, and what is beyond a
   * length is cut off.
   *
   * @param maxChars how many characters of the text are shown
   */
  static String shown(String text, int maxChars) {
    StringBuilder out = new StringBuilder();
    int end = Math.min(text.length(), maxChars);
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append(' ');
        default -> {
          int type = Character.getType(c);
          if (Character.isISOControl(c)
              || type == Character.FORMAT
              || type == Character.LINE_SEPARATOR
              || type == Character.PARAGRAPH_SEPARATOR) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    return end < text.length() ? out.append('…').toString() : out.toString();
  }

  /**
   * Returns the message of an exception from its printed stack trace. A reflective call wraps the
   * exception of a component in an {@link java.lang.reflect.InvocationTargetException}.
   */
  static String reason(String stackTrace) {
    String first = "";
    for (String line : (Iterable<String>) stackTrace.lines()::iterator) {
      if (line.startsWith("\tat ")) {
        continue;
      }
      if (first.isEmpty()) {
        first = line;
      }
      if (!first.startsWith(WRAPPER)) {
        break;
      }
      if (line.startsWith(CAUSE)) {
        first = line;
        break;
      }
    }
    return first.replaceFirst("^(" + CAUSE + ")?[\\w.$]+: ", "").replaceFirst("^" + CAUSE, "");
  }
}
