// Child process of the receive cases: imports one drive into a store that keeps nothing, which takes the server out of the figure.
// tsx receive-memory.ts DRIVE JOURNAL STATE

import { readSessionKey, receiveDrives } from '../src/index.js'
import { CountingStore } from './counting-store.js'

const [path = '', journal = '', statePath = ''] = process.argv.slice(2)
const { secret } = await readSessionKey(journal, path)
const started = performance.now()
const before = process.cpuUsage()
const store = new CountingStore()
const { report } = await receiveDrives({ drives: [{ path, secret }], store, statePath })
const { user, system } = process.cpuUsage(before)
if (report.drives[0]?.status !== 'Completed' || store.bytes !== report.drives[0].bytesImported)
  throw new Error(JSON.stringify(report.drives[0]))
console.log(JSON.stringify({ seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 }))
