// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.storage.StorageControl;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Has another bundle with the same backend open stores whose bundle is missing. */
@Service
@Command(
    scope = "storage",
    name = "use",
    description =
        "Opens the stores that are not available in the same backend of another bundle, which"
            + " must read the same files")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class StorageUseCommand implements Action {
  @Argument(name = "BUNDLE", description = "The symbolic name of the bundle", required = true)
  private String bundle;

  @Option(
      name = "--store",
      description =
          "The store to open, before the bundle; all stores that are not available without it")
  private @Nullable String store;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    StorageControl control = new Services(context).require(StorageControl.class);
    String one = store;
    List<String> names = one == null ? unavailable(control) : List.of(one);
    if (names.isEmpty()) {
      throw new IllegalStateException(
          "all stores are available; storage:migrate --bundle moves them to another bundle");
    }
    for (String name : names) {
      String before = control.chosenBundle(name);
      control.use(name, bundle);
      System.out.println(
          "store "
              + name
              + " uses '"
              + control.chosen(name)
              + "' of bundle "
              + bundle
              + "; before: "
              + (before == null ? "no bundle was chosen" : "bundle " + before));
    }
    return null;
  }

  private static List<String> unavailable(StorageControl control) {
    Set<String> available =
        control.stores().stream()
            .filter(StorageControl.Store::active)
            .map(StorageControl.Store::name)
            .collect(Collectors.toSet());
    return control.names().stream().filter(name -> !available.contains(name)).toList();
  }
}
