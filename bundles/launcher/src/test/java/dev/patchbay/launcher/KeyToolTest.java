// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyToolTest {
  @TempDir Path folder;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(Path file) {
    out.reset();
    return KeyTool.run(file, new PrintStream(out, true), new PrintStream(err, true));
  }

  private static String text(ByteArrayOutputStream stream) {
    return stream.toString(StandardCharsets.UTF_8);
  }

  /** The key 1 has the generator of the group as its public key. */
  @Test
  void theAddressAndTheNodeIdOfAKeyAreShown() throws Exception {
    Path file = folder.resolve("one.key");
    Files.writeString(file, "0".repeat(63) + "1\n");
    assertThat(run(file)).isZero();
    assertThat(text(out))
        .isEqualTo(
            "address    0x7e5f4552091a69125d5dfcb7b8c2659029395bdf\n"
                + "node id    79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                + "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8\n");
  }

  @Test
  void aKeyIsCreatedOnceForItsOwnerAlone() throws Exception {
    Path file = folder.resolve("new/validator.key");
    assertThat(run(file)).isZero();
    String key = Files.readString(file);
    String created = text(out);
    assertThat(created).contains("created    " + file).doesNotContain(key.strip());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(run(file)).isZero();
    assertThat(created).endsWith(text(out));
    assertThat(Files.readString(file)).isEqualTo(key);
  }

  @Test
  void aFileWithoutAKeyIsRefusedAndKept() throws Exception {
    Path file = Files.writeString(folder.resolve("bad.key"), "no key\n");
    assertThat(run(file)).isEqualTo(1);
    assertThat(text(err)).contains("patchbay: key file " + file).contains("64 hexadecimal digits");
    assertThat(Files.readString(file)).isEqualTo("no key\n");
    assertThat(run(folder)).isEqualTo(1);
  }
}
