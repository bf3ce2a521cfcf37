// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A transaction of any type. Fees are in wei per gas. All are signed but deposits, whose sender is
 * one of their fields.
 *
 * <p>Threading: immutable; hash and sender are computed once, on first use.
 */
public final class Transaction {
  private static final UInt256 HALF_N = UInt256.of(Secp256k1.HALF_N);

  private final TransactionType type;
  private final @Nullable UInt256 chainId;
  private final long nonce;
  private final UInt256 maxPriorityFeePerGas;
  private final UInt256 maxFeePerGas;
  private final long gasLimit;
  private final @Nullable Address to;
  private final UInt256 value;
  private final Bytes data;
  private final List<AccessListEntry> accessList;
  private final UInt256 maxFeePerBlobGas;
  private final List<Hash> blobVersionedHashes;
  private final List<Authorization> authorizations;
  private final int yParity;
  private final UInt256 r;
  private final UInt256 s;
  private final @Nullable Deposit deposit;

  private byte @Nullable [] encoded;
  private @Nullable Hash hash;
  private @Nullable Address sender;

  private Transaction(Builder b) {
    type = b.type;
    chainId = b.chainId;
    nonce = b.nonce;
    maxPriorityFeePerGas = b.maxPriorityFeePerGas;
    maxFeePerGas = b.maxFeePerGas;
    gasLimit = b.gasLimit;
    to = b.to;
    value = b.value;
    data = b.data;
    accessList = List.copyOf(b.accessList);
    maxFeePerBlobGas = b.maxFeePerBlobGas;
    blobVersionedHashes = List.copyOf(b.blobVersionedHashes);
    authorizations = List.copyOf(b.authorizations);
    yParity = b.yParity;
    r = b.r;
    s = b.s;
    deposit = b.deposit;
    sender = b.sender;
    if ((type == TransactionType.DEPOSIT) != (deposit != null)
        || (deposit != null && sender == null)) {
      throw new IllegalArgumentException("a deposit is a transaction of its type, with a sender");
    }
  }

  /**
   * What only a deposit has (OP Stack specification, deposits).
   *
   * @param sourceHash what identifies its origin on L1
   * @param mint wei that the sender gets on top of its balance before the transaction is executed
   * @param isSystemTransaction whether its gas is not counted, before Regolith
   */
  public record Deposit(Hash sourceHash, UInt256 mint, boolean isSystemTransaction) {}

  /** Starts a transaction of a type; everything else is zero, empty or absent. */
  public static Builder builder(TransactionType type) {
    return new Builder(type);
  }

  /** Collects the fields of a transaction. */
  public static final class Builder {
    private final TransactionType type;
    private @Nullable UInt256 chainId;
    private long nonce;
    private UInt256 maxPriorityFeePerGas = UInt256.ZERO;
    private UInt256 maxFeePerGas = UInt256.ZERO;
    private long gasLimit;
    private @Nullable Address to;
    private UInt256 value = UInt256.ZERO;
    private Bytes data = Bytes.EMPTY;
    private List<AccessListEntry> accessList = List.of();
    private UInt256 maxFeePerBlobGas = UInt256.ZERO;
    private List<Hash> blobVersionedHashes = List.of();
    private List<Authorization> authorizations = List.of();
    private int yParity;
    private UInt256 r = UInt256.ZERO;
    private UInt256 s = UInt256.ZERO;
    private @Nullable Deposit deposit;
    private @Nullable Address sender;

    private Builder(TransactionType type) {
      this.type = type;
      if (type != TransactionType.LEGACY && type != TransactionType.DEPOSIT) {
        chainId = UInt256.ZERO;
      }
    }

    /** Sets the chain id; null for a legacy transaction without replay protection. */
    public Builder chainId(@Nullable UInt256 id) {
      chainId = id;
      return this;
    }

    /** Sets the nonce. */
    public Builder nonce(long n) {
      nonce = n;
      return this;
    }

    /** Sets the gas price: both fee fields, as EIP-1559 reads older types. */
    public Builder gasPrice(UInt256 price) {
      maxFeePerGas = price;
      maxPriorityFeePerGas = price;
      return this;
    }

