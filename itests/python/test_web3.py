# SPDX-License-Identifier: Apache-2.0
"""web3.py against a running node: RPC_URL, WS_URL and IPC_PATH say where it is."""

import asyncio
import os
import unittest

from eth_account import Account
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import ContractCustomError, TransactionNotFound
from web3.middleware import ExtraDataToPOAMiddleware

RPC_URL = os.environ.get("RPC_URL", "http://127.0.0.1:8545")
WS_URL = os.environ.get("WS_URL", "ws://127.0.0.1:8546")
IPC_PATH = os.environ.get("IPC_PATH", ".patchbay/patchbay.ipc")
ACCOUNT = Account.from_key("0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba")

# With call data it reverts with that. Else it writes a log with topic 7 and the value of the call, and the value into slot 1:
# CALLDATASIZE ISZERO PUSH1 12 JUMPI, CALLDATASIZE PUSH0 PUSH0 CALLDATACOPY CALLDATASIZE PUSH0 REVERT,
# JUMPDEST CALLVALUE PUSH0 MSTORE PUSH1 7 PUSH1 32 PUSH0 LOG1 CALLVALUE PUSH1 1 SSTORE STOP
RUNTIME = "3615600c57" + "365f5f37365ffd" + "5b345f52600760205fa134600155" + "00"


def connected(w3):
    """Blocks of Clique have more extra data than web3.py lets pass without this middleware."""
    w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    return w3


def deploy(w3):
    length = len(RUNTIME) // 2
    receipt = send(w3, {"data": f"0x60{length:02x}600a5f3960{length:02x}5ff3" + RUNTIME})
    return receipt.contractAddress


def send(w3, fields):
    transaction = {
        "from": ACCOUNT.address,
        "nonce": w3.eth.get_transaction_count(ACCOUNT.address),
        "chainId": w3.eth.chain_id,
        "maxFeePerGas": 2 * w3.eth.gas_price,
        "maxPriorityFeePerGas": w3.eth.max_priority_fee,
        "value": 0,
    } | fields
    transaction["gas"] = w3.eth.estimate_gas(transaction)
    raw = ACCOUNT.sign_transaction(transaction).raw_transaction
    return w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(raw), poll_latency=0.05)


class Web3Test(unittest.TestCase):
    def setUp(self):
        self.w3 = connected(Web3(Web3.HTTPProvider(RPC_URL)))

    def test_blocks_and_transfers(self):
        w3 = self.w3
        self.assertTrue(w3.is_connected())
        self.assertIn("Patchbay", w3.client_version)
        receipt = send(w3, {"to": "0x000000000000000000000000000000000000dEaD", "value": 5})
        self.assertEqual(receipt.status, 1)
        block = w3.eth.get_block(receipt.blockHash, True)
        self.assertEqual(block.transactions[0].hash, receipt.transactionHash)
        self.assertEqual(w3.eth.get_block("latest").number, w3.eth.block_number)
        history = w3.eth.fee_history(2, "latest", [50])
        self.assertEqual(len(history.reward), len(history.gasUsedRatio))
        with self.assertRaises(TransactionNotFound):
            w3.eth.get_transaction(b"\1" * 32)

    def test_contract_logs_filters_and_errors(self):
        w3 = self.w3
        address = deploy(w3)
        logs = w3.eth.filter({"address": address})
        receipt = send(w3, {"to": address, "value": 9})
        self.assertEqual([int.from_bytes(log.data) for log in receipt.logs], [9])
        self.assertEqual(logs.get_new_entries(), list(receipt.logs))
        found = w3.eth.get_logs({"address": address, "fromBlock": 0, "topics": [(7).to_bytes(32)]})
        self.assertEqual(found, list(receipt.logs))
        self.assertEqual(int.from_bytes(w3.eth.get_storage_at(address, 1)), 9)
        proof = w3.eth.get_proof(address, [1])
        self.assertEqual(int.from_bytes(proof.storageProof[0].value), 9)
        with self.assertRaises(ContractCustomError) as caught:
            w3.eth.call({"to": address, "data": "0x12345678"})
        self.assertEqual(caught.exception.data, "0x12345678")
        trace = w3.provider.make_request(
            "debug_traceTransaction", [receipt.transactionHash.to_0x_hex(), {"tracer": "callTracer"}]
        )
        self.assertEqual(trace["result"]["value"], "0x9")

    def test_unix_domain_socket(self):
        w3 = connected(Web3(Web3.IPCProvider(IPC_PATH)))
        self.assertEqual(w3.eth.chain_id, self.w3.eth.chain_id)
        self.assertEqual(w3.eth.get_block(0).hash, self.w3.eth.get_block(0).hash)

    def test_subscription(self):
        async def heads():
            async with AsyncWeb3(WebSocketProvider(WS_URL)) as w3:
                connected(w3)
                await w3.eth.subscribe("newHeads")
                receipt = await asyncio.to_thread(send, self.w3, {"to": ACCOUNT.address, "value": 1})
                async for message in w3.socket.process_subscriptions():
                    if message["result"]["hash"] == receipt.blockHash:
                        return True

        self.assertTrue(asyncio.run(asyncio.wait_for(heads(), 30)))


if __name__ == "__main__":
    unittest.main()
