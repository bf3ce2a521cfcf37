// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.miner;

import dev.patchbay.api.payload.MinerControl;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.rpc.codec.Params;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The {@code miner} namespace: what an operator sets about the blocks this node builds. */
@Component(property = RpcNamespace.NAME + "=miner")
public final class MinerNamespace implements RpcNamespace {
  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();

  /** Makes the methods. */
  @Activate
  public MinerNamespace(@Reference MinerControl control) {
    methods.put(
        "miner_setExtra", (p, s) -> set(() -> control.setExtra(text(new Params(p).optional(0)))));
    methods.put(
        "miner_setGasLimit",
        (p, s) -> {
          long gas = Params.quantity64("gas limit", new Params(p).optional(0));
          return set(() -> control.setGasLimit(gas));
        });
    methods.put(
        "miner_setGasPrice",
        (p, s) -> {
          control.setGasPrice(new Params(p).quantity(0));
          return true;
        });
  }

  private interface Setting {
    void set() throws RpcError;
  }

  private static boolean set(Setting setting) throws RpcError {
    try {
      setting.set();
      return true;
    } catch (IllegalArgumentException refused) {
      throw RpcError.invalidParams(String.valueOf(refused.getMessage()));
    }
  }

  /** Extra data are text, or bytes in hexadecimal. */
  private static Bytes text(@Nullable Object value) throws RpcError {
    if (!(value instanceof String text)) {
      throw RpcError.invalidParams("missing value for required argument 0");
    }
    return text.startsWith("0x")
        ? Params.bytes("extra data", text)
        : Bytes.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }
}
