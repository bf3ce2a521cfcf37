// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.poa;

import dev.patchbay.api.chain.BlockReader;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.consensus.CliqueControl;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.Handover;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.BlockClock;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.crypto.KeyFile;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.Reward;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Proof of authority after EIP-225: signers take turns, and vote on each other. With a key file the
 * node seals, too.
 *
 * <p>The state of the votes after a block is that of {@link VotingStates}.
 */
@Capability(
    namespace = "osgi.service",
    attribute =
        "objectClass:List<String>=\""
            + "dev.patchbay.api.consensus.ConsensusRules,"
            + "dev.patchbay.api.consensus.CliqueControl\"")
@Component(
    name = "dev.patchbay.consensus.poa",
    service = {},
    immediate = true,
    configurationPolicy = ConfigurationPolicy.OPTIONAL)
@Designate(ocd = Clique.Config.class)
public final class Clique implements ConsensusRules, CliqueControl {
  private static final Logger LOG = LoggerFactory.getLogger(Clique.class);
  private static final UInt256 IN_TURN = UInt256.of(2);
  private static final UInt256 OUT_OF_TURN = UInt256.of(1);

  /** The state that is handed over: the votes that the operator has proposed. */
  private static final String PROPOSALS = "consensus-poa.proposals";

  /** The state that is handed over: the hash of the block that was sealed and not imported. */
  private static final String UNIMPORTED = "consensus-poa.unimported";

  /**
   * A signer out of turn waits for the signer in turn, at most for this time and as much again for
   * each two signers (geth, {@code wiggleTime}).
   */
  private static final long WIGGLE_MILLIS = 500;

  private static final ChainConfig.Clique DEFAULT = new ChainConfig.Clique(15, 30_000);

  /** Configuration of Clique. */
  @ObjectClassDefinition(name = "Patchbay Clique")
  public @interface Config {
    /** Path of the key file of the signer; without one the node does not seal. */
    @AttributeDefinition(
        description = "Path of the key file of the signer; empty: the node does not seal")
    String key_file() default "";

    /** Path of the file of the latest sealed blocks; by default it is next to the key file. */
    @AttributeDefinition(
        description =
            "Path of the file of the latest sealed blocks, to which the chain and .sealed are"
                + " added; empty: the path of the key file")
    String sealed_file() default "";
  }

  private final InstantSource clock;
  private final LongUnaryOperator random;
  final VotingStates states = new VotingStates();
  private final Map<Address, Boolean> proposals = new ConcurrentHashMap<>();
  private final SignerWatch watch;
  private final List<ServiceRegistration<?>> registrations = new ArrayList<>();
  private @Nullable Sealer ownSealer;
  private @Nullable Loop watching;
  private volatile @Nullable Handover handover;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  volatile @Nullable ChainReader chain;

  /** Makes the component; with a sealer when there is a key. */
  @Activate
  public Clique(Config config, Map<String, Object> properties) {
    this(BlockClock.system(LOG::warn));
    ConfigurationValues values =
        ConfigurationValues.of("dev.patchbay.consensus.poa", properties)
            .reportUnknown(Config.class, LOG::warn);
    String file = config.key_file();
    if (file != null && !file.isBlank()) {
      byte[] key = key(file, values);
      String sealedFile = config.sealed_file();
      sealer(key, Path.of(sealedFile == null || sealedFile.isBlank() ? file : sealedFile));
    }
  }

  /**
   * Registers the services, after {@link #setHandover}: what uses them must find what was handed
   * over. The container would register them before it creates this component: where the
   * configuration is wrong, each user of the service would fail too.
   */
  @Activate
  void register(BundleContext context) {
    String[] types = {ConsensusRules.class.getName(), CliqueControl.class.getName()};
    registrations.add(context.registerService(types, this, new Hashtable<>()));
    Sealer sealer = ownSealer;
    if (sealer != null) {
      Dictionary<String, Object> registered = new Hashtable<>();
      registered.put("signer", sealer.signer().toString());
      registrations.add(context.registerService(BlockSealer.class, sealer, registered));
      LOG.info("sealing as {}", sealer.signer().toChecksumString());
    }
    registrations.add(context.registerService(HealthCheck.class, watch, new Hashtable<>()));
    Loop loop =
        new Loop(
            "consensus-poa-watch-0",
            new Failures("watching the signers", LOG::warn, LOG::info),
            watch::look);
    watching = loop;
    try {
      loop.start();
    } catch (Throwable failure) { // no memory for a thread
      deactivate();
      throw failure;
    }
  }

