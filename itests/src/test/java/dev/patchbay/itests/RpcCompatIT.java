// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The conversations of execution-apis, compared as hive's rpc-compat does: replies are equal but
 * for the order of keys, numbers compare by value, and the message of an error is free. Of a file
 * that says so only the kind of the reply counts.
 */
class RpcCompatIT {
  private static final String SENDER = "0x14e46043e63d0e3cdcf2530519f4cfaf35058cb2";
  private static final String CONTRACT = "0xc0de000000000000000000000000000000000001";
  private static final String RECURSION =
      "0x5f661fffffffffffff73010000000000000000000000000000000000000091600060c260a76037"
          + "6067a213690400000000000000000060156101e9600d6101b45f305af260037fffffffffffffffff"
          + "ffffffffffffffffffffffffffffffffffffffffffffffda5f68020000000000000000602860e75f"
          + "602560bea4600560e62061013d5360e16001556101f55360035c602b6001602c617b7a6200000073"
          + "bb50b6623454712be08befecb0b78b9ec7d1608661024af160a108816039600ef3";

  @TempDir static Path folder;

  @Test
  void everyConversationIsAsExpected() throws Exception {
    ExecutionApis.unpack(folder);
    try (Node node = new Node(folder.resolve("node"), "run").quick()) {
      node.start(
          "--storage",
          "memory",
          "--genesis",
          folder.resolve("genesis.json").toString(),
          "--fork-env",
          folder.resolve("forkenv.json").toString(),
          "--import",
          folder.resolve("chain.rlp").toString(),
          "--namespaces",
          "eth,net,web3,txpool,debug,testing");
      JsonNode set = EngineClient.of(node).post(Files.readString(folder.resolve("headfcu.json")));
      assertThat(set.at("/result/payloadStatus/status").asText()).as("" + set).isEqualTo("VALID");
      List<Path> files;
      try (Stream<Path> all = Files.walk(folder)) {
        files = all.filter(file -> file.toString().endsWith(".io")).sorted().toList();
      }
      assertThat(files).hasSizeGreaterThan(150);
      List<String> failures = new ArrayList<>();
      for (Path file : files) {
        run(node, file, failures);
      }
      System.out.printf("rpc-compat: %d files, %d differences%n", files.size(), failures.size());
      assertThat(failures).isEmpty();
      tracesOfHotCodeHaveAllFrames(node);
    }
  }

  /** A contract that calls itself until frames run out of gas: geth has 117 frames. */
  private static void tracesOfHotCodeHaveAllFrames(Node node) throws Exception {
    Map<String, Object> call =
        Map.of("from", SENDER, "to", CONTRACT, "gas", "0x927c0", "value", "0x2");
    Map<String, Object> overrides = Map.of(CONTRACT, Map.of("code", RECURSION));
    for (int times = 0; times < 3; times++) {
      JsonNode calls =
          trace(node, call, Map.of("tracer", "callTracer", "stateOverrides", overrides));
      assertThat(frames(calls)).isEqualTo(117);
      JsonNode flat =
          trace(node, call, Map.of("tracer", "flatCallTracer", "stateOverrides", overrides));
      assertThat(flat).hasSize(117);
    }
  }

  private static JsonNode trace(Node node, Object call, Object options) throws Exception {
    return node.result("debug_traceCall", call, "latest", options);
  }

  private static int frames(JsonNode call) {
    int count = 1;
    for (JsonNode inner : call.path("calls")) {
      count += frames(inner);
    }
    return count;
  }

  private static void run(Node node, Path file, List<String> failures) throws Exception {
    boolean shapeOnly = false;
    JsonNode reply = null;
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith("// speconly")) {
        shapeOnly = true;
      } else if (line.startsWith(">> ")) {
        reply = Node.json(node.post(line.substring(3)).body());
      } else if (line.startsWith("<< ") && reply != null) {
        JsonNode expected = Node.json(line.substring(3));
        if (!shapeOnly || !expected.has("result") || !reply.has("result")) {
          compare(folder.relativize(file) + " $", expected, reply, false, failures);
        }
      }
    }
  }

  private static void compare(
      String at, JsonNode expected, JsonNode found, boolean inError, List<String> failures) {
    if (expected.isObject() && found.isObject()) {
      Set<String> names = new TreeSet<>();
      for (JsonNode object : List.of(expected, found)) {
        for (Iterator<String> all = object.fieldNames(); all.hasNext(); ) {
          names.add(all.next());
        }
      }
      for (String name : names) {
        JsonNode left = expected.get(name);
        JsonNode right = found.get(name);
        if (left == null || right == null) {
          failures.add(at + "." + name + (left == null ? " is extra" : " is missing"));
        } else if (!inError || !name.equals("message")) {
          compare(at + "." + name, left, right, name.equals("error"), failures);
        }
      }
    } else if (expected.isArray() && found.isArray() && expected.size() == found.size()) {
      for (int i = 0; i < expected.size(); i++) {
        compare(at + "[" + i + "]", expected.get(i), found.get(i), false, failures);
      }
    } else if (expected.isNumber() && found.isNumber()
        ? expected.doubleValue() != found.doubleValue()
        : !expected.equals(found)) {
      failures.add(at + " is " + shown(found) + ", expected " + shown(expected));
    }
  }

  private static String shown(JsonNode node) {
    String text = node.toString();
    return text.length() > 100 ? text.substring(0, 100) + "…" : text;
  }
}
