// BitLocker volumes: metadata for a new one, the decrypted view of one that is unlocked, and what has to be written last.
// The volume's keys never come to JavaScript; secrets cross as bytes that are wiped afterwards.

import { addon, type CheckedVolume, type Finding, type OpenedVolume, type VolumeHandle } from './binding.js'
import type { Device } from './device.js'

export type Secret =
  | { kind: 'recovery-password'; password: string }
  | { kind: 'passphrase'; passphrase: string }
  /** The bytes of a .BEK file. */
  | { kind: 'startup-key'; file: Buffer }
  /** For a suspended volume, which lies open. */
  | { kind: 'clear-key' }

export type BitlockerMethod = 'xts-128' | 'xts-256' | 'cbc-128' | 'cbc-256'

/** A part of a device that is, or is to be, a volume: the partition. Bytes, whole sectors. */
export interface VolumePlace {
  offsetBytes: number
  sizeBytes: number
}

/** Bytes from the start of the volume. Metadata copies take 64 KiB each, the header block 8 KiB, the extra area 64 KiB. */
export interface RegionOffsets {
  metadata: [number, number, number]
  header: number
  extra: number
}

export interface CreateBitlockerOptions {
  volumeBytes: number
  sectorBytes: 512 | 4096
  method: BitlockerMethod
  regions: RegionOffsets
  /** Up to 255 bytes of UTF-8; Windows writes "HOST LABEL M/D/YYYY". */
  description: string
  /** Adds a passphrase protector beside the recovery password. */
  passphrase?: string
}

export interface CreatedBitlocker {
  /** 64 KiB, one metadata copy. Holds no plain key. */
  metadata: Buffer
  /** ASCII, 55 bytes. The caller wipes it. */
  recoveryPassword: Buffer
}

export type ProtectorKind =
  | 'recovery-password'
  | 'passphrase'
  | 'startup-key'
  | 'clear-key'
  | 'tpm'
  | 'certificate'
  | 'other'

export interface BitlockerInfo {
  /** `encrypt-on-write`: Windows is still encrypting in the background. `to-go`: made for removable drives. */
  kind: 'fixed' | 'encrypt-on-write' | 'to-go'
  /** What the metadata says; `encrypted` alone is a finished volume. */
  state: 'encrypted' | 'decrypted' | 'converting'
  /** `xts-128`, `cbc-256-diffuser`, ..., or `unknown`. */
  method: string
  sectorBytes: number
  /** Encrypted from the start; the size of the partition on a finished volume. */
  encryptedBytes: number
  volumeGuid: string
  description: string
  /** Undefined when the stored time makes no sense. */
  created: Date | undefined
  protectors: { kind: ProtectorKind; identifier: string }[]
  /** extra 0: none, as on volumes of Windows 7. */
  regions: RegionOffsets
}

export interface BitlockerReport {
  /** Empty for a sound volume. The codes are in docs/bitlocker-format.md. */
  findings: Finding[]
  /** Null when no metadata copy is good. */
  info: BitlockerInfo | null
  /** When the secret opened the volume: what takes keys was checked as well. The caller closes it. */
  volume: BitlockerVolume | undefined
}

// The values in the volume's metadata.
const methods: Record<BitlockerMethod, number> = {
  'xts-128': 0x8004,
  'xts-256': 0x8005,
  'cbc-128': 0x8002,
  'cbc-256': 0x8003,
}

// The order of the core's SecretKind.
const secretKinds = ['recovery-password', 'passphrase', 'startup-key', 'clear-key'] as const

function bytesOf(secret: Secret): Buffer {
  switch (secret.kind) {
    case 'recovery-password':
      return Buffer.from(secret.password, 'utf8')
    case 'passphrase':
      return Buffer.from(secret.passphrase, 'utf8')
    case 'startup-key':
      return Buffer.from(secret.file)
    case 'clear-key':
      return Buffer.alloc(0)
  }
}

/** The native side copies the secret before `call` returns its promise, so it is wiped right then. */
function withSecret<T>(secret: Secret, call: (kind: number, bytes: Buffer) => T): T {
  const kind = secretKinds.indexOf(secret.kind)
  if (kind < 0) throw new TypeError(`expected ${secretKinds.join(', ')} for secret.kind but received ${secret.kind}`)
  const bytes = bytesOf(secret)
  try {
    return call(kind, bytes)
  } finally {
    bytes.fill(0)
  }
}

function regionArray(regions: RegionOffsets): Float64Array {
  return Float64Array.of(...regions.metadata, regions.header, regions.extra)
}

/**
 * The metadata of a new volume with fresh random keys. Nothing is written. Takes up to a second, off the event loop.
 * @throws TransferError DEVICE_RANGE when regions or sizes do not fit together
 */
export async function createBitlocker(options: CreateBitlockerOptions): Promise<CreatedBitlocker> {
  const { volumeBytes, sectorBytes, method, regions, description, passphrase } = options
  const methodValue = methods[method]
  if (methodValue === undefined) {
    throw new TypeError(`expected ${Object.keys(methods).join(', ')} for method but received ${method}`)
  }
  if (passphrase === '') throw new TypeError('expected characters for passphrase but received none')
  const secret = passphrase === undefined ? undefined : Buffer.from(passphrase, 'utf8')
  try {
    return await addon.bitlockerCreate(volumeBytes, sectorBytes, methodValue, regionArray(regions), description, secret)
  } finally {
    secret?.fill(0)
  }
}

