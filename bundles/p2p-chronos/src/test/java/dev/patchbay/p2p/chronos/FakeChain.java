// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.trie.Roots;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A chain in memory. */
final class FakeChain {
  static final UInt256 CHAIN_ID = UInt256.of(1337);
  static final Duration DRAIN = Duration.ofSeconds(1);

  private static final byte[] KEY = new byte[32];

  static {
    KEY[31] = 7;
  }

  private final List<Block> canonical = new ArrayList<>();
  private final Map<Hash, Block> blocks = new HashMap<>();
  boolean isDriven;
  @Nullable Block finalized;

  /** Creates the genesis block and so many blocks after it. */
  FakeChain(int length) {
    append(child(null, "genesis", List.of()));
    for (int i = 1; i <= length; i++) {
      append(child(head(), "canonical", i % 2 == 0 ? List.of() : List.of(transaction(i))));
    }
  }

  static Transaction transaction(long nonce) {
    return Transaction.builder(TransactionType.LEGACY)
        .chainId(CHAIN_ID)
        .nonce(nonce)
        .gasPrice(UInt256.of(1_000_000_000))
        .gasLimit(21_000)
        .to(Address.ZERO)
        .value(UInt256.ONE)
        .sign(KEY);
  }

  static Block child(@Nullable Block parent, String extra, List<Transaction> transactions) {
    long number = parent == null ? 0 : parent.number() + 1;
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(parent == null ? Hash.ZERO : parent.hash())
            .transactionsRoot(Roots.ofTransactions(transactions))
            .difficulty(UInt256.of(2))
            .number(number)
            .timestamp(10 * number)
            .gasLimit(30_000_000)
            .extraData(Bytes.wrap(extra.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
            .baseFeePerGas(UInt256.ONE)
            .build();
    return new Block(header, transactions, List.of(), null);
  }

  synchronized Block append(Block block) {
    canonical.add(block);
    blocks.put(block.hash(), block);
    return block;
  }

  synchronized Block side(Block block) {
    blocks.put(block.hash(), block);
    return block;
  }

  synchronized Block head() {
    return canonical.get(canonical.size() - 1);
  }

  synchronized @Nullable Block block(long number) {
    return number >= 0 && number < canonical.size() ? canonical.get((int) number) : null;
  }

  synchronized @Nullable Block block(Hash hash) {
    return blocks.get(hash);
  }

  Block at(long number) {
    return java.util.Objects.requireNonNull(block(number));
  }

  private ChainConfig config() {
    return new ChainConfig(
        CHAIN_ID,
        Map.of(),
        Map.of(),
        null,
        new TreeMap<>(),
        null,
        isDriven ? null : new ChainConfig.Clique(1, 30_000),
        null,
        null,
        true,
        null);
  }

  /** Returns the service. */
  ChainReader reader() {
    ChainConfig config = config();
    return (ChainReader)
        Proxy.newProxyInstance(
            ChainReader.class.getClassLoader(),
            new Class<?>[] {ChainReader.class},
            (proxy, method, args) ->
                switch (method.getName()) {
                  case "config" -> config;
                  case "head" -> head();
                  case "genesis" -> block(0);
                  case "finalized" -> finalized;
                  case "block" ->
                      args[0] instanceof Hash hash ? block(hash) : block((long) args[0]);
                  case "header" -> {
                    Block found =
                        args[0] instanceof Hash hash ? block(hash) : block((long) args[0]);
                    yield found == null ? null : found.header();
                  }
                  case "canonicalHash" -> {
                    Block found = block((long) args[0]);
                    yield found == null ? null : found.hash();
                  }
                  case "totalDifficulty" -> {
                    Block found = block((Hash) args[0]);
                    yield found == null ? null : UInt256.of(2 * found.number());
                  }
                  case "toString" -> "fake chain";
                  case "hashCode" -> System.identityHashCode(proxy);
                  case "equals" -> proxy == args[0];
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  /** Returns the view of a network, with an address. */
  LocalChain local(String address, int confirmations) {
    LocalChain local =
        new LocalChain(Address.fromHex(address), confirmations, System::currentTimeMillis);
    local.chain().replace(reader(), DRAIN);
    return local;
  }
}
