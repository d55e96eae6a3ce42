// Image files stand for drives: sparse files of the drive's size. An existing one is never grown, shrunk or emptied.

import { open, rm, stat } from 'node:fs/promises'
import { type ErrorCode, TransferError } from '../errors.js'

/**
 * Creates a sparse file of this size. A file that has exactly this size is kept as it is, and so is a block device.
 * @throws TransferError DRIVE_SPEC_INVALID when the file has another size; DEVICE_FULL when the file system cannot hold so
 *   large a file; DEVICE_UNSUPPORTED for what is no file; DEVICE_NOT_FOUND, DEVICE_ACCESS_DENIED, DEVICE_READ_ONLY.
 */
export async function createImageFile(path: string, sizeBytes: number): Promise<void> {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0) {
    throw new RangeError(`expected a positive whole number for sizeBytes but received ${sizeBytes}`)
  }
  const found = await stat(path).catch(() => undefined)
  if (found?.isBlockDevice()) return
  if (found !== undefined && !found.isFile()) {
    throw new TransferError('DEVICE_UNSUPPORTED', `${path} is neither a block device nor a regular file.`, { path })
  }
  if (found !== undefined && found.size > 0) {
    if (found.size === sizeBytes) return
    const message = `The image ${path} has ${found.size} bytes, but ${sizeBytes} were asked for.`
    throw new TransferError('DRIVE_SPEC_INVALID', message, {
      path,
      hint: 'Leave the size out to use it as it is, or delete it first.',
    })
  }
  try {
    const file = await open(path, found === undefined ? 'wx+' : 'r+')
    try {
      await file.truncate(sizeBytes)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (cause) {
    if (found === undefined && (cause as NodeJS.ErrnoException).syscall === 'ftruncate') await rm(path, { force: true })
    throw imageError(path, sizeBytes, cause as NodeJS.ErrnoException)
  }
}

const codes: Readonly<Record<string, ErrorCode>> = {
  EFBIG: 'DEVICE_FULL',
  ENOSPC: 'DEVICE_FULL',
  EDQUOT: 'DEVICE_FULL',
  ENOENT: 'DEVICE_NOT_FOUND',
  ENOTDIR: 'DEVICE_NOT_FOUND',
  EROFS: 'DEVICE_READ_ONLY',
  EEXIST: 'DEVICE_IN_USE',
}

function imageError(path: string, sizeBytes: number, cause: NodeJS.ErrnoException): TransferError {
  const code = codes[cause.code ?? ''] ?? 'DEVICE_ACCESS_DENIED'
  if (cause.code === 'EFBIG') {
    const message = `The file system of ${path} cannot hold a file of ${sizeBytes} bytes.`
    return new TransferError(code, message, { path, cause, hint: 'ext4 ends below 16 TiB; XFS and tmpfs hold more.' })
  }
  return new TransferError(code, `The image ${path} of ${sizeBytes} bytes cannot be created: ${cause.message}.`, {
    path,
    cause,
  })
}
