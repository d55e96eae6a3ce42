// Looking at and copying out the files of an opened drive, without mounting it.

import { mkdir, open } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { fileAccess, type NtfsTree } from '../addon/ntfs.js'
import type { OpenedDrive } from '../drives/open-drive.js'
import { TransferError } from '../errors.js'
import { filePath } from '../file-tree.js'

export interface ListedFile {
  /** Path on the drive, with slashes. */
  path: string
  sizeBytes: number
  modified: string
  /** False for links, encrypted files and others whose content is not read. */
  readable: boolean
}

const pieceBytes = 4 * 1024 * 1024

/** All files, or those at or below `below` (either separator, any case, as NTFS compares names). */
export async function* listFiles(drive: OpenedDrive, below?: string): AsyncGenerator<ListedFile> {
  const tree = await drive.ntfs.readTree()
  for (const index of matching(tree, below)) {
    yield {
      path: filePath(tree, index),
      sizeBytes: tree.fileSizeBytes[index] as number,
      modified: new Date(Number((tree.fileModifiedNs[index] as bigint) / 1_000_000n)).toISOString(),
      readable: tree.fileAccess[index] !== fileAccess.none,
    }
  }
}

export interface ExtractOptions {
  into: string
  below?: string
  overwrite?: boolean
  signal?: AbortSignal
}

export interface ExtractResult {
  files: number
  bytes: number
  /** Files whose content is not read: links, encrypted and damaged ones. Nothing was written for them. */
  unreadable: { path: string; reason: string }[]
}

/** @throws TransferError FILE_NOT_FOUND when nothing is at `below`; FILE_EXISTS unless `overwrite`. */
export async function extractFiles(drive: OpenedDrive, options: ExtractOptions): Promise<ExtractResult> {
  const { into, below, overwrite = false, signal } = options
  const tree = await drive.ntfs.readTree()
  let files = 0
  let bytes = 0
  const unreadable: ExtractResult['unreadable'] = []
  for (const index of matching(tree, below)) {
    signal?.throwIfAborted()
    if (tree.fileAccess[index] === fileAccess.none) {
      unreadable.push({ path: filePath(tree, index), reason: await whyUnreadable(drive, tree, index) })
      continue
    }
    const target = insidePath(into, filePath(tree, index))
    await mkdir(dirname(target), { recursive: true })
    bytes += await extractFile(drive, tree, index, target, overwrite)
    files++
  }
  return { files, bytes, unreadable }
}

async function whyUnreadable(drive: OpenedDrive, tree: NtfsTree, index: number): Promise<string> {
  try {
    await drive.ntfs.readFile(tree.fileRecord[index] as number, 0, 1)
    return 'its content is not read'
  } catch (error) {
    return (error as Error).message
  }
}

async function extractFile(
  drive: OpenedDrive,
  tree: NtfsTree,
  index: number,
  target: string,
  overwrite: boolean,
): Promise<number> {
  const sizeBytes = tree.fileSizeBytes[index] as number
  const file = await open(target, overwrite ? 'w' : 'wx').catch((cause: NodeJS.ErrnoException) => {
    const hint = cause.code === 'EEXIST' ? 'Give --overwrite to replace it, or another folder.' : undefined
    const detail = { cause, path: target }
    throw new TransferError(
      'FILE_EXISTS',
      `${target} cannot be created: ${cause.message}.`,
      hint ? { ...detail, hint } : detail,
    )
  })
  try {
    for (let offset = 0; offset < sizeBytes; offset += pieceBytes) {
      const length = Math.min(pieceBytes, sizeBytes - offset)
      await file.write(await drive.ntfs.readFile(tree.fileRecord[index] as number, offset, length))
    }
    const seconds = Number((tree.fileModifiedNs[index] as bigint) / 1000n) / 1e6
    await file.utimes(seconds, seconds)
  } finally {
    await file.close()
  }
  return sizeBytes
}

function* matching(tree: NtfsTree, below: string | undefined): Generator<number> {
  const wanted = below
    ?.replaceAll('\\', '/')
    .replace(/^\/+|\/+$/g, '')
    .toLowerCase()
  let found = 0
  for (let index = 0; index < tree.fileDirectory.length; index++) {
    if (wanted !== undefined && wanted !== '') {
      const path = filePath(tree, index).toLowerCase()
      if (path !== wanted && !path.startsWith(`${wanted}/`)) continue
    }
    found++
    yield index
  }
  if (found === 0 && wanted !== undefined && wanted !== '') {
    throw new TransferError('FILE_NOT_FOUND', `Nothing on the drive is at ${below}.`, { hint: 'See: diskferry list' })
  }
}

// Names on a drive are not ours to trust: none may lead out of the folder.
function insidePath(into: string, path: string): string {
  const base = resolve(into)
  const target = resolve(join(base, path))
  if (!target.startsWith(base + sep)) throw new TransferError('NTFS_DAMAGED', `The name ${path} leads out of ${into}.`)
  return target
}
