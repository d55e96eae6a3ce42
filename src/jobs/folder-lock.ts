// One process at a time in a folder. The lock names its owner by process id and start time: a crash leaves it behind, and a
// process that is gone owns nothing.

import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, TransferError } from '../errors.js'

export interface FolderLock {
  release(): Promise<void>
}

/** @throws TransferError `code` when a living process has it. */
export async function lockFolder(folder: string, code: ErrorCode): Promise<FolderLock> {
  const path = join(folder, '.lock')
  const mine = `${process.pid} ${await startTicks(process.pid)}\n`
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const file = await open(path, 'wx', 0o600)
      await file.writeFile(mine)
      await file.close()
      return { release: () => release(path, mine) }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    }
    const owner = await readFile(path, 'utf8').catch(() => '')
    const [pid = '', ticks = ''] = owner.trim().split(' ')
    if (ticks !== '' && (await startTicks(Number(pid))) === ticks) {
      throw new TransferError(code, `The folder ${folder} is in use by process ${pid}.`, {
        hint: 'Stop that process first, or give another folder.',
        path: folder,
      })
    }
    // Empty: its owner is between making the lock and writing it.
    if (owner === '') await new Promise((resolve) => setTimeout(resolve, 100))
    if ((await readFile(path, 'utf8').catch(() => '')) === owner) await rm(path, { force: true })
  }
  throw new TransferError(code, `The lock ${path} could not be taken; another process is starting.`, { path: folder })
}

async function release(path: string, mine: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => '')) === mine) await rm(path, { force: true })
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat): tells a reused process id apart. */
export async function startTicks(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
