// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.engine;

import dev.patchbay.api.chain.BlockReader;
import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.binding.BlockClock;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.Reward;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rules of chains like mainnet: proof of work up to the terminal total difficulty, the work
 * itself being checked only when asked for, and after it what EIP-3675 leaves to the execution
 * layer.
 */
@Capability(
    namespace = "osgi.service",
    attribute = "objectClass:List<String>=\"dev.patchbay.api.consensus.ConsensusRules\"")
@Component(
    name = "dev.patchbay.consensus.engine",
    service = {},
    immediate = true,
    configurationPolicy = ConfigurationPolicy.OPTIONAL)
@Designate(ocd = EngineRules.Config.class)
public final class EngineRules implements ConsensusRules {
  private static final Logger LOG = LoggerFactory.getLogger(EngineRules.class);

  private static final int MAX_EXTRA_DATA = 32;
  private static final int MAX_OMMERS = 2;
  private static final int GENERATIONS = 7;
  private static final long DAO_BLOCKS = 10;
  private static final Bytes DAO_EXTRA_DATA =
      Bytes.wrap("dao-hard-fork".getBytes(StandardCharsets.US_ASCII));
  private static final UInt256 ETHER = UInt256.of(1_000_000_000_000_000_000L);

  /** Configuration of the rules. */
  @ObjectClassDefinition(name = "Patchbay proof of work and stake")
  public @interface Config {
    /** Whether the work of blocks before the merge is checked. */
    @AttributeDefinition(
        description = "Whether the work (Ethash) of blocks before the merge is checked")
    boolean check_work() default false;
  }

  private final @Nullable Ethash ethash;
  private final InstantSource clock;
  private @Nullable ServiceRegistration<?> registration;

  /** Makes the component. */
  @Activate
  public EngineRules(Config config, Map<String, Object> properties) {
    this(
        ConfigurationValues.of("dev.patchbay.consensus.engine", properties)
            .reportUnknown(Config.class, LOG::warn)
            .flag("check.work", config::check_work),
        BlockClock.system(LOG::warn));
  }

  /**
   * Registers the service. The container would register it before it creates this component: where
   * the configuration is wrong, each user of the service would fail too.
   */
  @Activate
  void register(BundleContext context) {
    registration = context.registerService(ConsensusRules.class, this, new Hashtable<>());
  }

  /** Ends the registration. */
  @Deactivate
  void deactivate() {
    ServiceRegistration<?> registered = registration;
    if (registered != null) {
      registered.unregister();
      registration = null;
    }
  }

  /** Makes rules that do not check the work. */
  public EngineRules() {
    this(false, BlockClock.system(LOG::warn));
  }

  EngineRules(boolean checkWork, InstantSource clock) {
    this.ethash = checkWork ? new Ethash() : null;
    this.clock = clock;
  }

  @Override
  public String name() {
    return "engine";
  }

  @Override
  public Address feeRecipient(BlockHeader header) {
    return header.coinbase();
  }

  @Override
  public void verifyHeader(
      BlockHeader header, BlockHeader parent, HeaderReader headers, ChainConfig config)
      throws InvalidBlockException {
    if (Long.compareUnsigned(header.timestamp(), parent.timestamp()) <= 0) {
      throw new InvalidBlockException(
          "timestamp "
              + Long.toUnsignedString(header.timestamp())
              + " is not after the parent's "
              + parent.timestamp());
    }
    if (header.extraData().size() > MAX_EXTRA_DATA) {
      throw new InvalidBlockException(
          "extraData has " + header.extraData().size() + " bytes, at most " + MAX_EXTRA_DATA);
    }
    if (isMerged(header, headers, config)) {
      InvalidBlockException.check("difficulty", header.difficulty(), UInt256.ZERO);
      InvalidBlockException.check("nonce", header.nonce(), 0L);
      InvalidBlockException.check("ommersHash", header.ommersHash(), BlockHeader.EMPTY_OMMERS);
      return;
    }
    long now = clock.instant().getEpochSecond();
    if (Long.compareUnsigned(header.timestamp(), now + FutureBlockException.MAX_AHEAD_SECONDS)
        > 0) {
      throw new FutureBlockException(header.timestamp(), now);
    }
    Fork fork = config.forkAt(header.number(), header.timestamp());
    InvalidBlockException.check(
        "difficulty",
        header.difficulty(),
        Difficulty.of(
            fork,
            header.number(),
            header.timestamp(),
            parent.difficulty(),
            parent.timestamp(),
            !parent.ommersHash().equals(BlockHeader.EMPTY_OMMERS)));
    Long dao = config.daoForkBlock();
    if (dao != null && header.number() >= dao && header.number() < dao + DAO_BLOCKS) {
      InvalidBlockException.check("extraData", header.extraData(), DAO_EXTRA_DATA);
    }
    if (ethash != null) {
      verifyWork(ethash, header);
    }
  }

