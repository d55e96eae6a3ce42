import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filePath } from '../../src/file-tree.js'
import { encodeDrivePlan, parseDrivePlan } from '../../src/formats/drive-plan.js'
import { assembleDrivePlan, type DrivePlanParts } from '../../src/plan/assemble-drive-plan.js'
import { splitDrivePlan } from '../../src/plan/split-drive-plan.js'
import { makeTree } from './make-tree.js'

const listFiles = (['metadata', 'properties'] as const).map((role) => ({
  role,
  name: `${role}-1.xml`,
  directory: '/lists',
  sourceName: `my ${role}`,
  sizeBytes: 100,
  modifiedNs: 5n,
  md5: role === 'metadata' ? 'A'.repeat(32) : 'B'.repeat(32),
}))

// Two lists: the first without files, the second with both.
function parts(changes: Partial<DrivePlanParts> = {}): DrivePlanParts {
  const tree = makeTree([
    ['c00/a/1', 10],
    ['c00/a/2', 20],
    ['c00/b/3', 30],
    ['c00/4', 40],
  ])
  const count = tree.fileDirectory.length
  return {
    header: {
      sessionId: 'session-1',
      driveId: 'WD1',
      createdBy: 'diskferry',
      volume: { offsetBytes: 17 << 20, sizeBytes: 100 << 20, clusterBytes: 4096, sectorBytes: 512 },
      method: 'xts-128',
      label: 'label',
      diskGuid: '00000000-0000-0000-0000-000000000000',
      blobLists: [
        {},
        Object.fromEntries(listFiles.map(({ role, name, md5 }) => [role, { path: `\\_lists\\${name}`, hash: md5 }])),
      ],
    },
    tree,
    sources: {
      sourceDirectories: { bytes: Buffer.from('/one/two'), ends: Uint32Array.of(4, 8) },
      fileSourceDirectory: Uint32Array.from({ length: count }, (_, file) => file % 2),
      fileSourceNames: tree.fileNames,
    },
    blobs: {
      fileBlobType: new Uint8Array(count).fill(1),
      fileDisposition: Uint8Array.from({ length: count }, (_, file) => file % 3),
      fileList: Uint16Array.from({ length: count }, (_, file) => file % 2),
      fileBlockBytes: new Float64Array(count).fill(4 << 20),
    },
    listFiles,
    assignments: Uint16Array.of(0, 1, 0, 0),
    drive: 0,
    takesEmptyDirectories: true,
    nowNs: 7n,
    ...changes,
  }
}

test('what a plan was made of comes out of its stored form, and makes the same plan again', async () => {
  const first = parts()
  const plan = assembleDrivePlan(first)
  const stored = await parseDrivePlan(encodeDrivePlan(plan))
  const split = splitDrivePlan(stored)
  assert.deepEqual(
    Array.from(split.tree.fileDirectory, (_, file) => filePath(split.tree, file)),
    ['c00/a/1', 'c00/b/3', 'c00/4'],
  )
  assert.deepEqual(split.lists, [[], listFiles])
  const assignments = new Uint16Array(3)
  const again = assembleDrivePlan({ ...first, ...split, listFiles: split.lists.flat(), assignments })
  assert.deepEqual(
    { ...again, sourceDirectories: 0, fileSourceDirectory: 0 },
    { ...stored, sourceDirectories: 0, fileSourceDirectory: 0 },
  )
  // The folders of the metadata files are listed a second time; each file still finds its own.
  assert.deepEqual(splitDrivePlan(again).lists, split.lists)
})

test('a plan whose last files are not those that its header names is refused', () => {
  const plan = assembleDrivePlan(parts())
  const { header } = plan
  const wrong = [
    { ...plan, header: { ...header, blobLists: [{}] } },
    { ...plan, header: { ...header, blobLists: [...header.blobLists, { metadata: { path: 'x', hash: 'y' } }] } },
    { ...plan, fileBlobType: plan.fileBlobType.map(() => 1) },
    { ...plan, fileBlobType: plan.fileBlobType.map(() => 0) },
  ]
  for (const one of wrong)
    assert.throws(() => splitDrivePlan(one), { code: 'PLAN_INVALID', message: /WD1 has 6 files/ })
})
