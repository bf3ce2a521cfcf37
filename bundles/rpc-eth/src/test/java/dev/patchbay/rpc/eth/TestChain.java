// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Blocks and receipts by hash, and who reads them. */
final class TestChain {
  static final Address EMITTER = Address.fromHex("0x" + "01".repeat(20));

  private final Map<Hash, Block> blocks = new ConcurrentHashMap<>();
  private final Map<Hash, List<Receipt>> receipts = new ConcurrentHashMap<>();

  /** By number. */
  private final List<Block> canonical = Collections.synchronizedList(new ArrayList<>());

  /** Threads that have read a block or receipts, once for each time. */
  final List<Thread> readers = Collections.synchronizedList(new ArrayList<>());

  /** Takes the name of the method before each read. */
  volatile Consumer<String> onRead = name -> {};

  /** Thrown by reads; null for none. */
  volatile @Nullable RuntimeException failure;

  /** Thrown by reads of blocks and receipts by hash; null for none. */
  volatile @Nullable PrunedException pruned;

  /** Creates a chain of its first block. */
  TestChain() {
    setHead(0, 0, 0);
  }

  interface Answers {
    @Nullable Object of(String method, @Nullable Object[] arguments);
  }

  /** Returns an instance whose methods answer; all but those of {@link Object}. */
  static <T> T stub(Class<T> type, Answers answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, args) ->
                switch (method.getName()) {
                  case "equals" -> self == args[0];
                  case "hashCode" -> System.identityHashCode(self);
                  case "toString" -> type.getSimpleName();
                  default -> answers.of(method.getName(), args == null ? new Object[0] : args);
                }));
  }

  ChainReader reader() {
    return stub(
        ChainReader.class,
        (name, args) -> {
          readers.add(Thread.currentThread());
          onRead.accept(name);
          if (failure != null) {
            throw failure;
          }
          if (pruned != null && Set.of("block", "receipts").contains(name)) {
            throw pruned;
          }
          return switch (name) {
            case "block" -> args[0] instanceof Hash ? blocks.get(args[0]) : canonical(args[0]);
            case "receipts" -> receipts.get(args[0]);
            case "retention" -> BlockRetention.ALL;
            case "head" -> canonical.get(canonical.size() - 1);
            case "canonicalHash" -> {
              Block at = canonical(args[0]);
              yield at == null ? null : at.hash();
            }
            case "header" -> {
              Block block = args[0] instanceof Hash ? blocks.get(args[0]) : canonical(args[0]);
              yield block == null ? null : block.header();
            }
            default -> throw new UnsupportedOperationException(name);
          };
        });
  }

  private @Nullable Block canonical(Object number) {
    long at = (Long) number;
    return at < canonical.size() ? canonical.get((int) at) : null;
  }

  /** Adds a block upon the canonical one before it, from 0 on, and makes it the head. */
  Block setHead(int number, int branch, int logs) {
    return setHead(number, branch, logs, 0);
  }

  /** Adds a block as {@link #add(long, int, int, int)} upon the canonical one, as the head. */
  Block setHead(int number, int branch, int logs, int data) {
    canonical.subList(number, canonical.size()).clear();
    Block block = add(number, branch, logs, data);
    Block linked =
        new Block(
            BlockHeader.builder()
                .number(number)
                .timestamp(branch)
                .parentHash(number == 0 ? Hash.ZERO : canonical.get(number - 1).hash())
                .logsBloom(block.header().logsBloom())
                .build(),
            block.transactions(),
            List.of(),
            null);
    blocks.put(linked.hash(), linked);
    receipts.put(linked.hash(), receipts.get(block.hash()));
    canonical.add(linked);
    return linked;
  }

  static Transaction transaction(long nonce) {
    return Transaction.builder(TransactionType.LEGACY)
        .nonce(nonce)
        .to(EMITTER)
        .signature(0, UInt256.ONE, UInt256.ONE)
        .sender(EMITTER)
        .build();
  }

  /** Adds a block of one transaction. */
  Block add(long number, int logs) {
    return add(number, 0, logs, 0);
  }

  /**
   * Adds a block of one transaction.
   *
   * @param branch distinguishes blocks of the same number
   * @param logs logs of the block
   * @param data bytes of the data of each log
   */
  Block add(long number, int branch, int logs, int data) {
    Log log = new Log(EMITTER, List.of(), Bytes.wrap(new byte[data]));
    List<Receipt> ofBlock =
        List.of(Receipt.of(TransactionType.LEGACY, true, 21_000, Collections.nCopies(logs, log)));
    BlockHeader header =
        BlockHeader.builder()
            .number(number)
            .timestamp(branch)
            .logsBloom(ofBlock.get(0).logsBloom())
            .build();
    Block block = new Block(header, List.of(transaction(number)), List.of(), null);
    blocks.put(block.hash(), block);
    receipts.put(block.hash(), ofBlock);
    return block;
  }

  /** Adds blocks of consecutive numbers. */
  List<Block> addAll(long first, int count, int logs) {
    List<Block> out = new ArrayList<>();
    for (long number = first; number < first + count; number++) {
      out.add(add(number, logs));
    }
    return out;
  }

  void remove(Block block) {
    blocks.remove(block.hash());
  }

  /** Returns receipts with nothing but the hash of the transaction. */
  static List<Object> receiptsOf(Block block) {
    List<Object> out = new ArrayList<>();
    block
        .transactions()
        .forEach(t -> out.add(new HashMap<>(Map.of("transactionHash", t.hash().toString()))));
    return out;
  }
}
