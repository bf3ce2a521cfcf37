// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.primitives.Address;
import java.util.Arrays;
import java.util.Random;

/** A program that mostly makes sense: operands are there, jumps hit, loops end by their gas. */
final class RandomProgram {
  private static final int[] QUERIES = {0x31, 0x3b, 0x3f, 0x40, 0x49};
  private static final int[] WORDS = {
    0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x4a, 0x4b, 0x58, 0x59, 0x5a, 0x5a, 0x5f
  };
  private static final int[] ARITHMETIC = {
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17,
    0x18, 0x1a, 0x1b, 0x1c, 0x1d
  };
  private static final int[] CALLS = {0xf1, 0xf2, 0xf4, 0xfa};

  private final Random random;
  private final byte[] code = new byte[4096];
  private int size;
  private final int[] labels = new int[64];
  private int labelCount;
  private final int[] jumps = new int[512];
  private int jumpCount;

  RandomProgram(Random random) {
    this.random = random;
    for (int i = random.nextInt(20); i > 0; i--) {
      push(random.nextInt(500)); // so that few programs end by an empty stack
    }
    int gadgets = 5 + random.nextInt(60);
    for (int i = 0; i < gadgets; i++) {
      gadget();
    }
    end();
    for (int i = 0; i < jumpCount; i++) {
      int target =
          labelCount == 0 || random.nextInt(12) == 0
              ? random.nextInt(size + 2)
              : labels[random.nextInt(labelCount)];
      code[jumps[i]] = (byte) (target >> 8);
      code[jumps[i] + 1] = (byte) target;
    }
    if (random.nextInt(4) == 0) {
      for (int i = random.nextInt(3); i >= 0; i--) {
        code[random.nextInt(size)] = (byte) random.nextInt(256);
      }
    }
  }

  byte[] bytes() {
    return Arrays.copyOf(code, size);
  }

  private void add(int op) {
    code[size++] = (byte) op;
  }

  private int any(int[] ops) {
    return ops[random.nextInt(ops.length)];
  }

  private void push(long value) {
    int bytes = Math.max(1, (71 - Long.numberOfLeadingZeros(value)) / 8);
    add(0x5f + bytes);
    for (int i = bytes - 1; i >= 0; i--) {
      add((int) (value >>> (8 * i)));
    }
  }

  private void pushAny() {
    switch (random.nextInt(6)) {
      case 0 -> push(random.nextInt(4));
      case 1 -> push(random.nextInt(300));
      case 2 -> push(random.nextLong());
      case 3 -> {
        int bytes = 1 + random.nextInt(32);
        add(0x5f + bytes);
        for (int i = 0; i < bytes; i++) {
          add(random.nextInt(3) == 0 ? 0xff : random.nextInt(256));
        }
      }
      case 4 -> add(any(WORDS));
      default -> add(0x80 + random.nextInt(4));
    }
  }

  private void pushTarget() {
    add(0x61);
    jumps[jumpCount++] = size;
    size += 2;
  }

  private void offsetAndLength() {
    push(random.nextInt(100));
    push(random.nextInt(300));
  }

