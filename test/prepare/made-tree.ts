// Makes source trees for tests and compares what came back with what was made.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'

/** A temporary folder, removed when the tests of the file are done. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `diskferry-${name}-`))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Bytes that look random and are the same for the same seed. */
export function contentOf(seed: number, sizeBytes: number): Buffer {
  const content = Buffer.alloc(sizeBytes)
  let state = (seed * 2654435761 + 1) >>> 0
  for (let at = 0; at + 4 <= sizeBytes; at += 4) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    content.writeUInt32LE(state >>> 0, at)
  }
  return content
}

export function writeTree(folder: string, files: Readonly<Record<string, Buffer | string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}

/** A tree with the sizes that hurt: empty, one byte, around sectors, clusters and blocks, several blocks. */
export function awkwardTree(): Record<string, Buffer> {
  const files: Record<string, Buffer> = {}
  const sizes = [0, 1, 511, 512, 513, 4095, 4096, 4097, 65535, 65537, 4194303, 4194304, 4194305, 9000001]
  for (const [index, size] of sizes.entries()) files[`sizes/${size}.bin`] = contentOf(index + 1, size)
  for (let index = 0; index < 300; index++)
    files[`many/${index % 5}/file ${index}.dat`] = contentOf(index, (index * 97) % 20000)
  files[`${'deep/'.repeat(30)}bottom.txt`] = Buffer.from('thirty levels down')
  files[`long/${'n'.repeat(255)}`] = contentOf(7, 100)
  files['names/😀 surrogate 𝔘𝔫𝔦.txt'] = Buffer.from('pairs')
  files['names/İstanbul ışık.txt'] = Buffer.from('dotted and dotless')
  files['names/ΑΣ ας.txt'] = Buffer.from('sigma')
  files['names/größe & <quotes> aside ’.txt'.replace('<quotes> ', '')] = Buffer.from('escape me')
  return files
}

/** SHA-256 of every file below a folder, by relative path. */
export function hashesBelow(folder: string): Map<string, string> {
  const hashes = new Map<string, string>()
  const visit = (relative: string) => {
    for (const name of readdirSync(join(folder, relative))) {
      const path = relative === '' ? name : `${relative}/${name}`
      if (lstatSync(join(folder, path)).isDirectory()) visit(path)
      else
        hashes.set(
          path,
          createHash('sha256')
            .update(readFileSync(join(folder, path)))
            .digest('hex'),
        )
    }
  }
  visit('')
  return hashes
}

/** Every file of `expected` is there with the same bytes, and nothing else. */
export function assertSameFiles(actual: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>): void {
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort())
  for (const [path, hash] of expected) assert.equal(actual.get(path), hash, path)
}
