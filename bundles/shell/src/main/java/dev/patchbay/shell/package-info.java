// SPDX-License-Identifier: Apache-2.0
/** Commands of the Karaf shell. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.shell;