  Clique(InstantSource clock) {
    this(clock, bound -> ThreadLocalRandom.current().nextLong(bound));
  }

  /**
   * Creates rules without a container.
   *
   * @param random returns a number from 0, inclusive, to its argument, exclusive
   */
  Clique(InstantSource clock, LongUnaryOperator random) {
    this.clock = clock;
    this.random = random;
    watch =
        new SignerWatch(
            clock,
            () -> chain,
            (header, hash, headers, config) ->
                states.after(header, hash, headers, parameters(config).epoch()));
  }

  /** Reads the key; a file that cannot be used is a mistake of the operator. */
  static byte[] key(String file, ConfigurationValues values) {
    try {
      return KeyFile.read(Path.of(file));
    } catch (IOException | InvalidPathException unusable) {
      throw values.unusable("key.file", String.valueOf(unusable.getMessage()));
    }
  }

  @Deactivate
  void deactivate() {
    registrations.forEach(ServiceRegistration::unregister);
    registrations.clear();
    Loop loop = watching;
    if (loop != null) {
      loop.close();
      watching = null;
    }
    Handover service = handover;
    if (service != null) {
      service.put(PROPOSALS, Map.copyOf(proposals));
      states.handOver(service);
      Hash unimported = ownSealer == null ? null : ownSealer.unimported();
      if (unimported != null) {
        service.put(UNIMPORTED, unimported);
      }
    }
  }

  /** Takes what was proposed and computed before the bundle was replaced. */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setHandover(Handover service) {
    if (service.take(PROPOSALS) instanceof Map<?, ?> votes) {
      votes.forEach(
          (signer, vote) -> {
            if (signer instanceof Address address && vote instanceof Boolean authorize) {
              proposals.putIfAbsent(address, authorize);
            }
          });
    }
    states.take(service);
    if (service.take(UNIMPORTED) instanceof Hash unimported && ownSealer != null) {
      ownSealer.take(unimported);
    }
    handover = service;
  }

  void unsetHandover(Handover service) {
    if (handover == service) {
      handover = null;
    }
  }

  private static ChainConfig.Clique parameters(ChainConfig config) {
    ChainConfig.Clique clique = config.clique();
    return clique == null ? DEFAULT : clique;
  }

  // ---- rules

  @Override
  public String name() {
    return "clique";
  }

  @Override
  public void verifyOmmers(Block block, BlockReader blocks, ChainConfig config)
      throws InvalidBlockException {
    if (!block.ommers().isEmpty()) {
      throw new InvalidBlockException("ommers: there are none under proof of authority");
    }
  }

  @Override
  public List<Reward> rewards(Block block, ChainConfig config) {
    return List.of();
  }

  @Override
  public Address feeRecipient(BlockHeader header) {
    if (header.number() == 0) {
      return header.coinbase();
    }
    try {
      return states.signer(header, header.computeHash());
    } catch (InvalidBlockException unsealed) {
      return header.coinbase();
    }
  }

