// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.ProtocolHandler;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.binding.NamedServices.Registration;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A peer in the process of a test or benchmark: it dials one node, and asks it by eth/69 and snap/1
 * for as long as it is connected, the next question after each reply. It dials as the node itself
 * does.
 */
public final class AskingPeer implements AutoCloseable {
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Replies ethReplies = new Replies();
  private final Replies snapReplies = new Replies();
  private final AtomicLong connections = new AtomicLong();
  private final Set<Hash> announced = ConcurrentHashMap.newKeySet();
  private final ConcurrentLinkedQueue<Hash> blocks = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Hash> blockHashes = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<String> faults = new ConcurrentLinkedQueue<>();
  private final ScheduledExecutorService timer;
  private final Plan plan;
  private final DevP2pNetwork network;

  /**
   * What is asked.
   *
   * @param blocks hashes of blocks, whose headers, bodies and receipts are asked for one by one, in
   *     turn; empty for nothing
   * @param stateRoot root of the state whose accounts are asked for; null for none
   * @param pauseMillis time from a reply to the next question
   */
  public record Plan(List<Hash> blocks, @Nullable Hash stateRoot, long pauseMillis) {}

  /**
   * Starts; the first dial is under way.
   *
   * @param url of the node, as {@code admin_nodeInfo} shows it
   * @param timer runs its questions
   */
  public AskingPeer(String url, Plan plan, ScheduledExecutorService timer) {
    this.plan = plan;
    this.timer = timer;
    DevP2pSettings settings =
        new DevP2pSettings(
            "127.0.0.1",
            DevP2pSettings.NO_PORT,
            1,
            List.of(NodeUrl.parse(url)),
            List.of(),
            List.of(),
            new NetRestrict(List.of()));
    network =
        new DevP2pNetwork(
            NodeKey.random(RANDOM),
            settings,
            SessionSettings.DEFAULT,
            "AskingPeer/v1",
            new BanList(null, InstantSource.system(), text -> {}),
            InstantSource.system(),
            RANDOM);
    network.addProtocol(new Registration(1, 0, "test", "bundle test"), new Eth());
    network.addProtocol(new Registration(2, 0, "test", "bundle test"), new Snap());
    network.start();
  }

  /** Returns how many questions of eth the node has answered. */
  public long ethReplies() {
    return ethReplies.count.get();
  }

  /** Returns how many questions of snap the node has answered. */
  public long snapReplies() {
    return snapReplies.count.get();
  }

  /**
   * Returns the longest time between two replies by one sub-protocol, in nanoseconds, and begins
   * anew.
   */
  public long longestPause() {
    return Math.max(ethReplies.longest.getAndSet(0), snapReplies.longest.getAndSet(0));
  }

  /** Returns how often it was connected. */
  public long connections() {
    return connections.get();
  }

  /** Returns whether the node has announced a transaction, or sent it. */
  public boolean knows(Hash transaction) {
    return announced.contains(transaction);
  }

  /** Returns the hashes of the blocks that the node has sent in full, in their order. */
  public List<Hash> blocks() {
    return List.copyOf(blocks);
  }

  /** Returns the hashes of the blocks that the node has announced, in their order. */
  public List<Hash> blockHashes() {
    return List.copyOf(blockHashes);
  }

  /** Returns the replies that had nothing, or less than the node has, and removes them. */
  public List<String> takeFaults() {
    List<String> taken = List.copyOf(faults);
    faults.removeAll(taken);
    return taken;
  }

  /** Returns how its connections have ended, and how often. */
  public Map<String, Long> disconnects() {
    return network.disconnects();
  }

  @Override
  public void close() {
    network.close();
  }

