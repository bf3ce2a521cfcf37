// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as ethers from 'ethers'
import { compile, KEYS, RPC_URL, WS_URL } from '../compile.mjs'

const { Token } = compile()
const provider = new ethers.JsonRpcProvider(RPC_URL, undefined, { pollingInterval: 100 })
const wallet = new ethers.NonceManager(new ethers.Wallet(KEYS[0], provider))
const other = ethers.Wallet.createRandom().address
let token

/**
 * Waits for a receipt by asking for it. `wait()` asks once and then again at the next block: a transaction that is mined
 * in between, on a chain that then rests, is waited for without end.
 */
async function mined(sent) {
  const { hash } = await sent
  for (;;) {
    const receipt = await provider.getTransactionReceipt(hash)
    if (receipt) return receipt
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

before(async () => {
  token = await new ethers.ContractFactory(Token.abi, Token.bytecode, wallet).deploy(1_000_000n)
  await mined(token.deploymentTransaction())
})
after(() => provider.destroy())

test('ethers: a deployed ERC-20 answers', async () => {
  assert.equal(await token.symbol(), 'TT')
  assert.equal(await token.totalSupply(), 1_000_000n)
  assert.notEqual(await provider.getCode(await token.getAddress()), '0x')
})

test('ethers: a transfer leaves a receipt, an event and a balance', async () => {
  const receipt = await mined(token.transfer(other, 77n))
  assert.equal(receipt.status, 1)
  assert.equal(receipt.logs.length, 1)
  const events = await token.queryFilter(token.filters.Transfer(null, other), receipt.blockNumber)
  assert.equal(events[0].args.value, 77n)
  assert.equal(await token.balanceOf(other), 77n)
  assert.equal(await token.balanceOf(other, { blockTag: receipt.blockNumber - 1 }), 0n)
})

test('ethers: transactions of types 0, 1 and 2', async () => {
  for (const type of [0, 1, 2]) {
    const receipt = await mined(wallet.sendTransaction({ to: other, value: 1n, type, ...(type === 1 ? { accessList: [] } : {}) }))
    assert.equal(receipt.type, type)
    const block = await provider.getBlock(receipt.blockNumber, true)
    assert.equal(block.prefetchedTransactions[0].hash, receipt.hash)
  }
})

test('ethers: reverts carry their reason', async () => {
  await assert.rejects(token.failWithReason(), (e) => e.code === 'CALL_EXCEPTION' && e.reason === 'the reason')
  await assert.rejects(token.failWithError(5n), (e) => e.revert?.name === 'TooMuch' && e.revert.args[0] === 5n)
  await assert.rejects(token.transfer.estimateGas(other, 10n ** 30n), (e) => e.code === 'CALL_EXCEPTION')
})

test('ethers: pool errors are recognised by their text', async () => {
  const poor = new ethers.Wallet(ethers.id('poor'), provider)
  await assert.rejects(poor.sendTransaction({ to: other, value: 1n, gasLimit: 21000 }), (e) => e.code === 'INSUFFICIENT_FUNDS')
  const rich = new ethers.Wallet(KEYS[0], provider)
  await assert.rejects(rich.sendTransaction({ to: other, value: 1n, nonce: 0, gasLimit: 21000 }), (e) => e.code === 'NONCE_EXPIRED')
})

test('ethers: estimate, fee data and history', async () => {
  assert.equal(await provider.estimateGas({ from: new ethers.Wallet(KEYS[0]).address, to: other, value: 1n }), 21000n)
  const fees = await provider.getFeeData()
  assert.ok(fees.maxFeePerGas > 0n && fees.gasPrice > 0n)
})

test('ethers: WebSocket subscriptions see heads and logs', async () => {
  const socket = new ethers.WebSocketProvider(WS_URL)
  try {
    const live = token.connect(socket)
    const event = new Promise((resolve) => live.once('Transfer', (...args) => resolve(args.at(-1))))
    const head = new Promise((resolve) => socket.once('block', resolve))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const receipt = await mined(token.transfer(other, 5n))
    assert.equal((await event).args.value, 5n)
    assert.equal(await head, receipt.blockNumber)
  } finally {
    await socket.destroy()
  }
})
