// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Web3 } from 'web3'
import { compile, KEYS, RPC_URL, WS_URL } from '../compile.mjs'

const { Token } = compile()
const web3 = new Web3(RPC_URL)
web3.eth.transactionPollingInterval = 100
const account = web3.eth.accounts.wallet.add(KEYS[2])[0]

test('web3.js: deploy, transfer, events, revert reason', async () => {
  const token = await new web3.eth.Contract(Token.abi).deploy({ data: Token.bytecode, arguments: [500n] }).send({ from: account.address })
  const to = web3.eth.accounts.create().address
  const receipt = await token.methods.transfer(to, 9n).send({ from: account.address })
  assert.equal(receipt.events.Transfer.returnValues.value, 9n)
  assert.equal(await token.methods.balanceOf(to).call(), 9n)
  const past = await token.getPastEvents('Transfer', { fromBlock: receipt.blockNumber })
  assert.equal(past.length, 1)
  await assert.rejects(token.methods.failWithReason().call(), (e) => JSON.stringify(e, Object.getOwnPropertyNames(e)).includes('the reason') || String(e.cause?.message ?? e.message).includes('the reason') || e.innerError?.message?.includes('the reason'))
})

test('web3.js: pending transactions and heads over WebSocket', async () => {
  const live = new Web3(WS_URL)
  const heads = await live.eth.subscribe('newBlockHeaders')
  const head = new Promise((resolve) => heads.on('data', resolve))
  const pending = await live.eth.subscribe('pendingTransactions')
  const hash = new Promise((resolve) => pending.on('data', resolve))
  const receipt = await web3.eth.sendTransaction({ from: account.address, to: account.address, value: 1n })
  assert.equal((await head).number, receipt.blockNumber)
  assert.equal(await hash, receipt.transactionHash)
  await heads.unsubscribe()
  live.provider.disconnect()
})
