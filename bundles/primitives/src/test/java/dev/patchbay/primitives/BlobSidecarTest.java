// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class BlobSidecarTest {
  private static final byte[] KEY = filled();
  private static final Bytes POINT = Bytes.wrap(new byte[48]);

  private final Transaction transaction =
      Transaction.builder(TransactionType.BLOB)
          .chainId(UInt256.ONE)
          .gasLimit(21_000)
          .to(Address.fromHex("0x00000000000000000000000000000000000000aa"))
          .blobVersionedHashes(List.of(Hash.ZERO))
          .sign(KEY);

  private static byte[] filled() {
    byte[] key = new byte[32];
    Arrays.fill(key, (byte) 1);
    return key;
  }

  private byte[] encoding(int version) {
    Bytes blob = Bytes.wrap(new byte[131_072]);
    BlobSidecar sidecar =
        new BlobSidecar(version, List.of(blob), List.of(POINT), List.of(POINT, POINT));
    return new BlobSidecar.Pooled(transaction, sidecar).encode();
  }

  @Test
  void aPooledBlobTransactionSurvivesBothEncodings() {
    for (int version : new int[] {0, 1}) {
      BlobSidecar.Pooled decoded = BlobSidecar.decode(encoding(version));
      assertThat(decoded.transaction()).isEqualTo(transaction);
      assertThat(decoded.sidecar().version()).isEqualTo(version);
      assertThat(decoded.encode()).isEqualTo(encoding(version));
    }
  }

  @Test
  void bytesAfterAPooledBlobTransactionAreRefused() {
    byte[] encoding = encoding(1);
    byte[] longer = Arrays.copyOf(encoding, encoding.length + 1);
    assertThatThrownBy(() -> BlobSidecar.decode(longer)).isInstanceOf(RlpException.class);
  }

  @Test
  void aVersionOfMoreThan32BitsIsUnknown() {
    RlpReader fields = RlpReader.of(encoding(1), 1).list();
    byte[] plain = fields.raw();
    fields.skip();
    RlpWriter writer = new RlpWriter().rawByte(TransactionType.BLOB.code());
    writer.list(w -> w.raw(plain).number(0x1_0000_0001L).raw(fields.raw()).raw(fields.raw()));
    assertThatThrownBy(() -> BlobSidecar.decode(writer.toArray()))
        .isInstanceOf(RlpException.class)
        .hasMessageContaining("4294967297");
  }
}
