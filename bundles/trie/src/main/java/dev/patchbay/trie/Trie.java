// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A Merkle Patricia trie over a store of nodes by path. Nodes are read when a key leads through
 * them; a commit writes the nodes on touched paths only, less the leaves.
 *
 * <p>Keys are byte strings (the state trie's are Keccak hashes), in a stored trie all of one
 * length; values are not empty.
 *
 * <p>Threading: one thread at a time, but see {@link Update}.
 */
public final class Trie {
  private static final byte[] ROOT_PATH = new byte[0];

  private final NodeStore store;
  private final @Nullable NodeCache cache;
  private final byte[] name;
  private @Nullable Node root;
  private @Nullable Consumer<byte[]> witness;

  /** Paths whose entries in the store have no successor: their nodes vanished or moved. */
  private final List<byte[]> stale = new ArrayList<>();

  /**
   * A change of one key.
   *
   * @param key the key
   * @param value the new value; null removes the key
   */
  public record Change(byte[] key, byte @Nullable [] value) {}

  /** Opens the trie whose nodes {@code store} holds; without a root node it is empty. */
  public Trie(NodeStore store) {
    this(store, null, ROOT_PATH, read(store));
  }

  /**
   * Opens the same trie; nodes that the cache has are neither read nor verified.
   *
   * @param name names the trie in the cache
   */
  public Trie(NodeStore store, NodeCache cache, byte[] name) {
    this(store, cache, name, read(store));
  }

  private Trie(NodeStore store, @Nullable NodeCache cache, byte[] name, @Nullable Node root) {
    this.store = store;
    this.cache = cache;
    this.name = name;
    this.root = root;
  }

  private static @Nullable Node read(NodeStore store) {
    byte[] rlp = store.get(ROOT_PATH);
    return rlp == null ? null : Node.decode(rlp);
  }

  /**
   * Hands over the RLP of the root now, and of each node that is read from the store from now on:
   * with them alone the same reads and changes can be made. The consumer is called by the threads
   * that work on the trie, and must not change the arrays.
   */
  public void recordReads(Consumer<byte[]> consumer) {
    witness = consumer;
    if (root != null) {
      consumer.accept(root.rlp());
    }
  }

  /** Opens an empty trie in memory. */
  public static Trie inMemory() {
    return new Trie(NodeStore.EMPTY);
  }

  /**
   * Returns the root of the trie that maps RLP(0), RLP(1), … to {@code values} (Yellow Paper,
   * section 4.3.2): of transactions, receipts, withdrawals.
   */
  public static Hash rootOfList(List<byte[]> values) {
    Trie trie = inMemory();
    for (int i = 0; i < values.size(); i++) {
      trie.put(new RlpWriter(5).number(i).toArray(), values.get(i));
    }
    return trie.rootHash();
  }

  /** Splits bytes into nibbles, one a byte. */
  public static byte[] nibbles(byte[] bytes) {
    byte[] out = new byte[bytes.length * 2];
    for (int i = 0; i < bytes.length; i++) {
      out[2 * i] = (byte) ((bytes[i] >> 4) & 0xf);
      out[2 * i + 1] = (byte) (bytes[i] & 0xf);
    }
    return out;
  }

  /** Returns the root hash; that of the empty trie when there is no entry. */
  public Hash rootHash() {
    return root == null ? Account.EMPTY_ROOT : Hash.of(root.hash());
  }

  /** Returns the value of a key, or null when there is none. */
  public byte @Nullable [] get(byte[] key) {
    byte[] path = nibbles(key);
    Node node = root;
    int at = 0;
    while (node != null) {
      if (node instanceof Node.Leaf leaf) {
        return matches(path, at, leaf.key) && at + leaf.key.length == path.length
            ? leaf.value.clone()
            : null;
      } else if (node instanceof Node.Extension extension) {
        if (!matches(path, at, extension.key)) {
          return null;
        }
        at += extension.key.length;
        node = extension.child = resolve(extension.child, path, at);
      } else {
        Node.Branch branch = (Node.Branch) node;
        if (at == path.length) {
          return branch.value == null ? null : branch.value.clone();
        }
        int nibble = path[at++];
        node = child(branch, nibble, path, at);
      }
    }
    return null;
  }

  /**
   * Sets the value of a key.
   *
   * @throws IllegalArgumentException when the value is empty
   */
  public void put(byte[] key, byte[] value) {
    requireValue(value);
    root = insert(root, nibbles(key), 0, value.clone());
  }

  private static void requireValue(byte[] value) {
    if (value.length == 0) {
      throw new IllegalArgumentException("a trie holds no empty values");
    }
  }

  /** Removes a key; does nothing when it is not there. */
  public void remove(byte[] key) {
    root = delete(root, nibbles(key), 0);
  }

  /**
   * Begins a change of many keys, each of them named once. The trie must not be used until {@link
   * Update#end}. An empty value makes its task fail with an {@link IllegalArgumentException}.
   */
  public Update update(List<Change> changes) {
    return new Update(changes);
  }

  /**
   * A change of many keys that is under way. Its tasks change and hash what lies below one child of
   * the root each, or everything where that does not pay.
   *
   * <p>Threading: the tasks on any threads, in any order, side by side; all before {@link #end}.
   */
  public final class Update {
    private static final int SPLIT = 16;

    private final List<Runnable> tasks = new ArrayList<>();

    /** The parts of the trie below the root's children; all null when there is one task. */
    private final @Nullable Trie[] parts = new Trie[16];

    private Update(List<Change> changes) {
      if (!(root instanceof Node.Branch branch) || changes.size() < SPLIT) {
        tasks.add(() -> apply(changes, 0));
        return;
      }
      List<List<Change>> groups = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        groups.add(new ArrayList<>());
      }
      changes.forEach(change -> groups.get((change.key[0] >> 4) & 0xf).add(change));
      for (int i = 0; i < 16; i++) {
        List<Change> group = groups.get(i);
        if (!group.isEmpty()) {
          Trie part = new Trie(store, cache, name, branch.child(i));
          part.witness = witness;
          parts[i] = part;
          tasks.add(() -> part.apply(group, 1));
        }
      }
    }

    /** Returns the tasks; the list must not be changed. */
    public List<Runnable> tasks() {
      return tasks;
    }

    /** Takes the results together. */
    public void end() {
      if (!(root instanceof Node.Branch branch)) {
        return;
      }
      boolean changed = false;
      for (int i = 0; i < 16; i++) {
        Trie part = parts[i];
        if (part != null) {
          changed |= part.root == null ? branch.has(i) : !part.root.stored;
          branch.set(i, part.root);
          stale.addAll(part.stale);
        }
      }
      if (changed) {
        touch(branch);
        root = collapse(branch, ROOT_PATH, 0);
      }
    }
  }

  /** Applies changes below a node that stands {@code at} nibbles deep, and hashes what results. */
  private void apply(List<Change> changes, int at) {
    for (Change change : changes) {
      byte[] path = nibbles(change.key);
      byte[] value = change.value;
      Node node = root;
      if (node instanceof Node.Reference) {
        node = resolve(node, path, at);
      }
      if (value == null) {
        root = delete(node, path, at);
      } else {
        requireValue(value);
        root = insert(node, path, at, value);
      }
    }
    if (root != null && !root.inline()) {
      root.hash();
    }
  }

  /**
   * Returns the RLP of the nodes from the root towards a key: the Merkle proof of its value, or of
   * its absence (EIP-1186). Empty for an empty trie.
   */
  public List<byte[]> proof(byte[] key) {
    List<byte[]> nodes = new ArrayList<>();
    byte[] path = nibbles(key);
    Node node = root;
    int at = 0;
    while (node != null) {
      if (node == root || !node.inline()) {
        nodes.add(node.rlp().clone());
      }
      if (node instanceof Node.Extension extension && matches(path, at, extension.key)) {
        at += extension.key.length;
        node = extension.child = resolve(extension.child, path, at);
      } else if (node instanceof Node.Branch branch && at < path.length) {
        int nibble = path[at++];
        node = child(branch, nibble, path, at);
      } else {
        node = null;
      }
    }
    return nodes;
  }

  /**
   * Returns the RLP of the node at a path; null when no node begins there, or when the node is
   * embedded in its parent.
   *
   * @param path the nibbles from the root to the node, one a byte; empty for the root
   */
  public byte @Nullable [] node(byte[] path) {
    Node node = root;
    int at = 0;
    while (node != null && at < path.length) {
      if (node instanceof Node.Extension extension && matches(path, at, extension.key)) {
        at += extension.key.length;
        node = extension.child = resolve(extension.child, path, at);
      } else if (node instanceof Node.Branch branch) {
        int nibble = path[at++];
        node = child(branch, nibble, path, at);
      } else {
        return null;
      }
    }
    return node == null || (node != root && node.inline()) ? null : node.rlp().clone();
  }

  /**
   * Hands every changed node to {@code sink}; afterwards the trie stands for what the store then
   * holds.
   */
  public void commit(NodeSink sink) {
    stale.forEach(sink::remove);
    stale.clear();
    if (root != null) {
      write(root, ROOT_PATH, sink, true);
    }
  }

  private void write(Node node, byte[] path, NodeSink sink, boolean isRoot) {
    if (node.stored) {
      return;
    }
    if (node instanceof Node.Extension extension) {
      write(extension.child, concat(path, extension.key), sink, false);
    } else if (node instanceof Node.Branch branch) {
      for (int i = 0; i < 16; i++) {
        Node child = branch.known(i);
        if (child != null && !child.stored) {
          write(child, append(path, i), sink, false);
        }
      }
    }
    if (isRoot || !(node instanceof Node.Leaf || node.inline())) {
      sink.put(path, node.rlp());
      node.entry = true;
      if (cache != null) {
        cache.put(NodeCache.place(name, path, path.length), path.length, node.hash(), node.rlp());
      }
    } else if (node.entry) {
      sink.remove(path);
      node.entry = false;
    }
    node.stored = true;
  }

  private @Nullable Node child(Node.Branch branch, int nibble, byte[] path, int at) {
    Node child = branch.child(nibble);
    if (child instanceof Node.Reference) {
      child = resolve(child, path, at);
      branch.set(nibble, child);
    }
    return child;
  }

  private Node resolve(Node node, byte[] path, int at) {
    if (!(node instanceof Node.Reference reference)) {
      return node;
    }
    Node read = load(reference, path, at);
    Consumer<byte[]> told = witness;
    if (told != null) {
      told.accept(read.rlp());
    }
    return read;
  }

  private Node load(Node.Reference reference, byte[] path, int at) {
    int place = NodeCache.place(name, path, at);
    byte[] known = cache == null ? null : cache.get(place, reference.hash);
    if (known != null) {
      return Node.decode(known);
    }
    // the leaf of a key that the caller is about to change: its value is at hand
    byte[] value = path.length > at ? store.value(bytes(path, path.length)) : null;
    if (value != null) {
      Node.Leaf leaf = leaf(path, at, value);
      if (Arrays.equals(leaf.hash(), reference.hash)) {
        return leaf;
      }
    }
    byte[] rlp = store.get(Arrays.copyOf(path, at));
    byte[] hash = rlp == null ? null : Keccak.hash256(rlp);
    if (rlp != null && Arrays.equals(hash, reference.hash)) {
      if (cache != null) {
        cache.put(place, at, reference.hash, rlp);
      }
      return Node.decode(rlp);
    }
    Node.Leaf leaf = rlp == null ? onlyLeaf(path, at) : null;
    if (leaf != null && Arrays.equals(leaf.hash(), reference.hash)) {
      return leaf;
    }
    byte[] found = leaf == null ? hash : leaf.hash();
    throw new MissingNodeException(
        "trie node "
            + Hash.of(reference.hash)
            + " at path "
            + Arrays.toString(Arrays.copyOf(path, at))
            + (found == null ? " is missing" : " has hash " + Hash.of(found)));
  }

  /** Makes the leaf at {@code path[0..at)} from the first key below it; null when there is none. */
  private Node.@Nullable Leaf onlyLeaf(byte[] path, int at) {
    NodeStore.Entry entry = store.first(bytes(path, at));
    byte[] key = entry == null ? path : nibbles(entry.key());
    return entry == null || Arrays.mismatch(key, 0, Math.min(at, key.length), path, 0, at) >= 0
        ? null
        : leaf(key, at, entry.value());
  }

  private static Node.Leaf leaf(byte[] path, int at, byte[] value) {
    Node.Leaf leaf = new Node.Leaf(Arrays.copyOfRange(path, at, path.length), value);
    leaf.stored = true;
    return leaf;
  }

  /** Puts the first nibbles together to bytes; an odd one gets a zero behind it. */
  private static byte[] bytes(byte[] nibbles, int length) {
    byte[] out = new byte[(length + 1) / 2];
    for (int i = 0; i < length; i++) {
      out[i / 2] |= (byte) ((i & 1) == 0 ? nibbles[i] << 4 : nibbles[i]);
    }
    return out;
  }

  private static void touch(Node node) {
    node.stored = false;
    node.changed();
  }

  /** Notes that a node does not stand at {@code path[0..at)} any more, nor another for it. */
  private void leave(Node node, byte[] path, int at) {
    if (node.entry) {
      stale.add(Arrays.copyOf(path, at));
      node.entry = false;
    }
  }

  /** Puts a node where another stood. */
  private static Node replace(Node old, Node node) {
    if (node != old) {
      node.entry = old.entry;
      old.entry = false;
    }
    return node;
  }

  private Node insert(@Nullable Node node, byte[] path, int at, byte[] value) {
    if (node == null) {
      return new Node.Leaf(Arrays.copyOfRange(path, at, path.length), value);
    }
    if (node instanceof Node.Leaf leaf) {
      int common = common(path, at, leaf.key);
      if (common == leaf.key.length && at + common == path.length) {
        if (!Arrays.equals(leaf.value, value)) {
          touch(leaf);
          leaf.value = value;
        }
        return leaf;
      }
      Node.Branch branch = new Node.Branch();
      Node top = replace(leaf, above(branch, path, at, common));
      if (common == leaf.key.length) {
        branch.value = leaf.value;
      } else {
        touch(leaf);
        int nibble = leaf.key[common];
        leaf.key = Arrays.copyOfRange(leaf.key, common + 1, leaf.key.length);
        branch.set(nibble, leaf);
      }
      insert(branch, path, at + common, value);
      return top;
    }
    if (node instanceof Node.Extension extension) {
      int common = common(path, at, extension.key);
      if (common == extension.key.length) {
        Node child = resolve(extension.child, path, at + common);
        touch(extension);
        extension.child = insert(child, path, at + common, value);
        return extension;
      }
      Node.Branch branch = new Node.Branch();
      Node top = replace(extension, above(branch, path, at, common));
      byte[] rest = Arrays.copyOfRange(extension.key, common + 1, extension.key.length);
      branch.set(
          extension.key[common],
          rest.length == 0 ? extension.child : new Node.Extension(rest, extension.child));
      insert(branch, path, at + common, value);
      return top;
    }
    Node.Branch branch = (Node.Branch) node;
    touch(branch);
    if (at == path.length) {
      branch.value = value;
    } else {
      int nibble = path[at];
      branch.set(nibble, insert(child(branch, nibble, path, at + 1), path, at + 1, value));
    }
    return branch;
  }

  /** Returns what stands for a branch {@code common} nibbles further up. */
  private static Node above(Node.Branch branch, byte[] path, int at, int common) {
    return common == 0
        ? branch
        : new Node.Extension(Arrays.copyOfRange(path, at, at + common), branch);
  }

  private @Nullable Node delete(@Nullable Node node, byte[] path, int at) {
    if (node == null) {
      return null;
    }
    if (node instanceof Node.Leaf leaf) {
      if (common(path, at, leaf.key) != leaf.key.length || at + leaf.key.length != path.length) {
        return leaf;
      }
      leave(leaf, path, at);
      return null;
    }
    if (node instanceof Node.Extension extension) {
      if (!matches(path, at, extension.key)) {
        return extension;
      }
      int below = at + extension.key.length;
      Node child = resolve(extension.child, path, below);
      extension.child = child;
      Node next = delete(child, path, below);
      if (next == null) {
        leave(extension, path, at);
        return null;
      }
      if (next == child && child.stored) {
        return extension;
      }
      return replace(extension, prepend(extension.key, next, path, below));
    }
    Node.Branch branch = (Node.Branch) node;
    if (at == path.length) {
      if (branch.value == null) {
        return branch;
      }
      touch(branch);
      branch.value = null;
      return collapse(branch, path, at);
    }
    int nibble = path[at];
    Node child = child(branch, nibble, path, at + 1);
    if (child == null) {
      return branch;
    }
    Node next = delete(child, path, at + 1);
    if (next == child && child.stored) {
      return branch;
    }
    touch(branch);
    branch.set(nibble, next);
    return next == null ? collapse(branch, path, at) : branch;
  }

  /** Replaces a branch that is left with one entry, or with none. */
  private @Nullable Node collapse(Node.Branch branch, byte[] path, int at) {
    int only = -1;
    for (int i = 0; i < 16; i++) {
      if (branch.has(i)) {
        if (only >= 0 || branch.value != null) {
          return branch;
        }
        only = i;
      }
    }
    if (only >= 0) {
      byte[] childPath = append(Arrays.copyOf(path, at), only);
      Node child = java.util.Objects.requireNonNull(child(branch, only, childPath, at + 1));
      return replace(branch, prepend(new byte[] {(byte) only}, child, childPath, at + 1));
    }
    byte[] value = branch.value;
    if (value == null) {
      leave(branch, path, at);
      return null;
    }
    return replace(branch, new Node.Leaf(new byte[0], value));
  }

  /**
   * Puts a key in front of a node that stands at {@code path[0..at)}; short nodes merge with it.
   */
  private Node prepend(byte[] key, Node node, byte[] path, int at) {
    if (node instanceof Node.Leaf leaf) {
      leave(leaf, path, at);
      touch(leaf);
      leaf.key = concat(key, leaf.key);
      return leaf;
    }
    if (node instanceof Node.Extension extension) {
      leave(extension, path, at);
      touch(extension);
      extension.key = concat(key, extension.key);
      return extension;
    }
    return new Node.Extension(key, node);
  }

  private static boolean matches(byte[] path, int at, byte[] key) {
    return path.length - at >= key.length && common(path, at, key) == key.length;
  }

  private static int common(byte[] path, int at, byte[] key) {
    int length = Math.min(key.length, path.length - at);
    int mismatch = Arrays.mismatch(path, at, at + length, key, 0, length);
    return mismatch < 0 ? length : mismatch;
  }

  private static byte[] append(byte[] path, int nibble) {
    byte[] out = Arrays.copyOf(path, path.length + 1);
    out[path.length] = (byte) nibble;
    return out;
  }

  private static byte[] concat(byte[] a, byte[] b) {
    byte[] out = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, out, a.length, b.length);
    return out;
  }
}
