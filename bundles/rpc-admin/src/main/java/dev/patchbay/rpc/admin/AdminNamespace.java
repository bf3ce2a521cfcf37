// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.admin;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.rpc.codec.Params;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * The {@code admin} namespace. The node has no peer-to-peer network, and says so: there are no
 * peers, and none can be added.
 */
@Component(property = RpcNamespace.NAME + "=admin")
public final class AdminNamespace implements RpcNamespace {
  private static final Pattern NODE_URL =
      Pattern.compile("enode://[0-9a-fA-F]{128}@[^@]+:[0-9]{1,5}(\\?discport=[0-9]{1,5})?|enr:.+");

  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final ChainReader chain;
  private final String version;

  /** Makes the methods. */
  @Activate
  public AdminNamespace(BundleContext context, @Reference ChainReader chain) {
    this.chain = chain;
    version = "Patchbay/v" + context.getBundle().getVersion();
    String data = context.getProperty("patchbay.data");
    methods.put("admin_nodeInfo", (p, s) -> nodeInfo());
    methods.put("admin_peers", (p, s) -> List.of());
    methods.put("admin_datadir", (p, s) -> data);
    for (String name :
        new String[] {"addPeer", "removePeer", "addTrustedPeer", "removeTrustedPeer"}) {
      methods.put("admin_" + name, (p, s) -> peer(new Params(p)));
    }
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  /** Nothing changes without a network: false, for a node that can be read. */
  private static boolean peer(Params params) throws RpcError {
    Object url = params.optional(0);
    if (!(url instanceof String text) || !NODE_URL.matcher(text).matches()) {
      throw RpcError.invalidParams("invalid enode: " + Hex.shown(String.valueOf(url)));
    }
    return false;
  }

  private Object nodeInfo() {
    Block head = chain.head();
    Map<String, Object> eth = new LinkedHashMap<>();
    eth.put("network", number(chain.config().chainId()));
    UInt256 difficulty = chain.totalDifficulty(head.hash());
    eth.put("difficulty", difficulty == null ? 0 : number(difficulty));
    eth.put("genesis", chain.genesis().hash().toString());
    eth.put("head", head.hash().toString());
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("id", "");
    out.put("name", version);
    out.put("enode", "");
    out.put("enr", "");
    out.put("ip", "");
    out.put("ports", Map.of("discovery", 0, "listener", 0));
    out.put("listenAddr", "");
    out.put("protocols", Map.of("eth", eth));
    return out;
  }

  private static Object number(UInt256 value) {
    return value.fitsLong() && value.longValue() >= 0
        ? (Object) value.longValue()
        : value.toBigInteger();
  }
}
