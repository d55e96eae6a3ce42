// Opens the vault that a command is about, gives it up at the end, and stops the work when somebody else takes it over.

import { lookAtVault, type VaultAccess, VaultFolder, type VaultLook } from '../../index.js'
import { abortOnSignals, whileLocked } from '../signals.js'
import { createTerminal, type Terminal } from '../terminal.js'
import { readAccess } from './access.js'
import { findVault } from './find-vault.js'
import type { VaultOptions, VaultStorageOptions } from './options.js'

export interface VaultWork {
  vault: VaultFolder
  access: VaultAccess
  terminal: Terminal
  signal: AbortSignal
}

type Options = VaultOptions & Partial<VaultStorageOptions>

export async function withVault<T>(options: Options, work: (given: VaultWork) => Promise<T>): Promise<T> {
  const terminal = createTerminal(options)
  const jobFolder = await findVault(options, terminal)
  await lookAtVault(jobFolder)
  return await withOpenVault(jobFolder, async (vault, signal) => {
    const access = await readAccess(options, vault, terminal, signal)
    return await work({ vault, access, terminal, signal })
  })
}

export async function withOpenVault<T>(
  jobFolder: string,
  work: (vault: VaultFolder, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const vault = await VaultFolder.open(jobFolder)
  return await whileLocked(vault, (signal) => work(vault, signal))
}

export interface VaultGlance extends VaultLook {
  access: VaultAccess
  terminal: Terminal
}

/** For what changes nothing: several may look at once. */
export async function withGlance<T>(options: Options, work: (given: VaultGlance) => Promise<T>): Promise<T> {
  const terminal = createTerminal(options)
  const look = await lookAtVault(await findVault(options, terminal))
  const { signal, done } = abortOnSignals()
  try {
    return await work({ ...look, access: await readAccess(options, look, terminal, signal), terminal })
  } finally {
    done()
  }
}
