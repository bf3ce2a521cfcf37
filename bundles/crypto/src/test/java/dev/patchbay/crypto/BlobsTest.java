// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Against commitment and proofs that c-kzg-4844 computed. */
class BlobsTest {
  private static final byte[] BLOB = new byte[Blobs.BLOB_BYTES];
  private static final List<byte[]> PROOFS = new ArrayList<>();
  private static byte[] commitment = new byte[0];
  private static byte[] proof = new byte[0];

  @BeforeAll
  static void read() throws Exception {
    for (int k = 0; k < 4_096; k++) {
      byte[] element =
          BigInteger.valueOf(k + 1L).modPow(BigInteger.valueOf(20), Kzg.MODULUS).toByteArray();
      int length = Math.min(32, element.length);
      System.arraycopy(element, element.length - length, BLOB, 32 * k + 32 - length, length);
    }
    try (InputStream in = BlobsTest.class.getResourceAsStream("blob_proofs.txt")) {
      String text =
          new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.US_ASCII);
      List<byte[]> lines =
          text.lines().filter(line -> !line.startsWith("#")).map(HexFormat.of()::parseHex).toList();
      commitment = lines.get(0);
      proof = lines.get(1);
      PROOFS.addAll(lines.subList(2, lines.size()));
    }
  }

  @Test
  void oneProofHolds() {
    assertThat(Blobs.verify(BLOB, commitment, proof)).isTrue();
    byte[] other = BLOB.clone();
    other[Blobs.BLOB_BYTES - 1] ^= 1;
    assertThat(Blobs.verify(other, commitment, proof)).isFalse();
    assertThat(Blobs.verify(BLOB, commitment, PROOFS.get(0))).isFalse();
  }

  @Test
  void theProofsOfAllCellsHold() {
    assertThat(Blobs.verifyCells(BLOB, commitment, PROOFS)).isTrue();
    byte[] other = BLOB.clone();
    other[31] ^= 1;
    assertThat(Blobs.verifyCells(other, commitment, PROOFS)).isFalse();
    List<byte[]> swapped = new ArrayList<>(PROOFS);
    swapped.set(3, PROOFS.get(4));
    swapped.set(4, PROOFS.get(3));
    assertThat(Blobs.verifyCells(BLOB, commitment, swapped)).isFalse();
    assertThat(Blobs.verifyCells(BLOB, proof, PROOFS)).isFalse();
  }

  /** Of p(x) = 3 + x^5 + 7 x^4095, at the roots of unity in bit-reversed order. */
  @Test
  void theCellsAreTheValuesOfThePolynomial() {
    BigInteger root =
        BigInteger.valueOf(7)
            .modPow(Kzg.MODULUS.subtract(BigInteger.ONE).shiftRight(13), Kzg.MODULUS);
    byte[] all = new byte[2 * Blobs.BLOB_BYTES];
    for (int i = 0; i < 8_192; i++) {
      BigInteger x = root.modPow(BigInteger.valueOf(Integer.reverse(i) >>> 19), Kzg.MODULUS);
      BigInteger value =
          x.modPow(BigInteger.valueOf(4_095), Kzg.MODULUS)
              .multiply(BigInteger.valueOf(7))
              .add(x.pow(5))
              .add(BigInteger.valueOf(3))
              .mod(Kzg.MODULUS);
      byte[] bytes = value.toByteArray();
      int length = Math.min(32, bytes.length);
      System.arraycopy(bytes, bytes.length - length, all, 32 * i + 32 - length, length);
    }
    assertThat(Blobs.cells(Arrays.copyOf(all, Blobs.BLOB_BYTES))).isEqualTo(all);
  }

  @Test
  void malformedArgumentsAreNoProof() {
    byte[] beyond = BLOB.clone();
    Arrays.fill(beyond, 0, 32, (byte) 0xff);
    assertThat(Blobs.verify(beyond, commitment, proof)).isFalse();
    assertThat(Blobs.verifyCells(beyond, commitment, PROOFS)).isFalse();
    assertThat(Blobs.verify(new byte[32], commitment, proof)).isFalse();
    assertThat(Blobs.verifyCells(BLOB, commitment, PROOFS.subList(0, 127))).isFalse();
    assertThat(Blobs.verifyCells(BLOB, new byte[48], PROOFS)).isFalse();
    List<byte[]> broken = new ArrayList<>(PROOFS);
    broken.set(127, new byte[48]);
    assertThat(Blobs.verifyCells(BLOB, commitment, broken)).isFalse();
  }
}
