// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.rpc.codec.Params;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Bodies of a chain of blocks 0 to 5, of which 1 and 2 have been pruned. */
class BodiesTest {
  private final List<Block> blocks = new ArrayList<>();

  private Bodies bodies() {
    for (int number = 0; number < 6; number++) {
      BlockHeader header = BlockHeader.builder().number(number).build();
      blocks.add(new Block(header, List.of(), List.of(), List.of()));
    }
    ChainReader chain =
        (ChainReader)
            Proxy.newProxyInstance(
                ChainReader.class.getClassLoader(),
                new Class<?>[] {ChainReader.class},
                (proxy, method, args) -> {
                  if (method.getName().equals("head")) {
                    return blocks.get(5);
                  }
                  Block found =
                      args[0] instanceof Hash hash
                          ? blocks.stream()
                              .filter(block -> block.hash().equals(hash))
                              .findFirst()
                              .orElse(null)
                          : blocks.get((int) (long) args[0]);
                  if (found != null && (found.number() == 1 || found.number() == 2)) {
                    throw new PrunedException(found.number(), 3);
                  }
                  return found;
                });
    BlockExecutor executor =
        (BlockExecutor)
            Proxy.newProxyInstance(
                BlockExecutor.class.getClassLoader(),
                new Class<?>[] {BlockExecutor.class},
                (proxy, method, args) -> null);
    return new Bodies(chain, executor);
  }

  @Test
  void aPrunedBodyIsNull() throws Exception {
    Bodies bodies = bodies();
    Map<String, Object> body = Map.of("transactions", List.of(), "withdrawals", List.of());
    List<Object> expected = new ArrayList<>();
    expected.add(null);
    expected.add(null);
    expected.add(body);
    expected.add(body);
    assertThat(bodies.byRange(new Params(List.of("0x1", "0x4")), false)).isEqualTo(expected);
    expected.remove(3);
    assertThat(
            bodies.byHash(
                new Params(
                    List.of(
                        List.of(
                            blocks.get(1).hash().toString(),
                            Hash.keccak(new byte[1]).toString(),
                            blocks.get(4).hash().toString()))),
                false))
        .isEqualTo(expected);
  }
}
