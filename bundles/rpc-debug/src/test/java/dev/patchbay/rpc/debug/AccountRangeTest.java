// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.rpc.codec.Replay;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import org.junit.jupiter.api.Test;

/** A state of a small account, one with ten million slots, and another small one. */
class AccountRangeTest {
  private static final int SLOTS = 10_000_000;
  private static final Hash FIRST = hash(1);
  private static final Hash LARGE = hash(2);
  private static final Hash LAST = hash(3);
  private static final Block BLOCK =
      new Block(BlockHeader.builder().build(), List.of(), List.of(), null);

  private int slotsRead;

  private static Hash hash(long number) {
    return UInt256.of(number).toHash();
  }

  private static <T> T stub(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private final class State implements IterableStateReader {
    @Override
    public void accounts(Hash from, BiPredicate<Hash, Account> visitor) {
      for (Hash hash : List.of(FIRST, LARGE, LAST)) {
        Account account = new Account(1, UInt256.ONE, hash, Account.EMPTY_CODE);
        if (hash.compareTo(from) >= 0 && !visitor.test(hash, account)) {
          return;
        }
      }
    }

    @Override
    public void slots(Hash account, Hash from, BiPredicate<Hash, UInt256> visitor) {
      int count = account.equals(LARGE) ? SLOTS : 1;
      for (int i = 0; i < count; i++) {
        slotsRead++;
        if (!visitor.test(hash(i), UInt256.ONE)) {
          return;
        }
      }
    }

    @Override
    public Account account(Address address) {
      throw new UnsupportedOperationException();
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Bytes code(Hash codeHash) {
      return Bytes.EMPTY;
    }

    @Override
    public void close() {}
  }

  private Map<?, ?> range(String start, boolean withoutStorage) throws Exception {
    ChainReader chain = stub(ChainReader.class, (self, method, args) -> BLOCK);
    StateProvider states = stub(StateProvider.class, (self, method, args) -> new State());
    Replay replay =
        new Replay(
            states,
            stub(BlockExecutor.class, (self, method, args) -> null),
            stub(TracerRegistry.class, (self, method, args) -> null));
    Object call =
        new StateMethods(
                chain, states, replay, stub(BlockImporter.class, (self, method, args) -> null))
            .methods()
            .get("debug_accountRange")
            .call(
                List.of("latest", start, 256, false, withoutStorage),
                stub(RpcSession.class, (self, method, args) -> null));
    return (Map<?, ?>) ((RpcExpensive) call).call();
  }

  private static String base64(Hash hash) {
    return Base64.getEncoder().encodeToString(hash.toArray());
  }

  @Test
  void aRangeEndsBeforeAnAccountThatDoesNotFit() throws Exception {
    Map<?, ?> range = range("", false);
    assertThat(((Map<?, ?>) range.get("accounts")).keySet())
        .map(String::valueOf)
        .containsExactly("pre(" + FIRST + ")");
    assertThat(range.get("next")).isEqualTo(base64(LARGE));
    assertThat(slotsRead).isLessThan(SLOTS / 100);
  }

  @Test
  void anAccountThatIsTooLargeAloneIsAnError() throws Exception {
    assertThatThrownBy(() -> range(base64(LARGE), false))
        .isInstanceOfSatisfying(RpcError.class, error -> assertThat(error.code()).isEqualTo(-32005))
        .hasMessageContaining("storage of account " + LARGE + " is too large");
    assertThat(slotsRead).isLessThan(SLOTS / 100);
    assertThat((Map<?, ?>) range(base64(LARGE), true).get("accounts")).hasSize(2);
    assertThat((Map<?, ?>) range(base64(LAST), false).get("accounts")).hasSize(1);
  }
}
