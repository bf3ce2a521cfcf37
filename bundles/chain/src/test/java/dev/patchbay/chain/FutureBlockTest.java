// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A block from the future is imported when its time has come, whatever was said of it before. */
class FutureBlockTest extends ChainFixture {
  private long now;

  /** Returns rules that refuse a header while its time has not come. */
  @Override
  Choices choices() {
    ConsensusRules rules = BalanceBlocks.rules();
    return BalanceBlocks.choices(
        (ConsensusRules)
            Proxy.newProxyInstance(
                ConsensusRules.class.getClassLoader(),
                new Class<?>[] {ConsensusRules.class},
                (proxy, method, args) -> {
                  if (method.getName().equals("verifyHeader")
                      && ((BlockHeader) args[0]).timestamp() > now) {
                    throw new FutureBlockException(((BlockHeader) args[0]).timestamp(), now);
                  }
                  try {
                    return method.isDefault()
                        ? InvocationHandler.invokeDefault(proxy, method, args)
                        : method.invoke(rules, args);
                  } catch (InvocationTargetException failed) {
                    throw failed.getCause();
                  }
                }));
  }

  @BeforeEach
  void start() {
    open(0);
  }

  @ParameterizedTest
  @CsvSource({"1, true", "15, true", "16, false", "9999, false"})
  void aBlockThatCameTooEarlyIsImportedLater(long ahead, boolean soon) {
    Block block = child(chain.head(), 0);
    Block next = child(block, 0);
    long timestamp = block.header().timestamp();
    now = timestamp - ahead;
    for (int i = 0; i < 3; i++) { // the answer does not depend on earlier ones
      assertThat(importer.importBlock(block))
          .isEqualTo(
              soon
                  ? new ImportResult.TooEarly(timestamp)
                  : new ImportResult.Invalid(
                      "timestamp " + timestamp + " is in the future, now is " + now));
    }
    assertThat(importer.importBlock(next)).isEqualTo(new ImportResult.UnknownParent());
    assertThat(bad.find(block.hash())).isNull();
    assertThat(bad.latest()).isEmpty();
    assertThat(executions).hasValue(0);
    now = next.header().timestamp();
    assertThat(importer.importBlock(block)).isEqualTo(new ImportResult.Imported(true));
    assertThat(importer.importBlock(next)).isEqualTo(new ImportResult.Imported(true));
  }

  @Test
  void aPayloadFromTheFutureIsValidLater() {
    Block block = child(chain.head(), 0);
    now = block.header().timestamp() - 5;
    assertThat(importer.insertWithoutSetHead(block)).isInstanceOf(PayloadStatus.Invalid.class);
    assertThat(bad.find(block.hash())).isNull();
    assertThat(bad.latest()).isEmpty();
    now += 5;
    assertThat(importer.insertWithoutSetHead(block)).isEqualTo(new PayloadStatus.Valid());
  }
}
