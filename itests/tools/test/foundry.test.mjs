// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, mkdirSync, symlinkSync, writeFileSync, copyFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compile, KEYS, RPC_URL } from '../compile.mjs'

// the executables themselves: the package that chooses one by platform hides their exit status
const bin = (name) => fileURLToPath(new URL(`../node_modules/@foundry-rs/${name}-linux-amd64/bin/${name}`, import.meta.url))
const skip = !existsSync(bin('cast')) && 'SKIPPED: Foundry is pinned for linux-amd64 only'
const cast = (...args) => execFileSync(bin('cast'), args, { encoding: 'utf8', env: { ...process.env, ETH_RPC_URL: RPC_URL, FOUNDRY_DISABLE_NIGHTLY_WARNING: '1' } }).trim()
const to = '0x000000000000000000000000000000000000dEaD'

test('cast: chain, balance, send, receipt, logs', { skip }, () => {
  assert.equal(cast('chain-id'), '1337')
  const before = BigInt(cast('balance', to))
  const receipt = JSON.parse(cast('send', '--json', '--private-key', KEYS[3], to, '--value', '1ether'))
  assert.equal(receipt.status, '0x1')
  assert.equal(BigInt(cast('balance', to)) - before, 10n ** 18n)
  assert.equal(JSON.parse(cast('tx', '--json', receipt.transactionHash)).hash, receipt.transactionHash)
  assert.equal(cast('block', receipt.blockNumber, '-f', 'hash'), receipt.blockHash)
})

test('cast: deploy bytecode, call, revert reason', { skip }, () => {
  const { Token } = compile()
  const supply = cast('abi-encode', 'f(uint256)', '42').slice(2)
  const receipt = JSON.parse(cast('send', '--json', '--private-key', KEYS[3], '--create', Token.bytecode + supply))
  const address = receipt.contractAddress
  assert.match(cast('call', address, 'totalSupply()(uint256)'), /^42/)
  const failed = spawnSync(bin('cast'), ['call', address, 'failWithReason()', '--rpc-url', RPC_URL], { encoding: 'utf8' })
  assert.match(failed.stderr, /execution reverted: the reason/)
  assert.equal(cast('logs', '--json', '--from-block', receipt.blockNumber, '--address', address, 'Transfer(address,address,uint256)').includes(address.toLowerCase()), true)
  assert.match(cast('rpc', 'debug_traceTransaction', receipt.transactionHash, '{"tracer":"callTracer"}'), /"type":"CREATE"/)
})

test('forge: create deploys a contract', { skip }, () => {
  const project = mkdtempSync(join(tmpdir(), 'patchbay-forge-'))
  mkdirSync(join(project, 'src'))
  copyFileSync(fileURLToPath(new URL('../contracts/Token.sol', import.meta.url)), join(project, 'src/Token.sol'))
  symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(project, 'node_modules'))
  // the compiler comes from npm: nothing is downloaded
  const solc = join(project, 'solc')
  writeFileSync(solc, `#!/usr/bin/env node\nimport(${JSON.stringify(new URL('../solc-standard-json.mjs', import.meta.url).href)})\n`, { mode: 0o755 })
  writeFileSync(join(project, 'foundry.toml'), `[profile.default]\nsolc = "${solc}"\nevm_version = "cancun"\nremappings = ["@openzeppelin/=node_modules/@openzeppelin/"]\noffline = true\n`)
  const output = execFileSync(bin('forge'), ['create', '--root', project, '--rpc-url', RPC_URL, '--private-key', KEYS[3], '--broadcast', 'src/Token.sol:Counter'], { encoding: 'utf8' })
  const address = /Deployed to: (0x[0-9a-fA-F]{40})/.exec(output)[1]
  assert.match(cast('call', address, 'count()(uint256)'), /^0/)
})
