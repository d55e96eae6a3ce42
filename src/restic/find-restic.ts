// restic and rclone are run as programs. Which ones, and whether they are new enough, is found out before anything begins.

import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { TransferError } from '../errors.js'

export interface FoundProgram {
  path: string
  /** As the program says it, such as `0.14.0`. */
  version: string
}

interface Wanted {
  name: 'restic' | 'rclone'
  /** Oldest version that does what is asked of it here. */
  oldest: readonly [number, number]
  why: string
  words: readonly string[]
}

const restic: Wanted = {
  name: 'restic',
  oldest: [0, 14],
  why: 'it keeps the vault, compressed since that version',
  words: ['version'],
}
const rclone: Wanted = {
  name: 'rclone',
  oldest: [1, 50],
  why: 'restic reaches this storage through it',
  words: ['version', '--config', '/dev/null'],
}

/** @param searchPath folders between colons, as PATH. @throws TransferError TOOL_MISSING, TOOL_TOO_OLD */
export function findRestic(searchPath: string): Promise<FoundProgram> {
  return find(restic, searchPath)
}

/** @throws TransferError TOOL_MISSING, TOOL_TOO_OLD */
export function findRclone(searchPath: string): Promise<FoundProgram> {
  return find(rclone, searchPath)
}

async function find(wanted: Wanted, searchPath: string): Promise<FoundProgram> {
  const { name, oldest, why } = wanted
  const least = oldest.join('.')
  const hint = `Install the Debian package ${name}, version ${least} or newer: apt-get install ${name}`
  const path = await locate(name, searchPath)
  if (path === undefined) throw new TransferError('TOOL_MISSING', `${name} was not found; ${why}.`, { hint })
  const version = parseVersion(name, await ask(path, wanted.words))
  if (version === undefined) {
    throw new TransferError('TOOL_FAILED', `${path} does not say which version of ${name} it is.`, { hint, path })
  }
  if (isOlder(version, oldest)) {
    const message = `${path} is ${name} ${version}; ${least} or newer is needed: ${why}.`
    throw new TransferError('TOOL_TOO_OLD', message, { hint, path })
  }
  return { path, version }
}

async function locate(name: string, searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(':').filter((part) => part.startsWith('/'))) {
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return undefined
}

function ask(path: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(path, words, { env: {}, timeout: 30_000 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      const message = `${path} ${words[0]} failed: ${(stderr.trim() || error.message).split('\n', 1)[0]}`
      reject(new TransferError('TOOL_FAILED', message, { cause: error, path }))
    })
  })
}

/** `restic 0.14.0 compiled with …`, `rclone v1.60.1-DEV`. */
export function parseVersion(name: string, output: string): string | undefined {
  return new RegExp(`^${name} v?(\\d+\\.\\d+(?:\\.\\d+)?)`, 'm').exec(output)?.[1]
}

export function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [foundMajor = 0, foundMinor = 0] = version.split('.').map(Number)
  return foundMajor < major || (foundMajor === major && foundMinor < minor)
}
