// What opens a drive that arrived and says what it must be: the options that every command with such a drive has.

import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Argv } from 'yargs'
import {
  chooseKey,
  type KeyCandidate,
  parseDriveInfo,
  type ReceiveDrive,
  readSecretFile,
  readSessionKey,
  TransferError,
} from '../index.js'
import type { Terminal } from './terminal.js'

export interface ShippedDriveOptions {
  journal?: string
  driveInfo?: string[]
  recoveryPasswordFile?: string[]
  manifestFile?: string
  manifestHash?: string
}

export function shippedDriveOptions<T>(options: Argv<T>): Argv<T & ShippedDriveOptions> {
  return options
    .option('journal', { type: 'string', describe: 'Journal of the session: keys and manifest hashes' })
    .option('drive-info', {
      type: 'string',
      array: true,
      describe: '<DriveId>.xml of a drive, instead of the journal (repeatable)',
    })
    .option('recovery-password-file', {
      type: 'string',
      array: true,
      describe: 'File with a recovery password (repeatable)',
    })
    .option('manifest-file', { type: 'string', describe: 'Manifest on the drive; \\DriveManifest.xml when not given' })
    .option('manifest-hash', {
      type: 'string',
      describe: 'MD5 that the manifest must have (for one drive)',
    }) as unknown as Argv<T & ShippedDriveOptions>
}

/** @throws TransferError KEY_MISSING, KEY_WRONG, JOURNAL_INVALID. */
export async function readShippedDrive(
  path: string,
  options: ShippedDriveOptions,
  terminal: Terminal,
): Promise<ReceiveDrive> {
  const { journal, manifestHash, manifestFile } = options
  const more = manifestFile === undefined ? {} : { manifestFile }
  const candidates = await readCandidates(options, terminal)
  if (candidates.length === 0 && journal !== undefined) {
    const { secret, expected, state } = await readSessionKey(journal, path)
    const hash = manifestHash ?? expected.manifestHash
    const wanted = { driveId: state.driveId, ...(hash === undefined ? {} : { manifestHash: hash }) }
    return { path, secret, expected: wanted, expectedFrom: 'the journal', ...more }
  }
  if (candidates.length === 0) candidates.push(await askForKey(path, terminal))
  const { secret, expected, manifestFile: named } = await chooseKey(path, candidates)
  const given = manifestHash === undefined ? {} : { manifestHash }
  const expectedFrom = manifestHash === undefined ? 'the job' : 'the command line'
  const drive: ReceiveDrive = { path, secret, expected: { ...expected, ...given }, expectedFrom }
  return named === undefined ? { ...drive, ...more } : { ...drive, manifestFile: named, ...more }
}

async function readCandidates(options: ShippedDriveOptions, terminal: Terminal): Promise<KeyCandidate[]> {
  const candidates: KeyCandidate[] = []
  for (const path of options.driveInfo ?? []) {
    const text = await readFile(path, 'utf8').catch((cause: Error) => {
      throw new TransferError('KEY_MISSING', `${path} cannot be read: ${cause.message}`, { cause, path })
    })
    const { driveId, bitLockerKey, manifestFile, manifestHash } = parseDriveInfo(text, path)
    const secret = { kind: 'recovery-password', password: bitLockerKey } as const
    candidates.push({ secret, expected: { driveId, manifestHash }, manifestFile })
  }
  for (const path of options.recoveryPasswordFile ?? []) {
    const password = await readSecretFile(path, terminal.warn)
    candidates.push({ secret: { kind: 'recovery-password', password }, expected: {} })
  }
  return candidates
}

async function askForKey(path: string, terminal: Terminal): Promise<KeyCandidate> {
  const fromEnvironment = process.env.DISKFERRY_RECOVERY_PASSWORD?.trim()
  if (fromEnvironment === undefined && !terminal.isInteractive) {
    throw new TransferError('KEY_MISSING', `No key was given for ${path}.`, {
      hint: 'Give --journal, --drive-info, --recovery-password-file, or DISKFERRY_RECOVERY_PASSWORD.',
    })
  }
  const password = fromEnvironment ?? (await terminal.askSecret(`Recovery password of ${basename(path)}`))
  return { secret: { kind: 'recovery-password', password }, expected: {} }
}
