// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.chain.LogIndex;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.rpc.RpcConstant;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What methods answer of a chain of blocks 0 to 9, of which 1 to 4 have been pruned. */
class PrunedHistoryTest {
  private static final Address EMITTER = Address.fromHex("0x" + "11".repeat(20));
  private static final String UNKNOWN = Hash.keccak(new byte[1]).toString();
  private static final int OLDEST = 5;

  private final List<Block> blocks = new ArrayList<>();
  private final Map<String, RpcMethod> methods = new HashMap<>();
  private @Nullable LogIndex index;

  @BeforeEach
  void make() {
    Hash parent = Hash.ZERO;
    for (int number = 0; number < 10; number++) {
      BlockHeader header =
          BlockHeader.builder()
              .parentHash(parent)
              .number(number)
              .logsBloom(receipts(number).get(0).logsBloom())
              .build();
      blocks.add(new Block(header, List.of(transaction(number)), List.of(header), null));
      parent = header.computeHash();
    }
    ChainReader chain = stub(ChainReader.class, this::ofChain);
    StateProvider states =
        stub(StateProvider.class, (name, argument) -> new StateProvider.StateRetention(7, 2L));
    TransactionPool pool = stub(TransactionPool.class, (name, argument) -> null);
    ConsensusRules rules =
        stub(
            ConsensusRules.class,
            (name, argument) -> {
              throw new UnsupportedOperationException(name);
            });
    ProtocolSchedule schedule = stub(ProtocolSchedule.class, (name, argument) -> rules);
    methods.putAll(
        new ChainMethods(chain, schedule, states, pool, () -> null, () -> null).methods());
    methods.putAll(new ConfigMethods(chain, states).methods());
    LogSearch search = new LogSearch(chain, () -> index);
    methods.put("eth_getLogs", search::getLogs);
  }

  private interface Answers {
    @Nullable Object of(String method, Object argument);
  }

