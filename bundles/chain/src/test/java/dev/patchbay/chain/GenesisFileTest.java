// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Hash;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a genesis may look like, and how its mistakes are reported. */
class GenesisFileTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ADDRESS = "00000000000000000000000000000000000000Ab";

  @TempDir Path folder;

  private static ObjectNode genesis() throws Exception {
    return (ObjectNode)
        JSON.readTree(
            """
            {"config": {"chainId": 7, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0,
               "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0,
               "petersburgBlock": 0, "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0,
               "terminalTotalDifficulty": 0, "shanghaiTime": 0, "cancunTime": 100},
             "gasLimit": "0x1c9c380", "difficulty": "0x0", "alloc": {}}
            """);
  }

  /** Merges fields into a genesis; a field that is null goes. */
  static void merge(ObjectNode into, JsonNode changes) {
    changes
        .fields()
        .forEachRemaining(
            field -> {
              if (field.getValue().isNull()) {
                into.remove(field.getKey());
              } else if (into.path(field.getKey()) instanceof ObjectNode inner
                  && field.getValue().isObject()) {
                merge(inner, field.getValue());
              } else {
                into.set(field.getKey(), field.getValue());
              }
            });
  }

  private static GenesisFile parse(String changes) throws Exception {
    ObjectNode genesis = genesis();
    merge(genesis, JSON.readTree(changes.replace('\'', '"')));
    return GenesisFile.parse(genesis);
  }

  private static Hash hash(String changes) throws Exception {
    try (TrieWorkers workers = new TrieWorkers(0)) {
      return new ChainOpener(parse(changes), workers).genesis().hash();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        // fields of the configuration that look like a known one
        "{'config':{'homesteadBlok':0}} | config.homesteadBlok | homesteadBlock",
        "{'config':{'shangaiTime':5}} | config.shangaiTime | shanghaiTime",
        "{'config':{'shanghai_time':5}} | config.shanghai_time | shanghaiTime",
        "{'config':{'pragueBlock':5}} | config.pragueBlock | pragueTime",
        "{'config':{'prague':5}} | config.prague | pragueTime",
        "{'config':{'cancunTimestamp':5}} | config.cancunTimestamp | cancunTime",
        "{'config':{'londonblock':5}} | config.londonblock | londonBlock",
        "{'config':{'bpo6Time':5}} | config.bpo6Time | bpo",
        "{'config':{'verkleTime':5}} | config.verkleTime | no such fork",
        "{'config':{'lagoonTime':5}} | config.lagoonTime | no such fork",
        "{'config':{'classicForkBlock':5}} | config.classicForkBlock | no such fork",
        "{'config':{'chainID':5}} | config.chainID | chainId",
        "{'config':{'terminalTotalDificulty':5}} | config.terminalTotalDificulty |"
            + " terminalTotalDifficulty",
        "{'config':{'blobSchedul':{}}} | config.blobSchedul | blobSchedule",
        "{'config':{'blobSchedule':{'pragu':{}}}} | config.blobSchedule.pragu | prague",
        "{'config':{'blobSchedule':{'osaka':{'target':1,'max':2,'baseFeeUpdateFractio':3}}}} |"
            + " config.blobSchedule.osaka.baseFeeUpdateFractio | baseFeeUpdateFraction",
        "{'config':{'clique':{'periode':1,'epoch':3}}} | config.clique.periode | period",
        "{'config':{'optimism':{'eip1559Elasticty':6}}} | config.optimism.eip1559Elasticty |"
            + " eip1559Elasticity",
        "{'config':{'clique':5}} | config.clique | must be an object",
        // fields of the block and of accounts
        "{'gaslimit':'0x5'} | gaslimit | gasLimit",
        "{'extraDta':'0x5'} | extraDta | extraData",
        "{'timestmap':'0x5'} | timestmap | timestamp",
        "{'mixHash':'0x0000000000000000000000000000000000000000000000000000000000000001',"
            + "'mixhash':'0x0000000000000000000000000000000000000000000000000000000000000001'} |"
            + " mixhash | mixHash",
        "{'config':{'LondonBlock':0}} | config.LondonBlock is there twice | londonBlock",
        "{'config':{'muirglacierblock':0,'MuirGlacierBlock':0}} | lacier | twice",
        "{'config':{'ConstantinopleFixBlock':0,'constantinoplefixblock':0}} | onstantinople |"
            + " twice",
        "{'config':{'constantinoplefixblock':3}} | config.petersburgBlock and"
            + " config.constantinopleFixBlock must be the same | 0 and 3",
        "{'config':{'mergeNetsplitBlock':3,'preMergeForkBlock':4}} | config.mergeNetsplitBlock and"
            + " config.preMergeForkBlock must be the same | 3 and 4",
        "{'config':{'blobSchedule':{'Cancun':{'Target':1,'target':1}}}} |"
            + " config.blobSchedule.cancun.Target | target",
        "{'config':{'shangaiTime':9007199254740991}} | config.shangaiTime | shanghaiTime",
        "{'config':{'lagoonBlock':''}} | config.lagoonBlock | no such fork",
        "{'londonBlock':5} | londonBlock | belongs into config",
        "{'shangaiTime':5} | shangaiTime | shanghaiTime",
        "{'stateHash':'0x05'} | stateHash | not supported",
        "{'alloc':{'@':{'balanse':'0x5'}}} | alloc.@.balanse | balance",
        "{'alloc':{'@':{'Storage':{},'storage':{}}}} | alloc.@.Storage | storage",
        "{'alloc':{'@':5}} | alloc.@ | must be an object",
        "{'alloc':{'@':{'storage':5}}} | alloc.@.storage | must be an object",
        // forks out of order, or with a gap
        "{'config':{'londonBlock':3,'berlinBlock':5}} | config.berlinBlock is block 5 |"
            + " config.londonBlock is block 3",
        "{'config':{'cancunTime':9,'shanghaiTime':10}} | config.shanghaiTime is time 10 |"
            + " config.cancunTime is time 9",
        "{'config':{'pragueTime':99}} | config.cancunTime is time 100 |"
            + " config.pragueTime is time 99",
        "{'config':{'osakaTime':200,'bpo1Time':150}} | config.osakaTime is time 200 |"
            + " config.bpo1Time is time 150",
        "{'config':{'byzantiumBlock':null,'istanbulBlock':5,'berlinBlock':5,'londonBlock':5,"
            + "'constantinopleBlock':5,'petersburgBlock':5}} | config.byzantiumBlock is missing |"
            + " config.constantinopleBlock is block 5",
        "{'config':{'shanghaiTime':null}} | config.shanghaiTime is missing |"
            + " config.cancunTime is time 100",
        "{'config':{'eip155Block':0,'eip158Block':4,'byzantiumBlock':4,'constantinopleBlock':4,"
            + "'petersburgBlock':4,'istanbulBlock':4,'berlinBlock':4,'londonBlock':4}} |"
            + " config.eip155Block | config.eip158Block must be the same",
        "{'config':{'optimism':{'eip1559Elasticity':6,'eip1559Denominator':50},'cancunTime':null,"
            + "'canyonTime':0,'fjordTime':5,'graniteTime':4}} | config.fjordTime is time 5 |"
            + " config.graniteTime is time 4",
        // values
        "{'alloc':{'@':{'storage':{'0x1':'0x01','0x01':'0x01'}}}} | alloc.@.storage |"
            + " twice, as 0x1 and 0x01",
        "{'config':{'chainId':''}} | chainId | not valid",
        "{'config':{'cancunTime':''}} | cancunTime | not valid",
        "{'alloc':{'@':{'storage':{'zz':'0x01'}}}} | alloc.@.storage | zz",
        "{'alloc':{'@':{'storage':{'%':'0x01'}}}} | alloc.@.storage | 33 bytes",
        "{'alloc':{'@':{'storage':{'0x01':'%'}}}} | alloc.@.storage.0x01 | 33 bytes",
        "{'alloc':{'@':{'storage':{'0x01':'0x01','01':'0x02'}}}} | alloc.@.storage |"
            + " twice, as 0x01 and 01",
        "{'alloc':{'@':{},'0x@':{}}} | alloc | twice, as @ and 0x@",
        "{'alloc':{'@0':{}}} | alloc | @0",
        "{'alloc':{'@':{'code':'0x0'}}} | alloc.@.code | odd length",
        "{'alloc':{'@':{'code':5}}} | alloc.@.code | not a string",
        "{'alloc':{'@':{'balance':'five'}}} | alloc.@.balance | five",
        "{'alloc':{'@':{'nonce':'0x10000000000000000'}}} | alloc.@.nonce | out of range",
        "{'nonce':'0x10000000000000000'} | nonce | out of range",
        "{'parentHash':'0x05'} | parentHash | 32 bytes",
        "{'coinbase':'0x05'} | coinbase | 20 bytes",
        "{'extraData':'0x055'} | extraData | odd length",
      })
  void aMistakeIsReportedByTheNameOfTheField(String changes, String field, String reason) {
    assertThatThrownBy(
            () -> parse(changes.replace("@", ADDRESS).replace("%", "0x01" + "00".repeat(32))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(field.replace("@", ADDRESS))
        .hasMessageContaining(reason.replace("@", ADDRESS));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'config':{'ethash':{},'terminalTotalDifficultyPassed':true,'bedrockBlock':0}}",
        "{'config':{'proofOfWork':true,'contractSizeLimit':9,'discovery':{'dns':'x'}}}",
        "{'config':{'verkleTime':null,'isQuorum':false,'checkpoint':{}}}",
        "{'config':{'eip150Hash':'0x00','mergeNetsplitBlock':7,'daoForkBlock':0}}",
        "{'config':{'depositContractAddress':'0x0000000000000000000000000000000000000000'}}",
        "{'mixhash':'0x0000000000000000000000000000000000000000000000000000000000000000'}",
        // forks that have no effect, or never happen
        "{'config':{'deltaTime':5,'pectraBlobScheduleTime':5,'ewasmBlock':5,'catalystBlock':5}}",
        "{'config':{'futureEipsTime':5,'experimentalEipsTime':5,'mergeForkBlock':5}}",
        "{'config':{'verkleTime':9007199254740992,'lagoonBlock':'0xffffffffffffffff'}}",
        "{'config':{'shangaiTime':18446744073709551615,'bpo6Time':null}}",
        "{'config':{'pragueTime':9223372036854775808,'osakaTime':18446744073709551615}}",
        "{'config':{'amsterdamTime':'0xffffffffffffffff','grayGlacierBlock':9223372036854775808}}",
        "{'config':{'constantinopleFixBlock':0,'preMergeForkBlock':9}}",
        "{'config':{'blobSchedule':{'cancun':null,'prague':null,'bpo1':null}}}",
        "{'config':{'londonblock':null,'blobSchedule':null}}",
        "{'nonce':'','difficulty':'','timestamp':'','number':'','gasUsed':''}",
        "{'parentHash':'0x0000000000000000000000000000000000000000000000000000000000000000'}",
        "{'parentHash':'0000000000000000000000000000000000000000000000000000000000000000'}",
        "{'coinbase':'0X0000000000000000000000000000000000000000','extraData':''}",
        "{'nonce':'0x0000000000000000','number':'0x0','gasUsed':'0x0','baseFeePerGas':null}",
        "{'hash':'0x05','stateRoot':'0x06','_comment':'mine'}",
        "{'gasLimit':30000000,'difficulty':0,'timestamp':'0'}",
        "{'gasLimit':'0X1C9C380','difficulty':'0x00'}",
        // as Besu allows it: a fork at 0 includes those before it
        "{'config':{'homesteadBlock':null,'eip150Block':null,'eip155Block':null,"
            + "'eip158Block':null,'byzantiumBlock':null,'berlinBlock':null}}",
      })
  void otherFieldsOfRealFilesChangeNothing(String changes) throws Exception {
    assertThat(hash(changes)).isEqualTo(hash("{}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'config':{'chainId':null,'chainID':9}} | {'config':{'chainId':9}}",
        "{'config':{'MUIRGLACIERBLOCK':4,'berlinBlock':null,'BerlinBlock':4,'londonBlock':4}} |"
            + " {'config':{'muirGlacierBlock':4,'berlinBlock':4,'londonBlock':4}}",
        "{'config':{'petersburgBlock':null,'constantinoplefixblock':0}} | {}",
        "{'config':{'premergeforkblock':9}} | {'config':{'mergeNetsplitBlock':9}}",
        "{'config':{'PragueTime':200,'blobschedule':{'Prague':{'Target':1,'MAX':2,"
            + "'basefeeupdatefraction':3}}}} | {'config':{'pragueTime':200,'blobSchedule':{"
            + "'prague':{'target':1,'max':2,'baseFeeUpdateFraction':3}}}}",
        "{'gasLimit':null,'gaslimit':'0x5','extradata':'0x06','Nonce':7,'basefeepergas':8} |"
            + " {'gasLimit':'0x5','extraData':'0x06','nonce':7,'baseFeePerGas':8}",
        "{'mixhash':'0x0000000000000000000000000000000000000000000000000000000000000001'} |"
            + " {'mixHash':'0x0000000000000000000000000000000000000000000000000000000000000001'}",
        "{'alloc':null,'Alloc':{'@':{'Balance':1,'CODE':'0x05','Storage':{'0x01':2}}}} |"
            + " {'alloc':{'@':{'balance':1,'code':'0x05','storage':{'0x01':2}}}}",
        "{'alloc':{'@':{'balance':'','nonce':'','code':'0x05'}}} |"
            + " {'alloc':{'@':{'balance':0,'nonce':0,'code':'0x05'}}}",
      })
  void aNameIsTheSameInAnyLetterCaseAndByItsAlias(String given, String known) throws Exception {
    GenesisFile expected = parse(known.replace("@", ADDRESS));
    GenesisFile file = parse(given.replace("@", ADDRESS));
    assertThat(file.config()).isEqualTo(expected.config());
    assertThat(JSON.readTree(file.configText())).isEqualTo(JSON.readTree(expected.configText()));
    assertThat(hash(given.replace("@", ADDRESS))).isEqualTo(hash(known.replace("@", ADDRESS)));
  }

  @Test
  void aForkThatNeverHappensIsNotScheduled() throws Exception {
    GenesisFile file =
        parse(
            "{'config':{'pragueTime':9223372036854775808,'amsterdamTime':18446744073709551615,"
                + "'grayGlacierBlock':36893488147419103232}}");
    assertThat(file.config()).isEqualTo(parse("{}").config());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'0x00000000000000000000000000000000000000ab':{'balance':'0x10','nonce':'0x1',"
            + "'code':'0x00FF','storage':{'0x01':'0x10'}}}",
        "{'00000000000000000000000000000000000000AB':{'balance':16,'nonce':1,"
            + "'code':'00ff','storage':{'01':'10'},'secretKey':'0x05','comment':'mine'}}",
        "{'0X00000000000000000000000000000000000000Ab':{'balance':'16','nonce':'0x0001',"
            + "'code':'0X00fF','storage':{'0X0001':16},'unheardOf':5}}",
        "{'@':{'balance':16,'nonce':1,'code':'00ff','storage':{'0x1':'0x010'}}}",
        "{'@':{'balance':16,'nonce':1,'code':'00ff','storage':{'1':'010'}}}",
        "{'@':{'balance':'0X0010','nonce':'1','code':'00Ff','storage':{"
            + "'0000000000000000000000000000000000000000000000000000000000000001':"
            + "'0000000000000000000000000000000000000000000000000000000000000010'}}}",
      })
  void anAccountIsTheSameInAllItsSpellings(String alloc) throws Exception {
    Hash expected =
        hash(
            "{'alloc':{'0x@':{'balance':'0x10','nonce':'0x1','code':'0x00ff','storage':{'0x01':'0x10'}}}}"
                .replace("@", ADDRESS));
    assertThat(hash("{'alloc':" + alloc.replace("@", ADDRESS) + "}")).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"londonBlock\": 0, | \"londonBlock\": 0, \"berlinBlock\": 0, \"londonBlock\": 5, |"
            + " 'londonBlock'",
        "\"alloc\": | \"alloc\": {}, \"alloc\": | 'alloc'",
        "{\"@\": | {\"@\": {}, \"@\": | '@'",
      })
  void aFieldThatIsThereTwiceIsRefused(String part, String twice, String name) throws Exception {
    String text =
        """
        {"config": {"chainId": 7, "homesteadBlock": 0, "londonBlock": 0, "terminalTotalDifficulty": 0},
         "gasLimit": "0x1c9c380",
         "alloc": {"@": {}}}
        """
            .replace("@", ADDRESS);
    Path file = folder.resolve("genesis.json");
    Files.writeString(file, text);
    assertThat(GenesisFile.read(file, null).config().chainId().toString()).contains("7");
    Files.writeString(file, text.replace(part.replace("@", ADDRESS), twice.replace("@", ADDRESS)));
    assertThatThrownBy(() -> GenesisFile.read(file, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(name.replace("@", ADDRESS) + " twice")
        .hasMessageContaining("line");
  }

  @Test
  void aNumberOfAMillionDigitsIsRefusedAtOnce() {
    String digits = "9".repeat(1_000_000);
    assertThatThrownBy(() -> parse("{'gasLimit':'" + digits + "'}"))
        .hasMessageContaining("gasLimit")
        .hasMessageContaining("out of range")
        .satisfies(failure -> assertThat(failure.getMessage()).hasSizeLessThan(200));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'gasLimit':'%'}",
        "{'gasLimit':'0x%'}",
        "{'coinbase':'0x%'}",
        "{'mixHash':'%'}",
        "{'nonce':['%']}",
        "{'extraData':['%']}",
        "{'config':{'chainId':'0x%'}}",
        "{'config':{'terminalTotalDifficulty':'%'}}",
        "{'config':{'depositContractAddress':'0x%'}}",
        "{'config':{'optimism':{'eip1559Elasticity':'0x%'}}}",
        "{'alloc':{'@':{'balance':'%'}}}",
        "{'alloc':{'@':{'nonce':'0x%'}}}",
        "{'alloc':{'@':{'storage':{'0x1':'0x%'}}}}",
        "{'alloc':{'@':{'storage':{'0x%':'0x1'}}}}",
        "{'alloc':{'0x%':{'balance':'1'}}}"
      })
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aLongValueIsRefusedByItsLength(String changes) {
    int digits = changes.contains("{'0x%'") ? 40_000 : 5_000_000; // Jackson bounds names
    assertThatThrownBy(() -> parse(changes.replace("@", ADDRESS).replace("%", "9".repeat(digits))))
        .isInstanceOf(IllegalArgumentException.class)
        .satisfies(failure -> assertThat(failure.getMessage()).hasSizeLessThan(300));
  }

  @Test
  void aMisspeltVariableOfAForkIsRefused() throws Exception {
    Path file = folder.resolve("genesis.json");
    Files.writeString(file, genesis().toString());
    Path environment = folder.resolve("environment.json");
    Files.writeString(environment, "{\"HIVE_PRAGUE_TIMESTMP\": \"200\"}");
    assertThatThrownBy(() -> GenesisFile.read(file, environment))
        .hasMessageContaining("HIVE_PRAGUE_TIMESTMP")
        .hasMessageContaining("HIVE_PRAGUE_TIMESTAMP");
    Files.writeString(environment, "{\"HIVE_PRAGUE_TIMESTAMP\": \"50\", \"HIVE_LOGLEVEL\": \"3\"}");
    assertThatThrownBy(() -> GenesisFile.read(file, environment))
        .hasMessageContaining("config.cancunTime is time 100")
        .hasMessageContaining("config.pragueTime is time 50");
    Files.writeString(environment, "{\"HIVE_PRAGUE_TIMESTAMP\": \"200\", \"HIVE_NODETYPE\": \"\"}");
    assertThat(GenesisFile.read(file, environment).config().forkTimes()).containsValue(200L);
    Files.writeString(file, genesis().toString().replace("cancunTime", "CancunTime"));
    assertThat(GenesisFile.read(file, environment).config().forkTimes()).containsValue(200L);
  }
}
