// Runs lsblk (util-linux), which knows models, serials and file systems through udev where that runs.

import { execFile } from 'node:child_process'
import { TransferError } from '../errors.js'

const outputBytesMax = 64 * 1024 * 1024

/** One device as lsblk prints it; what it does not know is null. */
export interface LsblkDevice {
  name: string
  path: string
  type: string
  size: number | string | null
  'log-sec'?: number | string | null
  'phy-sec'?: number | string | null
  model?: string | null
  vendor?: string | null
  serial?: string | null
  tran?: string | null
  ro?: boolean | string | null
  rm?: boolean | string | null
  hotplug?: boolean | string | null
  fstype?: string | null
  label?: string | null
  pttype?: string | null
  'maj:min'?: string | null
  children?: LsblkDevice[]
}

const columns = [
  'NAME,PATH,TYPE,SIZE,LOG-SEC,PHY-SEC,MODEL,VENDOR,SERIAL,TRAN,RO,RM,HOTPLUG,FSTYPE,LABEL,PTTYPE,MAJ:MIN',
]

/** All devices as trees, or only `path` and what is on it. @throws TransferError TOOL_MISSING, TOOL_FAILED */
export async function runLsblk(path?: string): Promise<LsblkDevice[]> {
  const words = ['--json', '--bytes', '--output', ...columns, ...(path === undefined ? [] : ['--', path])]
  const output = await new Promise<string>((resolve, reject) => {
    execFile('lsblk', words, { maxBuffer: outputBytesMax }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else if (error.code === 'ENOENT') {
        const hint = 'Install the package util-linux.'
        reject(new TransferError('TOOL_MISSING', 'lsblk was not found; it lists the drives.', { hint, cause: error }))
      } else {
        const message = `lsblk could not list the drives (exit ${error.code}): ${stderr.trim()}`
        reject(new TransferError('TOOL_FAILED', message, { cause: error }))
      }
    })
  })
  return parseLsblk(output)
}

/** @throws TransferError TOOL_FAILED for anything that is not lsblk's form. */
export function parseLsblk(output: string): LsblkDevice[] {
  try {
    const { blockdevices } = JSON.parse(output) as { blockdevices?: unknown }
    if (Array.isArray(blockdevices)) return blockdevices as LsblkDevice[]
  } catch (cause) {
    throw new TransferError('TOOL_FAILED', `lsblk printed no JSON: ${(cause as Error).message}.`, { cause })
  }
  throw new TransferError('TOOL_FAILED', 'lsblk printed JSON without a list of devices.')
}