/** An unlocked volume, seen decrypted. Offsets are bytes from its start. */
export class BitlockerVolume {
  readonly sectorBytes: number
  readonly sizeBytes: number
  /** For the other classes of this folder. */
  readonly handle: VolumeHandle
  #isClosed = false

  /** For this file alone: a volume comes from unlock, attach or checkBitlocker. */
  constructor(
    opened: OpenedVolume,
    /** Stays open while the volume is. */
    readonly device: Device,
  ) {
    this.handle = opened.handle
    this.sectorBytes = opened.sectorBytes
    this.sizeBytes = opened.sizeBytes
  }

  /**
   * A volume that is on the device. Any good one of its three metadata copies will do.
   * @throws TransferError KEY_MISTYPED, KEY_WRONG, KEY_NOT_APPLICABLE, VOLUME_NOT_BITLOCKER, VOLUME_UNSUPPORTED,
   * VOLUME_CONVERTING, VOLUME_DAMAGED, DEVICE_READ_FAILED
   */
  static async unlock(device: Device, place: VolumePlace, secret: Secret): Promise<BitlockerVolume> {
    const opening = withSecret(secret, (kind, bytes) =>
      addon.bitlockerUnlock(device.handle, place.offsetBytes, place.sizeBytes, kind, bytes),
    )
    return new BitlockerVolume(await opening, device)
  }

  /** A volume whose metadata, from createBitlocker, is not on the device yet. @throws as unlock */
  static async attach(device: Device, place: VolumePlace, metadata: Buffer, secret: Secret): Promise<BitlockerVolume> {
    const opening = withSecret(secret, (kind, bytes) =>
      addon.bitlockerAttach(device.handle, place.offsetBytes, place.sizeBytes, metadata, kind, bytes),
    )
    return new BitlockerVolume(await opening, device)
  }

  /** Whole sectors; zeros where BitLocker keeps its own data. @throws TransferError DEVICE_RANGE, DEVICE_READ_FAILED */
  async read(offsetBytes: number, lengthBytes: number): Promise<Buffer> {
    const into = Buffer.allocUnsafe(lengthBytes)
    await addon.volumeRead(this.handle, offsetBytes, into)
    return into
  }

  /** Whole sectors; `data` must not change until it settles. @throws TransferError DEVICE_RANGE, DEVICE_WRITE_FAILED */
  async write(offsetBytes: number, data: Buffer): Promise<void> {
    await addon.volumeWrite(this.handle, offsetBytes, data)
  }

  /** @throws TransferError DEVICE_FLUSH_FAILED */
  async flush(): Promise<void> {
    await addon.volumeFlush(this.handle)
  }

  /**
   * Makes an attached volume real, after its file system has been written: metadata copies, flush, boot sector, flush,
   * everything read back. Until it resolves there is no volume on the device.
   * @throws TransferError NTFS_DAMAGED without a file system, VOLUME_DAMAGED for another volume's metadata,
   * DEVICE_WRITE_FAILED also when something reads back differently
   */
  async commit(metadata: Buffer): Promise<void> {
    await addon.volumeCommit(this.handle, metadata)
  }

  /** The keys are wiped once the calls that are running are done. A second close does nothing; other calls reject. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    addon.volumeClose(this.handle)
  }
}

/**
 * Zeros over the boot sector and the places of the metadata, so that a half-made drive is never taken for a volume. The
 * first thing done to a drive.
 * @throws TransferError DEVICE_WRITE_FAILED, DEVICE_FLUSH_FAILED, DEVICE_RANGE
 */
export async function eraseVolumeStart(device: Device, place: VolumePlace, regions: RegionOffsets): Promise<void> {
  await addon.bitlockerErase(device.handle, place.offsetBytes, place.sizeBytes, regionArray(regions))
}

/**
 * Checks boot sector, metadata copies and what they say, and with a secret also the seal, every wrapped key, and the two
 * boot sectors of the file system. What is wrong with the volume is a finding, never an error. A recovery password or
 * passphrase takes most of a second to become a key, so the volume that was opened for this is handed out.
 * @throws TransferError KEY_MISTYPED, KEY_WRONG, KEY_NOT_APPLICABLE, DEVICE_RANGE, DEVICE_READ_FAILED
 */
export async function checkBitlocker(device: Device, place: VolumePlace, secret?: Secret): Promise<BitlockerReport> {
  const check = (kind?: number, bytes?: Buffer) =>
    addon.bitlockerCheck(device.handle, place.offsetBytes, place.sizeBytes, kind, bytes)
  const { findings, info, opened } = await (secret === undefined ? check() : withSecret(secret, check))
  return {
    findings,
    info: info === undefined ? null : infoOf(info),
    volume: opened === undefined ? undefined : new BitlockerVolume(opened, device),
  }
}

function infoOf({ regions, createdMs, protectors, ...plain }: CheckedVolume): BitlockerInfo {
  const [first, second, third, header, extra] = regions as unknown as [number, number, number, number, number]
  const created = new Date(createdMs)
  return {
    ...plain,
    created: Number.isNaN(created.getTime()) ? undefined : created,
    protectors: protectors as BitlockerInfo['protectors'],
    regions: { metadata: [first, second, third], header, extra },
  }
}

/**
 * Groups, digits and their arithmetic; whether it opens a volume is another question.
 * @throws TransferError KEY_MISTYPED naming the group, 1 to 8, and what is wrong with it
 */
export function checkRecoveryPassword(text: string): void {
  const bytes = Buffer.from(text, 'utf8')
  try {
    addon.bitlockerCheckPassword(bytes)
  } finally {
    bytes.fill(0)
  }
}
