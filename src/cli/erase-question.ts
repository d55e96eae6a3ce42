// The question before a drive is erased: what is on it, and its serial typed by somebody who read that.

import { type RestoreTarget, TransferError } from '../index.js'
import type { Terminal } from './terminal.js'

/** A drive to be prepared, or the target of an image. */
export type EraseTarget = Pick<RestoreTarget, 'path' | 'driveId' | 'description' | 'needsConfirmation'>

/** @throws TransferError SERIAL_MISMATCH for anything else than the serial. */
export async function confirmErase(target: EraseTarget, terminal: Terminal): Promise<void> {
  if (!target.needsConfirmation) return
  terminal.print(`\n${target.path}: ${target.description}`)
  const typed = await terminal.ask(
    `ALL DATA ON ${target.path} WILL BE LOST. Type its serial, ${target.driveId}, to erase it`,
  )
  if (typed.trim() !== target.driveId) {
    const message = `The typed serial ${JSON.stringify(typed.trim())} is not ${target.driveId}; nothing was written.`
    throw new TransferError('SERIAL_MISMATCH', message, { path: target.path })
  }
}
