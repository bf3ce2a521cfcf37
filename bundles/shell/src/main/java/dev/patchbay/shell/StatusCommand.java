// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.ChainChoices;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.PartHealth;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.storage.StorageControl;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.PoolStatus;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Block;
import java.util.List;
import java.util.function.Supplier;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Shows how the node is. */
@Service
@Command(
    scope = "patchbay",
    name = "status",
    description = "Shows health, head, storage, consensus, pool, peers and a swap in progress")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class StatusCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    Services services = new Services(context);
    System.out.println("health     " + health(services.health()));
    ChainReader chain = services.find(ChainReader.class);
    if (chain == null) {
      System.out.println("chain      not active; see patchbay:doctor");
      return null;
    }
    System.out.println("chain id   " + chain.config().chainId());
    try {
      Block head = chain.head();
      System.out.println("head       " + head.number() + " " + head.hash());
      if (chain.config().isDriven()) {
        System.out.println("safe       " + describe(chain::safe));
        System.out.println("finalized  " + describe(chain::finalized));
      }
    } catch (StorageUnavailableException unavailable) {
      System.out.println("head       " + unavailable.getMessage());
    }
    StorageControl storage = services.require(StorageControl.class);
    for (String name : storage.names()) {
      System.out.println(
          "storage    "
              + storage.stores().stream()
                  .filter(store -> store.name().equals(name) && store.active())
                  .findFirst()
                  .map(
                      store ->
                          name + " in " + store.backend() + ", " + store.bytes() / 1024 + " KiB")
                  .orElse(name + " UNAVAILABLE: '" + storage.chosen(name) + "' is chosen"));
    }
    String consensus = chain.config().consensus();
    boolean ruled = services.require(ChainChoices.class).rules().available();
    BlockSealer sealer = services.find(BlockSealer.class);
    System.out.println(
        "consensus  "
            + consensus
            + (ruled ? "" : ", whose rules are not installed")
            + (sealer == null
                ? ", not sealing"
                : ", sealing as " + sealer.signer().toChecksumString()));
    TransactionPool pool = services.find(TransactionPool.class);
    if (pool != null) {
      PoolStatus status = pool.status();
      System.out.println(
          "pool       " + status.pending() + " pending, " + status.queued() + " queued");
    }
    List<Network> networks = services.all(Network.class);
    printPeers(networks);
    SyncStatus sync = services.find(SyncStatus.class);
    if (sync != null && !chain.config().isDriven()) {
      System.out.println("sync       " + sync(sync.progress(), networks));
    }
    StorageControl.Progress progress = storage.progress();
    System.out.println(
        "swap       "
            + (progress.running()
                ? progress.stage()
                    + " "
                    + progress.store()
                    + ": "
                    + progress.from()
                    + " -> "
                    + progress.to()
                : "none in progress"));
    return null;
  }

  private static void printPeers(List<Network> networks) {
    if (networks.isEmpty()) {
      System.out.println("peers      off");
    }
    for (Network network : networks) {
      String summary =
          PeerListCommand.summary(network.peers(), network.pending(), network.maxPeers());
      System.out.println(
          (network.name().equals("devp2p") ? "peers      " : network.name() + "    ") + summary);
      System.out.println("           " + PeerListCommand.ownUrl(network));
    }
  }

  /** Returns the worst status and its reason. */
  static String health(HealthReport report) {
    List<PartHealth> findings = report.findings();
    if (findings.isEmpty()) {
      return "HEALTHY";
    }
    PartHealth worst = findings.get(0);
    return worst.health().status()
        + ": "
        + worst.title()
        + ": "
        + DoctorCommand.cut(worst.health().message())
        + (findings.size() == 1 ? "" : "; " + findings.size() + " findings, see patchbay:doctor");
  }

  /** Returns how far a download has come, or why there is none. */
  static String sync(SyncStatus.@Nullable Progress progress, List<Network> networks) {
    if (progress != null) {
      return "block " + progress.currentBlock() + " of " + progress.highestBlock();
    }
    boolean alone = networks.stream().allMatch(network -> network.peers().isEmpty());
    return alone ? "no peers to download from" : "no download under way";
  }

  private static String describe(Supplier<@Nullable Block> tag) {
    try {
      Block block = tag.get();
      return block == null
          ? "not told by a consensus client yet"
          : block.number() + " " + block.hash();
    } catch (PrunedException pruned) {
      return pruned.number() + ", whose body has been pruned";
    }
  }
}
