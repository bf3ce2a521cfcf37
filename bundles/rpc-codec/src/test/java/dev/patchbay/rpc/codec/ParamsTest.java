// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.BlockHeader;
import java.lang.reflect.Proxy;
import java.math.BigInteger;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Parameters that are too long are refused before they are parsed. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ParamsTest {
  private static final int MANY = 10_000_000;
  private static final ChainReader NO_CHAIN =
      (ChainReader)
          Proxy.newProxyInstance(
              ChainReader.class.getClassLoader(),
              new Class<?>[] {ChainReader.class},
              (proxy, method, arguments) -> {
                throw new AssertionError("the chain was asked");
              });

  private interface Reader {
    Object read(Object value) throws RpcError;
  }

  private static final Map<String, Reader> READERS = new LinkedHashMap<>();

  static {
    READERS.put("address", value -> Params.address("p", value));
    READERS.put("hash", value -> Params.hash("p", value));
    READERS.put("quantity", value -> Params.quantity("p", value));
    READERS.put("quantity64", value -> Params.quantity64("p", value));
    READERS.put("word", value -> Params.word("p", value));
    READERS.put("storage key", Params::storageKey);
    READERS.put("flag", value -> Params.flag("p", value));
    READERS.put("object", value -> Params.object("p", value));
    READERS.put("position", value -> new Params(List.of(value)).position(0));
    READERS.put("hashes", value -> new Params(List.of(List.of(value))).hashes(0));
    READERS.put("block", value -> new Params(List.of(value)).requiredBlock(0, NO_CHAIN));
    READERS.put(
        "block number",
        value -> new Params(List.of(Map.of("blockNumber", value))).requiredBlock(0, NO_CHAIN));
    READERS.put(
        "block hash",
        value -> new Params(List.of(Map.of("blockHash", value))).requiredBlock(0, NO_CHAIN));
    READERS.put(
        "access list",
        value ->
            Params.accessList(
                List.of(Map.of("address", "0x" + "00".repeat(20), "storageKeys", List.of(value)))));
    READERS.put("withdrawals", value -> Params.withdrawals(List.of(Map.of("index", value))));
  }

  static Iterable<Reader> readers() {
    return READERS.values();
  }

  @ParameterizedTest
  @MethodSource("readers")
  void longTextsAreInvalidParameters(Reader reader) {
    String digits = "1".repeat(MANY);
    List<Object> values =
        List.of(
            digits,
            "0x" + digits,
            "0x" + "0".repeat(MANY),
            "0xz" + digits,
            new BigInteger("9".repeat(100)),
            Collections.nCopies(1_000, "0x1"));
    for (Object value : values) {
      assertThatThrownBy(() -> reader.read(value))
          .isInstanceOfSatisfying(
              RpcError.class,
              error -> {
                assertThat(error.code(RpcError.Profile.GETH)).isEqualTo(RpcError.INVALID_PARAMS);
                assertThat(error.getMessage()).hasSizeLessThan(250);
              });
    }
  }

  /** The header of a pruned block is found, its body is an error. */
  @Test
  void aCallThatNeedsNoBodyFindsAPrunedBlock() throws Exception {
    BlockHeader header = BlockHeader.builder().number(3).build();
    ChainReader chain =
        (ChainReader)
            Proxy.newProxyInstance(
                ChainReader.class.getClassLoader(),
                new Class<?>[] {ChainReader.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("block") && arguments[0].equals(3L)) {
                    throw new PrunedException(3, 9);
                  }
                  return method.getName().equals("header") ? header : null;
                });
    Params params = new Params(List.of("0x3", "0x4"));
    assertThat(params.requiredHeader(0, chain).header()).isEqualTo(header);
    assertThat(params.requiredHeader(0, chain).hash()).isEqualTo(header.computeHash());
    assertThatThrownBy(() -> params.requiredBlock(0, chain)).isInstanceOf(PrunedException.class);
    assertThatThrownBy(() -> params.requiredHeader(1, chain))
        .isInstanceOf(RpcError.class)
        .hasMessage("header not found");
  }
}
