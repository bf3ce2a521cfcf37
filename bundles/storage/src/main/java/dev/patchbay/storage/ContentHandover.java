// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.node.Handover;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands the content of stores without files over to the successor of the kernel: an update of this
 * bundle, or another configuration of it, must not end a chain that is in memory. What the
 * successor does not take is closed.
 *
 * <p>A backend may be a lazy component, which ends with its last user. So the bundle of the backend
 * uses its own service while no kernel does.
 *
 * <p>Threading: any thread.
 */
final class ContentHandover {
  private static final Logger LOG = LoggerFactory.getLogger(ContentHandover.class);

  /** The content, in the handover. */
  private static final String NAME = "storage.content";

  /** Of what is handed over; another version of this bundle may have another one. */
  private static final int VERSION = 1;

  private final BundleContext context;

  /** Backends that the predecessor has had used by their own bundles. */
  private final Set<ServiceReference<StorageBackend>> held = ConcurrentHashMap.newKeySet();

  ContentHandover(BundleContext context) {
    this.context = context;
  }

  /** Hands the content of stores over; closes what cannot be handed over. */
  void put(Map<String, OpenStore> content) {
    Handover handover = content.isEmpty() ? null : handover();
    Map<String, OpenStore> kept = new HashMap<>();
    Set<ServiceReference<StorageBackend>> used = new HashSet<>();
    List<Object> state = new ArrayList<>(List.of(VERSION));
    content.forEach(
        (name, open) -> {
          ServiceReference<StorageBackend> reference =
              handover == null ? null : registration(open.backend());
          if (reference == null || !(used.contains(reference) || hold(reference, open.backend()))) {
            open.close();
            return;
          }
          used.add(reference);
          kept.put(name, open);
          state.add(state(name, open, reference));
        });
    if (handover != null && !kept.isEmpty()) {
      Runnable drop = () -> drop(kept.values(), used);
      try {
        handover.put(NAME, List.copyOf(state), drop);
        LOG.info("the content of {} is kept for the successor of this bundle", kept.keySet());
      } catch (RuntimeException | Error failure) { // of another version, say
        LOG.warn("the content of {} cannot be handed over: {}", kept.keySet(), failure.toString());
        drop.run();
      }
    }
    List.copyOf(held).forEach(this::bound);
  }

  private static void drop(
      Collection<OpenStore> content, Set<ServiceReference<StorageBackend>> used) {
    content.forEach(OpenStore::close);
    used.forEach(ContentHandover::release);
  }

  private static Object state(
      String name, OpenStore open, ServiceReference<StorageBackend> reference) {
    Choice.Copy copy = open.copy();
    return List.of(
        name,
        reference.getProperty(Constants.SERVICE_ID),
        open.backend(),
        open.store(),
        copy.backend(),
        copy.folder(),
        copy.identity(),
        copy.columns(),
        copy.bundle() == null ? "" : copy.bundle());
  }

  /**
   * Takes what a predecessor has handed over. The content belongs to the caller; it holds as long
   * as the instance of its backend is registered.
   */
  Map<String, OpenStore> take() {
    Map<String, OpenStore> taken = new HashMap<>();
    Handover handover = handover();
    if (handover == null || !(handover.take(NAME) instanceof List<?> state) || state.isEmpty()) {
      return taken;
    }
    boolean known = Integer.valueOf(VERSION).equals(state.get(0));
    for (Object item : state.subList(1, state.size())) {
      if (item instanceof List<?> fields) {
        take(known, fields, taken);
      }
    }
    return taken;
  }

  /** Takes the content of a store; closes it when another version has handed it over. */
  private void take(boolean known, List<?> fields, Map<String, OpenStore> taken) {
    try {
      ServiceReference<StorageBackend> reference =
          known ? registration((Long) fields.get(1)) : null;
      if (reference != null) {
        String bundle = (String) fields.get(8);
        Choice.Copy copy =
            new Choice.Copy(
                (String) fields.get(4),
                (String) fields.get(5),
                (String) fields.get(6),
                ((List<?>) fields.get(7)).stream().map(String.class::cast).toList(),
                bundle.isEmpty() ? null : bundle);
        OpenStore open =
            new OpenStore((StorageBackend) fields.get(2), (KeyValueStore) fields.get(3), copy);
        held.add(reference);
        taken.put((String) fields.get(0), open);
        return;
      }
    } catch (ClassCastException | IndexOutOfBoundsException another) {
      LOG.warn("content of another version is not taken: {}", another.toString());
    }
    for (Object field : fields) {
      if (field instanceof KeyValueStore store) {
        store.close();
      } else if (field instanceof StorageBackend backend) {
        ServiceReference<StorageBackend> reference = registration(backend);
        if (reference != null) {
          held.add(reference);
        }
      }
    }
  }

  /** Takes note that the kernel uses a backend itself now. */
  void bound(ServiceReference<StorageBackend> reference) {
    if (held.remove(reference)) {
      release(reference);
    }
  }

  private @Nullable Handover handover() {
    ServiceReference<Handover> reference = context.getServiceReference(Handover.class);
    return reference == null ? null : context.getService(reference);
  }

  /** Returns the registration of an instance; null when it is not registered any more. */
  private @Nullable ServiceReference<StorageBackend> registration(StorageBackend backend) {
    for (ServiceReference<StorageBackend> reference : registrations()) {
      if (backend.id().equals(reference.getProperty(StorageBackend.ID))) {
        StorageBackend service = context.getService(reference);
        context.ungetService(reference);
        if (service == backend) {
          return reference;
        }
      }
    }
    return null;
  }

  private @Nullable ServiceReference<StorageBackend> registration(Long id) {
    return registrations().stream()
        .filter(reference -> id.equals(reference.getProperty(Constants.SERVICE_ID)))
        .findFirst()
        .orElse(null);
  }

  private Collection<ServiceReference<StorageBackend>> registrations() {
    try {
      return context.getServiceReferences(StorageBackend.class, null);
    } catch (InvalidSyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** Has the bundle of a backend use its own service; returns whether it is that instance. */
  private static boolean hold(ServiceReference<StorageBackend> reference, StorageBackend backend) {
    BundleContext its = context(reference);
    try {
      if (its != null && its.getService(reference) == backend) {
        return true;
      }
    } catch (IllegalStateException stopped) {
      return false;
    }
    release(reference);
    return false;
  }

  private static void release(ServiceReference<StorageBackend> reference) {
    BundleContext its = context(reference);
    try {
      if (its != null) {
        its.ungetService(reference);
      }
    } catch (IllegalStateException stopped) {
      LOG.debug("the bundle of a backend has stopped: {}", stopped.toString());
    }
  }

  private static @Nullable BundleContext context(ServiceReference<?> reference) {
    Bundle bundle = reference.getBundle(); // null when the service was unregistered
    return bundle == null ? null : bundle.getBundleContext();
  }
}