    /** Sets the fee cap. */
    public Builder maxFeePerGas(UInt256 fee) {
      maxFeePerGas = fee;
      return this;
    }

    /** Sets the tip cap. */
    public Builder maxPriorityFeePerGas(UInt256 fee) {
      maxPriorityFeePerGas = fee;
      return this;
    }

    /** Sets the gas limit. */
    public Builder gasLimit(long limit) {
      gasLimit = limit;
      return this;
    }

    /** Sets the recipient; null creates a contract. */
    public Builder to(@Nullable Address address) {
      to = address;
      return this;
    }

    /** Sets the value in wei. */
    public Builder value(UInt256 wei) {
      value = wei;
      return this;
    }

    /** Sets the call data or init code. */
    public Builder data(Bytes bytes) {
      data = bytes;
      return this;
    }

    /** Sets the access list. */
    public Builder accessList(List<AccessListEntry> list) {
      accessList = list;
      return this;
    }

    /** Sets the cap of the blob fee. */
    public Builder maxFeePerBlobGas(UInt256 fee) {
      maxFeePerBlobGas = fee;
      return this;
    }

    /** Sets the versioned hashes of the blobs. */
    public Builder blobVersionedHashes(List<Hash> hashes) {
      blobVersionedHashes = hashes;
      return this;
    }

    /** Sets the authorizations. */
    public Builder authorizations(List<Authorization> list) {
      authorizations = list;
      return this;
    }

    /** Sets the signature. */
    public Builder signature(int parity, UInt256 rValue, UInt256 sValue) {
      yParity = parity;
      r = rValue;
      s = sValue;
      return this;
    }

    /** Sets what only a deposit has. */
    public Builder deposit(Deposit fields) {
      deposit = fields;
      return this;
    }

    /** Sets the sender of a transaction that has no signature: a deposit, or a simulated call. */
    public Builder sender(Address address) {
      sender = address;
      return this;
    }

    /** Makes the transaction. */
    public Transaction build() {
      return new Transaction(this);
    }

    /** Signs with a private key of 32 bytes and makes the transaction. */
    public Transaction sign(byte[] privateKey) {
      Secp256k1.Signature signature =
          Secp256k1.sign(new Transaction(this).signingHash().unsafeArray(), privateKey);
      return signature(
              signature.yParity(), UInt256.ofBytes(signature.r()), UInt256.ofBytes(signature.s()))
          .build();
    }
  }

  /** Returns the type. */
  public TransactionType type() {
    return type;
  }

  /** Returns the chain id; null for a legacy transaction without replay protection. */
  public @Nullable UInt256 chainId() {
    return chainId;
  }

  /** Returns the nonce, unsigned 64 bits. */
  public long nonce() {
    return nonce;
  }

  /** Returns the cap of the tip in wei per gas; the gas price for types without fee market. */
  public UInt256 maxPriorityFeePerGas() {
    return maxPriorityFeePerGas;
  }

  /** Returns the cap of the fee in wei per gas; the gas price for types without fee market. */
  public UInt256 maxFeePerGas() {
    return maxFeePerGas;
  }

  /** Returns the gas limit, unsigned 64 bits. */
  public long gasLimit() {
    return gasLimit;
  }

  /** Returns the recipient; null for a contract creation. */
  public @Nullable Address to() {
    return to;
  }

  /** Returns whether the transaction creates a contract. */
  public boolean isCreation() {
    return to == null;
  }

  /** Returns the value in wei. */
  public UInt256 value() {
    return value;
  }

  /** Returns the call data or init code. */
  public Bytes data() {
    return data;
  }

  /** Returns the access list; empty for types without. */
  public List<AccessListEntry> accessList() {
    return accessList;
  }

  /** Returns the cap of the blob fee in wei per blob gas; zero for types without blobs. */
  public UInt256 maxFeePerBlobGas() {
    return maxFeePerBlobGas;
  }

  /** Returns the versioned hashes of the blobs; empty for types without. */
  public List<Hash> blobVersionedHashes() {
    return blobVersionedHashes;
  }

  /** Returns the authorizations; empty for types without. */
  public List<Authorization> authorizations() {
    return authorizations;
  }

  /** Returns what only a deposit has; null for other types. */
  public @Nullable Deposit deposit() {
    return deposit;
  }

