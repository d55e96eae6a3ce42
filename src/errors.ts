// The one error class for what the world does to us, and the table of its codes. A caller's own mistake is a TypeError or
// RangeError instead. Codes are stable; messages may improve. docs/errors.md has a row for each code.

/** Exit codes of the command line; the table in docs/errors.md and in --help. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  partly: 3,
  damage: 4,
  key: 5,
  inUse: 6,
  noRoom: 7,
  refused: 8,
  service: 9,
  interrupted: 130,
} as const

/** Every code with its exit code. The first block is also in native/error_codes.h; a test compares the two. */
export const errorCodes = {
  DEVICE_NOT_FOUND: exitCodes.failed,
  DEVICE_ACCESS_DENIED: exitCodes.failed,
  DEVICE_IN_USE: exitCodes.inUse,
  DEVICE_READ_ONLY: exitCodes.refused,
  DEVICE_READ_FAILED: exitCodes.failed,
  DEVICE_WRITE_FAILED: exitCodes.failed,
  DEVICE_FLUSH_FAILED: exitCodes.failed,
  DEVICE_FULL: exitCodes.noRoom,
  DEVICE_RANGE: exitCodes.failed,
  DEVICE_UNSUPPORTED: exitCodes.failed,
  SOURCE_READ_FAILED: exitCodes.failed,
  SOURCE_CHANGED: exitCodes.failed,
  SPOOL_WRITE_FAILED: exitCodes.failed,
  VOLUME_NOT_BITLOCKER: exitCodes.damage,
  VOLUME_UNSUPPORTED: exitCodes.failed,
  VOLUME_DAMAGED: exitCodes.damage,
  VOLUME_CONVERTING: exitCodes.refused,
  KEY_MISTYPED: exitCodes.key,
  KEY_WRONG: exitCodes.key,
  KEY_NOT_APPLICABLE: exitCodes.key,
  NTFS_DAMAGED: exitCodes.damage,
  NTFS_UNSUPPORTED: exitCodes.failed,
  NTFS_NAMES: exitCodes.failed,
  NTFS_NO_SPACE: exitCodes.noRoom,
  FILE_NOT_FOUND: exitCodes.failed,
  IMAGE_INVALID: exitCodes.damage,
  IMAGE_DAMAGED: exitCodes.damage,
  OUT_OF_MEMORY: exitCodes.failed,
  INTERRUPTED: exitCodes.interrupted,
  INTERNAL: exitCodes.failed,

  DATASET_INVALID: exitCodes.usage,
  DRIVESET_INVALID: exitCodes.usage,
  DRIVE_SPEC_INVALID: exitCodes.usage,
  DESTINATION_INVALID: exitCodes.usage,
  SESSION_INVALID: exitCodes.usage,
  MANIFEST_INVALID: exitCodes.damage,
  MANIFEST_MISSING: exitCodes.damage,
  MANIFEST_MISMATCH: exitCodes.damage,
  MANIFEST_OTHER_DRIVE: exitCodes.refused,
  MANIFEST_TWICE: exitCodes.damage,
  MANIFEST_XML: exitCodes.damage,
  MANIFEST_PATH: exitCodes.damage,
  MANIFEST_BLOCKS: exitCodes.damage,
  MANIFEST_FILES: exitCodes.damage,
  PROPERTIES_INVALID: exitCodes.usage,
  COPY_LOG_INVALID: exitCodes.failed,
  PATH_MAP_INVALID: exitCodes.usage,
  JOURNAL_INVALID: exitCodes.failed,
  JOURNAL_IN_USE: exitCodes.inUse,
  PLAN_INVALID: exitCodes.failed,
  PLAN_STALE: exitCodes.failed,
  SOURCE_UNREADABLE: exitCodes.failed,
  SOURCE_EMPTY: exitCodes.usage,
  FILE_TOO_LARGE: exitCodes.noRoom,
  DRIVES_FULL: exitCodes.noRoom,
  DRIVE_UNFIT: exitCodes.refused,
  DRIVE_MOUNTED: exitCodes.inUse,
  DRIVE_SYSTEM: exitCodes.refused,
  SERIAL_MISMATCH: exitCodes.refused,
  CONFIRMATION_MISSING: exitCodes.refused,
  DRIVE_DAMAGED: exitCodes.damage,
  DRIVES_FAILED: exitCodes.partly,
  KEY_MISSING: exitCodes.key,
  PARTITION_MISSING: exitCodes.damage,
  FILE_EXISTS: exitCodes.failed,
  TOOL_MISSING: exitCodes.failed,
  TOOL_FAILED: exitCodes.failed,
  ADDON_MISSING: exitCodes.failed,
  DRIVE_GONE: exitCodes.failed,
  IMPORT_OTHER_STORE: exitCodes.usage,
  BLOBS_FAILED: exitCodes.partly,
  STORAGE_TARGET_INVALID: exitCodes.usage,
  CREDENTIAL_INVALID: exitCodes.usage,
  CREDENTIAL_MISSING: exitCodes.key,
  STORAGE_UNREACHABLE: exitCodes.service,
  STORAGE_DENIED: exitCodes.service,
  STORAGE_FULL: exitCodes.noRoom,
  STORAGE_REFUSED: exitCodes.service,
  STORAGE_NOT_FOUND: exitCodes.service,
  PUBLISH_SETTINGS_INVALID: exitCodes.usage,
  JOB_FILE_INVALID: exitCodes.usage,
  JOB_RULES_BROKEN: exitCodes.refused,
  JOB_NOT_FOUND: exitCodes.service,
  JOB_DIFFERS: exitCodes.service,
  SERVICE_REFUSED: exitCodes.service,
  SERVICE_UNREACHABLE: exitCodes.service,
  SERVICE_BUSY: exitCodes.service,
  SERVICE_SIGN_IN: exitCodes.service,
  SERVICE_ANSWER_INVALID: exitCodes.service,
  SERVICE_UNSUPPORTED: exitCodes.service,
  SERVICE_INSECURE: exitCodes.refused,
  SERVICE_DATA_INVALID: exitCodes.failed,
  SERVICE_DATA_IN_USE: exitCodes.inUse,
  SERVICE_START_FAILED: exitCodes.failed,
  STAGING_INVALID: exitCodes.failed,
  STAGING_IN_USE: exitCodes.inUse,
  STAGING_NOT_FOUND: exitCodes.usage,
  STAGED_JOB_DIFFERS: exitCodes.usage,
  IMAGE_UNSUPPORTED: exitCodes.failed,
  IMAGE_INCOMPLETE: exitCodes.damage,
  IMAGE_LIMIT: exitCodes.usage,
  RESCUE_MAP_INVALID: exitCodes.usage,
  CAPTURE_DIFFERS: exitCodes.usage,
  TARGET_TOO_SMALL: exitCodes.noRoom,
  STAGING_FULL: exitCodes.noRoom,
  TOOL_TOO_OLD: exitCodes.failed,
  VAULT_NOT_FOUND: exitCodes.usage,
  VAULT_INVALID: exitCodes.failed,
  VAULT_STATE: exitCodes.refused,
  VAULT_WAITING: exitCodes.refused,
  VAULT_OTHER: exitCodes.refused,
  VAULT_IN_USE: exitCodes.inUse,
  VAULT_DAMAGED: exitCodes.damage,
  SNAPSHOT_NOT_FOUND: exitCodes.usage,
} as const

