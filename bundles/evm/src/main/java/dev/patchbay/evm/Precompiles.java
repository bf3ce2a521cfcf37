// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.crypto.Blake2b;
import dev.patchbay.crypto.Bls12381;
import dev.patchbay.crypto.Bn254;
import dev.patchbay.crypto.Digests;
import dev.patchbay.crypto.Kzg;
import dev.patchbay.crypto.P256;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.execution.TransactionRules;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The precompiled contracts of a fork (Yellow Paper, appendix E, and later EIPs).
 *
 * <p>Threading: stateless.
 */
public final class Precompiles {
  /** A precompiled contract. */
  public interface Contract {
    /** Returns the price in gas; negative when it is beyond any gas limit. */
    long gas(byte[] input);

    /** Returns the output; null when the contract fails, which uses up all gas. */
    byte @Nullable [] run(byte[] input);

    /** Returns why the contract fails on an input. */
    default String failure(byte[] input) {
      return "precompile failed";
    }
  }

  private static final byte[] NO_BYTES = new byte[0];
  private static final Map<Fork, Precompiles> BY_FORK = new EnumMap<>(Fork.class);

  static {
    for (Fork fork : Fork.values()) {
      BY_FORK.put(fork, new Precompiles(fork));
    }
  }

  private final Map<Address, Contract> contracts = new HashMap<>();

  /** Returns the contracts of a fork. */
  public static Precompiles of(Fork fork) {
    Precompiles precompiles = BY_FORK.get(fork);
    if (precompiles == null) {
      throw new IllegalArgumentException("no precompiled contracts for " + fork);
    }
    return precompiles;
  }

  private Precompiles(Fork fork) {
    put(1, in -> 3000, Precompiles::ecrecover);
    put(2, in -> 60 + 12 * words(in), in -> Digests.sha256(in, 0, in.length));
    put(3, in -> 600 + 120 * words(in), Precompiles::ripemd160);
    put(4, in -> 15 + 3 * words(in), in -> in);
    if (fork.includes(Fork.BYZANTIUM)) {
      boolean istanbul = fork.includes(Fork.ISTANBUL);
      put(5, in -> ModExp.gas(in, fork), in -> ModExp.run(in, fork));
      put(6, in -> istanbul ? 150 : 500, in -> Bn254.add(Arrays.copyOf(in, 128)));
      put(7, in -> istanbul ? 6000 : 40000, in -> Bn254.multiply(Arrays.copyOf(in, 96)));
      put(
          8,
          in -> istanbul ? 45000 + 34000L * (in.length / 192) : 100000 + 80000L * (in.length / 192),
          in -> truth(Bn254.pairingCheck(in)));
    }
    if (fork.includes(Fork.ISTANBUL)) {
      put(
          9,
          in -> in.length == 213 ? Integer.toUnsignedLong(ByteBuffer.wrap(in).getInt()) : 0,
          Precompiles::blake2f);
    }
    if (fork.includes(Fork.CANCUN)) {
      put(10, in -> 50000, Precompiles::pointEvaluation);
    }
    if (fork.includes(Fork.PRAGUE)) {
      put(0x0b, in -> 375, Bls12381::addG1);
      put(0x0c, in -> sumGas(in, 160, 12_000, BlsDiscounts.G1), Bls12381::sumG1);
      put(0x0d, in -> 600, Bls12381::addG2);
      put(0x0e, in -> sumGas(in, 288, 22_500, BlsDiscounts.G2), Bls12381::sumG2);
      put(0x0f, in -> 37_700 + 32_600L * (in.length / 384), in -> truth(Bls12381.pairingCheck(in)));
      put(0x10, in -> 5_500, Bls12381::mapToG1);
      put(0x11, in -> 23_800, Bls12381::mapToG2);
    }
    if (fork.includes(Fork.OSAKA)) {
      put(0x100, in -> 6_900, Precompiles::p256Verify);
    }
  }

  private void put(
      int number, ToLongFunction<byte[]> price, UnaryOperator<byte @Nullable []> function) {
    byte[] address = new byte[20];
    address[18] = (byte) (number >> 8);
    address[19] = (byte) number;
    contracts.put(
        Address.wrap(address),
        new Contract() {
          @Override
          public long gas(byte[] input) {
            return price.applyAsLong(input);
          }

          @Override
          public byte @Nullable [] run(byte[] input) {
            return function.apply(input);
          }

          @Override
          public String failure(byte[] input) {
            return reason(number, input);
          }
        });
  }

  private Precompiles(Map<Address, Contract> contracts) {
    this.contracts.putAll(contracts);
  }

  /** Returns these contracts as a chain has them. */
  Precompiles under(TransactionRules rules) {
    Map<Address, Integer> limits = rules.maxPrecompileInputBytes();
    Long verifyGas = rules.p256VerifyGas();
    if (limits.isEmpty() && verifyGas == null) {
      return this;
    }
    Precompiles out = new Precompiles(contracts);
    if (verifyGas != null) {
      out.put(0x100, in -> verifyGas, Precompiles::p256Verify);
    }
    limits.forEach((at, most) -> out.contracts.computeIfPresent(at, (a, c) -> limited(c, most)));
    return out;
  }

