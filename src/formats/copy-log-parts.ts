// What reading a copy log gives, one shape for all generations.

import type { ReadRanges } from './copy-log-ranges.js'

export type CopyLogGeneration = '2014-11-01' | '2018-10-01' | '2021-08-01'

export interface CopyLogHeaderPart {
  kind: 'header'
  /** By its elements: 2014-11-01 also stands for logs that name no version. */
  generation: CopyLogGeneration
  /** As the log has it. */
  version: string | undefined
  /** Undefined where the log names its drive later or never: see the end. */
  driveId: string | undefined
}

export interface ReadAttachment {
  status: string
  path: string | undefined
  /** 32 upper-case digits. */
  hash: string | undefined
  /** True where it belongs to the whole list of blobs. */
  isGlobal: boolean
}

/** A blob, or a file of a share. */
export interface CopyLogBlobPart {
  kind: 'blob'
  /** As the log has it. Logs of 2021-08-01 list what completed, and what did not as errors: always Completed there. */
  status: string
  /** File: of a share. Undefined where the log does not say. */
  blobKind: 'block' | 'page' | 'file' | undefined
  /** `container/name`, with slashes; the new name where it was renamed. */
  blobPath: string | undefined
  /** As the log has it; usually `\container\name`. */
  filePath: string | undefined
  lengthBytes: number | undefined
  disposition: { wanted: string | undefined; status: string | undefined } | undefined
  /** Undefined where there is no list. Error logs list the failed ones alone. */
  ranges: ReadRanges | undefined
  metadata: ReadAttachment | undefined
  properties: ReadAttachment | undefined
  snapshot: string | undefined
  lastModified: string | undefined
  /** Decimal, 2021-08-01 only. */
  crc64: string | undefined
  /** 1-based line of its element. */
  line: number
}

/** 2021-08-01: something that went wrong, or got another name. */
export interface CopyLogErrorPart {
  kind: 'error'
  path: string | undefined
  category: string
  errorCode: string | undefined
  message: string | undefined
  entityType: string | undefined
  line: number
}

export interface CopyLogCount {
  code: string
  count: number
  description: string | undefined
}

export interface CopyLogSummaryPart {
  kind: 'summary'
  validationErrors: CopyLogCount[]
  copyErrors: CopyLogCount[]
}

/** Once, at the end of the log. */
export interface CopyLogEndPart {
  kind: 'end'
  driveId: string | undefined
  /** Of the whole drive; undefined in verbose logs of 2021-08-01. */
  status: string | undefined
  /** 2021-08-01 only. */
  itemsTotal: number | undefined
  itemsFailed: number | undefined
}

export type CopyLogPart = CopyLogHeaderPart | CopyLogBlobPart | CopyLogErrorPart | CopyLogSummaryPart | CopyLogEndPart
