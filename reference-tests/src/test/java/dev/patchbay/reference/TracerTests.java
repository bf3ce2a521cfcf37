// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.evm.CodeCache;
import dev.patchbay.evm.EvmState;
import dev.patchbay.evm.TransactionProcessor;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSchedule;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.TransactionRules;
import dev.patchbay.tracer.call.CallTracerFactory;
import dev.patchbay.tracer.erc7562.Erc7562TracerFactory;
import dev.patchbay.tracer.flat.FlatCallTracerFactory;
import dev.patchbay.tracer.js.JsTracerEngine;
import dev.patchbay.tracer.prestate.PrestateTracerFactory;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The fixtures of go-ethereum's tracers: one transaction each, and the trace of it. */
class TracerTests {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Map<String, TracerFactory> FACTORIES =
      Map.of(
          "call_tracer", new CallTracerFactory(),
          "call_tracer_withLog", new CallTracerFactory(),
          "call_tracer_flat", new FlatCallTracerFactory(),
          "call_tracer_legacy", new JsTracerEngine(500_000_000, 10, 1L << 32),
          "prestate_tracer", new PrestateTracerFactory(),
          "prestate_tracer_with_diff_mode", new PrestateTracerFactory(),
          "erc7562_tracer", new Erc7562TracerFactory());

  /** Names of the forks in a genesis. */
  private static final Map<Fork, String> FORKS = new EnumMap<>(Fork.class);

  static {
    FORKS.put(Fork.HOMESTEAD, "homesteadBlock");
    FORKS.put(Fork.TANGERINE_WHISTLE, "eip150Block");
    FORKS.put(Fork.SPURIOUS_DRAGON, "eip158Block");
    FORKS.put(Fork.BYZANTIUM, "byzantiumBlock");
    FORKS.put(Fork.CONSTANTINOPLE, "constantinopleBlock");
    FORKS.put(Fork.PETERSBURG, "petersburgBlock");
    FORKS.put(Fork.ISTANBUL, "istanbulBlock");
    FORKS.put(Fork.BERLIN, "berlinBlock");
    FORKS.put(Fork.LONDON, "londonBlock");
    FORKS.put(Fork.SHANGHAI, "shanghaiTime");
    FORKS.put(Fork.CANCUN, "cancunTime");
    FORKS.put(Fork.PRAGUE, "pragueTime");
    FORKS.put(Fork.OSAKA, "osakaTime");
  }

  /**
   * In the fixtures of call tracers what is zero or empty may be there or not: go-ethereum compares
   * them after it has read both into structures.
   */
  @ParameterizedTest
  @CsvSource({
    "call_tracer, true",
    "call_tracer_withLog, true",
    "call_tracer_flat, true",
    "call_tracer_legacy, true",
    "prestate_tracer, false",
    "prestate_tracer_with_diff_mode, false",
    "erc7562_tracer, false"
  })
  void fixtures(String suite, boolean withoutZeros) throws Exception {
    Tally tally = new Tally("tracers/" + suite);
    Vectors.forEach(
        "tracers",
        name -> name.contains("/" + suite + "/"),
        (name, fixture) ->
            tally.run(
                name,
                () -> {
                  JsonNode found = trace(fixture, FACTORIES.get(suite));
                  JsonNode expected = fixture.get("result");
                  if (withoutZeros) {
                    found = pruned(found);
                    expected = pruned(expected);
                  }
                  assertThat(differences("$", expected, found)).isEmpty();
                }));
    tally.close();
  }

  private static JsonNode trace(JsonNode fixture, TracerFactory factory) throws Exception {
    JsonNode context = fixture.get("context");
    JsonNode genesis = fixture.get("genesis");
    long number = number(context, "number").longValue();
    long timestamp = number(context, "timestamp").longValue();
    ChainConfig config = config(genesis.get("config"));
    BlobSchedule blobs = config.blobScheduleAt(timestamp);
    Fork fork = config.forkAt(number, timestamp);
    UInt256 baseFee =
        context.has("baseFeePerGas")
            ? number(context, "baseFeePerGas")
            : genesis.hasNonNull("baseFeePerGas") ? number(genesis, "baseFeePerGas") : UInt256.ZERO;
    BlockContext block =
        new BlockContext(
            fork,
            config.chainId(),
            Address.fromHex(context.get("miner").asText()),
            number,
            timestamp,
            number(context, "gasLimit").longValue(),
            number(context, "difficulty"),
            Hash.ZERO,
            fork.includes(Fork.LONDON) ? baseFee : null,
            genesis.hasNonNull("excessBlobGas")
                ? FeeMarket.blobBaseFee(number(genesis, "excessBlobGas").longValue(), blobs)
                : UInt256.ZERO,
            0,
            blobs.max(),
            n -> Hash.ZERO,
            TransactionRules.ETHEREUM);
    Transaction transaction =
        Transaction.decode(Bytes.fromHex(fixture.get("input").asText()).toArray());
    @SuppressWarnings("unchecked") // JSON objects have string keys
    Map<String, Object> options =
        fixture.hasNonNull("tracerConfig")
            ? JSON.convertValue(fixture.get("tracerConfig"), Map.class)
            : Map.of();
    Tracer tracer = factory.create(options, new TraceSubject(null, number, transaction.hash(), 0));
    EvmState state = new EvmState(TestState.of(genesis.get("alloc")), new CodeCache(1 << 20));
    new TransactionProcessor(state, block)
        .process(transaction, block.gasLimit(), TransactionProcessor.Mode.CONSENSUS, tracer);
    return JSON.readTree(JSON.writeValueAsString(tracer.result()));
  }

