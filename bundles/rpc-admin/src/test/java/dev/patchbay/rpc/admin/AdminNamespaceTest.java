// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.Peers;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcSession;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Version;

/** Which nodes the methods of peers accept; geth reads them with enode.Parse. */
class AdminNamespaceTest {
  private static final String ID = "ab".repeat(64);
  private static final List<String> METHODS =
      List.of("addPeer", "removePeer", "addTrustedPeer", "removeTrustedPeer");

  private static final RpcSession SESSION = fake(RpcSession.class);

  private final List<String> calls = new ArrayList<>();
  private @Nullable String refusal;
  private boolean speaksDevp2p = true;
  private final AdminNamespace admin =
      new AdminNamespace(context(), fake(ChainReader.class), peers());

  private static <T> T fake(Class<T> type) {
    return fake(type, (name, arguments) -> null);
  }

  private interface Answer {
    @Nullable Object to(String name, Object @Nullable [] arguments);
  }

  private static <T> T fake(Class<T> type, Answer answer) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> answer.to(method.getName(), arguments)));
  }

  private static BundleContext context() {
    Bundle bundle = fake(Bundle.class, (name, arguments) -> new Version(1, 0, 0));
    return fake(
        BundleContext.class, (name, arguments) -> name.equals("getBundle") ? bundle : "/data");
  }

  private Peers peers() {
    Network network =
        fake(
            Network.class,
            (name, arguments) -> {
              if (refusal != null) {
                throw new IllegalArgumentException(refusal);
              }
              calls.add(name + " " + (arguments == null ? "" : arguments[0]));
              return false;
            });
    return fake(Peers.class, (name, arguments) -> speaksDevp2p ? network : null);
  }

  private @Nullable Object call(String method, @Nullable Object... params) throws Exception {
    return admin.methods().get("admin_" + method).call(Arrays.asList(params), SESSION);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "enode://ID@127.0.0.1:30303",
        "enode://ID@[::1]:30303?discport=0",
        "enode://ID@node.example.org:30303",
        "enode://ID",
        "enr:-IS4QHCYrYZbAKWCBRlAy5zzaDZXJBGkcnh4MHcBFZntXNFrdvJjX04jRzjz"
      })
  void urlsAndRecordsReachTheNetworkAsTheyAre(String form) throws Exception {
    String node = form.replace("ID", ID);
    for (String method : METHODS) {
      assertThat(call(method, node)).isEqualTo(true);
    }
    assertThat(calls).containsExactlyElementsOf(METHODS.stream().map(m -> m + " " + node).toList());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nonsense",
        "ID",
        "enode:ID",
        "enode://IDff@127.0.0.1:30303",
        "enode://ID@127.0.0.1",
        "enode://ID@127.0.0.1:303033",
        "enr:",
        "enr:a b",
        "ENR:abc"
      })
  void whatIsNoNodeIsRefusedWithTheForms(String form) {
    String node = form.replace("ID", ID);
    for (String method : METHODS) {
      assertThatThrownBy(() -> call(method, node))
          .isInstanceOf(RpcError.class)
          .hasMessageStartingWith("invalid enode: ")
          .hasMessageContaining("enode://<128 hexadecimal digits>@<host>:<port>")
          .hasMessageContaining("a node record enr:…");
    }
    assertThat(calls).isEmpty();
  }

  @Test
  void aMissingNodeIsNoTextNull() {
    assertThatThrownBy(() -> call("addPeer"))
        .hasMessageStartingWith("invalid enode: no node is named; ");
  }

  @Test
  void whatTheNetworkRefusesIsSaidOnce() {
    refusal = "invalid enode URL enode://abab: it is not a point of the curve";
    assertThatThrownBy(() -> call("addPeer", "enode://" + ID + "@127.0.0.1:1")).hasMessage(refusal);
    refusal = "enode://abab has no address to dial";
    assertThatThrownBy(() -> call("addPeer", "enode://" + ID))
        .hasMessage("invalid enode: enode://abab has no address to dial");
  }

  /** While the bundle of the network is replaced the server makes the request again. */
  @Test
  void withoutANetworkTheChangeIsRefusedAsLackingAPart() {
    speaksDevp2p = false;
    for (String method : METHODS) {
      assertThatThrownBy(() -> call(method, "enode://" + ID + "@127.0.0.1:1"))
          .isInstanceOfSatisfying(RpcError.class, error -> assertThat(error.isAbsence()).isTrue())
          .hasMessageContaining("does not speak devp2p");
    }
  }
}
