// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.chain.ExecutedBlocks.ExecutedBlock;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExecutedBlocksTest {
  private final ExecutedBlocks blocks = new ExecutedBlocks();

  private static ExecutedBlock executed(int number, int bytes) {
    BlockHeader header = BlockHeader.builder().number(number).gasLimit(1).timestamp(number).build();
    WriteSet writes = new WriteSet();
    writes.put(Columns.CODE, new byte[32], new byte[bytes]);
    return new ExecutedBlock(new Block(header, List.of(), List.of(), null), List.of(), writes);
  }

  private List<Integer> kept(List<ExecutedBlock> given) {
    List<Integer> out = new ArrayList<>();
    for (ExecutedBlock one : given) {
      if (blocks.get(one.block().hash()) != null) {
        out.add((int) one.block().number());
      }
    }
    return out;
  }

  @Test
  void theOldestGoWhenTheyAreTooMany() {
    List<ExecutedBlock> given = new ArrayList<>();
    for (int i = 0; i < 600; i++) {
      given.add(executed(i, 1));
      blocks.add(given.get(i));
    }
    assertThat(kept(given)).hasSize(512).startsWith(88);
  }

  @Test
  void theOldestGoWhenTheyAreTooLargeAndTheLatestStays() {
    List<ExecutedBlock> given = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      given.add(executed(i, 32 << 20));
      blocks.add(given.get(i));
    }
    assertThat(kept(given)).contains(19).hasSizeLessThan(9);
    blocks.remove(given.get(19).block().hash());
    blocks.clear();
    assertThat(kept(given)).isEmpty();
    blocks.add(given.get(0));
    blocks.add(given.get(0));
    assertThat(kept(given)).containsExactly(0);
  }
}