  private static Contract limited(Contract contract, int most) {
    return new Contract() {
      @Override
      public long gas(byte[] input) {
        return contract.gas(input);
      }

      @Override
      public byte @Nullable [] run(byte[] input) {
        return input.length > most ? null : contract.run(input);
      }

      @Override
      public String failure(byte[] input) {
        return input.length > most
            ? "input has " + input.length + " bytes, at most " + most + " are allowed"
            : contract.failure(input);
      }
    };
  }

  /**
   * Returns these contracts with that of {@code from} taken away and, unless {@code to} is null,
   * put there in place of any other.
   */
  Precompiles moved(Address from, @Nullable Address to) {
    Precompiles out = new Precompiles(contracts);
    Contract contract = out.contracts.remove(from);
    if (contract != null && to != null) {
      out.contracts.put(to, contract);
    }
    return out;
  }

  boolean has(Address address) {
    return contracts.containsKey(address);
  }

  /**
   * Returns the contract at an address.
   *
   * @throws IllegalArgumentException when there is none
   */
  public Contract get(Address address) {
    Contract contract = contracts.get(address);
    if (contract == null) {
      throw new IllegalArgumentException("no precompiled contract at " + address);
    }
    return contract;
  }

  /** Returns where contracts are. */
  public Set<Address> addresses() {
    return Collections.unmodifiableSet(contracts.keySet());
  }

  /** Returns why a contract fails, in geth's words where it has some of its own. */
  private static String reason(int number, byte[] input) {
    return switch (number) {
      case 5 -> "one or more of base/exponent/modulus length exceeded 1024 bytes";
      case 8 -> input.length % 192 == 0 ? "malformed point" : "bad elliptic curve pairing size";
      case 9 -> input.length == 213 ? "invalid final flag" : "invalid input length";
      case 10 -> input.length == 192 ? "error verifying kzg proof" : "invalid input length";
      default -> "precompile failed";
    };
  }

  private static long words(byte[] input) {
    return (input.length + 31) / 32;
  }

  private static byte[] ecrecover(byte[] in) {
    byte[] input = Arrays.copyOf(in, 128);
    byte[] v = Arrays.copyOfRange(input, 32, 64);
    for (int i = 0; i < 31; i++) {
      if (v[i] != 0) {
        return NO_BYTES;
      }
    }
    if (v[31] != 27 && v[31] != 28) {
      return NO_BYTES;
    }
    byte[] key =
        Secp256k1.recover(
            Arrays.copyOf(input, 32),
            Arrays.copyOfRange(input, 64, 96),
            Arrays.copyOfRange(input, 96, 128),
            v[31] - 27);
    return key == null ? NO_BYTES : leftPadded(Secp256k1.address(key));
  }

  private static byte[] p256Verify(byte[] in) {
    return P256.verify(in) ? one() : NO_BYTES;
  }

  private static byte[] ripemd160(byte[] in) {
    return leftPadded(Digests.ripemd160(in, 0, in.length));
  }

  private static byte[] leftPadded(byte[] twenty) {
    byte[] out = new byte[32];
    System.arraycopy(twenty, 0, out, 12, 20);
    return out;
  }

  /** Returns a truth value as a word; null stays null. */
  private static byte @Nullable [] truth(@Nullable Boolean value) {
    if (value == null) {
      return null;
    }
    return value ? one() : new byte[32];
  }

  private static byte[] one() {
    byte[] out = new byte[32];
    out[31] = 1;
    return out;
  }

  /** The price of a sum of products: less a product, the more there are (EIP-2537). */
  private static long sumGas(byte[] in, int item, long product, int[] discounts) {
    int count = in.length / item;
    return count == 0
        ? 0
        : count * product * discounts[Math.min(count, discounts.length) - 1] / 1_000;
  }

  private static byte @Nullable [] blake2f(byte[] in) {
    if (in.length != 213 || (in[212] & 0xfe) != 0) {
      return null;
    }
    ByteBuffer buffer = ByteBuffer.wrap(in);
    int rounds = buffer.getInt();
    buffer.order(ByteOrder.LITTLE_ENDIAN);
    long[] h = new long[8];
    long[] m = new long[16];
    for (int i = 0; i < 8; i++) {
      h[i] = buffer.getLong();
    }
    for (int i = 0; i < 16; i++) {
      m[i] = buffer.getLong();
    }
    Blake2b.compress(rounds, h, m, buffer.getLong(), buffer.getLong(), in[212] == 1);
    ByteBuffer out = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    for (long word : h) {
      out.putLong(word);
    }
    return out.array();
  }

