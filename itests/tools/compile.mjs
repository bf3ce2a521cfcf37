// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import solc from 'solc'

const require = createRequire(import.meta.url)

/** Compiles contracts/Token.sol with OpenZeppelin from npm; returns { Token, Counter } with abi and bytecode. */
export function compile() {
  const input = {
    language: 'Solidity',
    sources: { 'Token.sol': { content: readFileSync(new URL('./contracts/Token.sol', import.meta.url), 'utf8') } },
    settings: { evmVersion: 'cancun', outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } } },
  }
  const output = JSON.parse(
    solc.compile(JSON.stringify(input), { import: (path) => ({ contents: readFileSync(require.resolve(path), 'utf8') }) }),
  )
  const errors = (output.errors ?? []).filter((e) => e.severity === 'error')
  if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join('\n'))
  const contracts = output.contracts['Token.sol']
  return Object.fromEntries(
    Object.entries(contracts).map(([name, c]) => [name, { abi: c.abi, bytecode: '0x' + c.evm.bytecode.object }]),
  )
}

export const RPC_URL = process.env.RPC_URL ?? 'http://127.0.0.1:8545'
export const WS_URL = process.env.WS_URL ?? 'ws://127.0.0.1:8546'
export const KEYS = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6',
]
