// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.engine;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.consensus.ExecutionRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.Handover;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.payload.PayloadBuilder;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Hex;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Results;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@code engine} namespace: a consensus client hands over blocks, says which is the head, and
 * has new ones built (execution-apis, {@code src/engine}). One Java method for each method of the
 * specification.
 */
@Capability(
    namespace = "osgi.service",
    attribute = "objectClass:List<String>=\"dev.patchbay.api.rpc.RpcNamespace\"")
@Component(
    name = "dev.patchbay.rpc.engine",
    service = {},
    immediate = true,
    configurationPolicy = ConfigurationPolicy.OPTIONAL)
@Designate(ocd = EngineNamespace.Config.class)
public final class EngineNamespace implements RpcNamespace {
  private static final Logger LOG = LoggerFactory.getLogger(EngineNamespace.class);

  /** Configuration of the namespace. */
  @ObjectClassDefinition(name = "Patchbay Engine API")
  public @interface Config {
    /** Whether a payload on a parent without state is INCONSISTENT, as op-bnb expects. */
    @AttributeDefinition(
        description =
            "Whether newPayload answers INCONSISTENT in place of ACCEPTED when the state of the"
                + " parent is missing: op-bnb knows this status, other consensus clients do not")
    boolean inconsistent_status() default false;
  }

  /** The method that a client tells its methods by is not among them. */
  private static final String EXCHANGE = "engine_exchangeCapabilities";

  /** The state that is handed over: payloads that were started. */
  private static final String PAYLOADS = "rpc-engine.payloads";

  /** Service property of namespaces that add methods to this one: their names. */
  private static final String EXTENSION = "rpc.extension";

  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final ChainReader chain;
  private final ProtocolSchedule schedule;
  private final BlockImporter importer;
  private final ForkChoice forkChoice;
  private final Set<ServiceReference<RpcNamespace>> extensions = ConcurrentHashMap.newKeySet();
  private final StartedPayloads started = new StartedPayloads();
  private final Bodies bodies;
  private final ClientVersion version;
  private final String withoutParentState;

  private @Nullable ServiceRegistration<?> registration;

  /** Hands the payloads that were started over to a successor. */
  private Runnable handOver = () -> {};

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable PayloadBuilder builder;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable TransactionPool pool;

  /** Makes the methods. */
  @Activate
  public EngineNamespace(
      BundleContext context,
      Config config,
      Map<String, Object> properties,
      @Reference ChainReader chain,
      @Reference ProtocolSchedule schedule,
      @Reference BlockImporter importer,
      @Reference ForkChoice forkChoice,
      @Reference BlockExecutor executor,
      @Reference Handover handover) {
    this(
        chain,
        schedule,
        importer,
        forkChoice,
        executor,
        ClientVersion.of(context.getBundle()),
        ConfigurationValues.of("dev.patchbay.rpc.engine", properties)
            .reportUnknown(Config.class, LOG::warn)
            .flag("inconsistent.status", config::inconsistent_status));
    started.restore(handover.take(PAYLOADS));
    handOver = () -> handover.put(PAYLOADS, started.handOver());
  }

  /**
   * Registers the service. The container would register it before it creates this component: where
   * the configuration is wrong, each user of the service would fail too.
   */
  @Activate
  void register(BundleContext context) {
    Hashtable<String, Object> properties = new Hashtable<>();
    properties.put(RpcNamespace.NAME, "engine");
    registration = context.registerService(RpcNamespace.class, this, properties);
  }

  @Deactivate
  void close() {
    ServiceRegistration<?> registered = registration;
    if (registered != null) {
      registered.unregister();
      registration = null;
    }
    handOver.run();
  }

