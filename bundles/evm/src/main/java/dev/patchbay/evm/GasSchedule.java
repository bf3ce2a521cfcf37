// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.primitives.Fork;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/** The prices of one fork, and which instructions it has. */
final class GasSchedule {
  /** Marks an instruction that the fork does not have. */
  static final int UNDEFINED = -1;

  private static final Map<Fork, GasSchedule> SCHEDULES = new EnumMap<>(Fork.class);

  static {
    for (Fork fork : Fork.values()) {
      SCHEDULES.put(fork, new GasSchedule(fork));
    }
  }

  final Fork fork;

  /**
   * Static price of each instruction; the warm price for those whose price depends on the access
   * list.
   */
  final int[] cost = new int[256];

  /** Longs of the stack that each instruction needs. */
  final int[] needs = new int[256];

  /** Longs of the stack that each instruction adds; negative when it removes. */
  final int[] grows = new int[256];

  /** Whether accesses are cold or warm (EIP-2929). */
  final boolean accessLists;

  /** Whether blocks tell what they access (EIP-7928). */
  final boolean recordsAccesses;

  final int coldAccount;
  final int coldSlot;
  final int expByte;
  final int storeNoop;
  final int storeReset;
  final int clearRefund;
  final boolean netMetering;
  final boolean storeSentry;
  final int selfdestructRefund;

  private GasSchedule(Fork fork) {
    this.fork = fork;
    accessLists = fork.includes(Fork.BERLIN);
    recordsAccesses = fork.includes(Fork.AMSTERDAM);
    coldAccount = accessLists ? 2500 : 0;
    coldSlot = accessLists ? 2000 : 0;
    expByte = fork.includes(Fork.SPURIOUS_DRAGON) ? 50 : 10;
    netMetering = fork == Fork.CONSTANTINOPLE || fork.includes(Fork.ISTANBUL);
    storeSentry = fork.includes(Fork.ISTANBUL);
    storeNoop = accessLists ? 100 : fork.includes(Fork.ISTANBUL) ? 800 : 200;
    storeReset = accessLists ? 2900 : 5000;
    clearRefund = fork.includes(Fork.LONDON) ? 4800 : 15000;
    selfdestructRefund = fork.includes(Fork.LONDON) ? 0 : 24000;
    Arrays.fill(cost, UNDEFINED);
    frontier();
    if (fork.includes(Fork.HOMESTEAD)) {
      op(0xf4, fork.includes(Fork.TANGERINE_WHISTLE) ? 700 : 40, 6, 1);
    }
    if (fork.includes(Fork.TANGERINE_WHISTLE)) {
      cost[0x31] = 400;
      cost[0x3b] = 700;
      cost[0x3c] = 700;
      cost[0x54] = 200;
      cost[0xf1] = 700;
      cost[0xf2] = 700;
      cost[0xff] = 5000;
    }
    if (fork.includes(Fork.BYZANTIUM)) {
      op(0xfd, 0, 2, 0);
      op(0x3d, 2, 0, 1);
      op(0x3e, 3, 3, 0);
      op(0xfa, 700, 6, 1);
    }
    if (fork.includes(Fork.CONSTANTINOPLE)) {
      op(0x1b, 3, 2, 1);
      op(0x1c, 3, 2, 1);
      op(0x1d, 3, 2, 1);
      op(0x3f, 400, 1, 1);
      op(0xf5, 32000, 4, 1);
    }
    if (fork.includes(Fork.ISTANBUL)) {
      op(0x46, 2, 0, 1);
      op(0x47, 5, 0, 1);
      cost[0x31] = 700;
      cost[0x3f] = 700;
      cost[0x54] = 800;
    }
    if (fork.includes(Fork.BERLIN)) {
      for (int warm : new int[] {0x31, 0x3b, 0x3c, 0x3f, 0x54, 0xf1, 0xf2, 0xf4, 0xfa}) {
        cost[warm] = 100;
      }
    }
    if (fork.includes(Fork.LONDON)) {
      op(0x48, 2, 0, 1);
    }
    if (fork.includes(Fork.SHANGHAI)) {
      op(0x5f, 2, 0, 1);
    }
    if (fork.includes(Fork.CANCUN)) {
      op(0x49, 3, 1, 1);
      op(0x4a, 2, 0, 1);
      op(0x5c, 100, 1, 1);
      op(0x5d, 100, 2, 0);
      op(0x5e, 3, 3, 0);
    }
    if (fork.includes(Fork.OSAKA)) {
      op(0x1e, 5, 1, 1);
    }
    if (fork.includes(Fork.AMSTERDAM)) {
      op(0x4b, 2, 0, 1);
    }
  }

  private void frontier() {
    op(0x00, 0, 0, 0);
    ops(3, 2, 1, 0x01, 0x03, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1a);
    ops(5, 2, 1, 0x02, 0x04, 0x05, 0x06, 0x07, 0x0b);
    ops(8, 3, 1, 0x08, 0x09);
    op(0x0a, 10, 2, 1);
    ops(3, 1, 1, 0x15, 0x19, 0x35, 0x51);
    op(0x20, 30, 2, 1);
    ops(2, 0, 1, 0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a);
    ops(2, 0, 1, 0x41, 0x42, 0x43, 0x44, 0x45, 0x58, 0x59, 0x5a);
    ops(20, 1, 1, 0x31, 0x3b, 0x40);
    ops(3, 3, 0, 0x37, 0x39);
    op(0x3c, 20, 4, 0);
    op(0x50, 2, 1, 0);
    ops(3, 2, 0, 0x52, 0x53);
    op(0x54, 50, 1, 1);
    op(0x55, 0, 2, 0);
    op(0x56, 8, 1, 0);
    op(0x57, 10, 2, 0);
    op(0x5b, 1, 0, 0);
    for (int i = 0; i < 32; i++) {
      op(0x60 + i, 3, 0, 1);
    }
    for (int i = 0; i < 16; i++) {
      op(0x80 + i, 3, i + 1, i + 2);
      op(0x90 + i, 3, i + 2, i + 2);
    }
    for (int i = 0; i <= 4; i++) {
      op(0xa0 + i, 375 + 375 * i, 2 + i, 0);
    }
    op(0xf0, 32000, 3, 1);
    op(0xf1, 40, 7, 1);
    op(0xf2, 40, 7, 1);
    op(0xf3, 0, 2, 0);
    op(0xff, 0, 1, 0);
  }

  private void ops(int price, int pops, int pushes, int... opcodes) {
    for (int opcode : opcodes) {
      op(opcode, price, pops, pushes);
    }
  }

  private void op(int opcode, int price, int pops, int pushes) {
    cost[opcode] = price;
    needs[opcode] = pops * 4;
    grows[opcode] = (pushes - pops) * 4;
  }

  static GasSchedule of(Fork fork) {
    GasSchedule schedule = SCHEDULES.get(fork);
    if (schedule == null) {
      throw new IllegalArgumentException("no schedule for " + fork);
    }
    return schedule;
  }
}
