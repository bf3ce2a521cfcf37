// SPDX-License-Identifier: Apache-2.0
/** The net, web3 and rpc namespaces. */
@org.jspecify.annotations.NullMarked
package dev.patchbay.rpc.net;
