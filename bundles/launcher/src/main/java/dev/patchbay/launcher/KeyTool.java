// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.launcher;

import dev.patchbay.crypto.KeyFile;
import dev.patchbay.crypto.Secp256k1;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;

/** Prints what is public of a key file, and creates the file when it is not there. */
public final class KeyTool {
  private KeyTool() {}

  /**
   * Runs the tool.
   *
   * @param args path of the key file
   */
  public static void main(String[] args) {
    if (args.length != 1) {
      System.err.println("usage: KeyTool FILE");
      System.exit(2);
    }
    System.exit(run(Path.of(args[0]), System.out, System.err));
  }

  /** Returns the exit status. The key itself is never printed. */
  static int run(Path file, PrintStream out, PrintStream err) {
    try {
      if (!Files.exists(file)) {
        KeyFile.write(file, KeyFile.generate(new SecureRandom()));
        out.println("created    " + file);
      }
      byte[] publicKey = Secp256k1.publicKey(KeyFile.read(file));
      out.println("address    0x" + HexFormat.of().formatHex(Secp256k1.address(publicKey)));
      out.println("node id    " + HexFormat.of().formatHex(publicKey));
      return 0;
    } catch (IOException refused) {
      err.println("patchbay: " + refused.getMessage());
      return 1;
    }
  }
}
