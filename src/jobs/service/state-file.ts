// Everything the local service knows, in one file that is replaced whole: written beside, synced, renamed. A crash leaves the
// old file or the new one. Its first line has the SHA-256 of the rest, so that damage is found and never served.
//
//   diskferry-service-state 1 <SHA-256, hexadecimal>
//   {"jobs":[…],"notices":[…],"clockAheadMs":0}
//
// Mode 0600: it holds recovery passwords.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { TransferError } from '../../errors.js'
import { writeWhole } from '../../prepare/session-files.js'
import type { JobEvent, StoredJob } from './stored-job.js'

export interface ServiceState {
  jobs: StoredJob[]
  /** What happened to jobs that are gone. Newest last. */
  notices: JobEvent[]
  clockAheadMs: number
}

const magic = 'diskferry-service-state 1'

export function encodeState(state: ServiceState): string {
  const body = JSON.stringify(state)
  return `${magic} ${createHash('sha256').update(body).digest('hex')}\n${body}`
}

/** @throws TransferError SERVICE_DATA_INVALID */
export function parseState(text: string, path: string): ServiceState {
  const end = text.indexOf('\n')
  const body = text.slice(end + 1)
  const damaged = (what: string) => {
    return new TransferError('SERVICE_DATA_INVALID', `${path} ${what}.`, {
      hint: 'Restore the file from a copy. Nothing was changed.',
      path,
    })
  }
  const head = end === -1 ? '' : text.slice(0, end)
  if (!head.startsWith('diskferry-service-state ')) throw damaged('is no state file of this service')
  if (!head.startsWith(`${magic} `))
    throw damaged(`is of version ${head.split(' ')[1]}, which this version does not read`)
  const digest = createHash('sha256').update(body).digest('hex')
  if (head !== `${magic} ${digest}`) throw damaged('is damaged: its checksum does not match')
  return JSON.parse(body) as ServiceState
}

export async function readState(path: string): Promise<ServiceState> {
  try {
    return parseState(await readFile(path, 'utf8'), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { jobs: [], notices: [], clockAheadMs: 0 }
    throw error
  }
}

export function writeState(path: string, state: ServiceState): Promise<void> {
  return writeWhole(path, [encodeState(state)])
}
