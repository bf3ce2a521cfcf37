// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static dev.patchbay.itests.EngineDriver.AMSTERDAM;
import static dev.patchbay.itests.EngineDriver.attributes;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Authorization;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * geth, as it is published, builds blocks of the same transactions at Amsterdam, each on its own
 * chain: their access lists are the same (EIP-7928). Run by {@code -Pgeth}, which needs Go.
 *
 * <p>geth has the gas of a draft. So of the sender and the recipient of the fees the indices of
 * balances are compared, not the balances.
 */
class GethIT {
  private static final String SENDER = Accounts.FIRST;
  private static final String COINBASE = "0x00000000000000000000000000000000000000fe";
  private static final String HISTORY = "0x0000f90827f1c53a10cb7a02335b175320002935";

  /** What geth has of drafts besides: the contracts of builders, and that of EIP-7997. */
  private static final List<String> DRAFTS =
      List.of(
          "0x0000bff46984e3725691fa540a8c7589300d8282",
          "0x000064d678505ad48f8ccb093bc65613800e8282",
          "0x4e59b44847b379578588920ca78fbf26c0b4956c");

  @TempDir Path folder;

  private Node node;
  private Geth geth;
  private EngineDriver ours;
  private EngineDriver theirs;
  private final byte[] authority = Accounts.POOR;
  private long nonce;
  private long slots;
  private int blocks;

  @Test
  void bothMakeTheSameLists() throws Exception {
    ObjectNode json =
        (ObjectNode) new ObjectMapper().readTree(Files.readString(EngineDriver.genesis(folder)));
    ObjectNode blobs = (ObjectNode) json.at("/config/blobSchedule");
    blobs.set("amsterdam", blobs.get("osaka"));
    Path genesis = Files.writeString(folder.resolve("genesis.json"), json.toString());
    try (Geth peer = Geth.start(folder, genesis, "geth");
        Node own = new Node(folder.resolve("node"), "run").quick()) {
      own.start("--storage", "memory", "--genesis", genesis.toString());
      node = own;
      geth = peer;
      ours = EngineDriver.of(node);
      JsonNode first = geth.result("eth_getBlockByNumber", "0x0", false);
      theirs = new EngineDriver(geth.client, first.get("hash").asText(), ours.time);
      assertThat(theirs.head).as("genesis").isEqualTo(ours.head);
      slots = AMSTERDAM / 12 + 1;
      block();
      balances();
      storage();
      queriesAndCalls();
      creations();
      delegations();
      failures();
      System.out.printf("geth: the same access lists of %d blocks%n", blocks);
    }
  }

  private void balances() throws Exception {
    block(to(dead(1)).value(UInt256.of(5)));
    block(to(dead(2)).value(UInt256.of(5)), to(dead(2)).value(UInt256.of(6)));
    block(to(dead(3)));
    block(to(Address.fromHex(COINBASE)).value(UInt256.ONE));
    block(
        to(dead(1))
            .accessList(List.of(new AccessListEntry(dead(4), List.of(UInt256.ONE.toHash())))));
  }

  private void storage() throws Exception {
    // slot 1 = size of the data, slot 7 = 9, slot 3 read
    Address keeper = deploy("36600155 6009600755 6003545000");
    block(to(keeper).data(Bytes.fromHex("0x0102")), to(keeper), to(keeper));
    Address loser = deploy("6001600555 60006000fd");
    Address caller = deploy("60006000600060006000" + push(loser) + "5af15000");
    block(to(caller));
    block(to(loser));
    Address all =
        deploy(
            "6000600060006000"
                + (push(keeper) + "5af450 6000600060006000")
                + (push(keeper) + "5afa50 60006000600060006000")
                + (push(keeper) + "5af25000"));
    block(to(all).data(Bytes.fromHex("0x01")));
    block(to(Address.fromHex(HISTORY)).data(Bytes.wrap(UInt256.ONE.toArray())));
  }

  private void queriesAndCalls() throws Exception {
    block(
        to(
            deploy(
                (push(dead(5)) + "3150" + push(dead(6)) + "3b50" + push(dead(7)) + "3f50")
                    + ("600160006000" + push(dead(8)) + "3c475000"))));
    // the precompiled contract 4, and a call that sends more than there is
    block(
        to(
            deploy(
                "6000600060006000600060045af150"
                    + ("60006000600060006001" + push(dead(9)) + "5af15000"))));
  }

