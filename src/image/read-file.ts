// Reading of regular files where every byte asked for must be there.

import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { TransferError } from '../errors.js'
import { partialPath } from './image-names.js'

/** @throws TransferError FILE_NOT_FOUND, DEVICE_ACCESS_DENIED, IMAGE_INVALID for what is no regular file. */
export async function withFile<T>(path: string, use: (file: FileHandle, fileBytes: number) => Promise<T>): Promise<T> {
  // Of a pipe that nobody writes to, opening would wait for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    async (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'ENOENT' ? 'FILE_NOT_FOUND' : 'DEVICE_ACCESS_DENIED'
      const partial = partialPath(path)
      const hint = (await stat(partial).catch(() => undefined)) && {
        hint: `Its capture did not finish: image capture --resume goes on with it, image repair ${partial} saves what is there.`,
      }
      throw new TransferError(code, `${path} cannot be opened: ${cause.message}.`, { cause, path, ...hint })
    },
  )
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new TransferError('IMAGE_INVALID', `${path} is no regular file.`, { path })
    return await use(file, found.size)
  } finally {
    await file.close()
  }
}

/** All of it. @throws TransferError SOURCE_READ_FAILED */
export async function readAt(file: FileHandle, offsetBytes: number, lengthBytes: number): Promise<Buffer> {
  const bytes = Buffer.alloc(lengthBytes)
  for (let done = 0; done < lengthBytes; ) {
    const { bytesRead } = await file.read(bytes, done, lengthBytes - done, offsetBytes + done)
    if (bytesRead === 0) {
      const message = `The file ends at ${offsetBytes + done}, before byte ${offsetBytes + lengthBytes}.`
      throw new TransferError('SOURCE_READ_FAILED', message)
    }
    done += bytesRead
  }
  return bytes
}
