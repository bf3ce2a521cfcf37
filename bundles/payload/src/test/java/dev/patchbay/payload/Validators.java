// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.consensus.poa.CliqueNode;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BiPredicate;

/**
 * Validators that seal one Clique chain and send blocks to each other, in the time of a clock that
 * jumps from one event to the next. Each has the code of a node that seals ({@link SealingStep},
 * the rules and the sealer of Clique), over a chain in memory without transactions' effects.
 */
final class Validators implements InstantSource {
  private static final long START = 1_700_000_000L;
  private static final long MAX_LATENCY_MILLIS = 150;
  private static final Transaction TRANSACTION =
      Transaction.builder(TransactionType.LEGACY)
          .chainId(UInt256.ONE)
          .gasPrice(UInt256.ONE)
          .gasLimit(21_000)
          .sign(UInt256.of(7).toArray());

  final List<Node> nodes = new ArrayList<>();

  /** Every block that was sealed, by signer, number and parent. */
  final Map<String, Block> sealed = new LinkedHashMap<>();

  /** What was found that must not be. */
  final List<String> faults = new ArrayList<>();

  /** Which nodes are connected. */
  BiPredicate<Integer, Integer> connected = (from, to) -> true;

  /** A sealed block is lost with this probability: the process is killed before the import. */
  double killed;

  /** Whether the rules choose between blocks of equal difficulty; the first one stays otherwise. */
  boolean breaksTies = true;

  /** Whether the pools have a transaction. */
  boolean pending = true;

  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
  private final Random random;
  private final ChainConfig config;
  private final Block genesis;
  private final Path folder;
  private long now = START * 1_000;
  private long order;

  private record Event(long at, long order, Runnable action) {}

  private static final class KilledException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  Validators(int count, long period, long seed, Path folder) {
    this.folder = folder;
    random = new Random(seed);
    config =
        new ChainConfig(
            UInt256.ONE,
            Map.of(),
            Map.of(),
            null,
            new TreeMap<>(),
            null,
            new ChainConfig.Clique(period, 30_000),
            null,
            null,
            true,
            null);
    TreeMap<Address, byte[]> keys = new TreeMap<>();
    for (int i = 1; i <= count; i++) {
      byte[] key = new byte[32];
      key[31] = (byte) i;
      keys.put(Address.wrap(Secp256k1.address(Secp256k1.publicKey(key))), key);
    }
    genesis =
        block(
            BlockHeader.builder()
                .difficulty(UInt256.ONE)
                .timestamp(START)
                .gasLimit(30_000_000)
                .extraData(CliqueNode.genesisExtraData(List.copyOf(keys.keySet())))
                .build(),
            List.of());
    keys.forEach((address, key) -> nodes.add(new Node(nodes.size(), address, key)));
  }

  @Override
  public Instant instant() {
    return Instant.ofEpochMilli(now);
  }

  private static Block block(BlockHeader header, List<Transaction> transactions) {
    return new Block(header, transactions, List.of(), null);
  }

  private void at(long time, Runnable action) {
    events.add(new Event(time, order++, action));
  }

  /** Lets the validators work for some seconds. */
  void run(long seconds) {
    long end = now + seconds * 1_000;
    while (!events.isEmpty() && events.peek().at() <= end) {
      Event next = Objects.requireNonNull(events.poll());
      now = Math.max(now, next.at());
      next.action().run();
    }
    now = end;
  }

  /** Sends all blocks of each node to all that it is connected with, as a sync does. */
  void sync() {
    for (Node from : nodes) {
      for (Node to : nodes) {
        if (from != to && connected.test(from.index, to.index)) {
          at(now, () -> to.receive(from, from.head));
        }
      }
    }
  }

  /** One validator. */
  final class Node {
    final int index;
    final Address address;
    private final byte[] key;
    private final Map<Hash, Block> blocks = new HashMap<>();
    private final Map<Hash, UInt256> difficulties = new HashMap<>();
    private final ChainReader chain;
    private CliqueNode clique;
    private SealingStep step;
    Block head = genesis;
    boolean offline;
    private long wakes;

    Node(int index, Address address, byte[] key) {
      this.index = index;
      this.address = address;
      this.key = key;
      blocks.put(genesis.hash(), genesis);
      difficulties.put(genesis.hash(), UInt256.ONE);
      chain =
          Stubs.of(
              ChainReader.class,
              Map.of(
                  "head", args -> head,
                  "config", args -> config,
                  "totalDifficulty", args -> difficulties.get((Hash) args[0]),
                  "header",
                      args ->
                          args[0] instanceof Hash hash
                              ? blocks.containsKey(hash) ? blocks.get(hash).header() : null
                              : genesis.header()));
      start();
    }

