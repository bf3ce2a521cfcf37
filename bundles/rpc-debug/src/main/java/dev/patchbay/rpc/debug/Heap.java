// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.debug;

import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.primitives.Hex;
import dev.patchbay.rpc.codec.Params;
import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import org.jspecify.annotations.Nullable;

/** The heap of the Java virtual machine, in the words of geth's methods for Go's. */
final class Heap {
  private static final String MAX_FREE = "MaxHeapFreeRatio";
  private static final String MIN_FREE = "MinHeapFreeRatio";

  private Heap() {}

  static @Nullable Object collect() {
    System.gc();
    return null;
  }

  /**
   * Sets how much larger than what is in use the heap may be after a collection, in percent, and
   * returns what was set before; a negative number sets no bound. HotSpot bounds the free part of
   * the heap instead: 100 percent more than what is in use is a heap that is half free.
   */
  static Object setPercent(Params params) throws RpcError {
    Object value = params.optional(0);
    if (!(value instanceof Integer percent)) {
      throw RpcError.invalidParams(
          "invalid percentage: expected a number, got " + Hex.shown(String.valueOf(value)));
    }
    int free = percent < 0 ? 100 : (int) (100L * percent / (100L + percent));
    int before;
    try {
      before = option(MAX_FREE);
      if (free < option(MIN_FREE)) {
        set(MIN_FREE, free);
      }
      set(MAX_FREE, free);
    } catch (JMException | IllegalArgumentException refused) {
      throw new RpcError(
          RpcError.SERVER_ERROR,
          "the Java virtual machine does not take " + percent + ": " + refused.getMessage());
    }
    return before >= 100 ? -1 : 100 * before / (100 - before);
  }

  // by name: the system bundle does not export the package of this bean

  private static ObjectName hotSpot() throws JMException {
    return new ObjectName("com.sun.management:type=HotSpotDiagnostic");
  }

  private static int option(String name) throws JMException {
    Object option =
        ManagementFactory.getPlatformMBeanServer()
            .invoke(
                hotSpot(),
                "getVMOption",
                new Object[] {name},
                new String[] {String.class.getName()});
    return Integer.parseInt(String.valueOf(((CompositeData) option).get("value")));
  }

  private static void set(String name, int value) throws JMException {
    ManagementFactory.getPlatformMBeanServer()
        .invoke(
            hotSpot(),
            "setVMOption",
            new Object[] {name, String.valueOf(value)},
            new String[] {String.class.getName(), String.class.getName()});
  }
}
