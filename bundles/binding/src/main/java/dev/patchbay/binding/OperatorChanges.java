// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an operator has added to lists of a configuration, and removed from them, while the node
 * runs. A successor of the part makes the same changes again.
 *
 * <p>Threading: any thread.
 */
public final class OperatorChanges {
  private static final int MAX_CHANGES = 10_000;

  /** Makes a change again. */
  public interface Change {
    /**
     * Adds a value to a list, or removes it.
     *
     * @param list names the list
     * @throws IllegalArgumentException when the value is invalid, which is ignored
     */
    void apply(String list, String value, boolean added);
  }

  private record Subject(String list, String id) {}

  private record Latest(String value, boolean added) {}

  private final String configured;

  /**
   * The latest change of each value, in order; of too many the eldest is removed. Guarded by this.
   */
  private final Map<Subject, Latest> changes =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Subject, Latest> eldest) {
          return size() > MAX_CHANGES;
        }
      };

  /**
   * Creates the changes of a part, which has none.
   *
   * @param configured what the lists were configured with; of any form
   */
  public OperatorChanges(String configured) {
    this.configured = configured;
  }

  /**
   * Notes that a value was added to a list, or removed.
   *
   * @param id what all forms of the value have in common: its latest change counts
   */
  public synchronized void note(String list, String id, String value, boolean added) {
    Subject subject = new Subject(list, id);
    changes.remove(subject);
    changes.put(subject, new Latest(value, added));
  }

  /** Returns the changes for a successor, as types of the JDK. */
  public synchronized Object state() {
    List<List<Object>> out = new ArrayList<>();
    changes.forEach(
        (subject, latest) ->
            out.add(List.of(subject.list, latest.value, latest.added, configured)));
    return List.copyOf(out);
  }

  /**
   * Makes changes of a predecessor. What it has removed stays removed while the configuration is
   * the same: another one is the later decision of the operator.
   *
   * @param state what {@link #state} of the predecessor has returned; anything else is ignored
   * @param change makes one, and notes it here
   */
  public void restore(@Nullable Object state, Change change) {
    if (!(state instanceof List<?> list)) {
      return;
    }
    for (Object entry : list) {
      if (entry instanceof List<?> parts
          && parts.size() == 4
          && parts.get(0) instanceof String name
          && parts.get(1) instanceof String value
          && parts.get(2) instanceof Boolean added
          && (added || configured.equals(parts.get(3)))) {
        try {
          change.apply(name, value, added);
        } catch (IllegalArgumentException ofAnotherVersion) {
          continue;
        }
      }
    }
  }
}
