// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.clique;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.CliqueControl;
import dev.patchbay.api.consensus.CliqueControl.Snapshot;
import dev.patchbay.api.consensus.CliqueControl.Vote;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.rpc.codec.Params;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** The {@code clique} namespace: signers and votes (EIP-225), in the shapes of geth. */
@Component(property = RpcNamespace.NAME + "=clique")
public final class CliqueNamespace implements RpcNamespace {
  private static final int ACTIVITY_BLOCKS = 64;

  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final ChainReader chain;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable CliqueControl control;

  /** Makes the methods. */
  @Activate
  public CliqueNamespace(@Reference ChainReader chain) {
    this.chain = chain;
    methods.put("clique_getSigners", (p, s) -> signers(byNumber(p)));
    methods.put("clique_getSignersAtHash", (p, s) -> signers(byHash(p)));
    methods.put("clique_getSnapshot", (p, s) -> snapshot(byNumber(p)));
    methods.put("clique_getSnapshotAtHash", (p, s) -> snapshot(byHash(p)));
    methods.put("clique_getSigner", (p, s) -> signer(byNumber(p)).toString());
    methods.put("clique_status", (p, s) -> status());
    methods.put("clique_proposals", (p, s) -> proposals());
    methods.put("clique_propose", (p, s) -> propose(new Params(p)));
    methods.put("clique_discard", (p, s) -> discard(new Params(p)));
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  private CliqueControl control() throws RpcError {
    if (chain.config().clique() == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "the chain is not one of proof of authority");
    }
    CliqueControl current = control;
    if (current == null) {
      throw RpcError.absence("the rules of proof of authority are not installed");
    }
    return current;
  }

  private Block byNumber(List<@Nullable Object> p) throws RpcError {
    return required(Params.headerOf(chain, () -> new Params(p).block(0, chain)));
  }

  private Block byHash(List<@Nullable Object> p) throws RpcError {
    return required(Params.headerOf(chain, () -> chain.block(new Params(p).hash(0))));
  }

  private static Block required(@Nullable Block block) throws RpcError {
    if (block == null) {
      throw new RpcError(RpcError.SERVER_ERROR, "unknown block");
    }
    return block;
  }

  private Snapshot after(Block block) throws RpcError {
    CliqueControl clique = control();
    try {
      return clique.snapshot(block.hash());
    } catch (IllegalArgumentException broken) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(broken.getMessage()));
    }
  }

  private Address signer(Block block) throws RpcError {
    CliqueControl clique = control();
    try {
      return clique.signer(block.header());
    } catch (IllegalArgumentException broken) {
      throw new RpcError(RpcError.SERVER_ERROR, String.valueOf(broken.getMessage()));
    }
  }

  private Object signers(Block block) throws RpcError {
    return after(block).signers().stream().map(Address::toString).toList();
  }

  private Object snapshot(Block block) throws RpcError {
    Snapshot snapshot = after(block);
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("number", block.number());
    out.put("hash", block.hash().toString());
    Map<String, Object> signers = new LinkedHashMap<>();
    snapshot.signers().forEach(signer -> signers.put(signer.toString(), Map.of()));
    out.put("signers", signers);
    Map<String, Object> recents = new LinkedHashMap<>();
    snapshot
        .recents()
        .forEach((number, signer) -> recents.put(String.valueOf(number), signer.toString()));
    out.put("recents", recents);
    out.put("votes", snapshot.votes().stream().map(CliqueNamespace::vote).toList());
    Map<String, Map<String, Object>> tally = new TreeMap<>();
    for (Vote vote : snapshot.votes()) {
      Map<String, Object> votes =
          tally.computeIfAbsent(vote.target().toString(), target -> new LinkedHashMap<>());
      votes.put("authorize", vote.authorize());
      votes.merge("votes", 1, (a, b) -> (Integer) a + (Integer) b);
    }
    out.put("tally", tally);
    return out;
  }

  private static Object vote(Vote vote) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("signer", vote.signer().toString());
    out.put("block", vote.block());
    out.put("address", vote.target().toString());
    out.put("authorize", vote.authorize());
    return out;
  }

  /** How the signers took part in the latest blocks. */
  private Object status() throws RpcError {
    Block head = chain.head();
    Map<String, Integer> activity = new TreeMap<>();
    after(head).signers().forEach(signer -> activity.put(signer.toString(), 0));
    int blocks = 0;
    int inTurn = 0;
    Block block = head;
    while (block != null && block.number() > 0 && blocks < ACTIVITY_BLOCKS) {
      activity.merge(signer(block).toString(), 1, Integer::sum);
      inTurn += block.header().difficulty().longValue() == 2 ? 1 : 0;
      blocks++;
      Hash parent = block.header().parentHash();
      block = Params.headerOf(chain, () -> chain.block(parent));
    }
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("inturnPercent", blocks == 0 ? 0.0 : 100.0 * inTurn / blocks);
    out.put("sealerActivity", activity);
    out.put("numBlocks", blocks);
    return out;
  }

  private Object proposals() throws RpcError {
    Map<String, Object> out = new TreeMap<>();
    control().proposals().forEach((address, vote) -> out.put(address.toString(), vote));
    return out;
  }

  private @Nullable Object propose(Params params) throws RpcError {
    control().propose(params.address(0), params.flag(1));
    return null;
  }

  private @Nullable Object discard(Params params) throws RpcError {
    control().discard(params.address(0));
    return null;
  }
}
