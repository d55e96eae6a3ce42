// Foreign volumes of every cluster and sector size, and with very many files.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { assertReadsAlike, foreignUnavailable, formatForeign, mounted } from './made-foreign.js'

const skip = foreignUnavailable()
const folder = temporaryFolder('geometry')

const geometries = [
  [512, 512],
  [1024, 512],
  [2048, 512],
  [8192, 512],
  [16384, 512],
  [32768, 512],
  [65536, 512],
  [4096, 4096],
  [65536, 4096],
  [131072, 512],
] as const
for (const [clusterBytes, sectorBytes] of geometries) {
  test(`clusters of ${clusterBytes} bytes on sectors of ${sectorBytes}`, { skip }, async () => {
    const path = join(folder, `geometry-${clusterBytes}-${sectorBytes}`)
    formatForeign(path, { sizeBytes: Math.max(64 << 20, clusterBytes * 128), clusterBytes, sectorBytes })
    mounted(path, 'rw', (point) => {
      for (let index = 0; index < 12; index++) {
        mkdirSync(join(point, `folder ${index}`))
        for (let file = 0; file < 25; file++) {
          writeFileSync(
            join(point, `folder ${index}`, `a file with a name of some length ${file}`),
            contentOf(file, file * index * 40),
          )
        }
      }
      writeFileSync(join(point, 'large'), contentOf(1, 9_000_001))
      rmSync(join(point, 'folder 3'), { recursive: true })
    })
    await assertReadsAlike(path, { sectorBytes })
  })
}

const isLong = process.env.DISKFERRY_LONG_TESTS === '1'
const fileCount = isLong ? 100_000 : 10_000
test(`${fileCount} files in folders`, { skip }, async () => {
  const path = join(folder, 'many')
  formatForeign(path, { sizeBytes: isLong ? 600 << 20 : 128 << 20 })
  mounted(path, 'rw', (point) => {
    const perFolder = fileCount / 20
    for (let file = 0; file < fileCount; file++) {
      const parent = join(point, `folder ${Math.floor(file / perFolder)}`)
      if (file % perFolder === 0) mkdirSync(parent)
      writeFileSync(join(parent, `file ${file}`), contentOf(file, (file * 37) % 3000))
    }
    for (let file = 0; file < fileCount; file += 3)
      rmSync(join(point, `folder ${Math.floor(file / perFolder)}`, `file ${file}`))
  })
  await assertReadsAlike(path)
})