  /**
   * Creates a namespace without a container.
   *
   * @param inconsistentStatus whether a payload on a parent without state is INCONSISTENT
   */
  EngineNamespace(
      ChainReader chain,
      ProtocolSchedule schedule,
      BlockImporter importer,
      ForkChoice forkChoice,
      BlockExecutor executor,
      ClientVersion version,
      boolean inconsistentStatus) {
    this.chain = chain;
    this.schedule = schedule;
    this.importer = importer;
    this.forkChoice = forkChoice;
    this.bodies = new Bodies(chain, executor);
    this.version = version;
    this.withoutParentState = inconsistentStatus ? "INCONSISTENT" : "ACCEPTED";
    BlobMethods blobs = new BlobMethods(chain, () -> pool);
    methods.put("engine_newPayloadV1", (p, s) -> newPayloadV1(new Params(p)));
    methods.put("engine_newPayloadV2", (p, s) -> newPayloadV2(new Params(p)));
    methods.put("engine_newPayloadV3", (p, s) -> newPayloadV3(new Params(p)));
    methods.put("engine_newPayloadV4", (p, s) -> newPayloadV4(new Params(p)));
    methods.put("engine_newPayloadV5", (p, s) -> newPayloadV5(new Params(p)));
    methods.put("engine_forkchoiceUpdatedV1", (p, s) -> forkchoiceUpdatedV1(new Params(p)));
    methods.put("engine_forkchoiceUpdatedV2", (p, s) -> forkchoiceUpdatedV2(new Params(p)));
    methods.put("engine_forkchoiceUpdatedV3", (p, s) -> forkchoiceUpdatedV3(new Params(p)));
    methods.put("engine_forkchoiceUpdatedV4", (p, s) -> forkchoiceUpdatedV4(new Params(p)));
    methods.put("engine_getPayloadV1", (p, s) -> getPayloadV1(new Params(p)));
    methods.put("engine_getPayloadV2", (p, s) -> getPayloadV2(new Params(p)));
    methods.put("engine_getPayloadV3", (p, s) -> getPayloadV3(new Params(p)));
    methods.put("engine_getPayloadV4", (p, s) -> getPayloadV4(new Params(p)));
    methods.put("engine_getPayloadV5", (p, s) -> getPayloadV5(new Params(p)));
    methods.put("engine_getPayloadV6", (p, s) -> getPayloadV6(new Params(p)));
    methods.put("engine_getPayloadBodiesByHashV1", (p, s) -> bodies.byHash(new Params(p), false));
    methods.put("engine_getPayloadBodiesByRangeV1", (p, s) -> bodies.byRange(new Params(p), false));
    methods.put("engine_getPayloadBodiesByHashV2", (p, s) -> bodies.byHash(new Params(p), true));
    methods.put("engine_getPayloadBodiesByRangeV2", (p, s) -> bodies.byRange(new Params(p), true));
    methods.put("engine_getBlobsV1", (p, s) -> blobs.getBlobsV1(new Params(p)));
    methods.put("engine_getBlobsV2", (p, s) -> blobs.getBlobsV2(new Params(p)));
    methods.put("engine_getBlobsV3", (p, s) -> blobs.getBlobsV3(new Params(p)));
    methods.put("engine_getBlobsV4", (p, s) -> blobs.getBlobsV4(new Params(p)));
    methods.put("engine_getClientVersionV1", (p, s) -> getClientVersionV1(new Params(p)));
    Set<String> names = Set.copyOf(methods.keySet());
    methods.put(EXCHANGE, (p, s) -> exchangeCapabilities(new Params(p), names));
  }

