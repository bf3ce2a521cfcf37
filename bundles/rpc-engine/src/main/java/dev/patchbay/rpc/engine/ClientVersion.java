// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import java.util.LinkedHashMap;
import java.util.Map;
import org.osgi.framework.Bundle;

/**
 * What this client is called (execution-apis, {@code identification.md}).
 *
 * @param version version of the build
 * @param commit four bytes of the commit of the build, zero when it was not built from one
 */
record ClientVersion(String version, String commit) {
  /** The header of the bundle that names the commit. */
  private static final String COMMIT = "Patchbay-Commit";

  static ClientVersion of(Bundle bundle) {
    String commit = bundle.getHeaders().get(COMMIT);
    boolean known = commit != null && commit.strip().matches("[0-9a-f]{8}");
    return new ClientVersion(
        bundle.getVersion().toString().replace(".SNAPSHOT", "-SNAPSHOT"),
        known ? commit.strip() : "00000000");
  }

  Map<String, Object> toJson() {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("code", "PB");
    out.put("name", "Patchbay");
    out.put("version", version);
    out.put("commit", "0x" + commit);
    return out;
  }
}
