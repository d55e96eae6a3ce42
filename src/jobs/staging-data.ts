// What of a job's folder is backup data, and where each piece goes. Azure Backup leaves page blobs whose names end in _AIBBlob
// and _BaseBlob; anything else that is to travel lies in `files`.

import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetRow } from '../formats/dataset.js'
import { factsOf } from './staging-files.js'

export interface StagedData {
  /** For `prepareSession`. */
  rows: DatasetRow[]
  /** Names of the backup's own files. */
  names: string[]
  /** Of those files; what lies below `files` is not counted here. */
  bytes: number
  hasFilesFolder: boolean
  /** What looks like data and is left out, with the reason. */
  leftOut: { name: string; reason: string }[]
}

export const filesFolderName = 'files'
const ours =
  /^(?:job\.json(?:\.[0-9a-f]{8})?|history\.txt|README\.txt|lock(?:\..+)?|journal|vault|[a-z0-9]{3,24}_[a-z0-9-]+\.txt)$/

/** @param folder of one job. */
export async function findStagedData(folder: string, container: string): Promise<StagedData> {
  const data: StagedData = { rows: [], names: [], bytes: 0, hasFilesFolder: false, leftOut: [] }
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    if (ours.test(entry.name)) continue
    const reason = await take(folder, container, entry, data)
    if (reason !== undefined) data.leftOut.push({ name: entry.name, reason })
  }
  return data
}

async function take(folder: string, container: string, entry: Dirent, data: StagedData): Promise<string | undefined> {
  const path = join(folder, entry.name)
  const facts = await factsOf(path)
  if (facts === undefined) return 'it went away'
  if (facts.isSymbolicLink()) return 'it is a link, and links are not followed out of a staging location'
  if (entry.name === filesFolderName && facts.isDirectory()) {
    data.hasFilesFolder = (await readdir(path)).length > 0
    if (data.hasFilesFolder) data.rows.push(row(path, `${container}/`, true))
    return undefined
  }
  if (!isBackupFile(entry.name)) return `it is no _AIBBlob or _BaseBlob, and does not lie in ${filesFolderName}`
  if (!facts.isFile()) return 'it is no regular file'
  data.rows.push(row(path, `${container}/${entry.name}`, false))
  data.names.push(entry.name)
  data.bytes += facts.size
  return undefined
}

/** `<id>_<n>_<guid>_AIBBlob`, `…_BaseBlob`; older ones end in `.AIBBlob` and `.BaseBlob`. */
export function isBackupFile(name: string): boolean {
  return /.[._](?:AIB|Base)Blob$/.test(name)
}

function row(basePath: string, destination: string, isDirectory: boolean): DatasetRow {
  return { basePath, isDirectory, destination, blobType: isDirectory ? 'auto' : 'page', disposition: 'rename', line: 0 }
}
