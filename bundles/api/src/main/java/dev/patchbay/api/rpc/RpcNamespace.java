// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.rpc;

import java.util.Map;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Methods of one namespace; a whiteboard service with the property {@value #NAME}. Threading: any
 * thread.
 */
@ConsumerType
public interface RpcNamespace {
  /**
   * Service property: the part of the method names before the underscore; several values for
   * several namespaces.
   */
  String NAME = "rpc.namespace";

  /** Returns the methods by full name; does not change. */
  Map<String, RpcMethod> methods();
}
