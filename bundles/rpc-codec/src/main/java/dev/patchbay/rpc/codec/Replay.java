// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.codec;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.BlockExecutor.Follower;
import dev.patchbay.api.json.JsonWriter;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.tracing.StreamingTracer;
import dev.patchbay.api.tracing.TraceBudget;
import dev.patchbay.api.tracing.TraceSubject;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.api.tracing.TracerException;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.Reward;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Executes blocks once more on the state that they were executed on, and follows them with tracers.
 * Failures become the errors that clients get. Threading: any thread.
 */
public final class Replay {
  private final StateProvider states;
  private final BlockExecutor executor;
  private final TracerRegistry tracers;

  /** Makes one over the services of a namespace. */
  public Replay(StateProvider states, BlockExecutor executor, TracerRegistry tracers) {
    this.states = states;
    this.executor = executor;
    this.tracers = tracers;
  }

  /** Makes something of the state before a block and of what was changed in it. */
  @FunctionalInterface
  public interface Outcome<T> {
    /** Returns it; the state is valid during the call. */
    @Nullable T of(IterableStateReader before, StateChanges changes);
  }

  /** What a tracer follows. */
  @FunctionalInterface
  public interface Execution {
    /** Executes with the hooks of the tracer. */
    void run() throws RpcError, InvalidTransactionException;
  }

  /** Returns the transaction of a block that a tracer is for. */
  public static TraceSubject subject(Block block, int index) {
    return subject(block, index, new TraceBudget());
  }

  /**
   * Returns the transaction of a block that a tracer is for; the traces of the block are held
   * together.
   *
   * @param budget the budget of all these traces
   */
  public static TraceSubject subject(Block block, int index, TraceBudget budget) {
    return new TraceSubject(
        block.hash(), block.number(), block.transactions().get(index).hash(), index, budget);
  }

  /** Returns the error that a client gets when a tracer has failed. */
  public static RpcError error(TracerException failure) {
    String message = String.valueOf(failure.getMessage());
    return failure.isLimit()
        ? new RpcError(RpcError.Kind.LIMIT, message)
        : new RpcError(RpcError.SERVER_ERROR, message);
  }

  /**
   * Returns the error of a trace that needs a class which cannot be loaded: its bundle was replaced
   * meanwhile, and the server makes the trace again with the new build, or it is incomplete.
   */
  private static RpcError absence(LinkageError missing) {
    return RpcError.absence(
        "tracing failed: " + missing + "; the bundle was replaced meanwhile, or is incomplete");
  }

  /**
   * Creates a tracer.
   *
   * @param config its configuration, JSON-neutral values
   * @throws RpcError when it is not installed or refuses the configuration
   */
  public Tracer tracer(String name, Map<String, Object> config, TraceSubject subject)
      throws RpcError {
    TracerFactory factory = tracers.find(name);
    if (factory == null) {
      throw RpcError.absence(
          "tracer " + Hex.shown(name) + " is not installed; installed are " + tracers.names());
    }
    try {
      return factory.create(config, subject);
    } catch (IllegalArgumentException invalid) {
      throw RpcError.invalidParams("invalid tracer configuration: " + invalid.getMessage());
    } catch (LinkageError missing) {
      throw absence(missing);
    }
  }

  /**
   * Executes the first transactions of a block.
   *
   * @param count how many
   * @throws RpcError when the state before the block is not there, or a tracer fails
   */
  public void run(Block block, int count, Follower follower) throws RpcError {
    run(block, count, follower, (before, changes) -> changes);
  }

  /**
   * Executes all transactions of a block, each with a tracer of its own; a block without any is not
   * executed.
   *
   * @param tracers one for each transaction; each is let go when it has followed
   * @param ended called with the index of a transaction and its tracer, one after the other
   * @throws RpcError as {@link #run(Block, int, Follower)} does
   */
  public void run(Block block, List<@Nullable Tracer> tracers, BiConsumer<Integer, Tracer> ended)
      throws RpcError {
    if (tracers.isEmpty()) {
      return;
    }
    run(
        block,
        tracers.size(),
        new Follower() {
          @Override
          public @Nullable Tracer tracer(int index) {
            return tracers.get(index);
          }

          @Override
          public void onEnd(int index, Supplier<StateChanges> changes) {
            Tracer tracer = tracers.set(index, null);
            if (tracer != null) {
              ended.accept(index, tracer);
            }
          }
        });
  }

  /**
   * Executes the first transactions of a block and returns what is made of their outcome.
   *
   * @throws RpcError as {@link #run(Block, int, Follower)} does
   */
  public <T> @Nullable T run(Block block, int count, Follower follower, Outcome<T> outcome)
      throws RpcError {
    if (block.number() == 0) {
      throw new RpcError(RpcError.SERVER_ERROR, "genesis is not traceable");
    }
    try (IterableStateReader state = states.stateAt(block.header().parentHash())) {
      if (state == null) {
        throw new RpcError(
            RpcError.SERVER_ERROR, "the state before block " + block.number() + " is not there");
      }
      return outcome.of(state, executor.replay(block, count, state, follower));
    } catch (TracerException failure) {
      throw error(failure);
    } catch (InvalidBlockException broken) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(broken.getMessage()));
    } catch (LinkageError missing) {
      throw absence(missing);
    }
  }

  /** Returns the block rewards, without fees. */
  public List<Reward> rewards(Block block) {
    return executor.rewards(block);
  }

  /** Runs an execution and writes the trace, meanwhile where the tracer can do that. */
  public static void write(JsonWriter out, Tracer tracer, Execution execution) throws RpcError {
    try {
      begin(out, tracer);
      execution.run();
      end(out, tracer);
    } catch (TracerException failure) {
      throw error(failure);
    } catch (InvalidTransactionException | IllegalArgumentException failure) {
      throw new RpcError(RpcError.SERVER_ERROR, "tracing failed: " + failure.getMessage());
    } catch (LinkageError missing) {
      throw absence(missing);
    }
  }

  /** Begins to write a trace; the tracer is about to follow an execution. */
  public static void begin(JsonWriter out, Tracer tracer) {
    if (tracer instanceof StreamingTracer streaming) {
      streaming.begin(out);
    }
  }

  /**
   * Ends to write a trace that was begun.
   *
   * @throws TracerException when the tracer has failed
   */
  public static void end(JsonWriter out, Tracer tracer) {
    if (tracer instanceof StreamingTracer streaming) {
      streaming.end();
    } else {
      out.value(tracer.result());
    }
  }
}
