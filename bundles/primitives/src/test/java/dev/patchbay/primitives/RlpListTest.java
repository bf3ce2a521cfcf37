// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RlpListTest {
  private record Pair(long first, List<Bytes> rest) {}

  private static Pair decode(Bytes input) {
    return RlpList.decode(input, r -> new Pair(r.number(), RlpList.read(r, 3, RlpReader::bytes)));
  }

  private static Bytes encode(Pair pair) {
    return RlpList.encode(
        w -> {
          w.number(pair.first());
          RlpList.write(w, pair.rest(), RlpWriter::bytes);
        });
  }

  private static Bytes bytes(String hex) {
    return Bytes.wrap(HexFormat.of().parseHex(hex));
  }

  @Test
  void aListIsEncodedAndDecoded() {
    Pair pair = new Pair(7, List.of(bytes("01"), bytes("8081"), Bytes.EMPTY));
    Bytes encoded = encode(pair);
    assertThat(encoded).isEqualTo(bytes("c707c50182808180"));
    assertThat(decode(encoded)).isEqualTo(pair);
  }

  @Test
  void anEmptyListIsEncodedAndDecoded() {
    assertThat(RlpList.encode(w -> {})).isEqualTo(bytes("c0"));
    assertThat(RlpList.<Boolean>decode(bytes("c0"), RlpReader::hasNext)).isFalse();
    assertThat(decode(bytes("c207c0"))).isEqualTo(new Pair(7, List.of()));
  }

  /** No item, a byte string, no list inside, an item too few, too many, bytes after the list. */
  @ParameterizedTest
  @ValueSource(
      strings = {"", "07", "8207c0", "c20701", "c107", "c0", "c307c001", "c207c000", "c207c0c0"})
  void whatIsNotOneListOfTheFieldsIsRefused(String hex) {
    assertThatThrownBy(() -> decode(bytes(hex))).isInstanceOf(RlpException.class);
  }

  /** A list that says to be longer than the input; the items of a list that end after it. */
  @ParameterizedTest
  @ValueSource(strings = {"c307c0", "c307c301", "fbffffffff07c0", "c207c1", "c307c282"})
  void aLengthThatTheInputDoesNotHaveIsRefused(String hex) {
    assertThatThrownBy(() -> decode(bytes(hex))).isInstanceOf(RlpException.class);
  }

  @Test
  void asManyItemsAsAllowedAreRead() {
    assertThat(decode(bytes("c507c3010203")).rest()).hasSize(3);
    assertThatThrownBy(() -> decode(bytes("c607c401020304")))
        .isInstanceOf(RlpException.class)
        .hasMessage("more than 3 items in a list");
    assertThatThrownBy(
            () -> RlpList.decode(bytes("c2c101"), r -> RlpList.read(r, 0, RlpReader::number)))
        .hasMessage("more than 0 items in a list");
  }

  @Test
  void itemsBeyondTheLimitAreNotRead() {
    byte[] many = new byte[100_000];
    Bytes input = RlpList.encode(w -> w.list(list -> list.raw(many)));
    List<Long> read = new ArrayList<>();
    assertThatThrownBy(
            () ->
                RlpList.decode(
                    input, r -> RlpList.read(r, 10, items -> read.add((long) items.raw()[0]))))
        .isInstanceOf(RlpException.class);
    assertThat(read).hasSize(10);
  }

  @Test
  void aListThatWasReadCanBeChanged() {
    List<Bytes> read = decode(bytes("c207c0")).rest();
    read.add(Bytes.EMPTY);
    assertThat(read).hasSize(1);
  }
}
