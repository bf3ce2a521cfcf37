// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import org.jspecify.annotations.Nullable;

/** An error that a client gets (JSON-RPC 2.0, section 5.1). */
public final class RpcError extends Exception {
  private static final long serialVersionUID = 1L;

  /** The request is not valid JSON. */
  public static final int PARSE_ERROR = -32700;

  /** The request is not a request. */
  public static final int INVALID_REQUEST = -32600;

  /** There is no such method, or its bundle is not there. */
  public static final int METHOD_NOT_FOUND = -32601;

  /** A parameter is missing or of the wrong kind. */
  public static final int INVALID_PARAMS = -32602;

  /** Something broke inside of the node. */
  public static final int INTERNAL_ERROR = -32603;

  /** Any other failure. */
  public static final int SERVER_ERROR = -32000;

  /** A limit of range, size or rate is exceeded. */
  public static final int LIMIT_EXCEEDED = -32005;

  /** No store is bound. */
  public static final int STORAGE_UNAVAILABLE = -32010;

  /** Execution reverted; the data are those of the revert. */
  public static final int REVERTED = 3;

  private final int code;
  private final transient @Nullable Object data;

  /** Makes an error without data. */
  public RpcError(int code, String message) {
    this(code, message, null);
  }

  /** Makes an error; {@code data} is JSON-neutral. */
  public RpcError(int code, String message, @Nullable Object data) {
    super(message, null, false, false);
    this.code = code;
    this.data = data;
  }

  /** Makes an error of a parameter. */
  public static RpcError invalidParams(String message) {
    return new RpcError(INVALID_PARAMS, message);
  }

  /** Returns the code. */
  public int code() {
    return code;
  }

  /** Returns the data, or null. */
  public @Nullable Object data() {
    return data;
  }
}
