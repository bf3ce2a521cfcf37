// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPublicClient, createWalletClient, http, parseEther } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { compile, KEYS, RPC_URL } from '../compile.mjs'

let id = 0

/** Sends calls in one batch, as explorers do; returns their results in order. */
async function batch(calls) {
  const requests = calls.map(([method, ...params]) => ({ jsonrpc: '2.0', id: ++id, method, params }))
  const reply = await fetch(RPC_URL, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(requests) })
  const answers = new Map((await reply.json()).map((answer) => [answer.id, answer]))
  return requests.map((request) => {
    const answer = answers.get(request.id)
    assert.equal(answer.error, undefined, `${request.method}: ${JSON.stringify(answer.error)}`)
    return answer.result
  })
}

/** Hands over every transfer of value that was not undone. */
function transfers(frame, move) {
  if (frame.error) return
  if (frame.value && !['DELEGATECALL', 'CALLCODE', 'STATICCALL'].includes(frame.type)) move(frame.from, frame.to, BigInt(frame.value))
  for (const inner of frame.calls ?? []) transfers(inner, move)
}

const hex = (number) => '0x' + number.toString(16)

test('an explorer indexes every block, and its books are the chain’s', async () => {
  const account = privateKeyToAccount(KEYS[2])
  const client = createPublicClient({ transport: http(RPC_URL) })
  const wallet = createWalletClient({ account, transport: http(RPC_URL) })
  const { Token } = compile()
  const deployed = await wallet.deployContract({ chain: null, abi: Token.abi, bytecode: Token.bytecode, args: [1000n] })
  const { contractAddress } = await client.waitForTransactionReceipt({ hash: deployed })
  const sent = await wallet.writeContract({ chain: null, abi: Token.abi, address: contractAddress, functionName: 'transfer', args: [account.address, 1n] })
  await client.waitForTransactionReceipt({ hash: sent })
  const paid = await wallet.sendTransaction({ chain: null, to: '0x00000000000000000000000000000000000000aa', value: parseEther('0.5') })
  await client.waitForTransactionReceipt({ hash: paid })
  const failing = await wallet.sendTransaction({ chain: null, to: contractAddress, data: '0xdeadbeef', value: 3n, gas: 100_000n })
  await client.waitForTransactionReceipt({ hash: failing })

  const [headHex, signer] = await batch([['eth_blockNumber'], ['eth_coinbase']])
  const head = Number(headHex)
  const balances = new Map()
  const add = (address, amount) => balances.set(address, (balances.get(address) ?? 0n) + amount)
  let transactions = 0
  let logs = 0
  for (let number = 1; number <= head; number++) {
    const at = hex(number)
    const [block, receipts, found, traces, flat] = await batch([
      ['eth_getBlockByNumber', at, true],
      ['eth_getBlockReceipts', at],
      ['eth_getLogs', { fromBlock: at, toBlock: at }],
      ['debug_traceBlockByNumber', at, { tracer: 'callTracer' }],
      ['trace_block', at],
    ])
    assert.deepEqual(receipts.map((receipt) => receipt.transactionHash), block.transactions.map((transaction) => transaction.hash))
    assert.deepEqual(receipts.flatMap((receipt) => receipt.logs), found)
    assert.deepEqual(traces.map((trace) => trace.txHash), block.transactions.map((transaction) => transaction.hash))
    assert.deepEqual([...new Set(flat.map((trace) => trace.transactionHash))], block.transactions.map((transaction) => transaction.hash))
    block.transactions.forEach((transaction, i) => {
      const receipt = receipts[i]
      const used = BigInt(receipt.gasUsed)
      assert.equal(traces[i].result.gasUsed, receipt.gasUsed)
      add(transaction.from, -used * BigInt(receipt.effectiveGasPrice))
      add(signer, used * (BigInt(receipt.effectiveGasPrice) - BigInt(block.baseFeePerGas)))
      transfers(traces[i].result, (from, to, amount) => {
        add(from, -amount)
        add(to, amount)
      })
    })
    transactions += receipts.length
    logs += found.length
  }
  assert.ok(transactions >= 4 && logs >= 2)
  for (const [address, change] of balances) {
    const [before, after] = await batch([['eth_getBalance', address, '0x0'], ['eth_getBalance', address, headHex]])
    assert.equal(BigInt(before) + change, BigInt(after), address)
  }
})
