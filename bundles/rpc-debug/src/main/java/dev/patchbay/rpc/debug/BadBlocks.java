// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ChainReader.BadBlock;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.rpc.codec.Results;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The blocks that were refused. */
record BadBlocks(ChainReader chain) {
  /** Returns one of them. */
  Block find(Hash hash) throws RpcError {
    for (BadBlock known : chain.badBlocks()) {
      if (known.block().hash().equals(hash)) {
        return known.block();
      }
    }
    throw new RpcError(RpcError.SERVER_ERROR, "bad block " + hash + " not found");
  }

  List<Object> all() {
    List<Object> out = new ArrayList<>();
    for (BadBlock bad : chain.badBlocks()) {
      Map<String, Object> item = new LinkedHashMap<>();
      item.put("hash", bad.block().hash().toString());
      item.put("block", Results.block(bad.block(), true));
      item.put("rlp", Hex.encode(bad.block().encode()));
      item.put("reason", bad.reason());
      out.add(item);
    }
    return out;
  }
}
