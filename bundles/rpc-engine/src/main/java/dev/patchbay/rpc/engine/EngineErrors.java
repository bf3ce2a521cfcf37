// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import dev.patchbay.api.rpc.RpcError;

/** The errors of the Engine API (execution-apis, {@code src/engine/common.md}). */
final class EngineErrors {
  private EngineErrors() {}

  /** Nothing is being built under an id. */
  static RpcError unknownPayload(String id) {
    return new RpcError(-38001, "Unknown payload " + id);
  }

  /** The safe or the finalized block is not in the chain of the head. */
  static RpcError invalidForkchoiceState(String reason) {
    return new RpcError(-38002, "Invalid forkchoice state: " + reason);
  }

  /** Attributes do not fit the head, or the version of the method. */
  static RpcError invalidAttributes(String reason) {
    return new RpcError(-38003, "Invalid payload attributes: " + reason);
  }

  /** More is asked for than is answered. */
  static RpcError tooLarge(String reason) {
    return new RpcError(-38004, "Too large request: " + reason);
  }

  /** The method is not for the fork of a timestamp. */
  static RpcError unsupportedFork(String reason) {
    return new RpcError(-38005, "Unsupported fork: " + reason);
  }

  /** The head would go back too far. */
  static RpcError tooDeepReorg(String reason) {
    return new RpcError(-38006, "Too deep reorg: " + reason);
  }
}
