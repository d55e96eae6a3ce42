// What the image commands have in common: how a run is followed on the terminal, and the words of their options.

import {
  exitCodes,
  type ImageEvent,
  type ImageRun,
  parseByteSize,
  printable,
  type RestoreTarget,
  type TransferError,
} from '../index.js'
import { confirmErase } from './erase-question.js'
import { abortOnSignals } from './signals.js'
import type { Terminal } from './terminal.js'
import { readRate } from './transfer-options.js'

const unreadableShown = 20

/** Shows what a run tells until it ends; Ctrl-C stops it. @param told notes that people have seen already. */
export async function followRun<T>(run: ImageRun<T>, terminal: Terminal, told: readonly string[] = []): Promise<T> {
  const { signal, done } = abortOnSignals()
  signal.addEventListener('abort', () => run.abort())
  let unreadable = 0
  try {
    for await (const event of run) {
      if (event.kind === 'unreadable') unreadable++
      if (event.kind !== 'unreadable' || unreadable <= unreadableShown) tell(event, terminal, told)
    }
    return await run.result
  } finally {
    terminal.clear()
    done()
  }
}

function tell(event: ImageEvent, terminal: Terminal, told: readonly string[]): void {
  if (event.kind === 'progress') terminal.progress(event.rows)
  else if (event.kind === 'note') {
    terminal.emit({ event: 'note', message: event.message })
    if (!told.includes(event.message)) terminal.warn(`Note: ${printable(event.message)}`)
  } else if (event.kind === 'target-failed') {
    const { path, error } = event
    terminal.emit({ event: 'target-failed', path, code: error.code, message: error.message })
    terminal.warn(`Dropped: ${path}: ${error.message}`)
  } else {
    const { kind, offsetBytes, lengthBytes } = event
    terminal.emit({ event: kind, offsetBytes, lengthBytes })
    if (kind === 'unreadable') terminal.warn(`Unreadable: ${lengthBytes} bytes at ${offsetBytes}`)
  }
}

export function byteOption(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  const bytes = parseByteSize(text)
  if (bytes === undefined) throw new TypeError(`expected bytes such as 4M for ${name} but received ${text}`)
  return bytes
}

/** To be spread into the options of a run. */
export function rateOption(text: string | undefined): { limitBytesPerSecond?: number } {
  const rate = readRate(text)
  return rate === undefined ? {} : { limitBytesPerSecond: rate }
}

/** `5%` as 0.05. */
export function shareOption(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const match = /^(\d{1,3}(?:\.\d{1,4})?)%$/.exec(text)
  const share = match === null ? 0 : Number(match[1]) / 100
  if (!(share > 0 && share <= 1)) throw new TypeError(`expected a share such as 5% for --sample but received ${text}`)
  return share
}

export async function confirmTargets(
  targets: readonly RestoreTarget[],
  yes: boolean,
  terminal: Terminal,
): Promise<void> {
  if (yes) return
  for (const target of targets) await confirmErase(target, terminal)
}

/** What a script has to know first: all failed, some, or none. */
export function restoreExitCode(targets: readonly { outcome: string }[]): number {
  return targets.some(({ outcome }) => outcome === 'failed') ? exitCodes.partly : exitCodes.done
}

export function errorToJson(error: TransferError | undefined): Record<string, unknown> {
  return error === undefined ? {} : { error: { code: error.code, message: error.message } }
}
