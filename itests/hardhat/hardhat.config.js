// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'hardhat/config'
import testRunner from '@nomicfoundation/hardhat-node-test-runner'
import viem from '@nomicfoundation/hardhat-viem'

export default defineConfig({
  plugins: [testRunner, viem],
  solidity: { version: '0.8.30', path: fileURLToPath(new URL('./node_modules/solc/soljson.js', import.meta.url)), settings: { evmVersion: 'cancun' } },
  paths: { tests: { nodejs: './test' } },
  networks: {
    patchbay: {
      type: 'http',
      url: process.env.RPC_URL ?? 'http://127.0.0.1:8545',
      // a funded account of the development chain
      accounts: ['0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a'],
    },
  },
})
