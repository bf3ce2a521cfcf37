// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;

/** The consensus rules choose between blocks of equal total difficulty, here always zero. */
class TieBreakTest extends ChainFixture {
  private boolean ownRule;

  /** Returns rules that prefer the shorter branch, and then the lower hash. */
  @Override
  Choices choices() {
    return BalanceBlocks.choices(
        (ConsensusRules)
            Proxy.newProxyInstance(
                ConsensusRules.class.getClassLoader(),
                new Class<?>[] {ConsensusRules.class},
                (proxy, method, args) -> {
                  if (ownRule && method.getName().equals("winsTie")) {
                    BlockHeader candidate = (BlockHeader) args[0];
                    BlockHeader head = (BlockHeader) args[1];
                    return candidate.number() != head.number()
                        ? candidate.number() < head.number()
                        : candidate.computeHash().compareTo(head.computeHash()) < 0;
                  }
                  return method.isDefault()
                      ? InvocationHandler.invokeDefault(proxy, method, args)
                      : null;
                }));
  }

  @Test
  void theHeadDoesNotDependOnTheOrder() {
    open(128);
    extend(2);
    Block parent = chain.head();
    Block one = child(parent, 1);
    Block other = child(parent, 2);
    Block lower = one.hash().compareTo(other.hash()) < 0 ? one : other;
    Block higher = lower == one ? other : one;
    assertThat(importer.importBlock(higher)).isEqualTo(new ImportResult.Imported(true));
    ownRule = true;
    assertThat(importer.importBlock(lower)).isEqualTo(new ImportResult.Imported(true));
    assertThat(chain.head().hash()).isEqualTo(lower.hash());
    assertThat(importer.importBlock(higher)).isEqualTo(new ImportResult.Known());
    assertThat(importer.importBlock(lower)).isEqualTo(new ImportResult.Known());
    assertThat(chain.head().hash()).isEqualTo(lower.hash());
  }

  @Test
  void aShorterBranchReplacesALongerOne() {
    open(128);
    extend(2);
    Block parent = chain.head();
    extend(2);
    ownRule = true;
    Block shorter = child(parent, 1);
    assertThat(importer.importBlock(shorter)).isEqualTo(new ImportResult.Imported(true));
    assertThat(chain.head().hash()).isEqualTo(shorter.hash());
    assertThat(chain.block(parent.number() + 2)).isNull();
    assertThat(canonical(parent.number() + 1).hash()).isEqualTo(shorter.hash());
    assertThat(importer.importBlock(child(parent, 2))).isInstanceOf(ImportResult.Imported.class);
  }

  @Test
  void withoutARuleTheFirstBlockStays() {
    open(128);
    extend(2);
    Block parent = chain.head();
    extend(1);
    Block head = chain.head();
    importSide(child(parent, 1));
    importSide(child(parent, 2));
    assertThat(chain.head().hash()).isEqualTo(head.hash());
  }
}
