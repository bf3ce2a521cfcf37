// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Validators with known keys, in ascending order of their addresses, the headers that they have
 * sealed, and a clock that the test sets.
 */
final class Validators implements HeaderReader, InstantSource {
  private static final long START = 1_700_000_000L;

  final ChainConfig config;
  final List<byte[]> keys;
  final List<Address> addresses;
  final BlockHeader genesis;
  private final Map<Hash, BlockHeader> headers = new HashMap<>();
  long millis = START * 1_000;

  /** The hashes by which headers were asked for. */
  final List<Hash> read = new ArrayList<>();

  /**
   * Creates validators.
   *
   * @param signers how many of them sign from the genesis on
   * @param others how many more there are
   */
  Validators(int signers, int others, long period, long epoch) {
    Map<Address, byte[]> sorted = new TreeMap<>();
    IntStream.rangeClosed(1, signers).forEach(i -> sorted.put(address(key(i)), key(i)));
    Map<Address, byte[]> more = new TreeMap<>();
    IntStream.rangeClosed(1, others).forEach(i -> more.put(address(key(100 + i)), key(100 + i)));
    keys = Stream.concat(sorted.values().stream(), more.values().stream()).toList();
    addresses = keys.stream().map(Validators::address).toList();
    config = config(period, epoch);
    genesis =
        BlockHeader.builder()
            .difficulty(UInt256.ONE)
            .timestamp(START)
            .gasLimit(30_000_000)
            .extraData(Extra.of(new byte[0], addresses.subList(0, signers)))
            .build();
    add(genesis);
  }

  private static byte[] key(int number) {
    byte[] key = new byte[32];
    key[31] = (byte) number;
    return key;
  }

  private static Address address(byte[] key) {
    return Address.wrap(Secp256k1.address(Secp256k1.publicKey(key)));
  }

  static ChainConfig config(long period, long epoch) {
    return new ChainConfig(
        UInt256.ONE,
        Map.of(),
        Map.of(),
        null,
        new TreeMap<>(),
        null,
        new ChainConfig.Clique(period, epoch),
        null,
        null,
        true,
        null);
  }

  /** Adds a header to those that are found. */
  BlockHeader add(BlockHeader header) {
    headers.put(header.computeHash(), header);
    return header;
  }

  /** Removes a header from those that are found. */
  void remove(Hash hash) {
    headers.remove(hash);
  }

  /** Returns the header that a validator seals on a parent, at its earliest time. */
  BlockHeader sealed(BlockHeader parent, int validator, Address target, boolean authorize) {
    Clique clique = new Clique(this);
    boolean votes = !target.isZero();
    if (votes) {
      clique.propose(target, authorize);
    }
    var template =
        Objects.requireNonNull(
            clique
                .sealer(keys.get(validator), Path.of("target", "never-written"))
                .prepare(parent, parent.timestamp(), this, config));
    return add(
        Extra.withSeal(
            BlockHeader.builder()
                .parentHash(parent.computeHash())
                .number(parent.number() + 1)
                .timestamp(template.timestamp())
                .gasLimit(parent.gasLimit())
                .coinbase(template.coinbase())
                .difficulty(template.difficulty())
                .extraData(template.extraData())
                .nonce(template.nonce())
                .build(),
            keys.get(validator)));
  }

  /** Returns the header that a validator seals without a vote. */
  BlockHeader sealed(BlockHeader parent, int validator) {
    return sealed(parent, validator, Address.ZERO, false);
  }

  /** Returns a chain of these headers. */
  ChainReader chain(Supplier<BlockHeader> head) {
    return (ChainReader)
        Proxy.newProxyInstance(
            ChainReader.class.getClassLoader(),
            new Class<?>[] {ChainReader.class},
            (proxy, method, args) ->
                switch (method.getName()) {
                  case "config" -> config;
                  case "head" -> new Block(head.get(), List.of(), List.of(), null);
                  case "header" ->
                      args[0] instanceof Hash hash ? header(hash) : header((long) args[0]);
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  @Override
  public Instant instant() {
    return Instant.ofEpochMilli(millis);
  }

  @Override
  public @Nullable BlockHeader header(Hash hash) {
    read.add(hash);
    return headers.get(hash);
  }

  @Override
  public @Nullable BlockHeader header(long number) {
    return number == 0 ? genesis : null;
  }

  @Override
  public @Nullable UInt256 totalDifficulty(Hash blockHash) {
    return null;
  }
}