    /** Starts the process, over the chain and the file that the last one has left. */
    private void start() {
      clique =
          CliqueNode.start(
              key, folder.resolve("key" + index), Validators.this, bound -> random.nextLong(bound));
      PayloadBuilder builder =
          Stubs.of(
              PayloadBuilder.class,
              Map.of(
                  "build", args -> draft((Block) args[0], (BlockSealer.Template) args[1]),
                  "accepted", args -> null));
      BlockImporter importer =
          Stubs.of(BlockImporter.class, Map.of("importBlock", args -> importOwn((Block) args[0])));
      step = new SealingStep(chain, importer, builder, Validators.this);
      wake();
    }

    private Block draft(Block parent, BlockSealer.Template template) {
      return block(
          BlockHeader.builder()
              .parentHash(parent.hash())
              .number(parent.number() + 1)
              .timestamp(template.timestamp())
              .gasLimit(parent.header().gasLimit())
              .gasUsed(random.nextInt(30_000_000)) // no two drafts are equal
              .coinbase(template.coinbase())
              .difficulty(template.difficulty())
              .extraData(template.extraData())
              .nonce(template.nonce())
              .build(),
          pending ? List.of(TRANSACTION) : List.of());
    }

    /** Runs the step of the node now, and again when it says. */
    void wake() {
      long current = ++wakes;
      at(
          now,
          () -> {
            if (current == wakes && !offline) {
              step();
            }
          });
    }

    private void step() {
      long rest;
      try {
        rest = step.run(clique.sealer());
      } catch (KilledException kill) {
        start();
        return;
      }
      long current = ++wakes;
      at(
          now + Math.max(1, rest),
          () -> {
            if (current == wakes && !offline) {
              step();
            }
          });
    }

    private ImportResult importOwn(Block block) {
      String place = address + " " + block.number() + " " + block.header().parentHash();
      Block other = sealed.putIfAbsent(place, block);
      if (other != null && !other.hash().equals(block.hash())) {
        faults.add(index + " sealed " + other + " and " + block + " on one parent");
      }
      BlockHeader parent = blocks.get(block.header().parentHash()).header();
      long early = parent.timestamp() + Objects.requireNonNull(config.clique()).period();
      if (now < early * 1_000) {
        faults.add(block + " was sealed before its time");
      }
      if (random.nextDouble() < killed) {
        throw new KilledException();
      }
      ImportResult result = importBlock(block);
      if (result instanceof ImportResult.Imported) {
        broadcast(block);
      } else {
        faults.add("own block " + block + ": " + result);
      }
      return result;
    }

    private void broadcast(Block block) {
      for (Node to : nodes) {
        if (to != this && connected.test(index, to.index)) {
          at(now + 1 + random.nextLong(MAX_LATENCY_MILLIS), () -> to.receive(this, block));
        }
      }
    }

    private void receive(Node from, Block block) {
      if (offline || !connected.test(from.index, index)) {
        return;
      }
      Deque<Block> missing = new ArrayDeque<>();
      for (Block b = block;
          b != null && !blocks.containsKey(b.hash());
          b = from.blocks.get(b.header().parentHash())) {
        missing.push(b);
      }
      for (Block next : missing) {
        ImportResult result = importBlock(next);
        if (result instanceof ImportResult.Imported) {
          broadcast(next);
        } else if (!(result instanceof ImportResult.Known)) {
          faults.add(next + ": " + result);
        }
      }
    }

    private ImportResult importBlock(Block block) {
      if (blocks.containsKey(block.hash())) {
        return new ImportResult.Known();
      }
      Block parent = blocks.get(block.header().parentHash());
      if (parent == null) {
        return new ImportResult.UnknownParent();
      }
      try {
        clique.rules().verifyHeader(block.header(), parent.header(), chain, config);
      } catch (FutureBlockException early) {
        return new ImportResult.TooEarly(early.timestamp());
      } catch (InvalidBlockException invalid) {
        return new ImportResult.Invalid(String.valueOf(invalid.getMessage()));
      }
      UInt256 total = difficulties.get(parent.hash()).add(block.header().difficulty());
      blocks.put(block.hash(), block);
      difficulties.put(block.hash(), total);
      if (!isBetter(block, total)) {
        return new ImportResult.Imported(false);
      }
      head = block;
      wake();
      return new ImportResult.Imported(true);
    }

    private boolean isBetter(Block block, UInt256 total) {
      int order = total.compareTo(difficulties.get(head.hash()));
      return order == 0
          ? breaksTies && clique.rules().winsTie(block.header(), head.header(), chain, config)
          : order > 0;
    }

    /** Returns how many blocks of its chain each validator has sealed. */
    Map<Address, Integer> shares() {
      Map<Address, Integer> shares = new HashMap<>();
      for (Block b = head; b.number() > 0; b = blocks.get(b.header().parentHash())) {
        shares.merge(clique.signer(b.header()), 1, Integer::sum);
      }
      return shares;
    }
  }
}