  private static void verifyWork(Ethash ethash, BlockHeader header) throws InvalidBlockException {
    Ethash.Work work = ethash.of(header);
    InvalidBlockException.check("mixHash", header.mixHash(), work.mixHash());
    if (!work.suffices(header.difficulty())) {
      throw new InvalidBlockException(
          "nonce 0x"
              + Long.toHexString(header.nonce())
              + " is no work for difficulty "
              + header.difficulty());
    }
  }

  private static boolean isMerged(BlockHeader header, HeaderReader headers, ChainConfig config) {
    if (config.forkAt(header.number(), header.timestamp()).includes(Fork.PARIS)) {
      return true;
    }
    UInt256 terminal = config.terminalTotalDifficulty();
    UInt256 reached = headers.totalDifficulty(header.parentHash());
    return terminal != null && reached != null && reached.compareTo(terminal) >= 0;
  }

  @Override
  public void verifyHead(BlockHeader header, HeaderReader headers, ChainConfig config)
      throws InvalidBlockException {
    boolean genesis = header.number() == 0;
    if (config.forkAt(header.number(), header.timestamp()).includes(Fork.PARIS)
        || (header.difficulty().isZero() && !genesis)) {
      return;
    }
    UInt256 terminal = config.terminalTotalDifficulty();
    UInt256 reached = headers.totalDifficulty(header.computeHash());
    if (terminal == null || reached == null || reached.compareTo(terminal) < 0) {
      throw new InvalidBlockException(
          "block "
              + header.number()
              + " is not the terminal block: its total difficulty is "
              + reached
              + ", the terminal total difficulty is "
              + terminal);
    }
    UInt256 before = genesis ? null : headers.totalDifficulty(header.parentHash());
    if (before != null && before.compareTo(terminal) >= 0) {
      throw new InvalidBlockException(
          "block "
              + header.number()
              + " is not the terminal block: the total difficulty of its parent is "
              + before
              + ", the terminal total difficulty is "
              + terminal);
    }
  }

  @Override
  public void verifyOmmers(Block block, BlockReader blocks, ChainConfig config)
      throws InvalidBlockException {
    if (block.ommers().isEmpty()) {
      return;
    }
    int allowed = config.forkOf(block.header()).includes(Fork.PARIS) ? 0 : MAX_OMMERS;
    if (block.ommers().size() > allowed) {
      throw new InvalidBlockException(
          "ommers: there are " + block.ommers().size() + ", at most " + allowed + " are allowed");
    }
    Set<Hash> ancestors = new HashSet<>();
    Set<Hash> taken = new HashSet<>();
    ancestors.add(block.hash());
    Hash next = block.header().parentHash();
    for (int i = 0; i < GENERATIONS; i++) {
      Block ancestor = blocks.block(next);
      if (ancestor == null) {
        break;
      }
      ancestors.add(next);
      ancestor.ommers().forEach(ommer -> taken.add(ommer.computeHash()));
      next = ancestor.header().parentHash();
    }
    for (BlockHeader ommer : block.ommers()) {
      Hash hash = ommer.computeHash();
      if (!taken.add(hash)) {
        throw new InvalidBlockException("ommer " + hash + " is in the chain already");
      }
      if (ancestors.contains(hash)) {
        throw new InvalidBlockException("ommer " + hash + " is an ancestor");
      }
      if (!ancestors.contains(ommer.parentHash())
          || ommer.parentHash().equals(block.header().parentHash())) {
        throw new InvalidBlockException(
            "ommer " + hash + " is no relative of the last generations");
      }
    }
  }

  @Override
  public List<Reward> rewards(Block block, ChainConfig config) {
    Fork fork = config.forkOf(block.header());
    List<Reward> out = new ArrayList<>();
    if (fork.includes(Fork.PARIS) || block.number() == 0) {
      return out;
    }
    UInt256 reward =
        ETHER.multiply(
            UInt256.of(
                fork.includes(Fork.CONSTANTINOPLE) ? 2 : fork.includes(Fork.BYZANTIUM) ? 3 : 5));
    UInt256 own = reward;
    for (BlockHeader ommer : block.ommers()) {
      UInt256 eighths = UInt256.of(ommer.number() + 8 - block.number());
      UInt256 share =
          UInt256.of(
              reward.multiply(eighths).toBigInteger().shiftRight(3)); // an eighth less a generation
      out.add(new Reward(ommer.coinbase(), share, true));
      own = own.add(UInt256.of(reward.toBigInteger().shiftRight(5)));
    }
    out.add(new Reward(block.header().coinbase(), own, false));
    return out;
  }
}
