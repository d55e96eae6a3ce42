// Child process of the receive cases: imports one drive into memory, which takes the server out of the figure.
// tsx receive-memory.ts DRIVE JOURNAL STATE

import { readSessionKey, receiveDrives } from '../src/index.js'
import { MemoryStore } from '../src/storage/memory-store.js'

const [path = '', journal = '', statePath = ''] = process.argv.slice(2)
const { secret } = await readSessionKey(journal, path)
const started = performance.now()
const before = process.cpuUsage()
const { report } = await receiveDrives({ drives: [{ path, secret }], store: new MemoryStore(), statePath })
const { user, system } = process.cpuUsage(before)
if (report.drives[0]?.status !== 'Completed') throw new Error(JSON.stringify(report.drives[0]))
console.log(JSON.stringify({ seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 }))
