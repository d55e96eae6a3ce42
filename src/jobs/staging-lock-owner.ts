// Who has the lock of a staging location, and whether they still do. On the same computer the process is asked for; for another
// one the age of its last sign of life counts.

import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { startTicks } from '../journal/process-lock.js'
import { printable } from '../reports/printable.js'
import type { FoundLock } from './staging-lock-file.js'

/** Which process on which computer. Two containers of one computer differ in `processSpace`. */
export interface LockIdentity {
  host: string
  pid: number
  startTicks: string
  bootId: string
  processSpace: string
}

export interface LockOwner {
  host: string
  pid: number
  /** ISO 8601. */
  since: string
  /** Since the last sign of life. */
  ageMs: number
  isAlive: boolean
}

export async function thisProcess(): Promise<LockIdentity> {
  const [bootId, processSpace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ])
  const pid = process.pid
  return { host: hostname(), pid, startTicks: await startTicks(pid), bootId: bootId.trim(), processSpace }
}

export async function judgeOwner(found: FoundLock, here: LockIdentity, staleAfterMs: number): Promise<LockOwner> {
  const { ageMs, text } = found
  const named = parseOwner(text)
  const isHere = named.bootId !== '' && named.bootId === here.bootId && named.processSpace === here.processSpace
  const isRunning = named.startTicks !== '' && (await startTicks(named.pid)) === named.startTicks
  const isAlive = isHere ? isRunning : ageMs < staleAfterMs
  return { host: named.host, pid: named.pid, since: named.since, ageMs, isAlive }
}

// What cannot be read names nobody, and its age counts.
function parseOwner(text: string): LockIdentity & { since: string } {
  let read: Partial<Record<string, unknown>> = {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) read = parsed as typeof read
  } catch {}
  const field = (name: string) => (typeof read[name] === 'string' ? printable(read[name].slice(0, 255)) : '')
  const pid = Number.isSafeInteger(read.pid) ? (read.pid as number) : 0
  const [host, since] = [field('host') || 'an unknown computer', field('since')]
  return {
    host,
    pid,
    since,
    startTicks: field('startTicks'),
    bootId: field('bootId'),
    processSpace: field('processSpace'),
  }
}

/** `copy1, process 4711, since 2026-11-22 02:47, last seen 12 s ago` */
export function describeOwner({ host, pid, since, ageMs }: LockOwner): string {
  const seconds = Math.round(ageMs / 1000)
  const seen = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
  return `${host}, process ${pid}, since ${since.slice(0, 16).replace('T', ' ')}, last seen ${seen} ago`
}