  private void creations() throws Exception {
    block(to(deploy("6005600c60003960056000 6000f05000 60006000f3")));
    block(to(deploy("600060006005f05000")));
    block(to(deploy(push(dead(10)) + "ff")).value(UInt256.of(7)));
    block(creation("6001600155" + push(dead(11)) + "ff").value(UInt256.of(3)));
    block(creation("600160015560006000f3").value(UInt256.ONE));
  }

  private void delegations() throws Exception {
    Address keeper = deploy("3660015500");
    Address signer = Address.ofPublicKey(Secp256k1.publicKey(authority));
    block(delegation(signer, keeper, 0));
    block(delegation(dead(12), keeper, 9)); // another nonce than the account has
    block(
        to(deploy(("60006000600060006000" + push(signer) + "5af150") + (push(signer) + "3b5000"))));
    block(delegation(dead(12), Address.ZERO, 1));
  }

  private void failures() throws Exception {
    Address loop = deploy("5b" + push(dead(13)) + "3150 60005450 600056");
    block(to(loop).gasLimit(60_000));
  }

  // ---- transactions

  private static Address dead(int last) {
    return Address.fromHex("0x" + "00".repeat(16) + "dead00" + String.format("%02x", last));
  }

  private static String push(Address address) {
    return "73" + address.toString().substring(2);
  }

  private Transaction.Builder next(TransactionType type) {
    return Accounts.transaction(type, nonce++).gasLimit(1_000_000);
  }

  private Transaction.Builder to(Address address) {
    return next(TransactionType.FEE_MARKET).to(address);
  }

  private Transaction.Builder creation(String init) {
    return next(TransactionType.FEE_MARKET).data(Bytes.fromHex("0x" + init));
  }

  /** Deploys code in a block of its own; returns where it is. */
  private Address deploy(String hex) throws Exception {
    String code = hex.replace(" ", "");
    Address created = Address.ofCreation(Address.fromHex(SENDER), nonce);
    block(creation(String.format("61%04x80600a3d393df3", code.length() / 2) + code));
    return created;
  }

  private Transaction.Builder delegation(Address to, Address code, long at) {
    UInt256 chain = UInt256.of(1337);
    RlpWriter message = new RlpWriter().rawByte(5);
    message.list(w -> w.number(chain).address(code).number(at));
    Secp256k1.Signature s = Secp256k1.sign(Hash.keccak(message.toArray()).toArray(), authority);
    Authorization authorization =
        new Authorization(
            chain, code, at, s.yParity(), UInt256.ofBytes(s.r()), UInt256.ofBytes(s.s()));
    return next(TransactionType.SET_CODE).to(to).authorizations(List.of(authorization));
  }

  // ---- blocks

  private void block(Transaction.Builder... transactions) throws Exception {
    List<String> hashes = new ArrayList<>();
    for (Transaction.Builder transaction : transactions) {
      Transaction signed = transaction.sign(Accounts.KEYS[0]);
      hashes.add(node.send(signed));
      geth.result("eth_sendRawTransaction", Accounts.raw(signed));
    }
    long time = 12 * slots++;
    ObjectNode our = built(ours, time, hashes.size());
    ObjectNode their = built(theirs, time, hashes.size());
    for (String hash : hashes) {
      assertThat(node.result("eth_getTransactionReceipt", hash).get("status"))
          .isEqualTo(geth.result("eth_getTransactionReceipt", hash).get("status"));
    }
    assertThat(comparable(our)).as("block " + blocks).isEqualTo(comparable(their));
    blocks++;
  }

  private static ObjectNode built(EngineDriver driver, long time, int count) throws Exception {
    String id = driver.start(attributes(time));
    Thread.sleep(700); // fetching ends the building
    ObjectNode envelope = driver.fetch(id, time);
    assertThat(envelope.at("/executionPayload/transactions")).hasSize(count);
    driver.adopt(envelope);
    return envelope;
  }

  private static Map<String, String> comparable(JsonNode envelope) {
    Map<String, String> list = new TreeMap<>(AccessLists.of(envelope));
    list.keySet().removeAll(DRAFTS);
    for (String account : List.of(SENDER, COINBASE)) {
      String[] parts = list.getOrDefault(account, "").split(" ", -1);
      if (parts.length > 2) {
        parts[2] = parts[2].replaceAll("\\[(..),[^]]*]", "[$1]");
        list.put(account, String.join(" ", parts));
      }
    }
    // the hash of the parent is another on each chain
    list.computeIfPresent(HISTORY, (address, text) -> text.replaceAll("[0-9a-f]{62,64}", ""));
    return list;
  }
}
