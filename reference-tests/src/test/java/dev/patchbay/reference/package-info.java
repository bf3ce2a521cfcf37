// SPDX-License-Identifier: Apache-2.0
/** The public conformance suites. */
package dev.patchbay.reference;
