// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.ChainChoices;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.PartHealth;
import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.storage.StorageControl;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.txpool.PoolStatus;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Block;
import java.io.PrintStream;
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
  /** The health of the network of devp2p. */
  private static final String DEVP2P = "p2p.devp2p";

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    print(new Services(context), System.out);
    return null;
  }

  /** Prints all lines. */
  static void print(Services services, PrintStream out) {
    HealthReport report = services.health();
    out.println("health     " + health(report));
    ChainReader chain = services.find(ChainReader.class);
    if (chain == null) {
      out.println("chain      not active; see patchbay:doctor");
      return;
    }
    out.println("chain id   " + chain.config().chainId());
    try {
      Block head = chain.head();
      out.println("head       " + head.number() + " " + head.hash());
      if (chain.config().isDriven()) {
        out.println("safe       " + describe(chain::safe));
        out.println("finalized  " + describe(chain::finalized));
      }
    } catch (StorageUnavailableException unavailable) {
      out.println("head       " + unavailable.getMessage());
    }
    StorageControl storage = services.require(StorageControl.class);
    for (String name : storage.names()) {
      out.println(
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
    out.println(
        "consensus  "
            + consensus
            + (ruled ? "" : ", whose rules are not installed")
            + (sealer == null
                ? ", not sealing"
                : ", sealing as " + sealer.signer().toChecksumString()));
    TransactionPool pool = services.find(TransactionPool.class);
    if (pool != null) {
      PoolStatus status = pool.status();
      out.println("pool       " + status.pending() + " pending, " + status.queued() + " queued");
    }
    List<Network> networks = services.all(Network.class);
    printPeers(networks, report, out);
    SyncStatus sync = services.find(SyncStatus.class);
    if (sync != null) {
      out.println("sync       " + sync(sync, networks));
    }
    StorageControl.Progress progress = storage.progress();
    out.println(
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
  }

  private static void printPeers(List<Network> networks, HealthReport report, PrintStream out) {
    if (networks.isEmpty()) {
      out.println("peers      " + withoutNetwork(report));
    }
    for (Network network : networks) {
      String summary =
          PeerListCommand.summary(network.peers(), network.pending(), network.maxPeers());
      out.println(
          (network.name().equals("devp2p") ? "peers      " : network.name() + "    ") + summary);
      out.println("           " + PeerListCommand.ownUrl(network));
    }
  }

  /** Returns why there is no network: it failed, or there is to be none. */
  static String withoutNetwork(HealthReport report) {
    return report
        .part(DEVP2P)
        .map(PartHealth::health)
        .filter(health -> health.status() == Health.Status.FAILED)
        .map(health -> "failed: " + health.message())
        .orElse("off");
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
  static String sync(@Nullable SyncStatus status, List<Network> networks) {
    String progress = status == null ? null : status.describe();
    if (progress != null) {
      return progress;
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
