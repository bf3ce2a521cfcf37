// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TextTest {
  @Test
  void theReasonIsTheMessageOfTheComponentsException() {
    String trace =
        """
        java.lang.reflect.InvocationTargetException
        \tat java.base/jdk.internal.reflect.Constructor.newInstance(Constructor.java:500)
        Caused by: java.io.IOException: cannot listen on 127.0.0.1:1 (Address already in use)
        \tat dev.patchbay.rpc.server.Listener.<init>(Listener.java:250)
        \t... 42 more
        Caused by: java.net.BindException: Address already in use
        """;
    assertThat(Text.reason(trace))
        .isEqualTo("cannot listen on 127.0.0.1:1 (Address already in use)");
    assertThat(Text.reason("java.lang.IllegalArgumentException: key genesis is missing\n\tat x"))
        .isEqualTo("key genesis is missing");
    assertThat(Text.reason("java.lang.NullPointerException\n\tat x"))
        .isEqualTo("java.lang.NullPointerException");
    assertThat(Text.reason("")).isEmpty();
  }

  @Test
  void controlCharactersAreEscapedAndLongTextIsCut() {
    assertThat(Text.shown("a\tb\r\nc\u202e\u0007", 80)).isEqualTo("a b\\r\\nc\\u202e\\u0007");
    assertThat(Text.shown("xxxx", 3)).isEqualTo("xxx…");
    assertThat(Text.shown("größer", 6)).isEqualTo("größer");
  }
}