  private static <T> T stub(Class<T> type, Answers answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, args) -> answers.of(method.getName(), args == null ? "" : args[0])));
  }

  private static Transaction transaction(long number) {
    return Transaction.builder(TransactionType.LEGACY)
        .nonce(number)
        .to(EMITTER)
        .signature(0, UInt256.ONE, UInt256.ONE)
        .sender(EMITTER)
        .build();
  }

  private static List<Receipt> receipts(long number) {
    Log log = new Log(EMITTER, List.of(UInt256.of(number).toHash()), Bytes.EMPTY);
    return List.of(Receipt.of(TransactionType.LEGACY, true, 21_000, List.of(log)));
  }

  private @Nullable Block block(Object id) {
    return blocks.stream()
        .filter(b -> id instanceof Hash ? b.hash().equals(id) : id.equals(b.number()))
        .findFirst()
        .orElse(null);
  }

  private @Nullable Block unpruned(Object id) {
    Block block = block(id);
    if (block != null && block.number() > 0 && block.number() < OLDEST) {
      throw new PrunedException(block.number(), OLDEST);
    }
    return block;
  }

  private @Nullable Object ofChain(String method, Object argument) {
    return switch (method) {
      case "head" -> blocks.get(9);
      case "genesis" -> blocks.get(0);
      case "config" -> ChainConfig.of(UInt256.ONE, Fork.CANCUN);
      case "retention" -> new BlockRetention(OLDEST, 5L, OLDEST + 1, 4L);
      case "block" -> unpruned(argument);
      case "safe", "finalized" -> unpruned(2L);
      case "receipts" -> {
        Block block = unpruned(argument);
        yield block == null ? null : receipts(block.number());
      }
      case "header" -> {
        Block block = block(argument);
        yield block == null ? null : block.header();
      }
      case "canonicalHash" -> {
        Block block = block(argument);
        yield block == null ? null : block.hash();
      }
      case "transaction" ->
          blocks.stream()
              .filter(b -> b.transactions().get(0).hash().equals(argument))
              .filter(b -> b.number() > OLDEST)
              .findFirst()
              .map(b -> new TransactionLocation(b.hash(), 0))
              .orElse(null);
      default -> throw new UnsupportedOperationException(method);
    };
  }

  private static RpcSession session() {
    return stub(RpcSession.class, (name, argument) -> new RpcSession.LogLimits(1_000, 1_000));
  }

  private @Nullable Object call(String method, @Nullable Object... params) throws Exception {
    RpcMethod found = methods.get(method);
    assertThat(found).as(method).isNotNull();
    Object result = found.call(List.of(params), session());
    if (result instanceof RpcExpensive expensive) {
      result = expensive.call();
    }
    return result instanceof RpcConstant constant ? constant.value().get() : result;
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(@Nullable Object value) {
    assertThat(value).isInstanceOf(Map.class);
    return (Map<String, Object>) value;
  }

  private void assertPruned(long number, String method, Object... params) {
    assertThatThrownBy(() -> call(method, params))
        .as(method)
        .isInstanceOf(PrunedException.class)
        .hasMessage(
            "pruned history unavailable: block "
                + number
                + " has been pruned, blocks are available from block 5 on");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "eth_getBlockByHash",
        "eth_getBlockTransactionCountByHash",
        "eth_getUncleCountByBlockHash",
        "eth_getUncleByBlockHashAndIndex",
        "eth_getTransactionByBlockHashAndIndex",
        "eth_getRawTransactionByBlockHashAndIndex",
        "eth_getBlockReceipts",
        "eth_getBlockAccessList"
      })
  void aPrunedHashIsAnErrorAndAnUnknownOneIsNot(String method) throws Exception {
    Object second = method.endsWith("Index") ? "0x0" : false;
    assertPruned(3, method, blocks.get(3).hash().toString(), second);
    if (!method.equals("eth_getBlockAccessList")) {
      assertThat(call(method, UNKNOWN, second)).isNull();
      assertThat(call(method, blocks.get(6).hash().toString(), second)).isNotNull();
      assertThat(call(method, blocks.get(0).hash().toString(), second)).isNotNull();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "eth_getBlockByNumber",
        "eth_getBlockTransactionCountByNumber",
        "eth_getUncleCountByBlockNumber",
        "eth_getUncleByBlockNumberAndIndex",
        "eth_getTransactionByBlockNumberAndIndex",
        "eth_getRawTransactionByBlockNumberAndIndex",
        "eth_getBlockReceipts"
      })
  void aPrunedNumberIsAnErrorAndOneAboveTheHeadIsNot(String method) throws Exception {
    Object second = method.endsWith("Index") ? "0x0" : false;
    assertPruned(1, method, "0x1", second);
    assertPruned(4, method, "0x4", second);
    assertPruned(2, method, "finalized", second);
    assertThat(call(method, "0xa", second)).isNull();
    assertThat(call(method, "0x5", second)).isNotNull();
    assertThat(call(method, "earliest", second)).as("the genesis block").isNotNull();
  }

  @Test
  void headersStay() throws Exception {
    String hash = blocks.get(3).hash().toString();
    for (Object header :
        new @Nullable Object[] {
          call("eth_getHeaderByHash", hash), call("eth_getHeaderByNumber", "0x3")
        }) {
      assertThat(map(header)).containsEntry("hash", hash).containsEntry("number", "0x3");
    }
    assertThat(map(call("eth_getHeaderByNumber", "safe"))).containsEntry("number", "0x2");
    assertThat(call("eth_getHeaderByHash", UNKNOWN)).isNull();
  }

  @Test
  void aTransactionBelowTheIndexIsUnknown() throws Exception {
    for (int number : new int[] {3, 5}) {
      String hash = blocks.get(number).transactions().get(0).hash().toString();
      assertThat(call("eth_getTransactionByHash", hash)).isNull();
      assertThat(call("eth_getRawTransactionByHash", hash)).isNull();
      assertThat(call("eth_getTransactionReceipt", hash)).isNull();
    }
    String indexed = blocks.get(6).transactions().get(0).hash().toString();
    assertThat(call("eth_getTransactionByHash", indexed)).isNotNull();
    assertThat(call("eth_getTransactionReceipt", indexed)).isNotNull();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void logsOfAPrunedRangeAreAnError(boolean indexed) throws Exception {
    index =
        indexed
            ? stub(LogIndex.class, (name, argument) -> new BitSet()) // no block has such a log
            : null;
    for (Map<String, Object> wanted :
        List.<Map<String, Object>>of(
            Map.of(),
            Map.of("address", EMITTER.toString()),
            Map.of("address", "0x" + "22".repeat(20)))) {
      Map<String, Object> query = new HashMap<>(wanted);
      query.put("fromBlock", "0x4");
      query.put("toBlock", "0x9");
      assertPruned(4, "eth_getLogs", query);
      query.put("fromBlock", "0x0");
      assertPruned(1, "eth_getLogs", query);
      query.put("toBlock", "0x2");
      assertPruned(1, "eth_getLogs", query);
      query.put("fromBlock", "finalized");
      assertPruned(2, "eth_getLogs", query);
    }
    assertPruned(3, "eth_getLogs", Map.of("blockHash", blocks.get(3).hash().toString()));
    if (!indexed) {
      assertThat(logs("0x5", "0x9")).isEqualTo(5);
      assertThat(logs("earliest", "latest")).as("from the first that is there").isEqualTo(5);
      assertThat(logs("0x0", "0x0")).as("the genesis block").isEqualTo(1);
    }
  }

  private int logs(String from, String to) throws Exception {
    Object found = call("eth_getLogs", Map.of("fromBlock", from, "toBlock", to));
    assertThat(found).isInstanceOf(List.class);
    return ((List<?>) found).size();
  }

  @Test
  void capabilitiesNameTheFirstBlocks() throws Exception {
    Map<?, ?> all = (Map<?, ?>) call("eth_capabilities");
    for (String name : Set.of("blocks", "receipts", "logs")) {
      assertThat(all.get(name))
          .isEqualTo(
              Map.of(
                  "disabled",
                  false,
                  "oldestBlock",
                  "0x5",
                  "deleteStrategy",
                  Map.of("type", "window", "retentionBlocks", "0x5")));
    }
    assertThat(all.get("tx"))
        .isEqualTo(
            Map.of(
                "disabled",
                false,
                "oldestBlock",
                "0x6",
                "deleteStrategy",
                Map.of("type", "window", "retentionBlocks", "0x4")));
    assertThat(map(all.get("state"))).containsEntry("oldestBlock", "0x7");
  }
}