  private void gadget() {
    switch (random.nextInt(24)) {
      case 0, 1, 2 -> pushAny();
      case 3, 4 -> {
        pushAny();
        pushAny();
        add(any(ARITHMETIC));
      }
      case 5 -> add(any(ARITHMETIC));
      case 6 -> add(0x80 + random.nextInt(random.nextInt(4) == 0 ? 16 : 4));
      case 7 -> add(0x90 + random.nextInt(random.nextInt(4) == 0 ? 16 : 4));
      case 8 -> add(random.nextBoolean() ? 0x50 : random.nextBoolean() ? 0x15 : 0x19);
      case 9 -> {
        pushAny();
        pushAny();
        pushAny();
        add(0x08 + random.nextInt(2));
      }
      case 10 -> {
        pushAny();
        push(random.nextInt(random.nextInt(8) == 0 ? 60_000 : 500));
        add(0x51 + random.nextInt(3));
      }
      case 11 -> {
        pushAny();
        push(random.nextInt(3));
        add(random.nextBoolean() ? 0x55 : 0x5d);
      }
      case 12 -> {
        push(random.nextInt(3));
        add(random.nextBoolean() ? 0x54 : 0x5c);
      }
      case 13 -> {
        offsetAndLength();
        add(0x20);
      }
      case 14, 15 -> {
        if (labelCount < labels.length) {
          labels[labelCount++] = size;
        }
        add(0x5b);
      }
      case 16, 17 -> {
        switch (random.nextInt(5)) {
          case 0 -> pushAny();
          case 1 -> {
            pushAny();
            pushAny();
            add(0x10 + random.nextInt(5));
          }
          case 2 -> {
            pushAny();
            add(0x10 + random.nextInt(5));
            add(0x15);
          }
          case 3 -> add(0x15);
          default -> add(0x5a);
        }
        pushTarget();
        if (random.nextInt(8) == 0) {
          add(0x80);
          add(0x50);
          push(1);
          add(0x02); // no longer a constant for who does not fold
        }
        add(0x57);
      }
      case 18 -> {
        if (random.nextInt(4) == 0) {
          pushTarget();
          add(0x56);
        } else {
          pushAny();
          add(0x1e);
        }
      }
      case 19 -> call();
      case 20 -> {
        int topics = random.nextInt(5);
        for (int i = 0; i < topics; i++) {
          pushAny();
        }
        offsetAndLength();
        add(0xa0 + topics);
      }
      case 21 -> {
        if (random.nextBoolean()) {
          push(random.nextBoolean() ? 1 + random.nextInt(9) : random.nextInt(300));
        } else {
          pushAddress();
        }
        add(any(QUERIES));
      }
      case 22 -> copy();
      default -> create();
    }
  }

  private void copy() {
    push(random.nextInt(random.nextInt(5) == 0 ? 3000 : 40));
    push(random.nextInt(60));
    push(random.nextInt(200));
    switch (random.nextInt(5)) {
      case 0 -> add(0x37);
      case 1 -> add(0x39);
      case 2 -> {
        pushAddress();
        add(0x3c);
      }
      case 3 -> add(0x5e);
      default -> {
        add(0x50);
        add(0x50);
        add(0x50);
        add(0x3d);
        push(0);
        push(random.nextInt(64));
        add(0x3e);
      }
    }
    if (random.nextInt(3) == 0) {
      push(random.nextInt(100));
      add(0x35);
    }
  }

  private void pushAddress() {
    int kind = random.nextInt(8);
    if (kind < 5) {
      int other = random.nextBoolean() ? 0x77 : 4;
      Address target = RandomWorld.address(kind == 4 ? other : 1 + random.nextInt(3));
      add(0x73);
      for (byte b : target.unsafeArray()) {
        add(b);
      }
    } else {
      push(1 + random.nextInt(5));
    }
  }

  private void call() {
    int op = any(CALLS);
    offsetAndLength();
    offsetAndLength();
    if (op == 0xf1 || op == 0xf2) {
      push(random.nextInt(3) == 0 ? random.nextInt(3) : 0);
    }
    pushAddress();
    switch (random.nextInt(3)) {
      case 0 -> push(random.nextInt(20_000));
      case 1 -> push(-1L);
      default -> add(0x5a);
    }
    add(op);
  }

  private void create() {
    if (random.nextInt(3) != 0) {
      pushAny();
      return;
    }
    int op = random.nextBoolean() ? 0xf0 : 0xf5;
    push(random.nextInt(60));
    push(0);
    push(0);
    add(0x39); // its own code, cut
    if (op == 0xf5) {
      push(random.nextInt(3));
    }
    push(random.nextInt(60));
    push(0);
    push(random.nextInt(2));
    add(op);
  }

  private void end() {
    switch (random.nextInt(10)) {
      case 0 -> add(0xfe);
      case 1 -> {
        pushAddress();
        add(0xff);
      }
      case 2, 3 -> {
        offsetAndLength();
        add(0xfd);
      }
      case 4, 5 -> {
        offsetAndLength();
        add(0xf3);
      }
      case 6 -> {
        pushTarget();
        add(0x56);
      }
      default -> add(0x00);
    }
  }
}
