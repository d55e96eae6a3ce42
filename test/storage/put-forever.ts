// Replaces one blob of a folder store again and again until it is killed; run by folder-store.test.ts.

import { FolderStore } from '../../src/storage/folder-store.js'
import { blockId, madeBytes, md5Of } from './conformance.js'

const store = await FolderStore.open(process.argv[2] as string)
const place = { container: 'container', name: 'dir/blob' }
await store.createContainer(place.container)
for (let round = 0; ; round++) {
  const bytes = madeBytes(1000 + (round % 7) * 30_000, round)
  const properties = { metadata: [['md5', md5Of(bytes).toString('hex')]] as const }
  const block = { container: 'container', name: 'blocks' }
  await store.putBlock(block, blockId(round), bytes, md5Of(bytes))
  if (round % 2 === 0) await store.putBlob(place, bytes, md5Of(bytes), { properties })
  else {
    await store.putBlock(place, blockId(1), bytes, md5Of(bytes))
    await store.commitBlocks(place, [blockId(1)], { properties })
  }
  process.stdout.write(`${round} ${bytes.length}\n`)
}