  /**
   * Notes a bundle that adds methods to the namespace. It stands upstream of this one, so its
   * service is not asked for.
   */
  @Reference(
      service = RpcNamespace.class,
      target = "(" + EXTENSION + "=*)",
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addExtension(ServiceReference<RpcNamespace> extension) {
    extensions.add(extension);
  }

  void removeExtension(ServiceReference<RpcNamespace> extension) {
    extensions.remove(extension);
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  // ---- newPayload

  private Object newPayloadV1(Params params) throws RpcError {
    PayloadObject payload = PayloadObject.read(required(params, 0, "payload"), 1);
    return newPayload(payload, null, null, null, "INVALID_BLOCK_HASH");
  }

  private Object newPayloadV2(Params params) throws RpcError {
    PayloadObject payload = PayloadObject.read(required(params, 0, "payload"), 2);
    Fork fork = forkOf(payload);
    requireFork("newPayloadV2", fork, Fork.FRONTIER, Fork.SHANGHAI);
    boolean withdrawals = fork.includes(Fork.SHANGHAI);
    if (withdrawals != (payload.withdrawals() != null)) {
      throw RpcError.invalidParams(
          withdrawals ? "missing withdrawals" : "withdrawals before Shanghai");
    }
    return newPayload(payload, null, null, null, "INVALID");
  }

  private Object newPayloadV3(Params params) throws RpcError {
    PayloadObject payload = PayloadObject.read(required(params, 0, "payload"), 3);
    List<Hash> blobs = params.hashes(1);
    Hash beaconRoot = params.hash(2);
    requireFork("newPayloadV3", forkOf(payload), Fork.CANCUN, Fork.CANCUN);
    return newPayload(payload, blobs, beaconRoot, null, "INVALID");
  }

  private Object newPayloadV4(Params params) throws RpcError {
    return newPayload(params, "newPayloadV4", 3, Fork.PRAGUE, Fork.OSAKA);
  }

  private Object newPayloadV5(Params params) throws RpcError {
    return newPayload(params, "newPayloadV5", 4, Fork.AMSTERDAM, Fork.AMSTERDAM);
  }

  private Object newPayload(Params params, String method, int version, Fork first, Fork last)
      throws RpcError {
    PayloadObject payload = PayloadObject.read(required(params, 0, "payload"), version);
    List<Hash> blobs = params.hashes(1);
    Hash beaconRoot = params.hash(2);
    List<Object> listed = params.list(3);
    requireFork(method, forkOf(payload), first, last);
    return newPayload(payload, blobs, beaconRoot, requests(listed), "INVALID");
  }

  private Object newPayload(
      PayloadObject payload,
      @Nullable List<Hash> blobs,
      @Nullable Hash beaconRoot,
      @Nullable List<byte[]> requests,
      String wrongHash)
      throws RpcError {
    requireDriven();
    checkWithdrawalsRoot(payload);
    Block block;
    try {
      block = payload.block(blobs, beaconRoot, requests);
    } catch (PayloadObject.MalformedException malformed) {
      return status("INVALID", null, malformed.getMessage());
    } catch (PayloadObject.WrongHashException other) {
      return status(wrongHash, null, other.getMessage());
    }
    PayloadStatus status = validate(block);
    if (status instanceof PayloadStatus.Invalid invalid) {
      return status("INVALID", invalid.latestValidHash(), invalid.reason());
    }
    if (status instanceof PayloadStatus.Valid) {
      return status("VALID", block.hash(), null);
    }
    String other = status instanceof PayloadStatus.Accepted ? withoutParentState : "SYNCING";
    return status(other, null, null);
  }

  /** Some rollups show the root of a state, which cannot be computed from the payload. */
  private void checkWithdrawalsRoot(PayloadObject payload) throws RpcError {
    boolean given = payload.header().withdrawalsRoot() != null;
    if (given != showsWithdrawalsRoot(payload.header())) {
      throw RpcError.invalidParams(
          given ? "withdrawalsRoot is not a field of this fork" : "missing withdrawalsRoot");
    }
  }

  private boolean showsWithdrawalsRoot(BlockHeader header) {
    ChainConfig config = schedule.config();
    if (config.rollup() == null) {
      return false; // without a question to the rules, which may not be installed
    }
    ExecutionRules rules = schedule.rules();
    return rules.withdrawalsRootAccount(header, config) != null;
  }

  /** What this node has built itself need not be executed again. */
  private PayloadStatus validate(Block block) {
    PayloadBuilder current = builder;
    Payload own = current == null ? null : current.fetched(block.hash());
    if (current == null || own == null) {
      return importer.insertWithoutSetHead(block);
    }
    PayloadStatus status =
        importer.insertWithoutSetHead(block, own.outcome().receipts(), own.outcome().changes());
    if (status instanceof PayloadStatus.Invalid invalid) {
      current.rejected(block, invalid.reason());
    } else if (status instanceof PayloadStatus.Valid) {
      current.accepted(block);
    }
    return status;
  }

  private static Map<String, @Nullable Object> status(
      String status, @Nullable Hash latestValid, @Nullable String error) {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("status", status);
    out.put("latestValidHash", latestValid == null ? null : latestValid.toString());
    out.put("validationError", error);
    return out;
  }

  private static Map<String, @Nullable Object> required(Params params, int index, String what)
      throws RpcError {
    return Params.object(what, params.optional(index));
  }

  /** Reads the requests of EIP-7685: a type byte each, ascending, and data. */
  private static List<byte[]> requests(List<Object> listed) throws RpcError {
    List<byte[]> out = new ArrayList<>();
    int last = -1;
    for (Object item : listed) {
      byte[] request = Params.bytes("execution request", item).toArray();
      if (request.length < 2) {
        throw RpcError.invalidParams("invalid execution request: " + item + " has no data");
      }
      int type = request[0] & 0xff;
      if (type <= last) {
        throw RpcError.invalidParams(
            "invalid execution requests: type " + type + " comes after type " + last);
      }
      last = type;
      out.add(request);
    }
    return out;
  }

  /** A chain that seals its own blocks has no place for a consensus client. */
  private void requireDriven() throws RpcError {
    if (!chain.config().isDriven()) {
      throw new RpcError(
          RpcError.SERVER_ERROR,
          "no consensus client drives this chain: its genesis says " + chain.config().consensus());
    }
  }

  private Fork forkOf(PayloadObject payload) {
    return chain.config().forkOf(payload.header());
  }

  /** Chains that merge at a total difficulty do not know the fork of a time before Shanghai. */
  private static void requireFork(String method, Fork fork, Fork first, Fork last) throws RpcError {
    if (!fork.includes(first) || (fork != last && fork.includes(last))) {
      throw EngineErrors.unsupportedFork(method + " is not for " + fork.title());
    }
  }

  // ---- forkchoiceUpdated

  private Object forkchoiceUpdatedV1(Params params) throws RpcError {
    return forkchoiceUpdated(params, 1, Fork.FRONTIER, Fork.PARIS);
  }

  private Object forkchoiceUpdatedV2(Params params) throws RpcError {
    return forkchoiceUpdated(params, 2, Fork.FRONTIER, Fork.SHANGHAI);
  }

  private Object forkchoiceUpdatedV3(Params params) throws RpcError {
    return forkchoiceUpdated(params, 3, Fork.CANCUN, Fork.OSAKA);
  }

  private Object forkchoiceUpdatedV4(Params params) throws RpcError {
    Object columns = params.optional(2);
    if (columns != null) {
      // this node holds no columns of its own: there is nothing to be told more
      BlobMethods.columns("custodyColumns", columns);
    }
    return forkchoiceUpdated(params, 4, Fork.AMSTERDAM, Fork.AMSTERDAM);
  }

  private Object forkchoiceUpdated(Params params, int version, Fork first, Fork last)
      throws RpcError {
    Map<String, @Nullable Object> state = required(params, 0, "forkchoice state");
    Hash head = Params.hash("headBlockHash", state.get("headBlockHash"));
    Hash safe = Params.hash("safeBlockHash", state.get("safeBlockHash"));
    Hash finalized = Params.hash("finalizedBlockHash", state.get("finalizedBlockHash"));
    Map<String, @Nullable Object> attributes =
        params.optional(1) == null ? null : required(params, 1, "payload attributes");
    requireDriven();
    if (head.equals(Hash.ZERO)) {
      return updated(status("INVALID", null, null), null); // as geth
    }
    ForkChoice.Result result = forkChoice.update(head, safe, finalized);
    if (result instanceof ForkChoice.Result.Syncing) {
      return updated(status("SYNCING", null, null), null);
    }
    if (result instanceof ForkChoice.Result.Invalid invalid) {
      return updated(status("INVALID", invalid.latestValidHash(), invalid.reason()), null);
    }
    if (result instanceof ForkChoice.Result.Inconsistent inconsistent) {
      throw EngineErrors.invalidForkchoiceState(inconsistent.reason());
    }
    if (result instanceof ForkChoice.Result.TooDeep deep) {
      throw EngineErrors.tooDeepReorg(deep.reason());
    }
    Bytes id = null;
    if (attributes != null && result instanceof ForkChoice.Result.Updated now) {
      boolean rollup = chain.config().rollup() != null;
      AttributesObject read = AttributesObject.read(attributes, version, rollup);
      id = start(now.head(), read, version, first, last);
    }
    return updated(status("VALID", head, null), id);
  }

  private static Map<String, @Nullable Object> updated(
      Map<String, @Nullable Object> status, @Nullable Bytes id) {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("payloadStatus", status);
    out.put("payloadId", id == null ? null : id.toString());
    return out;
  }

  private Bytes start(Block head, AttributesObject a, int version, Fork first, Fork last)
      throws RpcError {
    Fork fork = chain.config().forkAt(head.number() + 1, a.timestamp());
    requireFork("forkchoiceUpdatedV" + version, fork, first, last);
    boolean withdrawals = fork.includes(Fork.SHANGHAI);
    if (version == 2 && withdrawals != (a.withdrawals() != null)) {
      throw EngineErrors.invalidAttributes(
          withdrawals ? "missing withdrawals" : "withdrawals before Shanghai");
    }
    if (Long.compareUnsigned(a.timestamp(), head.header().timestamp()) <= 0) {
      throw EngineErrors.invalidAttributes(
          "timestamp "
              + Long.toUnsignedString(a.timestamp())
              + " is not after that of the head, "
              + head.header().timestamp());
    }
    PayloadAttributes attributes = a.attributes();
    Bytes id;
    try {
      id = builder().start(head, attributes);
    } catch (IllegalArgumentException refused) {
      throw EngineErrors.invalidAttributes(String.valueOf(refused.getMessage()));
    }
    started.add(id, head, attributes);
    return id;
  }

  private PayloadBuilder builder() {
    PayloadBuilder current = builder;
    if (current == null) {
      throw new NotReadyException("no payload builder is installed");
    }
    return current;
  }

  // ---- getPayload

  private Object getPayloadV1(Params params) throws RpcError {
    return Results.payload(payload(params, "getPayloadV1", Fork.PARIS, Fork.PARIS).block());
  }

  private Object getPayloadV2(Params params) throws RpcError {
    return envelope(payload(params, "getPayloadV2", Fork.PARIS, Fork.SHANGHAI));
  }

  private Object getPayloadV3(Params params) throws RpcError {
    Payload payload = payload(params, "getPayloadV3", Fork.CANCUN, Fork.CANCUN);
    return withBlobs(envelope(payload), payload);
  }

  private Object getPayloadV4(Params params) throws RpcError {
    Payload payload = payload(params, "getPayloadV4", Fork.PRAGUE, Fork.PRAGUE);
    return withRequests(withBlobs(envelope(payload), payload), payload);
  }

  private Object getPayloadV5(Params params) throws RpcError {
    Payload payload = payload(params, "getPayloadV5", Fork.OSAKA, Fork.OSAKA);
    return withRequests(withBlobs(envelope(payload), payload), payload);
  }

  private Object getPayloadV6(Params params) throws RpcError {
    Payload payload = payload(params, "getPayloadV6", Fork.AMSTERDAM, Fork.AMSTERDAM);
    return withRequests(withBlobs(envelope(payload), payload), payload);
  }

  private Payload payload(Params params, String method, Fork first, Fork last) throws RpcError {
    Bytes id = params.bytes(0);
    Payload payload = started.get(id, chain, builder());
    if (payload == null) {
      throw EngineErrors.unknownPayload(id.toString());
    }
    requireFork(method, chain.config().forkOf(payload.block().header()), first, last);
    return payload;
  }

  private Map<String, @Nullable Object> envelope(Payload payload) {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    Map<String, @Nullable Object> shown = Results.payload(payload.block());
    BlockHeader header = payload.block().header();
    Bytes accessList = payload.outcome().accessList();
    if (accessList != null) {
      shown.put("blockAccessList", accessList);
    }
    if (showsWithdrawalsRoot(header)) {
      shown.put("withdrawalsRoot", String.valueOf(header.withdrawalsRoot()));
    }
    out.put("executionPayload", shown);
    out.put("blockValue", payload.value().toHex());
    return out;
  }

  private Map<String, @Nullable Object> withBlobs(
      Map<String, @Nullable Object> out, Payload payload) {
    out.put("blobsBundle", BlobMethods.bundle(payload.sidecars()));
    out.put("shouldOverrideBuilder", false);
    if (chain.config().rollup() != null) {
      out.put(
          "parentBeaconBlockRoot",
          String.valueOf(payload.block().header().parentBeaconBlockRoot()));
    }
    return out;
  }

  private static Map<String, @Nullable Object> withRequests(
      Map<String, @Nullable Object> out, Payload payload) {
    out.put("executionRequests", payload.requests().stream().map(Hex::encode).toList());
    return out;
  }

  // ---- the client

  private Object exchangeCapabilities(Params params, Set<String> names) throws RpcError {
    for (Object item : params.list(0)) {
      if (!(item instanceof String)) {
        throw RpcError.invalidParams(
            "invalid capability: expected a string, got " + Hex.shown(String.valueOf(item)));
      }
    }
    Set<String> all = new TreeSet<>(names);
    for (ServiceReference<RpcNamespace> extension : extensions) {
      if (extension.getProperty(EXTENSION) instanceof String[] added) {
        all.addAll(List.of(added));
      }
    }
    return List.copyOf(all);
  }

  private Object getClientVersionV1(Params params) throws RpcError {
    required(params, 0, "client version");
    return List.of(version.toJson());
  }
}
