// SPDX-License-Identifier: Apache-2.0
// Stands in for the solc executable: `--version` and `--standard-json`, over the compiler from npm.
import { readFileSync } from 'node:fs'
import solc from 'solc'

if (process.argv.includes('--version')) {
  const [version] = solc.version().split('.Emscripten')
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${version}.Linux.g++`)
} else {
  process.stdout.write(solc.compile(readFileSync(0, 'utf8')))
}
