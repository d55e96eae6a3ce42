// A copy log in a file, read as often as needed: once to see what it holds, once to work through it.

import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { TransferError } from '../errors.js'
import { readCopyLog } from '../formats/copy-log-reader.js'
import { planRepair, type RepairEnd, type RepairStep } from '../plan/repair-plan.js'

export interface LogSurvey {
  /** MD5 of the file, 32 upper-case hex digits. */
  hash: string
  end: RepairEnd
  /** The drive is named by its serial number; later logs have a number of the service. */
  hasSerial: boolean
}

/** @throws TransferError COPY_LOG_INVALID, SOURCE_READ_FAILED */
export async function surveyLog(path: string): Promise<LogSurvey> {
  const hash = createHash('md5')
  let end: RepairEnd | undefined
  let hasSerial = true
  const parts = readCopyLog(bytesOf(path, hash), { fileName: path })
  const noted = async function* () {
    for await (const part of parts) {
      if (part.kind === 'header') hasSerial = part.generation !== '2021-08-01'
      yield part
    }
  }
  for await (const step of planRepair(noted())) if (step.kind === 'end') end = step
  if (end === undefined) throw new TransferError('COPY_LOG_INVALID', `${path} has no end.`, { path })
  return { hash: hash.digest('hex').toUpperCase(), end, hasSerial }
}

export function repairSteps(path: string): AsyncGenerator<RepairStep, void, undefined> {
  return planRepair(readCopyLog(bytesOf(path), { fileName: path }))
}

async function* bytesOf(path: string, hash?: Hash): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of createReadStream(path)) {
      hash?.update(piece as Buffer)
      yield piece as Buffer
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === undefined || cause instanceof TransferError) throw cause
    throw new TransferError('SOURCE_READ_FAILED', `${path} cannot be read: ${message}`, { cause, path })
  }
}
