// The scheduler: backs up when a slot is due, thins out, and waits for the next. What was run is noted in the state under the
// vault's lock, so that two schedulers, or one and a person, never run the same slot or at the same time.

import { setTimeout as sleepFor } from 'node:timers/promises'
import { TransferError } from '../errors.js'
import type { VaultSchedule } from '../formats/vault-schedule.js'
import type { VaultState } from '../formats/vault-state.js'
import { dueSlot, type SlotAnswer } from '../plan/schedule-slots.js'
import { limitSettings } from '../plan/upload-limits.js'
import type { ForgetResult } from '../restic/snapshots.js'
import { type BackUpOptions, backUpVault, type VaultBackupResult } from './back-up-vault.js'
import { forgetInVault } from './keep-vault.js'
import { lookAtVault } from './look-vault.js'
import { VaultFolder } from './vault-folder.js'

export interface ScheduledRun {
  /** ISO 8601. */
  slot: string
  backup: VaultBackupResult
  forgot?: ForgetResult
}

/** Removing data that nothing refers to reads and writes much: once a week. */
const pruneEveryMs = 7 * 24 * 3600_000

/** Undefined when nothing is due. @throws TransferError VAULT_STATE without a schedule; as backUpVault. */
export async function runDueSlot(
  vault: VaultFolder,
  options: BackUpOptions,
  nowMs: number,
): Promise<ScheduledRun | undefined> {
  const { dueMs } = slotsOf(vault.state, nowMs)
  if (dueMs === undefined) return undefined
  const slot = new Date(dueMs).toISOString()
  const limits = limitSettings(scheduleOf(vault.state).limits)
  const backup = await backUpVault(vault, { ...options, ...limits })
  const forgot = await thinOut(vault, options, nowMs)
  // As it is now: it may have been changed meanwhile by nobody, since this has the lock.
  await vault.update({ schedule: { ...scheduleOf(vault.state), lastSlot: slot } })
  return { slot, backup, ...(forgot === undefined ? {} : { forgot }) }
}

async function thinOut(vault: VaultFolder, options: BackUpOptions, nowMs: number): Promise<ForgetResult | undefined> {
  const { state, prunedAt, schedule } = vault.state
  const keep = schedule?.keep ?? {}
  // What travels must stay; a vault that is not there yet has nothing to spare.
  if (state === 'frozen' || !Object.values(keep).some((count) => count > 0)) return undefined
  const agoMs = prunedAt === undefined ? Number.POSITIVE_INFINITY : Math.abs(nowMs - Date.parse(prunedAt))
  return await forgetInVault(vault, { ...options, keep, prune: agoMs >= pruneEveryMs, dryRun: false })
}

export function slotsOf(state: VaultState, nowMs: number): SlotAnswer {
  const { atMinutes, since, lastSlot } = scheduleOf(state)
  const last = lastSlot === undefined ? {} : { lastSlotMs: Date.parse(lastSlot) }
  return dueSlot({ nowMs, atMinutes, sinceMs: Date.parse(since), ...last })
}

function scheduleOf({ schedule, job }: VaultState): VaultSchedule {
  if (schedule !== undefined) return schedule
  throw new TransferError('VAULT_STATE', `The vault of job ${job} has no schedule.`, {
    hint: 'Give it one: diskferry vault schedule --at 02:00',
  })
}

/** Time as the scheduler sees it; tests bring their own. */
export interface ScheduleClock {
  nowMs(): number
  sleep(durationMs: number, signal: AbortSignal): Promise<void>
}

export const systemClock: ScheduleClock = {
  nowMs: () => Date.now(),
  sleep: (durationMs, signal) => sleepFor(durationMs, undefined, { signal }).catch(() => {}),
}

export interface FollowOptions {
  /** Asked anew for each run: a password file may have changed. */
  options: (state: VaultState) => Promise<BackUpOptions>
  signal: AbortSignal
  clock?: ScheduleClock
  onRun?: (run: ScheduledRun) => void
  onFailure?: (error: TransferError, againMs: number) => void
  onWait?: (nextMs: number, isClockBack: boolean) => void
}

/** A longer sleep would not notice that the clock was set. */
const lookEveryMs = 60_000
const againAfterMs = 10 * 60_000
const againWhenBusyMs = 60_000

/** Runs until it is aborted. A run that fails is tried again; only the vault itself being gone ends it. */
export async function followSchedule(jobFolder: string, follow: FollowOptions): Promise<void> {
  const { signal, clock = systemClock, onRun, onFailure, onWait } = follow
  let toldMs = 0
  while (!signal.aborted) {
    const { state } = await lookAtVault(jobFolder)
    const { dueMs, nextMs, isClockBack } = slotsOf(state, clock.nowMs())
    if (dueMs === undefined) {
      if (toldMs !== nextMs) onWait?.(nextMs, isClockBack)
      toldMs = nextMs
      await clock.sleep(Math.max(1, Math.min(lookEveryMs, nextMs - clock.nowMs())), signal)
      continue
    }
    try {
      const run = await runOnce(jobFolder, follow, clock)
      if (run !== undefined) onRun?.(run)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof TransferError)) throw error
      const pauseMs = error.code === 'VAULT_IN_USE' ? againWhenBusyMs : againAfterMs
      onFailure?.(error, clock.nowMs() + pauseMs)
      await clock.sleep(pauseMs, signal)
    }
  }
}

async function runOnce(
  jobFolder: string,
  { options, signal }: FollowOptions,
  clock: ScheduleClock,
): Promise<ScheduledRun | undefined> {
  const vault = await VaultFolder.open(jobFolder)
  try {
    const given = await options(vault.state)
    return await runDueSlot(vault, { ...given, signal: AbortSignal.any([signal, vault.lock.signal]) }, clock.nowMs())
  } finally {
    await vault.close()
  }
}
