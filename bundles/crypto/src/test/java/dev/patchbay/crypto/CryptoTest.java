// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import org.bouncycastle.crypto.digests.KeccakDigest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CryptoTest {
  private static final HexFormat HEX = HexFormat.of();

  @Test
  void keccakAgreesWithBouncyCastleAtEveryLengthAroundTheBlockSize() {
    Random random = new Random(1);
    for (int length = 0; length < 600; length++) {
      byte[] input = new byte[length];
      random.nextBytes(input);
      KeccakDigest reference = new KeccakDigest(256);
      reference.update(input, 0, length);
      byte[] expected = new byte[32];
      reference.doFinal(expected, 0);
      assertThat(Keccak.hash256(input)).isEqualTo(expected);
    }
  }

  @Test
  void keccakOfNothing() {
    assertThat(HEX.formatHex(Keccak.hash256(new byte[0])))
        .isEqualTo("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  }

  static Stream<Secp256k1.Provider> providers() {
    return Stream.of(new NativeSecp256k1(), new BouncyCastleSecp256k1());
  }

  /** Two nodes share a point; the values are those of the RLPx handshake of EIP-8. */
  @ParameterizedTest
  @MethodSource("providers")
  void twoKeysShareAPoint(Secp256k1.Provider provider) {
    byte[] a = HEX.parseHex("49a7b37aa6f6645917e7b807e9d1c00d4fa71f18343b0d4122a4d2df64dd6fee");
    byte[] b = HEX.parseHex("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291");

    byte[] shared = provider.multiply(provider.publicKey(b), a);

    assertThat(shared).isEqualTo(provider.multiply(provider.publicKey(a), b));
    assertThat(HEX.formatHex(shared, 0, 32))
        .isEqualTo("2d21423c1dc3355da36e7f2c2b530eeffcf0680f93201a958b2ec3a7d04958e6");
    assertThat(provider.decompress(Secp256k1.compress(shared))).isEqualTo(shared);
  }

  @ParameterizedTest
  @MethodSource("providers")
  void whatIsNotAPointIsNoKey(Secp256k1.Provider provider) {
    byte[] key = filled(32, 7);
    byte[] wrong = provider.publicKey(key);
    wrong[63] ^= 1;
    byte[] hash = filled(32, 9);
    Secp256k1.Signature signature = provider.sign(hash, key);
    byte[] compact = Arrays.copyOf(signature.r(), 64);
    System.arraycopy(signature.s(), 0, compact, 32, 32);

    assertThat(provider.verify(hash, compact, provider.publicKey(key))).isTrue();
    assertThat(provider.verify(filled(32, 8), compact, provider.publicKey(key))).isFalse();
    assertThat(provider.verify(hash, compact, wrong)).isFalse();
    assertThat(provider.multiply(wrong, key)).isNull();
    assertThat(provider.multiply(new byte[64], key)).isNull();
    byte[] noPoint = new byte[33]; // 5 is no x of the curve
    noPoint[0] = 2;
    noPoint[32] = 5;
    assertThat(provider.decompress(noPoint)).isNull();
    assertThat(Secp256k1.isPoint(wrong)).isFalse();
    assertThat(Secp256k1.isPoint(Secp256k1.publicKey(key))).isTrue();
  }

  @Test
  void aHighSignatureIsNotAccepted() {
    byte[] key = filled(32, 7);
    byte[] hash = filled(32, 9);
    Secp256k1.Signature signature = Secp256k1.sign(hash, key);
    byte[] high = Secp256k1.N.subtract(new BigInteger(1, signature.s())).toByteArray();
    byte[] compact = Arrays.copyOf(signature.r(), 64);
    System.arraycopy(high, high.length - 32, compact, 32, 32);

    assertThat(Secp256k1.verify(hash, compact, Secp256k1.publicKey(key))).isFalse();
    assertThat(Secp256k1.decompress(new byte[33])).isNull();
    assertThat(Secp256k1.decompress(new byte[0])).isNull();
  }

  private static byte[] filled(int length, int value) {
    byte[] out = new byte[length];
    Arrays.fill(out, (byte) value);
    return out;
  }

  @ParameterizedTest
  @MethodSource("providers")
  void signaturesAreDeterministicAndRecoverTheirKey(Secp256k1.Provider provider) {
    Random random = new Random(2);
    Secp256k1.Provider other = new BouncyCastleSecp256k1();
    for (int i = 0; i < 50; i++) {
      byte[] key = new byte[32];
      byte[] hash = new byte[32];
      random.nextBytes(key);
      random.nextBytes(hash);
      Secp256k1.Signature signature = provider.sign(hash, key);
      assertThat(signature.r()).isEqualTo(other.sign(hash, key).r());
      assertThat(signature.s()).isEqualTo(other.sign(hash, key).s());
      assertThat(provider.recover(hash, signature.r(), signature.s(), signature.yParity()))
          .isEqualTo(other.publicKey(key));
    }
  }

  @Test
  void addressOfTheFirstDevelopmentAccount() {
    byte[] key = HEX.parseHex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    assertThat(HEX.formatHex(Secp256k1.address(Secp256k1.publicKey(key))))
        .isEqualTo("f39fd6e51aad88f6f4ce6ab8827279cfffb92266");
  }

  @Test
  void recoveryRefusesScalarsOutsideOfTheGroup() {
    byte[] hash = new byte[32];
    byte[] one = new byte[32];
    one[31] = 1;
    byte[] all = new byte[32];
    Arrays.fill(all, (byte) 0xff);
    assertThat(Secp256k1.recover(hash, new byte[32], one, 0)).isNull();
    assertThat(Secp256k1.recover(hash, one, all, 0)).isNull();
    assertThat(Secp256k1.recover(hash, one, one, 4)).isNull();
  }

  @Test
  void nativeLibraryIsInUseHere() {
    assertThat(Secp256k1.implementation()).isEqualTo("libsecp256k1");
  }

  @Test
  void blake2TestVectorOfEip152() {
    long[] h = {
      0x6a09e667f2bdc948L, 0xbb67ae8584caa73bL, 0x3c6ef372fe94f82bL, 0xa54ff53a5f1d36f1L,
      0x510e527fade682d1L, 0x9b05688c2b3e6c1fL, 0x1f83d9abfb41bd6bL, 0x5be0cd19137e2179L
    };
    long[] m = new long[16];
    m[0] = 0x636261L;
    Blake2b.compress(12, h, m, 3, 0, true);
    assertThat(Long.reverseBytes(h[0])).isEqualTo(0xba80a53f981c4d0dL);
  }

  @Test
  void keyFilesArePrivateAndNeverReplaced(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("keys/validator");
    byte[] key = KeyFile.generate(new SecureRandom());
    KeyFile.write(file, key);
    assertThat(KeyFile.read(file)).isEqualTo(key);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThatThrownBy(() -> KeyFile.write(file, key)).hasMessageContaining("not overwritten");
  }

  @Test
  void malformedKeyFilesAreRefusedWithoutShowingThem(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("key");
    for (String bad : new String[] {"", "zz", "00".repeat(32), "ff".repeat(32), "ab".repeat(31)}) {
      Files.writeString(file, bad);
      assertThatThrownBy(() -> KeyFile.read(file))
          .hasMessageContaining(file.toString())
          .hasMessageContaining("64 hexadecimal digits");
    }
    assertThatThrownBy(() -> KeyFile.read(folder.resolve("absent")))
        .hasMessageContaining("does not exist");
  }

  private static byte[] words(String... decimals) {
    byte[] out = new byte[decimals.length * 32];
    for (int i = 0; i < decimals.length; i++) {
      byte[] value = new BigInteger(decimals[i]).toByteArray();
      int length = Math.min(32, value.length);
      System.arraycopy(value, value.length - length, out, i * 32 + 32 - length, length);
    }
    return out;
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  @Test
  void bn254PairingIsBilinear() {
    byte[] g1 = words("1", "2");
    byte[] g2 =
        words(
            "11559732032986387107991004021392285783925812861821192530917403151452391805634",
            "10857046999023057135944570762232829481370756359578518086990519993285655852781",
            "4082367875863433681332203403145435568316851327593401208105741076214120093531",
            "8495653923123431417604973247489272438418190587263600148770280649306958101930");
    String order = "21888242871839275222246405745257275088548364400416034343698204186575808495617";
    byte[] seven = Bn254.multiply(join(g1, words("7")));
    byte[] minusSeven =
        Bn254.multiply(
            join(g1, words(new BigInteger(order).subtract(BigInteger.valueOf(7)).toString())));
    byte[] six = Bn254.multiply(join(g1, words("6")));
    assertThat(Bn254.add(join(six, g1))).isEqualTo(seven);
    assertThat(Bn254.pairingCheck(join(seven, g2, minusSeven, g2))).isTrue();
    assertThat(Bn254.pairingCheck(join(six, g2, minusSeven, g2))).isFalse();
    assertThat(Bn254.pairingCheck(join(six, g2, minusSeven, g2, g1, g2))).isTrue();
    assertThat(Bn254.pairingCheck(new byte[0])).isTrue();
    assertThat(Bn254.pairingCheck(new byte[191])).isNull();
    assertThat(Bn254.add(join(words("1", "1"), g1))).isNull();
  }

  @Test
  void bn254FieldAgreesWithBigInteger() {
    java.util.Random random = new java.util.Random(5);
    BigInteger p = Fp.P;
    BigInteger[] edges = {
      BigInteger.ZERO, BigInteger.ONE, p.subtract(BigInteger.ONE), p.shiftRight(1), p.shiftRight(52)
    };
    for (int i = 0; i < 20_000; i++) {
      BigInteger a = random.nextInt(4) == 0 ? edges[i % 5] : new BigInteger(254, random).mod(p);
      BigInteger b = random.nextInt(4) == 0 ? edges[i % 4] : new BigInteger(254, random).mod(p);
      Fp x = Fp.of(a);
      Fp y = Fp.of(b);
      assertThat(x.add(y).toBigInteger()).isEqualTo(a.add(b).mod(p));
      assertThat(x.sub(y).toBigInteger()).isEqualTo(a.subtract(b).mod(p));
      assertThat(x.mul(y).toBigInteger()).isEqualTo(a.multiply(b).mod(p));
      assertThat(x.negate().toBigInteger()).isEqualTo(a.negate().mod(p));
      assertThat(x.add(y).sub(y).same(x)).isTrue();
      assertThat(x.sub(x).isZero()).isTrue();
    }
    assertThat(Fp.of(edges[3]).inverse().mul(Fp.of(edges[3])).same(Fp.ONE)).isTrue();
  }

  /** Against multiplication by the order of the group, also of points of the small orders. */
  @Test
  void bn254SubgroupCheckAgreesWithTheOrder() {
    BigInteger order =
        new BigInteger(
            "21888242871839275222246405745257275088548364400416034343698204186575808495617");
    BigInteger cofactor = Fp.P.shiftLeft(1).subtract(order);
    java.util.Random random = new java.util.Random(6);
    int outside = 0;
    for (int i = 0; i < 40; ) {
      Fp2 x = new Fp2(Fp.of(new BigInteger(254, random)), Fp.of(new BigInteger(254, random)));
      Fp2 square = x.square().mul(x).add(Bn254.TWIST_B);
      Fp2 y = root(square);
      if (!y.square().same(square)) {
        continue;
      }
      i++;
      Bn254.G2 point = Bn254.G2.affine(x, y);
      boolean inside = point.multiply(order).z().isZero();
      outside += inside ? 0 : 1;
      assertThat(point.inSubgroup()).isEqualTo(inside);
      assertThat(point.multiply(cofactor).inSubgroup()).isTrue();
      for (long small : new long[] {10_069, 5_864_401}) {
        BigInteger divisor = BigInteger.valueOf(small);
        assertThat(cofactor.mod(divisor)).isZero();
        Bn254.G2 few = point.multiply(order.multiply(cofactor.divide(divisor)));
        assertThat(few.inSubgroup()).as("order " + small).isEqualTo(few.z().isZero());
      }
    }
    assertThat(outside).isPositive();
  }

  /** A square root in Fp2 if there is one: p is 3 mod 4. */
  private static Fp2 root(Fp2 a) {
    BigInteger p = Fp.P;
    Fp2 a1 = a.pow(p.subtract(BigInteger.valueOf(3)).shiftRight(2));
    Fp2 alpha = a1.square().mul(a);
    Fp2 x0 = a1.mul(a);
    return alpha.add(Fp2.ONE).isZero()
        ? new Fp2(Fp.ZERO, Fp.ONE).mul(x0)
        : alpha.add(Fp2.ONE).pow(p.subtract(BigInteger.ONE).shiftRight(1)).mul(x0);
  }
}