  /** Returns the parity of the signature: 0 or 1. */
  public int yParity() {
    return yParity;
  }

  /** Returns r of the signature. */
  public UInt256 r() {
    return r;
  }

  /** Returns s of the signature. */
  public UInt256 s() {
    return s;
  }

  /**
   * Returns v as JSON-RPC shows it: 27, 28 or the EIP-155 form for legacy transactions, the parity
   * otherwise.
   */
  public UInt256 v() {
    if (type != TransactionType.LEGACY) {
      return UInt256.of(yParity);
    }
    return chainId == null
        ? UInt256.of(27 + yParity)
        : chainId.add(chainId).add(UInt256.of(35 + yParity));
  }

  /** Returns whether the type has a fee market: a base fee and a tip. */
  public boolean hasFeeMarket() {
    return type.code() >= TransactionType.FEE_MARKET.code() && type != TransactionType.DEPOSIT;
  }

  /**
   * Returns what one unit of gas costs in a block (EIP-1559).
   *
   * @param baseFee base fee of the block in wei per gas; null before London
   */
  public UInt256 effectiveGasPrice(@Nullable UInt256 baseFee) {
    if (baseFee == null || maxFeePerGas.compareTo(baseFee) < 0) {
      return maxFeePerGas;
    }
    UInt256 room = maxFeePerGas.subtract(baseFee);
    return baseFee.add(room.min(maxPriorityFeePerGas));
  }

  /**
   * Returns what the fee recipient of a block gets for one unit of gas (EIP-1559): zero for a
   * deposit, which pays no fees, and where the fee cap is below the base fee.
   *
   * @param baseFee base fee of the block in wei per gas; null before London
   */
  public UInt256 effectiveTip(@Nullable UInt256 baseFee) {
    if (deposit != null) {
      return UInt256.ZERO;
    }
    if (baseFee == null) {
      return maxFeePerGas;
    }
    return maxFeePerGas.compareTo(baseFee) < 0
        ? UInt256.ZERO
        : maxFeePerGas.subtract(baseFee).min(maxPriorityFeePerGas);
  }

  /** Returns the Keccak-256 hash of the encoding. */
  public Hash hash() {
    Hash known = hash;
    if (known == null) {
      known = Hash.keccak(unsafeEncoding());
      hash = known;
    }
    return known;
  }

  /**
   * Returns the sender; null when the signature is not valid. High values of {@code s} are refused
   * (EIP-2), as all blocks since Homestead do; {@link #senderBeforeHomestead()} accepts them.
   */
  public @Nullable Address sender() {
    return s.compareTo(HALF_N) > 0 ? null : senderBeforeHomestead();
  }

  /** Returns the sender under the rules before EIP-2; null when the signature is not valid. */
  public @Nullable Address senderBeforeHomestead() {
    Address known = sender;
    if (known == null) {
      byte[] key =
          Secp256k1.recover(signingHash().unsafeArray(), r.toArray(), s.toArray(), yParity);
      if (key != null) {
        known = Address.ofPublicKey(key);
        sender = known;
      }
    }
    return known;
  }

  /** Returns the hash that the sender signed. */
  public Hash signingHash() {
    RlpWriter writer = new RlpWriter();
    if (type == TransactionType.LEGACY) {
      writer.list(
          w -> {
            legacyFields(w);
            if (chainId != null) {
              w.number(chainId).number(0).number(0);
            }
          });
    } else {
      writer.rawByte(type.code()).list(this::typedFields);
    }
    return Hash.keccak(writer.toArray());
  }

  /** Returns the EIP-2718 form: an RLP list for legacy, the type byte and a list otherwise. */
  public byte[] encode() {
    return unsafeEncoding().clone();
  }

  /** Returns what {@link #encode()} does, without a copy. */
  public Bytes encoding() {
    return Bytes.wrap(unsafeEncoding());
  }

  /** Returns the length of {@link #encode()} in bytes. */
  public int encodedSize() {
    return unsafeEncoding().length;
  }

