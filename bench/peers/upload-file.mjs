// What a user would write without diskferry: @azure/storage-blob's uploadFile over a folder of files that are not encrypted.
// node upload-file.mjs URL FOLDER FILES_AT_ONCE BLOCK_MIB BLOCKS_AT_ONCE

import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'

const [url, folder, filesAtOnce, blockMebibytes, blocksAtOnce] = process.argv.slice(2)
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
const service = new BlobServiceClient(url, new StorageSharedKeyCredential('devstoreaccount1', key))
const container = service.getContainerClient('bench')
await container.createIfNotExists()
const paths = readdirSync(folder, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
const options = { blockSize: Number(blockMebibytes) * 2 ** 20, concurrency: Number(blocksAtOnce) }
let next = 0
async function worker() {
  while (next < paths.length) {
    const path = paths[next++]
    await container.getBlockBlobClient(`in/${relative(folder, path)}`).uploadFile(path, options)
  }
}
await Promise.all(Array.from({ length: Number(filesAtOnce) }, worker))
