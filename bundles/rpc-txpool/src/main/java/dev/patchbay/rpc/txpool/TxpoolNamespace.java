// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.txpool;

import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.txpool.PoolContent;
import dev.patchbay.api.txpool.PoolStatus;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.rpc.codec.Params;
import dev.patchbay.rpc.codec.Results;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The {@code txpool} namespace: what waits for a block. */
@Component(property = RpcNamespace.NAME + "=txpool")
public final class TxpoolNamespace implements RpcNamespace {
  private static final long QUICK_BYTES = 1 << 20;

  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final TransactionPool pool;

  /** Makes the methods. */
  @Activate
  public TxpoolNamespace(@Reference TransactionPool pool) {
    this.pool = pool;
    methods.put("txpool_content", (p, s) -> all(t -> Results.transaction(t)));
    methods.put("txpool_contentFrom", (p, s) -> contentFrom(new Params(p)));
    methods.put("txpool_inspect", (p, s) -> all(TxpoolNamespace::summary));
    methods.put("txpool_status", (p, s) -> status());
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  /** Returns the content of the pool, of a large one as an expensive call. */
  private Object all(Function<Transaction, Object> shape) {
    return pool.status().bytes() > QUICK_BYTES
        ? (RpcExpensive) () -> content(shape)
        : content(shape);
  }

  private Map<String, Object> content(Function<Transaction, Object> shape) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("pending", bySender(pool.pending(), shape));
    out.put("queued", bySender(pool.queued(), shape));
    return out;
  }

  private static Map<String, Object> bySender(
      Map<Address, List<Transaction>> transactions, Function<Transaction, Object> shape) {
    Map<String, Object> out = new TreeMap<>();
    transactions.forEach((sender, own) -> out.put(sender.toChecksumString(), byNonce(own, shape)));
    return out;
  }

  private static Map<String, Object> byNonce(
      List<Transaction> transactions, Function<Transaction, Object> shape) {
    Map<String, Object> out = new LinkedHashMap<>();
    for (Transaction transaction : transactions) {
      out.put(Long.toUnsignedString(transaction.nonce()), shape.apply(transaction));
    }
    return out;
  }

  private Object contentFrom(Params params) throws RpcError {
    Address sender = params.address(0);
    Function<Transaction, Object> shape = t -> Results.transaction(t);
    Map<String, Object> out = new LinkedHashMap<>();
    PoolContent content = pool.content(sender);
    out.put("pending", byNonce(content.pending(), shape));
    out.put("queued", byNonce(content.queued(), shape));
    return out;
  }

  private static String summary(Transaction transaction) {
    Address to = transaction.to();
    return (to == null ? "contract creation" : to.toChecksumString())
        + ": "
        + transaction.value()
        + " wei + "
        + Long.toUnsignedString(transaction.gasLimit())
        + " gas × "
        + transaction.maxFeePerGas()
        + " wei";
  }

  private Object status() {
    Map<String, Object> out = new LinkedHashMap<>();
    PoolStatus status = pool.status();
    out.put("pending", Hex.quantity(status.pending()));
    out.put("queued", Hex.quantity(status.queued()));
    return out;
  }
}
