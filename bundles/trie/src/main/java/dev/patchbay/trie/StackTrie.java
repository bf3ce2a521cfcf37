// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Hash;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Computes the root of a trie from its entries in ascending order, as geth's {@code StackTrie}
 * does. It holds the nodes on the path to the latest key only, so its memory does not grow with the
 * trie.
 *
 * <p>Threading: one thread at a time.
 */
public final class StackTrie {
  private static final byte[] ROOT_PATH = new byte[0];

  /** Takes the nodes that a stored trie has an entry for, children before their parents. */
  @FunctionalInterface
  public interface Nodes {
    /**
     * Takes a node.
     *
     * @param path the nibbles from the root to the node, one a byte
     * @param hash Keccak-256 of the RLP of the node
     */
    void node(byte[] path, Hash hash);
  }

  /** A branch on the path to the latest key, whose children are not complete. */
  private record Open(int depth, Node.Branch branch) {}

  private final Nodes nodes;
  private final Deque<Open> open = new ArrayDeque<>();

  /** The nibbles of the latest key; null before the first. Its leaf is not in a branch yet. */
  private byte @Nullable [] last;

  private byte[] lastValue = new byte[0];

  /** Creates an empty trie whose nodes are handed to {@code nodes} as soon as they are known. */
  public StackTrie(Nodes nodes) {
    this.nodes = nodes;
  }

  /**
   * Adds an entry.
   *
   * @param key a key above all earlier ones and of their length
   * @param value the value, not empty, which must not change afterwards
   * @throws IllegalArgumentException when the key is out of order, or of another length, or the
   *     value is empty; the trie is as before
   */
  public void add(byte[] key, byte[] value) {
    byte[] path = Trie.nibbles(key);
    byte[] before = last;
    if (value.length == 0
        || (before != null
            && (before.length != path.length || Arrays.compare(before, path) >= 0))) {
      throw new IllegalArgumentException("an entry of a trie is empty or out of order");
    }
    if (before != null) {
      close(before, Arrays.mismatch(before, path));
    }
    last = path;
    lastValue = value;
  }

  /** Returns the root hash of all entries; nothing can be added afterwards. */
  public Hash root() {
    byte[] path = last;
    if (path == null) {
      return Account.EMPTY_ROOT;
    }
    Node root;
    Open top = open.peek();
    if (top == null) {
      root = new Node.Leaf(path, lastValue);
    } else {
      attachLast(top, path);
      open.pop();
      for (Open parent = open.poll(); parent != null; parent = open.poll()) {
        attach(parent, top, path);
        top = parent;
      }
      root = extended(top, 0, path);
    }
    Hash hash = Hash.of(root.hash());
    nodes.node(ROOT_PATH, hash);
    return hash;
  }

  /** Completes all branches below the depth at which the next key leaves the latest one. */
  private void close(byte[] path, int depth) {
    Open top = open.peek();
    if (top == null || top.depth < depth) {
      Open next = new Open(depth, new Node.Branch());
      attachLast(next, path);
      open.push(next);
      return;
    }
    attachLast(top, path);
    while (top.depth > depth) {
      open.pop();
      Open parent = open.peek();
      if (parent == null || parent.depth < depth) {
        parent = new Open(depth, new Node.Branch());
        open.push(parent);
      }
      attach(parent, top, path);
      top = parent;
    }
  }

  private void attachLast(Open parent, byte[] path) {
    int from = parent.depth + 1;
    Node leaf = new Node.Leaf(Arrays.copyOfRange(path, from, path.length), lastValue);
    parent.branch.set(path[parent.depth], reduced(leaf));
  }

  private void attach(Open parent, Open child, byte[] path) {
    int from = parent.depth + 1;
    Node node = extended(child, from, path);
    if (!node.inline()) {
      nodes.node(Arrays.copyOf(path, from), Hash.of(node.hash()));
    }
    parent.branch.set(path[parent.depth], reduced(node));
  }

  /** Returns a complete branch with the nibbles above it, which begin at a depth. */
  private Node extended(Open child, int from, byte[] path) {
    if (child.depth == from) {
      return child.branch;
    }
    if (!child.branch.inline()) {
      nodes.node(Arrays.copyOf(path, child.depth), Hash.of(child.branch.hash()));
    }
    return new Node.Extension(Arrays.copyOfRange(path, from, child.depth), reduced(child.branch));
  }

  /** Returns what a parent needs of a node. */
  private static Node reduced(Node node) {
    return node.inline() ? node : new Node.Reference(node.hash());
  }
}