  private static ChainConfig config(JsonNode json) {
    Map<Fork, Long> blocks = new EnumMap<>(Fork.class);
    Map<Fork, Long> times = new EnumMap<>(Fork.class);
    Map<String, Long> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER); // as Go reads JSON
    json.fields().forEachRemaining(field -> fields.put(field.getKey(), field.getValue().asLong()));
    FORKS.forEach(
        (fork, name) -> {
          Long from = fields.get(name);
          if (from != null) {
            (name.endsWith("Time") ? times : blocks).put(fork, from);
          }
        });
    TreeMap<Long, BlobSchedule> schedules = new TreeMap<>();
    times.forEach(
        (fork, time) -> {
          if (fork.includes(Fork.CANCUN)) {
            schedules.put(
                time, fork.includes(Fork.PRAGUE) ? BlobSchedule.PRAGUE : BlobSchedule.CANCUN);
          }
        });
    return new ChainConfig(
        UInt256.of(json.get("chainId").asLong()),
        blocks,
        times,
        null,
        schedules,
        null,
        null,
        null,
        null,
        false,
        null);
  }

  private static UInt256 number(JsonNode node, String name) {
    return TestState.number(node.get(name).asText());
  }

  private static List<String> differences(String at, JsonNode expected, JsonNode found) {
    List<String> out = new ArrayList<>();
    if (expected.isObject() && found.isObject()) {
      Set<String> names = new TreeSet<>();
      expected.fieldNames().forEachRemaining(names::add);
      found.fieldNames().forEachRemaining(names::add);
      for (String name : names) {
        if (!expected.has(name) || !found.has(name)) {
          out.add(at + "." + name + (found.has(name) ? " is extra" : " is missing"));
        } else {
          out.addAll(differences(at + "." + name, expected.get(name), found.get(name)));
        }
      }
    } else if (expected.isArray() && found.isArray() && expected.size() == found.size()) {
      for (int i = 0; i < expected.size(); i++) {
        out.addAll(differences(at + "[" + i + "]", expected.get(i), found.get(i)));
      }
    } else if (!expected.equals(found)) {
      out.add(at + " is " + shown(found) + ", expected " + shown(expected));
    }
    return out;
  }

  private static String shown(JsonNode node) {
    String text = node.toString();
    return text.length() > 200 ? text.substring(0, 200) + "…" : text;
  }

  /** Leaves out what is zero or empty, and what go-ethereum does not compare. */
  private static JsonNode pruned(JsonNode node) {
    if (node.isArray()) {
      node.forEach(TracerTests::pruned);
      return node;
    }
    if (node instanceof ObjectNode object) {
      for (Iterator<Map.Entry<String, JsonNode>> fields = object.fields(); fields.hasNext(); ) {
        Map.Entry<String, JsonNode> field = fields.next();
        if (isZero(pruned(field.getValue())) || NOT_COMPARED.contains(field.getKey())) {
          fields.remove();
        } else if (field.getKey().equals("to") || field.getKey().equals("from")) {
          field.setValue(
              JSON.getNodeFactory().textNode(field.getValue().asText().toLowerCase(Locale.ROOT)));
        }
      }
    }
    return node;
  }

  private static final Set<String> NOT_COMPARED =
      Set.of("blockNumber", "blockHash", "transactionHash", "transactionPosition", "time");

  private static boolean isZero(@Nullable JsonNode node) {
    return node == null
        || node.isNull()
        || (node.isContainerNode() && node.isEmpty())
        || (node.isTextual() && node.asText().matches("0x0*|"))
        || (node.isNumber() && node.asLong() == 0);
  }
}
