// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.storage.StorageUnavailableException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sealing over an engine by script: what each stage is called with, and how it ends. */
class OpEngineNamespaceTest {
  private static final String HASH = "0x" + "ab".repeat(32);
  private static final String ROOT = "0x" + "cd".repeat(32);
  private static final Map<String, Object> PAYLOAD = Map.of("blockHash", HASH);
  private static final Map<String, Object> ENVELOPE =
      Map.of("executionPayload", PAYLOAD, "parentBeaconBlockRoot", ROOT);

  private final Map<String, RpcMethod> engine = new HashMap<>();
  private final List<String> called = new ArrayList<>();
  private final OpEngineNamespace namespace = new OpEngineNamespace(() -> engine);

  @BeforeEach
  void anEngineThatFindsAllValid() {
    for (int version = 2; version <= 3; version++) {
      answer("engine_getPayloadV" + version, ENVELOPE);
      answer("engine_newPayloadV" + version, status("VALID"));
    }
    answer("engine_forkchoiceUpdatedV3", Map.of("payloadStatus", status("VALID")));
  }

  private static Map<String, Object> status(String status) {
    return Map.of("status", status);
  }

  private void answer(String method, Object result) {
    engine.put(
        method,
        (params, session) -> {
          called.add(method + params);
          return result;
        });
  }

  private void fail(String method, RuntimeException failure) {
    engine.put(
        method,
        (params, session) -> {
          throw failure;
        });
  }

  @SuppressWarnings("unchecked")
  private Map<String, Object> seal(int version, boolean shows) throws RpcError {
    Map<String, Object> state = new HashMap<>();
    state.put("headBlockHash", "0x00");
    RpcMethod method = namespace.methods().get("engine_opSealPayloadV" + version);
    return (Map<String, Object>) method.call(List.of("0x0102030405060708", state, shows), null);
  }

  @Test
  void theStagesFollowEachOther() throws Exception {
    assertThat(seal(3, true))
        .containsEntry("errStage", "")
        .containsEntry("payloadStatus", status("VALID"))
        .containsEntry("payload", ENVELOPE);
    assertThat(called)
        .containsExactly(
            "engine_getPayloadV3[0x0102030405060708]",
            "engine_newPayloadV3[" + PAYLOAD + ", [], " + ROOT + "]",
            "engine_forkchoiceUpdatedV3[{headBlockHash=" + HASH + "}, null]");
    called.clear();
    assertThat(seal(2, false)).containsEntry("errStage", "").containsEntry("payload", null);
    assertThat(called)
        .containsExactly(
            "engine_getPayloadV2[0x0102030405060708]",
            "engine_newPayloadV2[" + PAYLOAD + "]",
            "engine_forkchoiceUpdatedV3[{headBlockHash=" + HASH + "}, null]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"INVALID", "SYNCING", "ACCEPTED", "INCONSISTENT"})
  void aStatusThatIsNotValidEndsIt(String status) throws Exception {
    answer("engine_forkchoiceUpdatedV3", Map.of("payloadStatus", status(status)));
    assertThat(seal(3, true))
        .containsEntry("errStage", "sealApiForkchoiceUpdatedErrStage")
        .containsEntry("payloadStatus", status(status))
        .containsEntry("payload", null);
    called.clear();
    answer("engine_newPayloadV3", status(status));
    assertThat(seal(3, true))
        .containsEntry("errStage", "sealApiNewPayloadErrStage")
        .containsEntry("payloadStatus", status(status))
        .containsEntry("payload", null);
    assertThat(called).as("the head is not moved").hasSize(2);
  }

  @Test
  void anErrorKeepsItsCodeAndNamesItsStage() {
    Map<String, String> stages =
        Map.of(
            "engine_getPayloadV3", "sealApiGetPayloadErrStage",
            "engine_newPayloadV3", "sealApiNewPayloadErrStage",
            "engine_forkchoiceUpdatedV3", "sealApiForkchoiceUpdatedErrStage");
    stages.forEach(
        (method, stage) -> {
          RpcMethod good = engine.get(method);
          engine.put(
              method,
              (params, session) -> {
                throw new RpcError(-38002, "no");
              });
          assertThatThrownBy(() -> seal(3, true))
              .isInstanceOfSatisfying(
                  RpcError.class, error -> assertThat(error.code()).isEqualTo(-38002))
              .hasMessage(stage + ": no");
          fail(method, new StorageUnavailableException("away"));
          assertThatThrownBy(() -> seal(3, true))
              .isInstanceOf(StorageUnavailableException.class)
              .hasMessageStartingWith(stage);
          engine.put(
              method,
              (params, session) -> {
                throw RpcError.absence("away");
              });
          assertThatThrownBy(() -> seal(3, true))
              .isInstanceOfSatisfying(
                  RpcError.class, error -> assertThat(error.isAbsence()).isTrue())
              .hasMessageStartingWith(stage);
          fail(method, new NotReadyException("away"));
          assertThatThrownBy(() -> seal(3, true))
              .isInstanceOf(NotReadyException.class)
              .hasMessageStartingWith(stage);
          engine.put(method, good);
        });
  }

  @Test
  void aSignalIsAnsweredByTheOwnVersion() throws Exception {
    RpcMethod signal = namespace.methods().get("engine_signalSuperchainV1");
    Map<String, Object> versions = Map.of("recommended", HASH, "required", ROOT);
    Object answer = signal.call(List.of(versions), null);
    assertThat((String) answer).isEqualTo("0x" + "00".repeat(16) + "00000009" + "00".repeat(12));
    assertThatThrownBy(() -> signal.call(List.of(Map.of("required", ROOT)), null))
        .isInstanceOfSatisfying(
            RpcError.class, error -> assertThat(error.code()).isEqualTo(-32602));
  }
}
