// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, mkdirSync, readFileSync, symlinkSync, writeFileSync, copyFileSync } from 'node:fs'
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

/** Makes a project; the compiler comes from npm: nothing is downloaded. */
function project() {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-forge-'))
  mkdirSync(join(folder, 'src'))
  copyFileSync(fileURLToPath(new URL('../contracts/Token.sol', import.meta.url)), join(folder, 'src/Token.sol'))
  symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(folder, 'node_modules'))
  const solc = join(folder, 'solc')
  writeFileSync(solc, `#!/usr/bin/env node\nimport(${JSON.stringify(new URL('../solc-standard-json.mjs', import.meta.url).href)})\n`, { mode: 0o755 })
  writeFileSync(join(folder, 'foundry.toml'), `[profile.default]\nsolc = "${solc}"\nevm_version = "cancun"\nremappings = ["@openzeppelin/=node_modules/@openzeppelin/"]\noffline = true\n`)
  return folder
}
const forge = (folder, ...args) => execFileSync(bin('forge'), args, { encoding: 'utf8', cwd: folder })

test('forge: create deploys a contract', { skip }, () => {
  const output = forge(project(), 'create', '--rpc-url', RPC_URL, '--private-key', KEYS[3], '--broadcast', 'src/Token.sol:Counter')
  const address = /Deployed to: (0x[0-9a-fA-F]{40})/.exec(output)[1]
  assert.match(cast('call', address, 'count()(uint256)'), /^0/)
})

test('forge script sends what it has simulated; cast finds, asks and replays it', { skip }, () => {
  const folder = project()
  mkdirSync(join(folder, 'script'))
  writeFileSync(join(folder, 'script/Count.s.sol'), `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;
import {Counter} from "../src/Token.sol";
interface Vm { function startBroadcast() external; function stopBroadcast() external; }
contract CountScript {
    bool public constant IS_SCRIPT = true;
    function run() external {
        Vm vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
        vm.startBroadcast();
        Counter counter = new Counter();
        counter.increment();
        counter.increment();
        vm.stopBroadcast();
        require(counter.count() == 2, "the simulation is wrong");
    }
}
`)
  forge(folder, 'script', '--rpc-url', RPC_URL, '--private-key', KEYS[3], '--broadcast', '--slow', '--tc', 'CountScript', 'script/Count.s.sol')
  const run = JSON.parse(readFileSync(join(folder, 'broadcast/Count.s.sol/1337/run-latest.json'), 'utf8'))
  assert.equal(run.receipts.length, 3)
  assert.ok(run.receipts.every((receipt) => receipt.status === '0x1'))
  const address = run.receipts[0].contractAddress
  assert.match(cast('call', address, 'count()(uint256)'), /^2/)

  const logs = JSON.parse(cast('logs', '--json', '--from-block', '0', '--address', address, 'Counted(address,uint256)'))
  assert.deepEqual(logs.map((log) => BigInt(log.data)), [1n, 2n])
  assert.equal(JSON.parse(cast('rpc', 'eth_getTransactionReceipt', run.receipts[2].transactionHash)).logs[0].transactionHash, run.receipts[2].transactionHash)
  const replayed = cast('run', run.receipts[2].transactionHash)
  assert.match(replayed, /Transaction successfully executed/)
  assert.equal(BigInt(/Gas used: (\d+)/.exec(replayed)[1]), BigInt(run.receipts[2].gasUsed))
})