  private byte[] unsafeEncoding() {
    byte[] known = encoded;
    if (known == null) {
      RlpWriter writer = new RlpWriter();
      if (type == TransactionType.LEGACY) {
        writer.list(
            w -> {
              legacyFields(w);
              w.number(v()).number(r).number(s);
            });
      } else if (deposit != null) {
        writer.rawByte(type.code()).list(w -> depositFields(w, deposit));
      } else {
        writer
            .rawByte(type.code())
            .list(
                w -> {
                  typedFields(w);
                  w.number(yParity).number(r).number(s);
                });
      }
      known = writer.toArray();
      encoded = known;
    }
    return known;
  }

  /**
   * Appends the form that a block body holds: a list for legacy, a byte string for typed
   * transactions.
   */
  public void writeInBody(RlpWriter writer) {
    if (type == TransactionType.LEGACY) {
      writer.raw(unsafeEncoding());
    } else {
      writer.bytes(unsafeEncoding());
    }
  }

  private void legacyFields(RlpWriter w) {
    w.number(nonce).number(maxFeePerGas).number(gasLimit).address(to).number(value).bytes(data);
  }

  private void depositFields(RlpWriter w, Deposit own) {
    w.hash(own.sourceHash()).address(sender).address(to).number(own.mint()).number(value);
    w.number(gasLimit).number(own.isSystemTransaction() ? 1 : 0).bytes(data);
  }

  private void typedFields(RlpWriter w) {
    w.number(chainId == null ? UInt256.ZERO : chainId).number(nonce);
    if (hasFeeMarket()) {
      w.number(maxPriorityFeePerGas);
    }
    w.number(maxFeePerGas).number(gasLimit).address(to).number(value).bytes(data);
    writeAccessList(w);
    if (type == TransactionType.BLOB) {
      w.number(maxFeePerBlobGas).list(list -> blobVersionedHashes.forEach(list::hash));
    } else if (type == TransactionType.SET_CODE) {
      w.list(
          list -> {
            for (Authorization a : authorizations) {
              list.list(
                  i ->
                      i.number(a.chainId())
                          .address(a.address())
                          .number(a.nonce())
                          .number(a.yParity())
                          .number(a.r())
                          .number(a.s()));
            }
          });
    }
  }

  private void writeAccessList(RlpWriter w) {
    w.list(
        list -> {
          for (AccessListEntry entry : accessList) {
            list.list(
                i ->
                    i.address(entry.address())
                        .list(keys -> entry.storageKeys().forEach(keys::hash)));
          }
        });
  }

  /**
   * Decodes the EIP-2718 form.
   *
   * @throws RlpException when the bytes are not a transaction of a known type
   */
  public static Transaction decode(byte[] encoding) {
    if (encoding.length == 0) {
      throw new RlpException("empty transaction");
    }
    int first = encoding[0] & 0xff;
    RlpReader reader;
    Transaction transaction;
    if (first >= 0xc0) {
      reader = RlpReader.of(encoding);
      transaction = readLegacy(reader.list());
    } else {
      TransactionType type = TransactionType.ofCode(first);
      if (type == null || type == TransactionType.LEGACY) {
        throw new RlpException("unknown transaction type 0x" + Integer.toHexString(first));
      }
      reader = RlpReader.of(encoding, 1);
      RlpReader fields = reader.list();
      transaction = type == TransactionType.DEPOSIT ? readDeposit(fields) : readTyped(type, fields);
    }
    reader.expectEnd();
    return transaction;
  }

  /** Reads the form that a block body holds. */
  public static Transaction readInBody(RlpReader reader) {
    if (reader.nextIsList()) {
      return decode(reader.raw());
    }
    byte[] encoding = reader.byteArray();
    if (encoding.length > 0 && (encoding[0] & 0xff) >= 0xc0) {
      throw new RlpException("legacy transaction wrapped in a byte string");
    }
    return decode(encoding);
  }