  /** EIP-4844: versioned hash, z, y, commitment, proof. */
  private static byte @Nullable [] pointEvaluation(byte[] in) {
    if (in.length != 192) {
      return null;
    }
    byte[] commitment = Arrays.copyOfRange(in, 96, 144);
    byte[] versioned = Digests.sha256(commitment, 0, 48);
    versioned[0] = 1;
    if (!Arrays.equals(versioned, Arrays.copyOf(in, 32))
        || !Kzg.verifyProof(
            commitment,
            Arrays.copyOfRange(in, 32, 64),
            Arrays.copyOfRange(in, 64, 96),
            Arrays.copyOfRange(in, 144, 192))) {
      return null;
    }
    return HexFormat.of()
        .parseHex(
            "0000000000000000000000000000000000000000000000000000000000001000"
                + leftZeros(Kzg.MODULUS.toString(16)));
  }

  private static String leftZeros(String digits) {
    return "0".repeat(64 - digits.length()) + digits;
  }

  /** Modular exponentiation (EIP-198, prices of EIP-2565 and EIP-7883, limits of EIP-7823). */
  private static final class ModExp {
    private static final BigInteger MAX_LONG = BigInteger.valueOf(Long.MAX_VALUE);

    static long gas(byte[] in, Fork fork) {
      BigInteger baseLength = number(in, 0, 32);
      BigInteger expLength = number(in, 32, 32);
      BigInteger modLength = number(in, 64, 32);
      BigInteger longest = baseLength.max(modLength);
      BigInteger head =
          baseLength.bitLength() > 31
              ? BigInteger.ZERO
              : number(
                  in, 96 + baseLength.intValue(), expLength.min(BigInteger.valueOf(32)).intValue());
      BigInteger beyond = expLength.subtract(BigInteger.valueOf(32)).max(BigInteger.ZERO);
      boolean osaka = fork.includes(Fork.OSAKA);
      BigInteger iterations =
          beyond
              .multiply(BigInteger.valueOf(osaka ? 16 : 8))
              .add(BigInteger.valueOf(Math.max(0, head.bitLength() - 1)))
              .max(BigInteger.ONE);
      BigInteger gas;
      if (osaka) {
        BigInteger words = longest.add(BigInteger.valueOf(7)).shiftRight(3);
        BigInteger complexity =
            longest.compareTo(BigInteger.valueOf(32)) <= 0
                ? BigInteger.valueOf(16)
                : words.multiply(words).shiftLeft(1);
        gas = complexity.multiply(iterations).max(BigInteger.valueOf(500));
      } else if (fork.includes(Fork.BERLIN)) {
        BigInteger words = longest.add(BigInteger.valueOf(7)).shiftRight(3);
        gas =
            words
                .multiply(words)
                .multiply(iterations)
                .divide(BigInteger.valueOf(3))
                .max(BigInteger.valueOf(200));
      } else {
        gas = complexityOfByzantium(longest).multiply(iterations).divide(BigInteger.valueOf(20));
      }
      return gas.compareTo(MAX_LONG) > 0 ? -1 : gas.longValue();
    }

    private static BigInteger complexityOfByzantium(BigInteger x) {
      BigInteger square = x.multiply(x);
      if (x.compareTo(BigInteger.valueOf(64)) <= 0) {
        return square;
      }
      if (x.compareTo(BigInteger.valueOf(1024)) <= 0) {
        return square
            .divide(BigInteger.valueOf(4))
            .add(x.multiply(BigInteger.valueOf(96)))
            .subtract(BigInteger.valueOf(3072));
      }
      return square
          .divide(BigInteger.valueOf(16))
          .add(x.multiply(BigInteger.valueOf(480)))
          .subtract(BigInteger.valueOf(199680));
    }

    static byte @Nullable [] run(byte[] in, Fork fork) {
      BigInteger baseLength = number(in, 0, 32);
      BigInteger expLength = number(in, 32, 32);
      BigInteger modLength = number(in, 64, 32);
      if (fork.includes(Fork.OSAKA)
          && baseLength.max(expLength).max(modLength).compareTo(BigInteger.valueOf(1024)) > 0) {
        return null;
      }
      if (modLength.signum() == 0) {
        return NO_BYTES;
      }
      int b = baseLength.intValueExact();
      int e = expLength.bitLength() > 31 ? Integer.MAX_VALUE : expLength.intValue();
      int m = modLength.intValueExact();
      BigInteger modulus = number(in, 96L + b + e, m);
      BigInteger result = BigInteger.ZERO;
      if (modulus.signum() != 0) {
        result = number(in, 96, b).modPow(number(in, 96L + b, e), modulus);
      }
      byte[] bytes = result.toByteArray();
      byte[] out = new byte[m];
      int length = Math.min(m, bytes.length);
      System.arraycopy(bytes, bytes.length - length, out, m - length, length);
      return out;
    }

    /** Reads a big-endian number; input that is not there counts as zeros. */
    private static BigInteger number(byte[] in, long from, int length) {
      if (from >= in.length || length == 0) {
        return BigInteger.ZERO;
      }
      int available = (int) Math.min(length, in.length - from);
      BigInteger value = new BigInteger(1, in, (int) from, available);
      return available == length ? value : value.shiftLeft(8 * (length - available));
    }
  }
}
