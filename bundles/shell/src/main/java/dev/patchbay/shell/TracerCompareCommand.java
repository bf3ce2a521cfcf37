// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Compares what two tracers say of the same block. */
@Service
@Command(
    scope = "tracer",
    name = "compare",
    description =
        "Traces a block with two tracers, or two versions of one, and prints what differs")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class TracerCompareCommand implements Action {
  private static final int MAX_LINES = 100;
  private static final int MAX_CHARS = 80;

  /** Characters of a hash, the longest name of a block. */
  private static final int MAX_BLOCK_LENGTH = 66;

  @Argument(
      index = 0,
      name = "BLOCK",
      description = "Number or hash of the block, or latest",
      required = true)
  private String block;

  @Argument(index = 1, name = "A", description = "A tracer, e.g. callTracer@1.3.0", required = true)
  private String first;

  @Argument(index = 2, name = "B", description = "Another tracer", required = true)
  private String second;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() throws Exception {
    Services services = new Services(context);
    Block found = find(services.require(ChainReader.class));
    TracerRegistry registry = services.require(TracerRegistry.class);
    List<@Nullable Object> left = trace(services, registry, found, first);
    List<@Nullable Object> right = trace(services, registry, found, second);
    List<String> differences = new ArrayList<>();
    for (int i = 0; i < left.size(); i++) {
      compare(
          "transaction " + i + " " + found.transactions().get(i).hash(),
          left.get(i),
          right.get(i),
          differences);
    }
    differences.stream().limit(MAX_LINES).forEach(System.out::println);
    if (differences.size() > MAX_LINES) {
      System.out.printf("… and %,d more%n", differences.size() - MAX_LINES);
    }
    System.out.printf(
        "block %,d: %,d transactions, %,d differences between %s and %s%n",
        found.number(), left.size(), differences.size(), first, second);
    return null;
  }

  private Block find(ChainReader chain) {
    Block found;
    try {
      if (block.length() > MAX_BLOCK_LENGTH) {
        throw new NumberFormatException("too long");
      }
      found =
          block.equals("latest")
              ? chain.head()
              : block.startsWith("0x") && block.length() == 66
                  ? chain.block(Hash.fromHex(block))
                  : chain.block(Long.decode(block));
    } catch (NumberFormatException malformed) {
      throw new IllegalArgumentException(
          "'" + Hex.shown(block) + "' is neither a number nor a hash of a block", malformed);
    }
    if (found == null) {
      throw new IllegalArgumentException("there is no block " + block);
    }
    return found;
  }

  private static List<@Nullable Object> trace(
      Services services, TracerRegistry registry, Block block, String name) throws Exception {
    TracerFactory factory = registry.find(name);
    if (factory == null) {
      throw new IllegalArgumentException(
          "tracer " + name + " is not installed; installed are " + registry.names());
    }
    List<Tracer> tracers = new ArrayList<>();
    TraceBudget budget = new TraceBudget();
    for (int i = 0; i < block.transactions().size(); i++) {
      tracers.add(
          factory.create(
              Map.of(),
              new TraceSubject(
                  block.hash(), block.number(), block.transactions().get(i).hash(), i, budget)));
    }
    try (StateReader state =
        services.require(StateProvider.class).stateAt(block.header().parentHash())) {
      if (state == null) {
        throw new IllegalArgumentException(
            "the state before block " + block.number() + " is not there");
      }
      services.require(BlockExecutor.class).replay(block, tracers.size(), state, tracers::get);
    }
    List<@Nullable Object> out = new ArrayList<>();
    for (Tracer tracer : tracers) {
      out.add(tracer.result());
    }
    return out;
  }

  private static void compare(
      String at, @Nullable Object left, @Nullable Object right, List<String> out) {
    if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
      TreeSet<String> names = new TreeSet<>();
      a.keySet().forEach(name -> names.add(String.valueOf(name)));
      b.keySet().forEach(name -> names.add(String.valueOf(name)));
      for (String name : names) {
        compare(at + "." + name, a.get(name), b.get(name), out);
      }
    } else if (left instanceof List<?> a && right instanceof List<?> b && a.size() == b.size()) {
      for (int i = 0; i < a.size(); i++) {
        compare(at + "[" + i + "]", a.get(i), b.get(i), out);
      }
    } else if (!Objects.equals(left, right)) {
      out.add(at + ": " + shown(left) + " | " + shown(right));
    }
  }

  private static String shown(@Nullable Object value) {
    String text = value == null ? "nothing" : String.valueOf(value);
    return text.length() > MAX_CHARS ? text.substring(0, MAX_CHARS) + "…" : text;
  }
}
