// The metadata and properties files that dataset rows name: read once, checked, and put on every drive.

import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { TransferError } from '../errors.js'
import { parseMetadata, parseProperties } from '../formats/blob-properties.js'
import type { DatasetRow } from '../formats/dataset.js'
import type { ListFile } from '../plan/assemble-drive-plan.js'

/** For each list its files, none, one or two. @throws TransferError PROPERTIES_INVALID, SOURCE_READ_FAILED. */
export async function readListFiles(rows: readonly DatasetRow[]): Promise<ListFile[][]> {
  return Promise.all(
    rows.map(async (row, index) => {
      const files: ListFile[] = []
      if (row.metadataFile !== undefined) files.push(await readListFile('metadata', row.metadataFile, index))
      if (row.propertiesFile !== undefined) files.push(await readListFile('properties', row.propertiesFile, index))
      return files
    }),
  )
}

async function readListFile(role: ListFile['role'], path: string, index: number): Promise<ListFile> {
  try {
    const content = await readFile(path)
    const { mtimeNs } = await stat(path, { bigint: true })
    if (role === 'metadata') parseMetadata(content.toString('utf8'), path)
    else parseProperties(content.toString('utf8'), path)
    return {
      role,
      name: `${role}-${index}.xml`,
      directory: dirname(path),
      sourceName: basename(path),
      sizeBytes: content.length,
      md5: createHash('md5').update(content).digest('hex').toUpperCase(),
      modifiedNs: mtimeNs,
    }
  } catch (cause) {
    if (cause instanceof TransferError) throw cause
    throw new TransferError(
      'SOURCE_READ_FAILED',
      `The ${role} file ${path} cannot be read: ${(cause as Error).message}.`,
      {
        cause,
        path,
      },
    )
  }
}
