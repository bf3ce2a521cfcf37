// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, defineChain, http, parseEther, webSocket } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { compile, KEYS, RPC_URL, WS_URL } from '../compile.mjs'

const { Token, Counter } = compile()
const chain = defineChain({
  id: 1337,
  name: 'Patchbay',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [RPC_URL], webSocket: [WS_URL] } },
})
const account = privateKeyToAccount(KEYS[1])
const reader = createPublicClient({ chain, transport: http(), pollingInterval: 100 })
const wallet = createWalletClient({ chain, account, transport: http() })
const mined = (hash) => reader.waitForTransactionReceipt({ hash })

test('viem: deploy, write, read, events', async () => {
  const { contractAddress: address } = await mined(await wallet.deployContract({ ...Token, args: [1000n] }))
  const to = privateKeyToAccount(generatePrivateKey()).address
  const receipt = await mined(await wallet.writeContract({ address, abi: Token.abi, functionName: 'transfer', args: [to, 12n] }))
  assert.equal(receipt.status, 'success')
  assert.equal(await reader.readContract({ address, abi: Token.abi, functionName: 'balanceOf', args: [to] }), 12n)
  const events = await reader.getContractEvents({ address, abi: Token.abi, eventName: 'Transfer', fromBlock: receipt.blockNumber })
  assert.equal(events[0].args.to, to)
  await assert.rejects(reader.simulateContract({ address, abi: Token.abi, functionName: 'failWithError', args: [3n] }), (e) => {
    const cause = e instanceof BaseError && e.walk((c) => c instanceof ContractFunctionRevertedError)
    return cause.data.errorName === 'TooMuch' && cause.data.args[1] === 1000n
  })
})

test('viem: an account delegates its code (EIP-7702)', async () => {
  const { contractAddress: counter } = await mined(await wallet.deployContract({ ...Counter }))
  const authority = privateKeyToAccount(generatePrivateKey())
  await mined(await wallet.sendTransaction({ to: authority.address, value: parseEther('1') }))
  const authorization = await createWalletClient({ chain, account: authority, transport: http() }).signAuthorization({ contractAddress: counter, executor: account })
  const receipt = await mined(await wallet.writeContract({ address: authority.address, abi: Counter.abi, functionName: 'increment', authorizationList: [authorization] }))
  assert.equal(receipt.status, 'success')
  assert.equal(receipt.type, 'eip7702')
  assert.equal(await reader.getCode({ address: authority.address }), ('0xef0100' + counter.slice(2)).toLowerCase())
  assert.equal(await reader.readContract({ address: authority.address, abi: Counter.abi, functionName: 'count' }), 1n)
})

test('viem: proofs, fee history, access lists', async () => {
  const proof = await reader.getProof({ address: account.address, storageKeys: [] })
  assert.equal(proof.balance, await reader.getBalance({ address: account.address }))
  const history = await reader.getFeeHistory({ blockCount: 3, rewardPercentiles: [25, 75] })
  assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1)
  const list = await reader.createAccessList({ account: account.address, to: account.address })
  assert.equal(list.accessList.length, 0)
})

test('viem: filters by polling and heads by subscription', async () => {
  const filter = await reader.createBlockFilter()
  const socket = createPublicClient({ chain, transport: webSocket(WS_URL) })
  const head = new Promise((resolve, reject) => {
    const stop = socket.watchBlocks({ onBlock: (block) => (stop(), resolve(block)), onError: reject })
  })
  await new Promise((resolve) => setTimeout(resolve, 300))
  const receipt = await mined(await wallet.sendTransaction({ to: account.address, value: 1n }))
  assert.equal((await head).number, receipt.blockNumber)
  assert.deepEqual(await reader.getFilterChanges({ filter }), [receipt.blockHash])
  assert.equal(await reader.uninstallFilter({ filter }), true)
  ;(await socket.transport.getRpcClient()).close()
})
