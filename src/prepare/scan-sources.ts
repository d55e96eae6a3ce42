// The first step of every plan: walk the sources of a dataset and put them together under their blob paths.

import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { type ScannedTree, type SkippedEntry, scanTree } from '../addon/tree-scan.js'
import { TransferError } from '../errors.js'
import { NameColumnBuilder } from '../file-tree.js'
import type { DatasetRow } from '../formats/dataset.js'
import { type MergedTree, mergeTrees, type ScannedRow } from '../plan/merge-trees.js'

export interface ScannedDataset extends MergedTree {
  /** Links, special files and what could not be read, over all rows. */
  skipped: SkippedEntry[]
}

/** @throws TransferError SOURCE_READ_FAILED for a base path that is not there, DATASET_INVALID for files that would collide. */
export async function scanSources(
  rows: readonly DatasetRow[],
  options: { followSymlinks: boolean },
): Promise<ScannedDataset> {
  const scanned: ScannedRow[] = []
  const skipped: SkippedEntry[] = []
  for (const row of rows) {
    const basePath = resolve(row.basePath)
    const facts = await stat(basePath, { bigint: true }).catch((cause: Error) => {
      throw new TransferError('SOURCE_READ_FAILED', `The source ${basePath} cannot be read: ${cause.message}.`, {
        cause,
        path: basePath,
      })
    })
    if (facts.isDirectory()) {
      const tree = await scanTree(basePath, options)
      for (const entry of tree.skipped) skipped.push(entry)
      scanned.push({ basePath, destination: row.destination, tree })
    } else if (facts.isFile()) {
      const tree = singleFileTree(basename(basePath), Number(facts.size), facts.mtimeNs)
      scanned.push({ basePath: dirname(basePath), destination: row.destination, tree, isSingleFile: true })
    } else {
      throw new TransferError('SOURCE_READ_FAILED', `The source ${basePath} is neither a folder nor a file.`)
    }
  }
  const merged = mergeTrees(scanned)
  return { ...merged, skipped }
}

function singleFileTree(name: string, sizeBytes: number, modifiedNs: bigint): ScannedTree {
  const directoryNames = new NameColumnBuilder()
  directoryNames.push('')
  const fileNames = new NameColumnBuilder()
  fileNames.push(name)
  return {
    directoryParent: Uint32Array.of(0),
    directoryNames: directoryNames.finish(),
    fileDirectory: Uint32Array.of(0),
    fileNames: fileNames.finish(),
    fileSizeBytes: Float64Array.of(sizeBytes),
    fileModifiedNs: BigInt64Array.of(modifiedNs),
    skipped: [],
  }
}
