// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.lang.reflect.Proxy;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.startlevel.BundleStartLevel;

/** A bundle of no framework, which a test starts and stops. */
final class FakeBundle {
  final Bundle bundle;
  private final Replacements replacements;
  private int state = Bundle.ACTIVE;
  private boolean startsAgain = true;

  /** Creates an active bundle whose events an object gets. */
  FakeBundle(long id, Replacements replacements) {
    this.replacements = replacements;
    BundleStartLevel level =
        (BundleStartLevel)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {BundleStartLevel.class},
                (self, method, arguments) -> startsAgain);
    bundle =
        (Bundle)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Bundle.class},
                (self, method, arguments) ->
                    switch (method.getName()) {
                      case "getState" -> state;
                      case "getBundleId" -> id;
                      case "adapt" -> level;
                      default -> throw new UnsupportedOperationException(method.getName());
                    });
  }

  /** Is stopping from now on, for good or not; nobody has got the event yet. */
  void beginStop(boolean forGood) {
    startsAgain = !forGood;
    state = Bundle.STOPPING;
  }

  /** Stops, and sends the events. */
  void stop(boolean forGood) {
    beginStop(forGood);
    replacements.bundleChanged(new BundleEvent(BundleEvent.STOPPING, bundle));
    state = Bundle.RESOLVED;
    replacements.bundleChanged(new BundleEvent(BundleEvent.STOPPED, bundle));
  }

  /** Is not to be started again: no event comes of a bundle that is stopped already. */
  void isStoppedForGood() {
    startsAgain = false;
  }

  void start() {
    startsAgain = true;
    state = Bundle.ACTIVE;
    replacements.bundleChanged(new BundleEvent(BundleEvent.STARTED, bundle));
  }

  void uninstall() {
    state = Bundle.UNINSTALLED;
    replacements.bundleChanged(new BundleEvent(BundleEvent.UNINSTALLED, bundle));
  }
}
