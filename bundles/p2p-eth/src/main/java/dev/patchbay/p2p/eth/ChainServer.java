// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Replies to requests for blocks. A reply ends at the first block that is unknown or pruned, and
 * after 2 MiB. While the chain is missing, replies are empty. Threading: any thread.
 */
final class ChainServer {
  private final NodeServices services;

  ChainServer(NodeServices services) {
    this.services = services;
  }

  /** Returns the headers that a peer asks for. */
  BlockHeaders headers(GetBlockHeaders request) {
    return new BlockHeaders(
        request.requestId(), services.withChain(chain -> headers(chain, request), List.of()));
  }

  private static List<Bytes> headers(ChainReader chain, GetBlockHeaders request) {
    ReplyItems items = new ReplyItems();
    HeaderWalk walk = new HeaderWalk(chain, request);
    int limit =
        Long.compareUnsigned(request.limit(), EthLimits.MAX_HEADERS) < 0
            ? (int) request.limit()
            : EthLimits.MAX_HEADERS;
    BlockHeader header = limit == 0 ? null : walk.first();
    for (int count = 1; header != null; count++) {
      Bytes rlp = Bytes.wrap(header.encode());
      header = items.add(rlp) && count < limit ? walk.next(header, rlp.keccak()) : null;
    }
    return items.toList();
  }

  /** Returns the bodies that a peer asks for. */
  BlockBodies bodies(GetBlockBodies request) {
    return new BlockBodies(
        request.requestId(),
        services.withChain(chain -> bodies(chain, request.hashes()), List.of()));
  }

  private static List<Bytes> bodies(ChainReader chain, List<Hash> hashes) {
    ReplyItems items = new ReplyItems();
    for (Hash hash : hashes) {
      Block block = items.isFull() ? null : blockOf(chain, hash);
      if (block == null || !items.add(Bytes.wrap(block.encodeBody()))) {
        break;
      }
    }
    return items.toList();
  }

  private static @Nullable Block blockOf(ChainReader chain, Hash hash) {
    try {
      return chain.block(hash);
    } catch (PrunedException pruned) {
      return null;
    }
  }

  /** Returns the receipts that a peer asks for. */
  Receipts receipts(GetReceipts request) {
    Receipts none = new Receipts(request.version(), request.requestId(), false, List.of());
    return services.withChain(chain -> receipts(chain, request), none);
  }

  private static Receipts receipts(ChainReader chain, GetReceipts request) {
    ReplyItems items = new ReplyItems();
    long skipped = request.firstReceipt();
    boolean incomplete = false;
    for (Hash hash : request.hashes()) {
      List<Receipt> receipts = items.isFull() || incomplete ? null : receiptsOf(chain, hash);
      if (receipts == null || Long.compareUnsigned(skipped, receipts.size()) > 0) {
        break;
      }
      List<Receipt> wanted = receipts.subList((int) skipped, receipts.size());
      List<byte[]> encoded = encode(wanted, request.version(), items);
      boolean isCut = encoded.size() < wanted.size();
      RlpWriter list = new RlpWriter().list(w -> encoded.forEach(w::raw));
      if ((isCut && encoded.isEmpty()) || !items.add(Bytes.wrap(list.toArray()))) {
        break; // what was added before is complete
      }
      incomplete = isCut;
      skipped = 0;
    }
    return new Receipts(request.version(), request.requestId(), incomplete, items.toList());
  }

  /** Encodes receipts of a block: all, or as many as there is room for, where that is allowed. */
  private static List<byte[]> encode(
      List<Receipt> receipts, EthVersion version, ReplyItems before) {
    List<byte[]> encoded = new ArrayList<>();
    int room = before.room();
    for (Receipt receipt : receipts) {
      byte[] rlp = ReceiptCodec.encode(receipt, version);
      boolean isFirst = before.isEmpty() && encoded.isEmpty(); // a reply must make progress
      if (version.hasPartialReceipts() && rlp.length > room && !isFirst) {
        break;
      }
      encoded.add(rlp);
      room -= rlp.length;
    }
    return encoded;
  }

  private static @Nullable List<Receipt> receiptsOf(ChainReader chain, Hash hash) {
    try {
      return chain.receipts(hash);
    } catch (PrunedException pruned) {
      return null;
    }
  }

  /** Returns that the chain, which does not store block access lists, has none of them. */
  BlockAccessLists accessLists(GetBlockAccessLists request) {
    int count = request.hashes().size();
    return new BlockAccessLists(
        request.requestId(), Collections.nCopies(count, BlockAccessLists.UNAVAILABLE));
  }
}
