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

  /** No store is bound. */
  public static final int STORAGE_UNAVAILABLE = -32010;

  /** The body or the receipts of a block have been pruned (EIP-4444). */
  public static final int PRUNED_HISTORY = 4444;

  /** Execution reverted; the data are those of the revert. */
  public static final int REVERTED = 3;

  /** The tables of codes that a listener can answer with. */
  public enum Profile {
    /** Codes of their own for what wallets meet; the default. */
    PATCHBAY,
    /** What geth answers. */
    GETH,
    /** The error catalogue of execution-apis. */
    CATALOGUE
  }

  /** Failures whose code depends on the profile. */
  public enum Kind {
    /** Nonce below the account's. */
    NONCE_TOO_LOW(-32001, SERVER_ERROR, 1),
    /** Balance below cost. */
    INSUFFICIENT_FUNDS(-32002, SERVER_ERROR, 809),
    /** Gas limit above the block's. */
    GAS_LIMIT(-32003, SERVER_ERROR, 803),
    /** Fees too low for the pool, or to replace another transaction. */
    UNDERPRICED(-32004, SERVER_ERROR, 802),
    /** A limit of range, size or rate. */
    LIMIT(-32005, SERVER_ERROR, -32005),
    /** More time than a request may take. */
    TIMEOUT(-32005, -32002, -32005),
    /** A response of more bytes than allowed. */
    RESPONSE_TOO_LARGE(-32005, -32003, -32005);

    private final int patchbay;
    private final int geth;
    private final int catalogue;

    Kind(int patchbay, int geth, int catalogue) {
      this.patchbay = patchbay;
      this.geth = geth;
      this.catalogue = catalogue;
    }

    /** Returns the code under a profile. */
    public int code(Profile profile) {
      return switch (profile) {
        case PATCHBAY -> patchbay;
        case GETH -> geth;
        case CATALOGUE -> catalogue;
      };
    }
  }

  private final int code;
  private final @Nullable Kind kind;
  private final boolean absence;
  private final transient @Nullable Object data;

  /** Creates an error without data. */
  public RpcError(int code, String message) {
    this(code, message, null);
  }

  /** Creates an error; {@code data} is JSON-neutral. */
  public RpcError(int code, String message, @Nullable Object data) {
    this(code, null, message, data, false);
  }

  /** Creates an error without data whose code depends on the profile. */
  public RpcError(Kind kind, String message) {
    this(kind, message, null);
  }

  /** Creates an error whose code depends on the profile; {@code data} is JSON-neutral. */
  public RpcError(Kind kind, String message, @Nullable Object data) {
    this(kind.code(Profile.PATCHBAY), kind, message, data, false);
  }

  private RpcError(
      int code, @Nullable Kind kind, String message, @Nullable Object data, boolean absence) {
    super(message, null, false, false);
    this.code = code;
    this.kind = kind;
    this.data = data;
    this.absence = absence;
  }

  /** Creates an error of a parameter. */
  public static RpcError invalidParams(String message) {
    return new RpcError(INVALID_PARAMS, message);
  }

  /**
   * Creates an error with the code {@link #SERVER_ERROR} of a method that lacks a part of the node,
   * such as a tracer. The method must have had no effect: while a bundle is being replaced the
   * server keeps the error back, and calls the method again.
   *
   * @param message names what is absent
   */
  public static RpcError absence(String message) {
    return new RpcError(SERVER_ERROR, null, message, null, true);
  }

  /** Returns whether the error is one of {@link #absence}. */
  public boolean isAbsence() {
    return absence;
  }

  /** Returns the code under the profile {@link Profile#PATCHBAY}. */
  public int code() {
    return code;
  }

  /** Returns the code under a profile. */
  public int code(Profile profile) {
    return kind == null ? code : kind.code(profile);
  }

  /** Returns the data, or null. */
  public @Nullable Object data() {
    return data;
  }
}
