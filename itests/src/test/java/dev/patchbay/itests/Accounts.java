// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.util.HexFormat;

/** Accounts of the development chain, and transfers from them. */
final class Accounts {
  static final byte[][] KEYS = {
    HexFormat.of().parseHex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    HexFormat.of().parseHex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    HexFormat.of().parseHex("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    HexFormat.of().parseHex("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    HexFormat.of().parseHex("47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a")
  };

  /** The key of an account without funds. */
  static final byte[] POOR = HexFormat.of().parseHex("11".repeat(32));

  static final String FIRST = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

  private Accounts() {}

  /** A transaction of the development chain that pays enough, without gas and receiver. */
  static Transaction.Builder transaction(TransactionType type, long nonce) {
    return Transaction.builder(type)
        .chainId(UInt256.of(1337))
        .nonce(nonce)
        .maxFeePerGas(UInt256.of(100_000_000_000L))
        .maxPriorityFeePerGas(UInt256.of(1_000_000_000L));
  }

  static Transaction transfer(int account, long nonce) {
    return transfer(KEYS[account], nonce);
  }

  static Transaction transfer(byte[] key, long nonce) {
    return transaction(TransactionType.FEE_MARKET, nonce)
        .gasLimit(21_000)
        .to(Address.fromHex("0x00000000000000000000000000000000000000aa"))
        .value(UInt256.ONE)
        .sign(key);
  }

  /** Pays 100 ether. */
  static Transaction pay(int account, long nonce, Address to) {
    return transaction(TransactionType.FEE_MARKET, nonce)
        .gasLimit(21_000)
        .to(to)
        .value(UInt256.of(1_000_000_000_000_000_000L).multiply(UInt256.of(100)))
        .sign(KEYS[account]);
  }

  static Transaction call(int account, long nonce, String to, String data) {
    return transaction(TransactionType.FEE_MARKET, nonce)
        .gasLimit(200_000)
        .to(Address.fromHex(to))
        .data(Bytes.fromHex(data))
        .sign(KEYS[account]);
  }

  /** A contract creation with hexadecimal init code. */
  static Transaction create(int account, long nonce, String initCode) {
    return transaction(TransactionType.FEE_MARKET, nonce)
        .gasLimit(1_000_000)
        .data(Bytes.fromHex("0x" + initCode))
        .sign(KEYS[account]);
  }

  /** How many accounts {@link #fill} makes. */
  static final int FILLED = 487;

  /**
   * A contract creation that sends 1 wei to fresh addresses, counted up from {@code first}, until
   * its gas is used.
   */
  static Transaction fill(int account, long nonce, long first) {
    String code =
        String.format("7f%064x", first) // PUSH32 first
            + "5b" // JUMPDEST at 33
            + "5f5f5f5f6001855ff150" // CALL(gas 0 and the stipend, address, 1 wei); POP
            + "600101" // address + 1
            + "5a620100001060215700"; // while more than 65,536 gas are left
    return transaction(TransactionType.FEE_MARKET, nonce)
        .gasLimit(1 << 24)
        .value(UInt256.of(1_000))
        .data(Bytes.fromHex("0x" + code))
        .sign(KEYS[account]);
  }

  static String raw(Transaction transaction) {
    return Hex.encode(transaction.encode());
  }
}