export type ErrorCode = keyof typeof errorCodes

/** One of several things that are wrong: what, and its 1-based place when it is in a text file. */
export interface Problem {
  message: string
  line?: number
  column?: number
}

export interface ErrorDetail {
  /** What to do next, a sentence. */
  hint?: string
  /** errno of the system call behind it. */
  systemError?: number
  cause?: unknown
  /** File, device or drive it is about. */
  path?: string
  /** 1-based place in a text file. */
  line?: number
  column?: number
  /** Everything wrong with the file, when the message can only name the first. */
  problems?: readonly Problem[]
}

export class TransferError extends Error {
  override readonly name = 'TransferError'
  readonly hint: string | undefined
  readonly systemError: number | undefined
  readonly path: string | undefined
  readonly line: number | undefined
  readonly column: number | undefined
  readonly problems: readonly Problem[]

  constructor(
    readonly code: ErrorCode,
    message: string,
    detail: ErrorDetail = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.hint = detail.hint
    this.systemError = detail.systemError
    this.path = detail.path
    this.line = detail.line
    this.column = detail.column
    this.problems = detail.problems ?? []
  }
}

/** True when the same call may succeed later without anybody changing anything: EINTR, EAGAIN, EBUSY, EIO. */
export function isTransient(error: unknown): boolean {
  const transientErrnos = new Set([4, 5, 11, 16])
  return error instanceof TransferError && error.systemError !== undefined && transientErrnos.has(error.systemError)
}