  private static Transaction readLegacy(RlpReader r) {
    Builder b =
        builder(TransactionType.LEGACY)
            .nonce(r.number())
            .gasPrice(r.uint256())
            .gasLimit(r.number())
            .to(r.addressOrNull())
            .value(r.uint256())
            .data(r.bytes());
    UInt256 v = r.uint256();
    UInt256 rValue = r.uint256();
    UInt256 sValue = r.uint256();
    r.expectEnd();
    BigInteger number = v.toBigInteger();
    if (v.fitsLong() && (v.longValue() == 27 || v.longValue() == 28)) {
      return b.signature((int) v.longValue() - 27, rValue, sValue).build();
    }
    if (number.compareTo(BigInteger.valueOf(35)) < 0) {
      throw new RlpException("invalid v of a legacy transaction: " + v);
    }
    BigInteger[] parts = number.subtract(BigInteger.valueOf(35)).divideAndRemainder(BigInteger.TWO);
    return b.chainId(UInt256.of(parts[0])).signature(parts[1].intValue(), rValue, sValue).build();
  }

  private static Transaction readTyped(TransactionType type, RlpReader r) {
    Builder b = builder(type).chainId(r.uint256()).nonce(r.number());
    if (type == TransactionType.ACCESS_LIST) {
      b.gasPrice(r.uint256());
    } else {
      b.maxPriorityFeePerGas(r.uint256()).maxFeePerGas(r.uint256());
    }
    b.gasLimit(r.number()).to(r.addressOrNull()).value(r.uint256()).data(r.bytes());
    b.accessList(readAccessList(r.list()));
    if (type == TransactionType.BLOB) {
      b.maxFeePerBlobGas(r.uint256());
      List<Hash> hashes = new ArrayList<>();
      for (RlpReader items = r.list(); items.hasNext(); ) {
        hashes.add(items.hash());
      }
      b.blobVersionedHashes(hashes);
    } else if (type == TransactionType.SET_CODE) {
      b.authorizations(readAuthorizations(r.list()));
    }
    if ((type == TransactionType.BLOB || type == TransactionType.SET_CODE) && b.to == null) {
      throw new RlpException("transaction of type " + type.code() + " without recipient");
    }
    long parity = r.number();
    if (parity != 0 && parity != 1) {
      throw new RlpException("invalid y parity: " + Long.toUnsignedString(parity));
    }
    Transaction transaction = b.signature((int) parity, r.uint256(), r.uint256()).build();
    r.expectEnd();
    return transaction;
  }

  private static Transaction readDeposit(RlpReader r) {
    Hash sourceHash = r.hash();
    Builder b = builder(TransactionType.DEPOSIT).sender(r.address()).to(r.addressOrNull());
    UInt256 mint = r.uint256();
    b.value(r.uint256()).gasLimit(r.number());
    long system = r.number();
    if (system != 0 && system != 1) {
      throw new RlpException("isSystemTx of a deposit is " + Long.toUnsignedString(system));
    }
    b.deposit(new Deposit(sourceHash, mint, system == 1)).data(r.bytes());
    r.expectEnd();
    return b.build();
  }

  private static List<AccessListEntry> readAccessList(RlpReader r) {
    List<AccessListEntry> list = new ArrayList<>();
    while (r.hasNext()) {
      RlpReader entry = r.list();
      Address address = entry.address();
      List<Hash> keys = new ArrayList<>();
      for (RlpReader k = entry.list(); k.hasNext(); ) {
        keys.add(k.hash());
      }
      entry.expectEnd();
      list.add(new AccessListEntry(address, keys));
    }
    return list;
  }

  private static List<Authorization> readAuthorizations(RlpReader r) {
    List<Authorization> list = new ArrayList<>();
    while (r.hasNext()) {
      RlpReader i = r.list();
      UInt256 chain = i.uint256();
      Address address = i.address();
      long nonce = i.number();
      long parity = i.number();
      if (parity < 0 || parity > 255) {
        throw new RlpException("invalid y parity of an authorization");
      }
      list.add(new Authorization(chain, address, nonce, (int) parity, i.uint256(), i.uint256()));
      i.expectEnd();
    }
    return list;
  }

  @Override
  public boolean equals(@org.jspecify.annotations.Nullable Object other) {
    return other instanceof Transaction o && hash().equals(o.hash());
  }

  @Override
  public int hashCode() {
    return hash().hashCode();
  }

  /** Returns type, hash and nonce. */
  @Override
  public String toString() {
    return "Transaction[" + type + " " + hash() + " nonce " + Long.toUnsignedString(nonce) + "]";
  }
}
