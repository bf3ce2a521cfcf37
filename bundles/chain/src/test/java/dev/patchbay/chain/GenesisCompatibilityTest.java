// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.storage.memory.MemoryBackend;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What of a genesis may change when a chain is opened again. The head is block 10 at time 1,000.
 */
class GenesisCompatibilityTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final BlockHeader HEAD =
      BlockHeader.builder().number(10).timestamp(1_000).baseFeePerGas(UInt256.ONE).build();

  private final KeyValueStore store =
      new MemoryBackend().open(Path.of("memory"), Columns.ALL, true);

  private static GenesisFile genesis(String config, String changes) throws Exception {
    ObjectNode genesis =
        (ObjectNode)
            JSON.readTree(
                ("{'config': {'chainId': 7, 'homesteadBlock': 0, 'eip150Block': 0,"
                        + "'eip155Block': 0, 'eip158Block': 0, 'byzantiumBlock': 0,"
                        + "'constantinopleBlock': 0, 'petersburgBlock': 0, 'istanbulBlock': 0,"
                        + "'berlinBlock': 5, 'londonBlock': 5, 'shanghaiTime': 5,"
                        + "'cancunTime': 500, 'pragueTime': 2000},"
                        + "'timestamp': 100, 'gasLimit': '0x1c9c380', 'alloc': {}, 'extraData': '"
                        + CliqueGenesisTest.extraData(CliqueGenesisTest.A)
                        + "'}")
                    .replace('\'', '"'));
    ObjectNode fields = (ObjectNode) genesis.get("config");
    GenesisFileTest.merge(fields, JSON.readTree(config.replace('\'', '"')));
    GenesisFileTest.merge(fields, JSON.readTree(changes.replace('\'', '"')));
    return GenesisFile.parse(genesis);
  }

  /** Stores the configuration of a chain whose head has a total difficulty of 50. */
  private void start(String config) throws Exception {
    WriteBatch batch = new WriteBatch();
    batch.put(
        Columns.META,
        Keys.GENESIS_CONFIG,
        genesis(config, "{}").configText().getBytes(StandardCharsets.UTF_8));
    batch.put(Columns.DIFFICULTIES, HEAD.computeHash().toArray(), UInt256.of(50).toMinimalArray());
    store.write(batch);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{} | {'chainId':8} | config.chainId was 7 | is 8 now",
        "{} | {'londonBlock':6} | config.londonBlock was 5 | is 6 now",
        "{} | {'londonBlock':20,'shanghaiTime':2000,'cancunTime':2000} |"
            + " config.londonBlock was 5 | is 20 now",
        "{} | {'londonBlock':null,'berlinBlock':null,'shanghaiTime':null,'cancunTime':null,"
            + "'pragueTime':null} | config.berlinBlock was 5 | is missing now",
        "{} | {'cancunTime':null} | config.cancunTime was 500 | is missing now",
        "{} | {'cancunTime':501} | config.cancunTime was 500 | is 501 now",
        "{} | {'shanghaiTime':400} | config.shanghaiTime was 5 | is 400 now",
        "{} | {'pragueTime':900} | config.pragueTime was 2000 | is 900 now",
        "{} | {'pragueTime':1000} | config.pragueTime was 2000 | is 1000 now",
        "{} | {'muirGlacierBlock':0} | config.muirGlacierBlock was missing | is 0 now",
        "{'grayGlacierBlock':0,'arrowGlacierBlock':0,'berlinBlock':0,'londonBlock':0} |"
            + " {'grayGlacierBlock':null} | config.grayGlacierBlock was 0 | is missing now",
        "{'berlinBlock':0} | {'istanbulBlock':2,'berlinBlock':2} | config.istanbulBlock was 0 |"
            + " is 2 now",
        "{'daoForkSupport':true,'daoForkBlock':0} | {'daoForkBlock':null} |"
            + " config.daoForkBlock was 0 | is missing now",
        "{'arrowGlacierBlock':10} | {'arrowGlacierBlock':null} |"
            + " config.arrowGlacierBlock was 10 | is missing now",
        "{'bpo1Time':3000} | {'pragueTime':600,'bpo1Time':700} | config.pragueTime | 600",
        "{'daoForkBlock':0,'daoForkSupport':true} | {'daoForkSupport':false} |"
            + " config.daoForkSupport was true | is false now",
        "{'terminalTotalDifficulty':50} | {'terminalTotalDifficulty':60} |"
            + " config.terminalTotalDifficulty was | now",
        "{'terminalTotalDifficulty':60} | {'terminalTotalDifficulty':40} |"
            + " config.terminalTotalDifficulty was | now",
        "{'terminalTotalDifficulty':0} | {'terminalTotalDifficulty':null} |"
            + " config.terminalTotalDifficulty was | is missing now",
        "{} | {'clique':{'period':1}} | config.clique was missing | is there now",
        "{'clique':{'period':1}} | {'clique':null} | config.clique was there | is missing now",
        "{'clique':{'period':1,'epoch':8}} | {'clique':{'epoch':20}} |"
            + " config.clique.epoch was 8 | is 20 now",
        "{} | {'blobSchedule':{'cancun':{'target':1,'max':2,'baseFeeUpdateFraction':3}}} |"
            + " config.blobSchedule | max=6",
        "{'pragueTime':600} | {'depositContractAddress':"
            + "'0x0000000000000000000000000000000000000001'} | config.depositContractAddress |"
            + " was missing",
        "{'cancunTime':null,'shanghaiTime':null,'pragueTime':null,'canyonTime':0,"
            + "'regolithTime':0,'optimism':{'eip1559Elasticity':6,'eip1559Denominator':50}} |"
            + " {'optimism':{'eip1559Elasticity':10}} | config.optimism.eip1559Elasticity was 6 |"
            + " is 10 now",
        "{'cancunTime':null,'shanghaiTime':null,'pragueTime':null,'canyonTime':0,"
            + "'regolithTime':0,'optimism':{'eip1559Elasticity':6,'eip1559Denominator':50}} |"
            + " {'ecotoneTime':300} | config.ecotoneTime was missing | is 300 now",
      })
  void whatHoldsAtTheHeadMustNotChange(String stored, String changes, String field, String value)
      throws Exception {
    start(stored);
    byte[] before = store.get(Columns.META, Keys.GENESIS_CONFIG);
    GenesisFile given = genesis(stored, changes);
    assertThatThrownBy(() -> GenesisCompatibility.check(store, given, HEAD))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining(field)
        .hasMessageContaining(value)
        .hasMessageContaining("another --datadir");
    assertThat(store.get(Columns.META, Keys.GENESIS_CONFIG)).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{} | {'pragueTime':1001}",
        "{} | {'pragueTime':null}",
        "{} | {'osakaTime':2000,'bpo1Time':3000}",
        "{} | {'grayGlacierBlock':11}",
        "{} | {'shanghaiTime':0}", // both before the genesis
        "{} | {'isQuorum':true}",
        // the same rules, written in another way
        "{'constantinopleBlock':null,'homesteadBlock':null} | {'homesteadBlock':0}",
        "{} | {'constantinopleBlock':null,'petersburgBlock':null,'eip150Block':null}",
        "{} | {'eip155Block':null,'eip158Block':null}",
        "{'berlinBlock':0,'londonBlock':0} | {'muirGlacierBlock':0,'berlinBlock':null}",
        "{'berlinBlock':0,'londonBlock':0,'terminalTotalDifficulty':0} |"
            + " {'arrowGlacierBlock':0,'grayGlacierBlock':0}",
        "{} | {'petersburgBlock':null,'constantinopleFixBlock':0,'LondonBlock':5,'londonBlock':null}",
        "{'mergeNetsplitBlock':6} | {'mergeNetsplitBlock':null}",
        "{} | {'mergeNetsplitBlock':8}",
        "{} | {'daoForkBlock':0}",
        "{} | {'pragueTime':18446744073709551615}",
        "{} | {'blobSchedule':{'prague':{'target':1,'max':2,'baseFeeUpdateFraction':3}}}",
        "{'terminalTotalDifficulty':60} | {'terminalTotalDifficulty':70}",
        "{'clique':{'period':1,'epoch':18}} | {'clique':{'period':2,'epoch':20}}",
      })
  void whatLiesInTheFutureMayChange(String stored, String changes) throws Exception {
    start(stored);
    GenesisFile given = genesis(stored, changes);
    assertThat(GenesisCompatibility.check(store, given, HEAD)).isTrue();
    GenesisCompatibility.keep(store, given);
    assertThat(GenesisCompatibility.check(store, given, HEAD)).isFalse();
  }

  @Test
  void aChainIsOpenedWithAChangedFutureAndRefusedWithAChangedPast() throws Exception {
    try (TrieWorkers workers = new TrieWorkers(0)) {
      ChainOpener first = new ChainOpener(genesis("{}", "{}"), workers);
      first.initialize(store);
      Hash genesis = first.open(store).hash();
      GenesisFile future = genesis("{}", "{'pragueTime':3000}");
      assertThat(new ChainOpener(future, workers).open(store).hash()).isEqualTo(genesis);
      assertThat(store.get(Columns.META, Keys.GENESIS_CONFIG))
          .isEqualTo(future.configText().getBytes(StandardCharsets.UTF_8));
      assertThatThrownBy(() -> new ChainOpener(genesis("{}", "{'chainId':8}"), workers).open(store))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("config.chainId was 7");
    }
  }

  @Test
  void aChainWithoutBlocksTakesAnotherConfigButNotAnotherConsensus() throws Exception {
    try (TrieWorkers workers = new TrieWorkers(0)) {
      ChainOpener first = new ChainOpener(genesis("{}", "{}"), workers);
      first.initialize(store);
      Hash genesis = first.open(store).hash();
      GenesisFile given =
          genesis("{}", "{'petersburgBlock':3,'istanbulBlock':4,'muirGlacierBlock':4}");
      assertThat(new ChainOpener(given, workers).open(store).hash()).isEqualTo(genesis);
      assertThat(store.get(Columns.META, Keys.GENESIS_CONFIG))
          .isEqualTo(given.configText().getBytes(StandardCharsets.UTF_8));
      assertThatThrownBy(
              () -> new ChainOpener(genesis("{}", "{'clique':{'period':1}}"), workers).open(store))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("config.clique was missing");
    }
  }

  @Test
  void theRefusalOfAnotherGenesisNamesStorageTextWithoutPrefix() throws Exception {
    try (TrieWorkers workers = new TrieWorkers(0)) {
      new ChainOpener(withStorage("0x0a", "0x01"), workers).initialize(store);
      assertThatThrownBy(() -> new ChainOpener(withStorage("10", "0x01"), workers).open(store))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("field alloc differs")
          .hasMessageContaining(".storage.10 has text without 0x");
      assertThatThrownBy(() -> new ChainOpener(withStorage("0x0a", "10"), workers).open(store))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining(".storage.0x0a has text without 0x");
      assertThatThrownBy(() -> new ChainOpener(withStorage("0x0b", "0x1"), workers).open(store))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("field alloc differs")
          .hasMessageNotContaining("without 0x");
      new ChainOpener(withStorage("0a", "1"), workers).open(store);
    }
  }

  private static GenesisFile withStorage(String key, String value) throws Exception {
    return GenesisFile.parse(
        JSON.readTree(
            ("{'config': {'chainId': 7, 'homesteadBlock': 0, 'londonBlock': 0},"
                    + "'gasLimit': '0x1c9c380', 'alloc': {'00000000000000000000000000000000000000ab':"
                    + "{'balance': '1', 'storage': {'"
                    + key
                    + "': '"
                    + value
                    + "'}}}}")
                .replace('\'', '"')));
  }
}
