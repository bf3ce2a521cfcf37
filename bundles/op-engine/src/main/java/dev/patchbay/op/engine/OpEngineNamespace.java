// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.engine;

import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.rpc.RpcSession;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.rpc.codec.Params;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * What op-node and op-bnb ask of an execution client besides the Engine API. Sealing goes through
 * the methods of that API, one after the other, so it does just what they do.
 */
@Component(
    property = {
      RpcNamespace.NAME + "=engine",
      OpEngineNamespace.EXTENSION + "=" + OpEngineNamespace.SEAL_V2,
      OpEngineNamespace.EXTENSION + "=" + OpEngineNamespace.SEAL_V3,
      OpEngineNamespace.EXTENSION + "=" + OpEngineNamespace.SIGNAL
    })
public final class OpEngineNamespace implements RpcNamespace {
  static final String EXTENSION = "rpc.extension";
  static final String SEAL_V2 = "engine_opSealPayloadV2";
  static final String SEAL_V3 = "engine_opSealPayloadV3";
  static final String SIGNAL = "engine_signalSuperchainV1";

  private static final String GET = "sealApiGetPayloadErrStage";
  private static final String NEW = "sealApiNewPayloadErrStage";
  private static final String UPDATE = "sealApiForkchoiceUpdatedErrStage";

  private final RpcNamespace engine;

  private final Map<String, RpcMethod> methods =
      Map.of(
          SEAL_V2, (p, s) -> seal(new Params(p), s, 2),
          SEAL_V3, (p, s) -> seal(new Params(p), s, 3),
          SIGNAL, (p, s) -> ProtocolVersion.signalled(new Params(p)));

  /**
   * Makes the methods.
   *
   * @param engine the Engine API. The reference is static: when that is replaced, this namespace is
   *     removed before it, and its requests under way end first
   */
  @Activate
  public OpEngineNamespace(
      @Reference(target = "(&(" + RpcNamespace.NAME + "=engine)(!(" + EXTENSION + "=*)))")
          RpcNamespace engine) {
    this.engine = engine;
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  /**
   * Fetches a payload, hands it over and makes it the head. A stage that is not VALID ends it, with
   * the status of that stage; one that fails keeps its code, and its message names the stage.
   */
  private Object seal(Params params, RpcSession session, int version) throws RpcError {
    Object id = params.bytes(0).toString();
    Map<String, @Nullable Object> state =
        new LinkedHashMap<>(Params.object("forkchoice state", params.optional(1)));
    boolean shows = params.flag(2);

    Map<String, @Nullable Object> envelope = call(GET, "engine_getPayloadV" + version, session, id);
    Map<String, @Nullable Object> payload =
        Params.object("executionPayload", envelope.get("executionPayload"));
    Map<String, @Nullable Object> status =
        version == 2
            ? call(NEW, "engine_newPayloadV2", session, payload)
            : call(
                NEW,
                "engine_newPayloadV3",
                session,
                payload,
                List.of(),
                envelope.get("parentBeaconBlockRoot"));
    if (!"VALID".equals(status.get("status"))) {
      return sealed(NEW, status, null);
    }
    state.put("headBlockHash", payload.get("blockHash"));
    Map<String, @Nullable Object> updated =
        call(UPDATE, "engine_forkchoiceUpdatedV3", session, state, null);
    status = Params.object("payloadStatus", updated.get("payloadStatus"));
    boolean valid = "VALID".equals(status.get("status"));
    return sealed(valid ? "" : UPDATE, status, valid && shows ? envelope : null);
  }

  private static Map<String, @Nullable Object> sealed(
      String stage,
      Map<String, @Nullable Object> status,
      @Nullable Map<String, @Nullable Object> envelope) {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("errStage", stage);
    out.put("payloadStatus", status);
    out.put("payload", envelope);
    return out;
  }

  private Map<String, @Nullable Object> call(
      String stage, String method, RpcSession session, @Nullable Object... params) throws RpcError {
    RpcMethod called = engine.methods().get(method);
    if (called == null) {
      throw new NotReadyException(stage + ": there is no method " + method);
    }
    try {
      return Params.object(method, called.call(new ArrayList<>(Arrays.asList(params)), session));
    } catch (RpcError failure) {
      String message = stage + ": " + failure.getMessage();
      throw failure.isAbsence() ? RpcError.absence(message) : new RpcError(failure.code(), message);
    } catch (StorageUnavailableException unavailable) {
      throw new StorageUnavailableException(stage + ": " + unavailable.getMessage());
    } catch (NotReadyException missing) {
      throw new NotReadyException(stage + ": " + missing.getMessage());
    }
  }
}
