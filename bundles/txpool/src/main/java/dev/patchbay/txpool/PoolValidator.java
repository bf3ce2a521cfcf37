// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.FeeRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.api.txpool.TransactionPool.Origin;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.IntrinsicGas;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.TransactionRules;
import dev.patchbay.primitives.execution.TransactionValidator;
import java.math.BigInteger;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Checks transactions against the block that would follow the head, without regard to the others of
 * the pool. Threading: any thread.
 */
final class PoolValidator {
  private static final int MAX_BYTES = 128 * 1024;

  /** The beginning of code that delegates to another account (EIP-7702). */
  private static final Bytes DELEGATION = Bytes.fromHex("0xef0100");

  private static final int DELEGATION_BYTES = 23;

  /** A transaction whose fees besides gas are other ones when the parameters of fees are. */
  private static final Transaction PROBE =
      Transaction.builder(TransactionType.FEE_MARKET)
          .gasLimit(30_000_000)
          .data(Bytes.wrap(new byte[1_000]))
          .build();

  private final ChainReader chain;
  private final ProtocolSchedule schedule;
  private final StateProvider states;
  private final UInt256 minTip;
  private final Proofs proofs;

  /**
   * A sender at the head.
   *
   * @param account its account; the empty one when it does not exist
   * @param delegated whether its code delegates to another account (EIP-7702)
   * @param extraFees what its transaction pays besides gas at most, in wei
   */
  record Sender(Account account, boolean delegated, BigInteger extraFees) {
    /** Returns whether it may not send transactions because it has code (EIP-3607). */
    boolean isContract() {
      return !delegated && !account.codeHash().equals(Account.EMPTY_CODE);
    }
  }

  /** Verifies blobs. */
  interface Proofs {
    /** Returns why a sidecar does not have these versioned hashes; null when it has. */
    @Nullable String mismatch(BlobSidecar sidecar, List<Hash> versionedHashes);
  }

  PoolValidator(
      ChainReader chain,
      ProtocolSchedule schedule,
      StateProvider states,
      UInt256 minTip,
      Proofs proofs) {
    this.chain = chain;
    this.schedule = schedule;
    this.states = states;
    this.minTip = minTip;
    this.proofs = proofs;
  }

  /** Returns the fork of a block that follows a head at once. */
  Fork forkAfter(Block head) {
    return chain.config().forkAt(head.number() + 1, head.header().timestamp());
  }

  /** Returns the fees of a block that follows a head at once. */
  Fees feesAfter(Block head) {
    BlockHeader header = head.header();
    ChainConfig config = schedule.config();
    FeeRules rules = schedule.rules();
    long time = header.timestamp();
    UInt256 baseFee =
        header.baseFeePerGas() == null ? null : rules.nextBaseFee(header, time, config);
    UInt256 blobBaseFee =
        header.excessBlobGas() == null
            ? null
            : FeeMarket.blobBaseFee(
                rules.nextExcessBlobGas(header, time, config), config.blobScheduleAt(time));
    return new Fees(baseFee, blobBaseFee);
  }

  /** Returns the maximum gas limit of a transaction after a head. */
  long maxGas(Block head) {
    return rules(head).maxPoolGas(head.header().gasLimit());
  }

  // ---- without the state

  /** Checks what needs no state, and returns the sender. */
  Address validateStateless(Transaction tx, Block head, Origin origin) throws RejectedException {
    if (tx.encodedSize() > MAX_BYTES) {
      throw invalid(
          "oversized data: transaction size " + tx.encodedSize() + ", limit " + MAX_BYTES);
    }
    if (tx.deposit() != null || !rules(head).allows(tx.type())) {
      throw invalid("transaction type not supported");
    }
    if (Long.compareUnsigned(tx.gasLimit(), maxGas(head)) > 0) {
      throw new RejectedException(Reason.GAS_LIMIT, "exceeds block gas limit");
    }
    checkFork(tx, head);
    if (origin == Origin.LOCAL && tx.chainId() == null) { // valid: peers and blocks may have it
      throw invalid("only replay-protected (EIP-155) transactions allowed over RPC");
    }
    Address sender = tx.sender();
    if (sender == null) {
      throw invalid("invalid sender");
    }
    if (tx.maxPriorityFeePerGas().compareTo(minTip) < 0) {
      throw new RejectedException(
          Reason.UNDERPRICED,
          "transaction underpriced: gas tip cap "
              + tx.maxPriorityFeePerGas()
              + ", minimum needed "
              + minTip);
    }
    if (tx.type() == TransactionType.BLOB && tx.maxFeePerBlobGas().isZero()) {
      throw new RejectedException(
          Reason.UNDERPRICED, "transaction underpriced: blob fee cap 0, minimum needed 1");
    }
    return sender;
  }