  @Override
  public void verifyHeader(
      BlockHeader header, BlockHeader parent, HeaderReader headers, ChainConfig config)
      throws InvalidBlockException {
    ChainConfig.Clique parameters = parameters(config);
    checkFields(header, parent, parameters);
    Voting voting = states.after(parent, header.parentHash(), headers, parameters.epoch());
    boolean checkpoint = header.number() % parameters.epoch() == 0;
    List<Address> listed = Objects.requireNonNull(Extra.signers(header)); // checkFields has read it
    if (checkpoint && !voting.signers().equals(listed)) {
      throw new InvalidBlockException("extraData: " + Extra.difference(listed, voting.signers()));
    }
    Address signer = states.signer(header, header.computeHash());
    voting.apply(header, signer, parameters.epoch());
    UInt256 difficulty = voting.inTurn(signer, header.number()) ? IN_TURN : OUT_OF_TURN;
    if (!header.difficulty().equals(difficulty)) {
      throw new InvalidBlockException(
          "difficulty is "
              + header.difficulty()
              + ", expected "
              + difficulty
              + " of signer "
              + signer);
    }
    long now = clock.instant().getEpochSecond();
    if (header.timestamp() > now) { // last: only a header that is valid otherwise may wait
      throw new FutureBlockException(header.timestamp(), now);
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>The rules of EIP-3436 as Besu has them: the shorter branch, then the block whose signer was
   * in turn last, then the lower hash. geth takes the shorter branch, then a random one. A block
   * whose seal has a low s comes before any with a high s, whatever their hashes.
   */
  @Override
  public boolean winsTie(
      BlockHeader candidate, BlockHeader head, HeaderReader headers, ChainConfig config) {
    if (candidate.number() != head.number()) {
      return candidate.number() < head.number();
    }
    long order;
    try {
      long epoch = parameters(config).epoch();
      order = distanceFromTurn(candidate, headers, epoch) - distanceFromTurn(head, headers, epoch);
    } catch (InvalidBlockException invalid) { // the candidate: the head was verified
      return false;
    }
    if (order != 0) {
      return order < 0;
    }
    // anyone can make the second seal of a block, with n - s: it must not win. For any two blocks,
    // not only for such a pair: three of them could each win against another one otherwise
    boolean hasLowS = Extra.hasLowS(candidate);
    if (hasLowS != Extra.hasLowS(head)) {
      return hasLowS;
    }
    return candidate.computeHash().compareTo(head.computeHash()) < 0;
  }

  private long distanceFromTurn(BlockHeader header, HeaderReader headers, long epoch)
      throws InvalidBlockException {
    BlockHeader parent =
        VotingStates.require(headers.header(header.parentHash()), header.parentHash());
    Address signer = states.signer(header, header.computeHash());
    return states
        .after(parent, header.parentHash(), headers, epoch)
        .apply(header, signer, epoch)
        .distanceFromTurn(signer, header.number());
  }

  private void checkFields(BlockHeader header, BlockHeader parent, ChainConfig.Clique parameters)
      throws InvalidBlockException {
    boolean checkpoint = header.number() % parameters.epoch() == 0;
    if (header.timestamp() < parent.timestamp() + parameters.period()) {
      throw new InvalidBlockException(
          "timestamp "
              + header.timestamp()
              + " is less than "
              + parameters.period()
              + " s after the parent's "
              + parent.timestamp());
    }
    if (header.nonce() != Voting.AUTHORIZE && header.nonce() != Voting.DROP) {
      throw new InvalidBlockException("nonce " + Long.toHexString(header.nonce()) + " is no vote");
    }
    if (checkpoint && (header.nonce() != Voting.DROP || !header.coinbase().isZero())) {
      throw new InvalidBlockException(
          "a checkpoint holds no vote: nonce and coinbase must be zero");
    }
    List<Address> listed = Extra.signers(header);
    if (listed == null) {
      throw new InvalidBlockException(
          "extraData of "
              + header.extraData().size()
              + " bytes lacks vanity, seal or whole addresses");
    }
    if (!checkpoint && !listed.isEmpty()) {
      throw new InvalidBlockException(
          "extraData lists signers, but block " + header.number() + " is no checkpoint");
    }
    if (!header.mixHash().isZero()) {
      throw new InvalidBlockException("mixHash is " + header.mixHash() + ", expected zero");
    }
    if (!header.ommersHash().equals(BlockHeader.EMPTY_OMMERS)) {
      throw new InvalidBlockException(
          "ommersHash is " + header.ommersHash() + ": there are no ommers under Clique");
    }
  }

  // ---- sealing

  /**
   * Creates the sealer of these rules.
   *
   * @param key private key of 32 bytes
   * @param sealedFile path of the file of sealed blocks; the chain is added to its name
   */
  BlockSealer sealer(byte[] key, Path sealedFile) {
    Sealer sealer = new Sealer(key, sealedFile);
    ownSealer = sealer;
    return sealer;
  }

  private final class Sealer implements BlockSealer {
    private final byte[] key;
    private final Address signer;
    private final Path sealedFile;
    private @Nullable SealedBlocks sealed;
    private @Nullable Hash sealedGenesis;
    private @Nullable Prepared prepared;

    /**
     * The block that was sealed last, as long as it cannot have left the node: the chain has not
     * had it. Null for any other, such as one that was sealed before the node was started.
     */
    private @Nullable Hash unimported;

    /** The last parent that was prepared, and whether this node is the only signer after it. */
    private record Prepared(Hash parent, boolean alone) {}

    Sealer(byte[] key, Path sealedFile) {
      this.key = key;
      this.signer = Address.wrap(Secp256k1.address(Secp256k1.publicKey(key)));
      this.sealedFile = sealedFile;
    }

    @Override
    public Address signer() {
      return signer;
    }

    @Override
    public synchronized @Nullable Template prepare(
        BlockHeader parent, long now, HeaderReader headers, ChainConfig config) {
      ChainConfig.Clique parameters = parameters(config);
      long number = parent.number() + 1;
      Hash parentHash = parent.computeHash();
      Voting voting;
      try {
        voting = states.after(parent, parentHash, headers, parameters.epoch());
      } catch (InvalidBlockException broken) {
        throw new IllegalStateException(broken.getMessage(), broken);
      }
      if (!voting.signers().contains(signer)) {
        throw new IllegalStateException(
            signer + " is not a signer; the signers are " + voting.signers());
      }
      if (voting.signedRecently(signer, number)) {
        return null;
      }
      boolean alone = voting.signers().size() == 1;
      Block before = null;
      if (!alone) {
        SealedBlocks durable = sealedBlocks(headers);
        durable.check(number);
        before = durable.on(parentHash, number);
      }
      if (before == null
          || !before.hash().equals(unimported)
          || headers.header(before.hash()) != null) {
        unimported = null;
      }
      prepared = new Prepared(parentHash, alone);
      boolean checkpoint = number % parameters.epoch() == 0;
      Map.Entry<Address, Boolean> vote = checkpoint ? null : chosenVote(voting);
      Address target = vote == null ? Address.ZERO : vote.getKey();
      long nonce = vote != null && vote.getValue() ? Voting.AUTHORIZE : Voting.DROP;
      Bytes extra = Extra.of(new byte[0], checkpoint ? voting.signers() : List.of());
      long timestamp = Math.max(now, parent.timestamp() + parameters.period());
      boolean inTurn = voting.inTurn(signer, number);
      return new Template(
          timestamp,
          target,
          inTurn ? IN_TURN : OUT_OF_TURN,
          extra,
          nonce,
          signer,
          inTurn
              ? timestamp * 1_000
              : Math.max(timestamp * 1_000, clock.millis())
                  + random.applyAsLong((voting.signers().size() / 2 + 1) * WIGGLE_MILLIS));
    }

    /**
     * Returns one of the proposals that would change anything, at random: first of those for which
     * no vote of this signer counts yet, so that each comes to a vote.
     */
    private Map.@Nullable Entry<Address, Boolean> chosenVote(Voting voting) {
      List<Map.Entry<Address, Boolean>> meaningful =
          proposals.entrySet().stream()
              .filter(proposal -> voting.isMeaningful(proposal.getKey(), proposal.getValue()))
              .toList();
      List<Map.Entry<Address, Boolean>> uncast =
          meaningful.stream()
              .filter(proposal -> !voting.hasVote(signer, proposal.getKey(), proposal.getValue()))
              .toList();
      List<Map.Entry<Address, Boolean>> candidates = uncast.isEmpty() ? meaningful : uncast;
      return candidates.isEmpty()
          ? null
          : candidates.get((int) random.applyAsLong(candidates.size()));
    }

    /** Returns the blocks that were sealed of the chain of a genesis. */
    private SealedBlocks sealedBlocks(HeaderReader headers) {
      BlockHeader first = headers.header(0);
      if (first == null) {
        throw new IllegalStateException("the chain has no genesis");
      }
      Hash genesis = first.computeHash();
      SealedBlocks opened = sealed;
      if (opened == null || !genesis.equals(sealedGenesis)) {
        String chain = genesis.toString().substring(2, 10);
        opened =
            SealedBlocks.open(
                sealedFile.resolveSibling(sealedFile.getFileName() + "." + chain + ".sealed"));
        sealed = opened;
        sealedGenesis = genesis;
      }
      return opened;
    }

    @Override
    public synchronized Block seal(Block draft) {
      Hash parent = draft.header().parentHash();
      Prepared last = prepared;
      if (last == null || !last.parent().equals(parent)) {
        throw new IllegalStateException("the block after " + parent + " was not prepared");
      }
      SealedBlocks durable = last.alone() ? null : sealed;
      if (durable != null) {
        Block before = durable.on(parent, draft.number());
        if (before != null) {
          LOG.info("block {} {} was sealed before, and is used", before.number(), before.hash());
          return before;
        }
      }
      Block block =
          new Block(
              Extra.withSeal(draft.header(), key),
              draft.transactions(),
              draft.ommers(),
              draft.withdrawals());
      if (durable != null) {
        durable.add(block);
      }
      unimported = block.hash();
      return block;
    }

    @Override
    public synchronized void discard(Block block) {
      if (sealed == null) {
        return;
      }
      if (!block.hash().equals(unimported) || chain().header(block.hash()) != null) {
        LOG.warn(
            "block {} {} was sealed before, and other nodes may have it: no other one is sealed on"
                + " its parent, although it is not valid here",
            block.number(),
            block.hash());
        return;
      }
      sealed.remove(block);
      unimported = null;
    }

    /** Returns the block that the successor of this sealer may replace when it is invalid. */
    synchronized @Nullable Hash unimported() {
      return unimported;
    }

    /** Takes that block of the predecessor, before this sealer is used. */
    synchronized void take(Hash block) {
      if (prepared == null) {
        unimported = block;
      }
    }
  }

  // ---- control

  private ChainReader chain() {
    ChainReader reader = chain;
    if (reader == null) {
      throw new NotReadyException("no chain is installed");
    }
    return reader;
  }

  @Override
  public List<Address> signers() {
    return snapshot(chain().head().hash()).signers();
  }

  @Override
  public Snapshot snapshot(Hash blockHash) {
    ChainReader reader = chain();
    BlockHeader header = reader.header(blockHash);
    if (header == null) {
      throw new IllegalArgumentException("unknown block " + blockHash);
    }
    try {
      return states
          .after(header, blockHash, reader, parameters(reader.config()).epoch())
          .snapshot();
    } catch (InvalidBlockException broken) {
      throw new IllegalArgumentException(String.valueOf(broken.getMessage()), broken);
    }
  }

  @Override
  public Address signer(BlockHeader header) {
    try {
      return states.signer(header, header.computeHash());
    } catch (InvalidBlockException broken) {
      throw new IllegalArgumentException(String.valueOf(broken.getMessage()), broken);
    }
  }

  @Override
  public Map<Address, Boolean> proposals() {
    return Map.copyOf(proposals);
  }

  @Override
  public Optional<String> propose(Address address, boolean authorize) {
    Optional<String> warning = warning(address, authorize);
    warning.ifPresent(LOG::warn);
    proposals.put(address, authorize);
    return warning;
  }

  /** Returns what an operator should know before a vote; empty while the votes cannot be read. */
  private Optional<String> warning(Address address, boolean authorize) {
    ChainReader reader = chain;
    if (reader == null) {
      return Optional.empty();
    }
    try {
      Block head = reader.head();
      Voting voting =
          states.after(head.header(), head.hash(), reader, parameters(reader.config()).epoch());
      return voting.warning(address, authorize);
    } catch (InvalidBlockException
        | NotReadyException
        | StorageException
        | StorageUnavailableException unreadable) {
      return Optional.empty();
    }
  }

  @Override
  public void discard(Address address) {
    proposals.remove(address);
  }
}
