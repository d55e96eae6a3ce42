// The scheduler with real restic and a clock that the test moves: slots are run once, missed ones are made up by one run, two
// schedulers share the work, a clock that goes back stops nothing, what fails is tried again.

import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseTimes } from '../../src/formats/vault-schedule.js'
import { lookAtVault, vaultSnapshots } from '../../src/vault/look-vault.js'
import { followSchedule, type ScheduleClock } from '../../src/vault/run-schedule.js'
import { temporaryFolder } from '../prepare/made-tree.js'
import { resticMissing } from '../restic/restic-missing.js'
import { seed, stageVault } from './made-vault.js'

const minuteMs = 60_000
const at = (text: string) => new Date(text.replace(' ', 'T')).getTime()

/** Sleeping moves it. */
class MovedClock implements ScheduleClock {
  sleeps = 0

  constructor(
    private timeMs: number,
    private readonly onSleep: (clock: MovedClock) => void,
  ) {}

  nowMs(): number {
    return this.timeMs
  }

  set(timeMs: number): void {
    this.timeMs = timeMs
  }

  async sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    this.timeMs += durationMs
    this.sleeps++
    this.onSleep(this)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('a vault is backed up by its schedule', { skip: resticMissing(), timeout: 400_000 }, async (context) => {
  const made = await stageVault(temporaryFolder('vault-schedule'))
  await seed(made)
  const schedule = {
    atMinutes: parseTimes('02:00,14:00'),
    keep: { last: 3 },
    limits: [],
    since: new Date(at('2026-11-01 00:00')).toISOString(),
  }
  await made.with((vault) => vault.update({ schedule }))
  const slots: string[] = []
  const local = (iso: string) => new Date(iso).toLocaleString('sv').slice(0, 16)

  /** Runs from one time to another; returns the slots that were run. */
  async function follow(
    from: string,
    until: string,
    onSleep: (clock: MovedClock) => void = () => {},
  ): Promise<string[]> {
    const stop = new AbortController()
    const run: string[] = []
    const failures: string[] = []
    const clock = new MovedClock(at(from), (moved) => {
      onSleep(moved)
      if (moved.nowMs() >= at(until) || moved.sleeps > 20_000) stop.abort()
    })
    await followSchedule(made.jobFolder, {
      signal: stop.signal,
      clock,
      options: async () => made.access,
      onRun: ({ slot }) => run.push(local(slot)),
      onFailure: ({ code }) => failures.push(code),
    })
    slots.push(...run)
    return [...run, ...failures]
  }

  await context.test('each slot once', async () => {
    assert.deepEqual(await follow('2026-11-01 00:30', '2026-11-02 01:00'), ['2026-11-01 02:00', '2026-11-01 14:00'])
    assert.deepEqual(await follow('2026-11-01 14:20', '2026-11-02 01:00'), [])
  })

  await context.test('what was missed while nothing ran, by one run', async () => {
    assert.deepEqual(await follow('2026-11-05 09:00', '2026-11-05 13:00'), ['2026-11-05 02:00'])
  })

  await context.test('two schedulers at once run a slot once', async () => {
    const both = await Promise.all([
      follow('2026-11-05 13:59', '2026-11-05 15:00'),
      follow('2026-11-05 13:59', '2026-11-05 15:00'),
    ])
    const all = both.flat()
    assert.equal(all.filter((slot) => slot === '2026-11-05 14:00').length, 1)
    assert.ok(
      all.filter((said) => said !== '2026-11-05 14:00').every((code) => code === 'VAULT_IN_USE'),
      all.join(),
    )
  })

  await context.test('a clock that goes back by years stops nothing', async () => {
    assert.deepEqual(await follow('2033-01-01 02:00', '2033-01-01 02:30'), ['2033-01-01 02:00'])
    const [first, ...later] = await follow('2026-11-06 03:00', '2026-11-06 20:00')
    assert.deepEqual([first, later], ['2026-11-06 02:00', ['2026-11-06 14:00']])
  })

  await context.test('what fails is tried again', async () => {
    const away = join(made.location, 'away')
    renameSync(made.source, away)
    let failedAtMs = 0
    const said = await follow('2026-11-07 01:59', '2026-11-07 02:40', (clock) => {
      if (clock.nowMs() > at('2026-11-07 02:05') && failedAtMs === 0) {
        failedAtMs = clock.nowMs()
        renameSync(away, made.source)
      }
    })
    assert.deepEqual(said, ['2026-11-07 02:00', 'SOURCE_UNREADABLE'])
    assert.ok(failedAtMs < at('2026-11-07 02:00') + 15 * minuteMs)
  })

  await context.test('and the policy is kept', async () => {
    const look = await lookAtVault(made.jobFolder)
    assert.equal((await vaultSnapshots(look, made.access)).length, 3)
    assert.equal(look.state.prunedAt === undefined, false)
    assert.equal(slots.length, 8)
  })
})
