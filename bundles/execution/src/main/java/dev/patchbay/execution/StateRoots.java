// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * What a header says of the state after changes to that of its parent.
 *
 * @param state gives the state root
 * @param storage gives the storage root of an account
 */
record StateRoots(
    Function<StateChanges, Hash> state, BiFunction<StateChanges, Address, Hash> storage) {}
