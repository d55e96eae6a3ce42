// A block device, loop device or regular file, read and written by sectors. Everything that touches a drive goes through
// one of these; the copy engine and the volume classes take it as it is.

import { TransferError } from '../errors.js'
import { addon, type SectorsHandle } from './binding.js'

export interface DeviceOptions {
  /** `write` claims the device: one that is mounted, held by another program, or an image being written is refused. */
  access: 'read' | 'write'
  /** Sector size that a regular file shows, 512 by default. A block device tells its own. */
  logicalSectorBytes?: 512 | 4096
}

export class Device {
  readonly path: string
  readonly kind: 'block' | 'file'
  readonly sizeBytes: number
  readonly logicalSectorBytes: number
  readonly physicalSectorBytes: number
  /** Whether requests bypass the page cache (O_DIRECT). */
  readonly directIo: boolean
  /** For the other classes of this folder. */
  readonly handle: SectorsHandle
  readonly #running = new Set<Promise<void>>()
  #closing: Promise<void> | undefined

  private constructor(path: string, opened: Awaited<ReturnType<typeof addon.deviceOpen>>) {
    this.path = path
    this.kind = opened.isBlock ? 'block' : 'file'
    this.sizeBytes = opened.sizeBytes
    this.logicalSectorBytes = opened.logicalSectorBytes
    this.physicalSectorBytes = opened.physicalSectorBytes
    this.directIo = opened.directIo
    this.handle = opened.handle
  }

  /**
   * Opens what is there; nothing is created.
   * @throws TransferError DEVICE_NOT_FOUND, DEVICE_ACCESS_DENIED, DEVICE_IN_USE, DEVICE_READ_ONLY, DEVICE_UNSUPPORTED
   */
  static async open(path: string, options: DeviceOptions): Promise<Device> {
    const { access, logicalSectorBytes = 512 } = options
    if (access !== 'read' && access !== 'write') {
      throw new TypeError(`expected 'read' or 'write' for access but received ${access}`)
    }
    if (logicalSectorBytes !== 512 && logicalSectorBytes !== 4096) {
      throw new RangeError(`expected 512 or 4096 for logicalSectorBytes but received ${logicalSectorBytes}`)
    }
    return new Device(path, await addon.deviceOpen(path, access === 'write', logicalSectorBytes))
  }

  /** Whole sectors. @throws TransferError DEVICE_RANGE, DEVICE_READ_FAILED */
  async read(offsetBytes: number, lengthBytes: number): Promise<Buffer> {
    const into = Buffer.allocUnsafe(lengthBytes)
    await this.#run(() => addon.deviceRead(this.handle, offsetBytes, into))
    return into
  }

  /** Whole sectors; `data` must not change until it settles. @throws TransferError DEVICE_RANGE, DEVICE_WRITE_FAILED, DEVICE_FULL */
  async write(offsetBytes: number, data: Uint8Array): Promise<void> {
    await this.#run(() => addon.deviceWrite(this.handle, offsetBytes, data))
  }

  /** Everything written so far is on stable storage when it resolves. @throws TransferError DEVICE_FLUSH_FAILED */
  async flush(): Promise<void> {
    await this.#run(() => addon.deviceFlush(this.handle))
  }

  /** Waits for calls that are running. A second close does nothing; every other call after it rejects. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#running).then(() => addon.deviceClose(this.handle))
    return this.#closing
  }

  async #run(call: () => Promise<void>): Promise<void> {
    if (this.#closing !== undefined) throw new TransferError('DEVICE_NOT_FOUND', `${this.path}: is closed`)
    const running = call()
    this.#running.add(running)
    try {
      await running
    } finally {
      this.#running.delete(running)
    }
  }
}