  private void later(Runnable question) {
    try {
      timer.schedule(question, plan.pauseMillis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException ended) {
      // the test has ended
    }
  }

  private static Bytes rlp(Consumer<RlpWriter> fields) {
    return Bytes.wrap(new RlpWriter().list(fields).toArray());
  }

  /** Counts the items of the list behind the id in a reply. */
  private static int items(Bytes reply) {
    RlpReader fields = RlpReader.of(reply.unsafeArray()).list();
    fields.number();
    int count = 0;
    for (RlpReader items = fields.list(); items.hasNext(); count++) {
      items.skip();
    }
    return count;
  }

  private void check(String what, Bytes reply, int least) {
    int items = items(reply);
    if (items < least) {
      faults.add(what + " with " + items + " items, not " + least);
    }
  }

  /** Counts the replies by one sub-protocol. */
  private static final class Replies {
    private final AtomicLong count = new AtomicLong();
    private final AtomicLong longest = new AtomicLong();
    private final AtomicLong last = new AtomicLong(System.nanoTime());

    void add() {
      long now = System.nanoTime();
      longest.accumulateAndGet(now - last.getAndSet(now), Math::max);
      count.incrementAndGet();
    }
  }

  /** A question of eth: the numbers of the message and of its reply. */
  private enum Question {
    HEADERS(0x03, 0x04),
    BODIES(0x05, 0x06),
    POOLED(0x09, 0x0a),
    RECEIPTS(0x0f, 0x10);

    private final int message;
    private final int reply;

    Question(int message, int reply) {
      this.message = message;
      this.reply = reply;
    }

    Bytes payload(long id, Hash block) {
      return rlp(
          w -> {
            w.number(id);
            if (this == HEADERS) {
              w.list(query -> query.hash(block).number(1).number(0).number(0));
            } else {
              w.list(hashes -> hashes.hash(block));
            }
          });
    }
  }

  private final class Eth implements WireProtocol {
    @Override
    public Capability capability() {
      return new Capability("eth", 69);
    }

    @Override
    public int messageCount() {
      return 18;
    }

    @Override
    public ProtocolHandler connected(PeerConnection peer) {
      return new EthHandler(peer);
    }
  }

  private final class EthHandler implements ProtocolHandler {
    private static final int STATUS = 0x00;
    private static final int NEW_BLOCK_HASHES = 0x01;
    private static final int NEW_BLOCK = 0x07;
    private static final int TRANSACTIONS = 0x02;
    private static final int HASHES = 0x08;

    private final PeerConnection peer;
    private long asked;

    EthHandler(PeerConnection peer) {
      this.peer = peer;
    }

    private Question question() {
      return Question.values()[(int) (asked % Question.values().length)];
    }

    private void ask() {
      int questions = Question.values().length;
      Hash block = plan.blocks.get((int) (asked / questions % plan.blocks.size()));
      peer.send(question().message, question().payload(asked, block));
    }

    @Override
    public void messageReceived(int message, Bytes payload) {
      if (message == STATUS) {
        peer.send(STATUS, payload); // this peer has what the node has
        peer.established();
        connections.incrementAndGet();
        if (!plan.blocks.isEmpty()) {
          ask();
        }
      } else if (message == TRANSACTIONS) {
        RlpReader all = RlpReader.of(payload.unsafeArray()).list();
        while (all.hasNext()) { // a list, or the bytes of one with a type
          announced.add(Hash.keccak(all.nextIsList() ? all.raw() : all.byteArray()));
        }
      } else if (message == NEW_BLOCK_HASHES) {
        for (RlpReader all = RlpReader.of(payload.unsafeArray()).list(); all.hasNext(); ) {
          RlpReader block = all.list();
          blockHashes.add(block.hash());
          block.number();
        }
      } else if (message == NEW_BLOCK) {
        RlpReader block = RlpReader.of(payload.unsafeArray()).list().list();
        blocks.add(Hash.keccak(block.raw()));
      } else if (message == HASHES) {
        RlpReader fields = RlpReader.of(payload.unsafeArray()).list();
        fields.skip();
        fields.skip();
        for (RlpReader hashes = fields.list(); hashes.hasNext(); ) {
          announced.add(hashes.hash());
        }
      } else if (message == question().reply) {
        check(question() + "", payload, question() == Question.POOLED ? 0 : 1);
        ethReplies.add();
        asked++;
        later(this::ask);
      }
    }

    @Override
    public void disconnected() {}

    @Override
    public Map<String, Object> info() {
      return Map.of();
    }
  }

  private final class Snap implements WireProtocol {
    @Override
    public Capability capability() {
      return new Capability("snap", 1);
    }

    @Override
    public int messageCount() {
      return 8;
    }

    @Override
    public ProtocolHandler connected(PeerConnection peer) {
      peer.established();
      Runnable question = () -> peer.send(0x00, accountRange(plan.stateRoot));
      if (plan.stateRoot != null) {
        later(question);
      }
      return new ProtocolHandler() {
        @Override
        public void messageReceived(int message, Bytes payload) {
          check("ACCOUNTS", payload, 1);
          snapReplies.add();
          later(question);
        }

        @Override
        public void disconnected() {}

        @Override
        public Map<String, Object> info() {
          return Map.of();
        }
      };
    }

    private Bytes accountRange(Hash stateRoot) {
      Hash last = Hash.fromHex("0x" + "ff".repeat(Hash.SIZE));
      return rlp(w -> w.number(1).hash(stateRoot).hash(Hash.ZERO).hash(last).number(2_000));
    }
  }
}