  /** Checks the rules of the fork that the next block has. */
  void checkFork(Transaction tx, Block head) throws RejectedException {
    Fork fork = forkAfter(head);
    int maxBlobs =
        fork.includes(Fork.CANCUN)
            ? chain.config().blobScheduleAt(head.header().timestamp()).max()
            : 0;
    try {
      TransactionValidator.checkType(tx, fork, maxBlobs);
      TransactionValidator.checkChainId(tx, fork, chain.config().chainId());
      TransactionValidator.checkGasCap(tx, fork);
      TransactionValidator.checkTip(tx);
      TransactionValidator.checkNonce(tx);
      TransactionValidator.checkGas(tx, fork);
    } catch (InvalidTransactionException invalid) {
      throw rejected(invalid, tx, fork, maxBlobs);
    }
  }

  /** Returns the refusal of a pool, which geth words otherwise than that of a block. */
  private static RejectedException rejected(
      InvalidTransactionException invalid, Transaction tx, Fork fork, int maxBlobs) {
    int blobs = tx.blobVersionedHashes().size();
    String own = String.valueOf(invalid.getMessage());
    return switch (invalid.reason()) {
      case GAS_LIMIT_TOO_HIGH -> new RejectedException(Reason.GAS_LIMIT, own);
      case INTRINSIC_GAS ->
          invalid(
              own.substring(0, own.indexOf(':'))
                  + ": gas "
                  + Long.toUnsignedString(tx.gasLimit())
                  + ", minimum needed "
                  + Math.max(IntrinsicGas.of(tx, fork), IntrinsicGas.floor(tx, fork)));
      case INIT_CODE_TOO_LARGE ->
          invalid(
              "max initcode size exceeded: code size "
                  + tx.data().size()
                  + ", limit "
                  + TransactionValidator.MAX_INIT_CODE_BYTES);
      case TIP_ABOVE_FEE_CAP -> invalid("max priority fee per gas higher than max fee per gas");
      case AUTHORIZATION -> invalid("set code tx must have at least one authorization tuple");
      case BLOB -> {
        int most =
            fork.includes(Fork.OSAKA)
                ? Math.min(maxBlobs, TransactionValidator.MAX_BLOBS)
                : maxBlobs;
        yield blobs == 0
            ? invalid("blobless blob transaction")
            : invalid(
                blobs > most
                    ? "too many blobs in transaction: have " + blobs + ", permitted " + most
                    : own);
      }
      default -> invalid(own);
    };
  }

  /** Checks that a sidecar has the form that the next block needs, if the type has one at all. */
  void checkSidecarForm(Transaction tx, @Nullable BlobSidecar sidecar, Block head)
      throws RejectedException {
    if (tx.type() != TransactionType.BLOB) {
      if (sidecar != null) {
        throw invalid("blobs with a transaction that names none");
      }
      return;
    }
    if (sidecar == null) {
      throw invalid("missing sidecar in blobTx");
    }
    int version = sidecarVersion(forkAfter(head));
    if (sidecar.version() != version) {
      throw invalid("unexpected sidecar version, want: " + version + ", got: " + sidecar.version());
    }
  }

  /** Returns the version of sidecars in a fork (EIP-7594). */
  static int sidecarVersion(Fork fork) {
    return fork.includes(Fork.OSAKA) ? 1 : 0;
  }

  /** Checks blobs against their proofs, which takes up to a tenth of a second. */
  void checkProofs(Transaction tx, BlobSidecar sidecar) throws RejectedException {
    String mismatch = proofs.mismatch(sidecar, tx.blobVersionedHashes());
    if (mismatch != null) {
      throw new RejectedException(Reason.INVALID_BLOBS, mismatch);
    }
  }

  // ---- with the state

  /** Reads the sender of a transaction after a block; null when the block is not canonical. */
  @Nullable Sender sender(Transaction tx, Address address, Block head) {
    try (StateReader state = states.stateAt(head.hash())) {
      if (state == null) {
        return null;
      }
      return sender(state, address, extraFees(tx, head, state));
    }
  }

  static Sender sender(StateReader state, Address address, BigInteger extraFees) {
    Account account = state.account(address);
    if (account == null) {
      return new Sender(Account.EMPTY, false, extraFees);
    }
    boolean delegated =
        !account.codeHash().equals(Account.EMPTY_CODE)
            && isDelegation(state.code(account.codeHash()));
    return new Sender(account, delegated, extraFees);
  }

  private static boolean isDelegation(Bytes code) {
    return code.size() == DELEGATION_BYTES && code.slice(0, DELEGATION.size()).equals(DELEGATION);
  }

  /** Returns the fees besides gas of a constant transaction: they show when those of all change. */
  BigInteger probeExtraFees(Block head, StateReader state) {
    return extraFees(PROBE, head, state);
  }

  /** Returns what a transaction pays besides gas, at most, in wei. */
  BigInteger extraFees(Transaction tx, Block head, StateReader state) {
    return rules(head).fees(tx, tx.gasLimit(), state::storage).stream()
        .map(fee -> fee.wei().toBigInteger())
        .reduce(BigInteger.ZERO, BigInteger::add);
  }

  private TransactionRules rules(Block head) {
    return schedule.rules().transactionRules(head.header(), schedule.config());
  }

  private static RejectedException invalid(String message) {
    return new RejectedException(Reason.INVALID, message);
  }
}
