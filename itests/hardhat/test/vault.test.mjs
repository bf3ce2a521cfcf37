// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { network } from 'hardhat'
import { decodeErrorResult, encodeFunctionData } from 'viem'

const { viem, provider } = await network.create()

test('a contract is deployed, called and searched for events', async () => {
  const [owner] = await viem.getWalletClients()
  const vault = await viem.deployContract('Vault')
  const client = await viem.getPublicClient()
  const hash = await vault.write.payIn({ value: 7n })
  const receipt = await client.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success')
  assert.equal(await vault.read.balanceOf([owner.account.address]), 7n)
  const events = await vault.getEvents.PaidIn({}, { fromBlock: 0n })
  assert.deepEqual(events.map((event) => event.args.amount), [7n])
})

test('a revert is an error with its arguments', async () => {
  const vault = await viem.deployContract('Vault')
  await assert.rejects(vault.write.payOut([1n]), /TooMuch/)
})

test('a failed transaction has a stack of calls', async () => {
  const [owner] = await viem.getWalletClients()
  const client = await viem.getPublicClient()
  const vault = await viem.deployContract('Vault')
  const thief = await viem.deployContract('Thief', [vault.address])
  const data = encodeFunctionData({ abi: thief.abi, functionName: 'take', args: [5n] })
  const hash = await owner.sendTransaction({ to: thief.address, data, gas: 200_000n })
  const receipt = await client.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'reverted')
  const trace = await provider.request({ method: 'debug_traceTransaction', params: [hash, { tracer: 'callTracer' }] })
  assert.equal(trace.error, 'execution reverted')
  assert.equal(trace.calls.length, 1)
  const inner = trace.calls[0]
  assert.equal(inner.to, vault.address.toLowerCase())
  const error = decodeErrorResult({ abi: vault.abi, data: inner.output })
  assert.deepEqual([error.errorName, error.args], ['TooMuch', [5n, 0n]])
  const steps = await provider.request({ method: 'debug_traceTransaction', params: [hash, { disableStack: true, disableStorage: true }] })
  assert.equal(steps.failed, true)
  assert.equal(Math.max(...steps.structLogs.map((step) => step.depth)), 2)
})
