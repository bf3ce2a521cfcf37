// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.net;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.p2p.Peers;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.rpc.codec.Params;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The small namespaces: {@code net}, {@code web3} and {@code rpc}. */
@Component(
    property = {
      RpcNamespace.NAME + "=net",
      RpcNamespace.NAME + "=web3",
      RpcNamespace.NAME + "=rpc"
    })
public final class NetNamespace implements RpcNamespace {
  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final BundleContext context;

  /** Makes the methods. */
  @Activate
  public NetNamespace(BundleContext context, @Reference ChainReader chain, @Reference Peers peers) {
    this.context = context;
    String version =
        "Patchbay/v"
            + context.getBundle().getVersion().toString().replace(".SNAPSHOT", "-SNAPSHOT")
            + "/"
            + System.getProperty("os.name", "").toLowerCase(java.util.Locale.ROOT)
            + "-"
            + System.getProperty("os.arch")
            + "/java"
            + Runtime.version().feature();
    methods.put("web3_clientVersion", (p, s) -> version);
    methods.put("web3_sha3", (p, s) -> Hash.keccak(new Params(p).bytes(0).toArray()).toString());
    methods.put("net_version", (p, s) -> chain.networkId().toString());
    methods.put("net_listening", (p, s) -> peers.isListening());
    methods.put("net_peerCount", (p, s) -> Hex.quantity(peers.count()));
    methods.put("rpc_modules", (p, s) -> modules());
  }

  private Map<String, String> modules() {
    Map<String, String> out = new TreeMap<>();
    try {
      for (ServiceReference<RpcNamespace> reference :
          context.getServiceReferences(RpcNamespace.class, null)) {
        Object names = reference.getProperty(RpcNamespace.NAME);
        for (String name :
            names instanceof String[] several ? several : new String[] {String.valueOf(names)}) {
          out.put(name, "1.0");
        }
      }
    } catch (InvalidSyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
    return out;
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }
}
