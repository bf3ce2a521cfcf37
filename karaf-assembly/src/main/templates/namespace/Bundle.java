package com.example.@PACKAGE@;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import java.util.Map;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The namespace {@code @NAME@}: one method, which tells how many transactions the head holds. */
@Component(property = RpcNamespace.NAME + "=@NAME@")
public final class @CLASS@ implements RpcNamespace {
  private final Map<String, RpcMethod> methods;

  /** Makes the methods; the chain is one of many services that a namespace can ask for. */
  @Activate
  public @CLASS@(@Reference ChainReader chain) {
    methods = Map.of("@NAME@_transactions", (params, session) -> chain.head().transactions().size());
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }
}
