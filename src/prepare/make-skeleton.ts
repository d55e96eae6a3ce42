// An empty NTFS volume of the exact size, made by mkntfs (GPL, run as a program) in memory and kept as its few hundred
// kilobytes of non-trivial content. Its serial number is random, so a skeleton is stored and never made twice for a drive.

import { spawn } from 'node:child_process'
import { accessSync, closeSync, constants } from 'node:fs'
import { createMemoryFile, readSkeleton } from '../addon/ntfs.js'
import { TransferError } from '../errors.js'

export interface SkeletonRequest {
  volumeBytes: number
  sectorBytes: 512 | 4096
  clusterBytes: number
  /** First sector of the partition; mkntfs writes it into the boot sector as "hidden sectors". */
  partitionStartSector: number
  label: string
}

const places = ['/usr/sbin/mkntfs', '/sbin/mkntfs', '/usr/bin/mkntfs', '/usr/local/sbin/mkntfs']

/** @throws TransferError TOOL_MISSING without mkntfs, TOOL_FAILED with its last words. */
export async function makeSkeleton(request: SkeletonRequest): Promise<Buffer> {
  const program = findMkntfs()
  const descriptor = createMemoryFile(request.volumeBytes)
  try {
    await runMkntfs(program, descriptor, request)
    return await readSkeleton(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function findMkntfs(): string {
  for (const place of places) {
    try {
      accessSync(place, constants.X_OK)
      return place
    } catch {}
  }
  throw new TransferError('TOOL_MISSING', 'mkntfs was not found; it formats the NTFS volume inside the encryption.', {
    hint: 'Install it: apt-get install ntfs-3g',
  })
}

function runMkntfs(program: string, descriptor: number, request: SkeletonRequest): Promise<void> {
  // -Q: no zeroing of the whole volume; -F: the target is no block device. Heads and sectors only silence a warning.
  const words = ['-Q', '-F', '-q', '-c', String(request.clusterBytes), '-s', String(request.sectorBytes)]
  words.push(
    '-p',
    String(request.partitionStartSector),
    '-H',
    '255',
    '-S',
    '63',
    '-L',
    request.label,
    '/proc/self/fd/3',
  )
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe', descriptor] })
    let output = ''
    const keep = (text: Buffer) => {
      output = (output + text.toString()).slice(-2000)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('error', reject)
    child.on('close', (exitCode, signal) => {
      if (exitCode === 0) resolve()
      else {
        const size = `${request.volumeBytes} bytes with clusters of ${request.clusterBytes}`
        const message = `mkntfs could not format a volume of ${size} (exit ${exitCode ?? signal}): ${output.trim()}`
        reject(new TransferError('TOOL_FAILED', message))
      }
    })
  })
}
