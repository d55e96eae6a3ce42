// The storage account of the demo: an emulator on a free port of this machine, and the comparison of what arrived in it.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { root } from '../setup.mjs'
import { folder, start } from './run.mjs'

export const accountName = 'devstoreaccount1'

export async function startEmulator() {
  const azurite = dirname(createRequire(import.meta.url).resolve('azurite/package.json'))
  const quiet = ['--silent', '--disableTelemetry', '--skipApiVersionCheck']
  const place = ['--blobPort', '0', '--location', join(folder, 'azurite')]
  const { found } = await start([join(azurite, 'dist/src/blob/main.js'), ...quiet, ...place], (line) => {
    return /successfully listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
  })
  return `http://127.0.0.1:${found}/${accountName}`
}

async function hashOf(stream) {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of stream) {
    hash.update(piece)
    bytes += piece.length
  }
  return { digest: hash.digest('hex'), bytes }
}

/** Every blob with its source, byte for byte. @param sources blob name to path */
export async function compareBlobs(url, container, sources) {
  const { openBlobStore } = await import(join(root, 'dist/index.js'))
  const store = await openBlobStore(url)
  const arrived = new Set()
  let bytes = 0
  for await (const { name } of store.list(container, '')) {
    const path = sources.get(name)
    if (path === undefined) throw new Error(`${name} is in the account and not in the source`)
    const blob = await hashOf(store.read({ container, name }))
    const source = await hashOf(createReadStream(path))
    if (blob.digest !== source.digest) throw new Error(`${name} arrived different`)
    bytes += blob.bytes
    arrived.add(name)
  }
  await store.close()
  const missing = [...sources.keys()].filter((name) => !arrived.has(name))
  if (missing.length > 0) throw new Error(`${missing.length} files did not arrive, the first is ${missing[0]}`)
  return { blobs: arrived.size, bytes }
}
