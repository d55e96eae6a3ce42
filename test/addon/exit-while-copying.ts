// A program that ends while a copy runs; copy-engine.test.ts starts it and looks at how it ended.
// Arguments: how to end (exit, throw, return, worker), a folder with room.

import { join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { copyFiles } from '../../src/addon/copy-engine.js'
import { copyInput, imageBytes, layOut, makeFiles, makeImage, makeTarget, mebibyte, openSpool } from './made-copy.js'

const [how, folder] = isMainThread ? process.argv.slice(2) : (workerData as string[])
if (how === undefined || folder === undefined) throw new TypeError('expected how to end and a folder')

async function startCopy(target: string): Promise<void> {
  const sizes = Array.from({ length: 24 }, () => 8 * mebibyte)
  const files = await makeFiles(join(target, 'files'), sizes)
  const { extents, endBytes } = layOut(sizes)
  const image = await makeImage(join(target, 'image.img'), imageBytes(endBytes))
  const { volume } = await makeTarget(image, 512)
  const input = await copyInput(files, volume, extents, await openSpool(target))
  const run = copyFiles({ ...input, memoryBytes: 16 * mebibyte, durableEveryBytes: mebibyte }, () => {})
  run.finished.catch(() => {})
  while (run.progress().bytesDone === 0) await new Promise((resolve) => setImmediate(resolve))
}

if (how === 'worker' && isMainThread) {
  // Node 20 does not pass the loader of TypeScript on to workers.
  const program = `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(import.meta.url)})))`
  const worker = new Worker(program, { eval: true, workerData: ['in-worker', folder] })
  await new Promise((resolve) => worker.once('message', resolve))
  await worker.terminate()
} else {
  await startCopy(folder)
  if (how === 'exit') process.exit(7)
  if (how === 'throw') throw new Error('in the middle')
  if (how === 'in-worker') parentPort?.postMessage('copying')
}
