// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

/** Names of the instructions (Yellow Paper, appendix H.2, and later EIPs). */
final class Opcodes {
  static final int JUMPDEST = 0x5b;
  static final int PUSH1 = 0x60;
  static final int PUSH32 = 0x7f;

  private static final String[] NAMES = new String[256];

  static {
    name(0x00, "STOP ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD EXP SIGNEXTEND");
    name(0x10, "LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR CLZ");
    name(0x20, "KECCAK256");
    name(
        0x30,
        "ADDRESS BALANCE ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CALLDATACOPY CODESIZE"
            + " CODECOPY GASPRICE EXTCODESIZE EXTCODECOPY RETURNDATASIZE RETURNDATACOPY EXTCODEHASH");
    name(
        0x40,
        "BLOCKHASH COINBASE TIMESTAMP NUMBER DIFFICULTY GASLIMIT CHAINID SELFBALANCE BASEFEE"
            + " BLOBHASH BLOBBASEFEE SLOTNUM");
    name(
        0x50,
        "POP MLOAD MSTORE MSTORE8 SLOAD SSTORE JUMP JUMPI PC MSIZE GAS JUMPDEST TLOAD TSTORE MCOPY"
            + " PUSH0");
    for (int i = 1; i <= 32; i++) {
      NAMES[0x5f + i] = "PUSH" + i;
    }
    for (int i = 1; i <= 16; i++) {
      NAMES[0x7f + i] = "DUP" + i;
      NAMES[0x8f + i] = "SWAP" + i;
    }
    name(0xa0, "LOG0 LOG1 LOG2 LOG3 LOG4");
    name(0xf0, "CREATE CALL CALLCODE RETURN DELEGATECALL CREATE2");
    NAMES[0xfa] = "STATICCALL";
    name(0xfd, "REVERT INVALID SELFDESTRUCT");
  }

  private Opcodes() {}

  private static void name(int from, String names) {
    String[] parts = names.split(" ", -1);
    System.arraycopy(parts, 0, NAMES, from, parts.length);
  }

  /** Returns the name of an instruction, geth's text for one that is not defined. */
  static String nameOf(int opcode) {
    String name = NAMES[opcode];
    return name == null ? "opcode 0x" + Integer.toHexString(opcode) + " not defined" : name;
  }
}
