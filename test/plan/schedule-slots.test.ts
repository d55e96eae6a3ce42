// When a backup is due: days, missed runs, clocks that change and clocks that were wrong; limits by time of day; what may be done in
// which state. Tables, in a time zone that has daylight saving.

process.env.TZ = 'Europe/Berlin'

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseByteSize } from '../../src/formats/drive-spec.js'
import { parseTimes, parseUploadLimit } from '../../src/formats/vault-schedule.js'
import { vaultStates } from '../../src/formats/vault-state.js'
import { restoreEffect } from '../../src/plan/restore-preview.js'
import { retentionWords } from '../../src/plan/retention.js'
import { dueSlot } from '../../src/plan/schedule-slots.js'
import { limitAt, limitSettings } from '../../src/plan/upload-limits.js'
import { sideOf, type VaultAction } from '../../src/plan/vault-actions.js'
import { quoteWord, systemdUnits } from '../../src/reports/systemd-units.js'

const at = (text: string) => new Date(text.replace(' ', 'T')).getTime()
const atMinutes = parseTimes('02:00,10:00,18:00')

describe('a slot', () => {
  const since = '2026-11-01 00:00'
  const cases: [
    what: string,
    now: string,
    since: string,
    last: string | undefined,
    due: string | undefined,
    next: string,
  ][] = [
    ['before any has passed', '2026-11-01 01:00', since, undefined, undefined, '2026-11-01 02:00'],
    ['at its very minute', '2026-11-01 02:00', since, undefined, '2026-11-01 02:00', '2026-11-01 10:00'],
    ['that was run', '2026-11-01 02:05', since, '2026-11-01 02:00', undefined, '2026-11-01 10:00'],
    ['over midnight', '2026-11-02 01:00', since, '2026-11-01 18:00', undefined, '2026-11-02 02:00'],
    [
      'that was missed, once for many',
      '2026-11-09 12:00',
      since,
      '2026-11-01 18:00',
      '2026-11-09 10:00',
      '2026-11-09 18:00',
    ],
    [
      'from before the schedule was made',
      '2026-11-01 12:00',
      '2026-11-01 11:00',
      undefined,
      undefined,
      '2026-11-01 18:00',
    ],
    ['with the clock back by seconds', '2026-11-01 01:59', since, '2026-11-01 02:00', undefined, '2026-11-01 02:00'],
    [
      'run already, the clock back by seconds',
      '2026-11-01 02:00',
      since,
      '2026-11-01 02:00',
      undefined,
      '2026-11-01 10:00',
    ],
    [
      'with the clock back by years',
      '2026-11-01 12:00',
      since,
      '2031-01-01 02:00',
      '2026-11-01 10:00',
      '2026-11-01 18:00',
    ],
    [
      'and a schedule from the future',
      '2026-11-01 12:00',
      '2031-01-01 00:00',
      '2031-01-01 02:00',
      '2026-11-01 10:00',
      '2026-11-01 18:00',
    ],
    [
      'and what it ran after that',
      '2026-11-01 12:00',
      '2031-01-01 00:00',
      '2026-11-01 10:00',
      undefined,
      '2026-11-01 18:00',
    ],
    [
      'on the day that clocks go forward',
      '2027-03-28 03:30',
      since,
      '2027-03-27 18:00',
      '2027-03-28 03:00',
      '2027-03-28 10:00',
    ],
    [
      'on the day that clocks go back',
      '2026-10-25 10:00',
      '2026-10-01 00:00',
      '2026-10-25 02:00',
      '2026-10-25 10:00',
      '2026-10-25 18:00',
    ],
  ]
  for (const [what, now, begun, last, due, next] of cases) {
    test(what, () => {
      const question = { nowMs: at(now), atMinutes, sinceMs: at(begun), ...(last && { lastSlotMs: at(last) }) }
      const answer = dueSlot(question)
      assert.equal(answer.dueMs, due === undefined ? undefined : at(due))
      assert.equal(answer.nextMs, at(next))
      assert.equal(answer.isClockBack, (last ?? '').startsWith('2031') || begun.startsWith('2031'))
    })
  }

  test('every minute of two years is run once a slot, whatever the clocks do', () => {
    let lastSlotMs: number | undefined
    let runs = 0
    const start = at('2026-01-01 00:30')
    for (let nowMs = start; nowMs < at('2028-01-01 00:30'); nowMs += 17 * 60_000) {
      const { dueMs } = dueSlot({
        nowMs,
        atMinutes,
        sinceMs: start,
        ...(lastSlotMs === undefined ? {} : { lastSlotMs }),
      })
      if (dueMs === undefined) continue
      assert.ok(dueMs > (lastSlotMs ?? 0))
      lastSlotMs = dueMs
      runs++
    }
    assert.equal(runs, 730 * 3)
  })
})

describe('times and limits', () => {
  for (const wrong of ['', '2', '24:00', '02:60', '02:00,02:00', '01:00,02:00,03:00,04:00', '-1:00', 'noon']) {
    test(`${JSON.stringify(wrong)} is no schedule`, () => assert.throws(() => parseTimes(wrong), TypeError))
  }
  for (const wrong of ['', 'fast', '1', '20M@', '20M@08:00', '20M@08:00-08:00', '20M@8-18']) {
    test(`${JSON.stringify(wrong)} is no limit`, () =>
      assert.throws(() => parseUploadLimit(wrong, parseByteSize), TypeError))
  }

  const day = parseUploadLimit('2M@08:00-18:00', parseByteSize)
  const night = parseUploadLimit('8M@22:00-06:00', parseByteSize)
  const always = parseUploadLimit('16M', parseByteSize)
  const mebi = 1 << 20
  const rates: [hour: number, rate: number | undefined][] = [
    [7, undefined],
    [8, 2 * mebi],
    [17, 2 * mebi],
    [18, undefined],
    [22, 8 * mebi],
    [0, 8 * mebi],
    [6, undefined],
  ]
  for (const [hour, rate] of rates) {
    test(`at ${hour}:00 the limit is ${rate ?? 'none'}`, () => assert.equal(limitAt(hour * 60, [day, night]), rate))
  }

  test('one that holds all day goes to any backend, others to rclone as its timetable', () => {
    assert.deepEqual(limitSettings([]), {})
    assert.deepEqual(limitSettings([always]), { uploadLimit: 16 * mebi })
    assert.deepEqual(limitSettings([day]), { uploadTimetable: `08:00,${2 * mebi}B 18:00,off` })
    assert.deepEqual(limitSettings([day, always]), { uploadTimetable: `08:00,${2 * mebi}B 18:00,${16 * mebi}B` })
  })

  test('a policy that keeps nothing is refused', () => {
    assert.deepEqual(retentionWords({ daily: 7, yearly: 10 }), ['--keep-daily', '7', '--keep-yearly', '10'])
    for (const keep of [{}, { daily: 0 }, { last: -1 }, { weekly: 1.5 }])
      assert.throws(() => retentionWords(keep), TypeError)
  })
})

test('what may be done in which state is the table of docs/vault.md', () => {
  const wanted: Record<VaultAction, string> = {
    seed: 'staging staging - - -',
    backup: '- staging staging vault vault',
    freeze: '- staging staging - -',
    forget: '- staging - vault vault',
    adopt: '- vault vault vault -',
    release: '- - - staging staging',
    read: 'staging staging staging vault vault',
  }
  for (const [action, row] of Object.entries(wanted)) {
    const found = vaultStates.map((state) => {
      try {
        return sideOf(action as VaultAction, { job: 'seed-1', state })
      } catch (error) {
        assert.equal((error as { code: string }).code, 'VAULT_STATE')
        return '-'
      }
    })
    assert.equal(found.join(' '), row, action)
  }
})

test('what a restore does to a file', () => {
  const file = { sizeBytes: 5, modifiedMs: 1000 }
  assert.equal(restoreEffect(file, undefined), 'new')
  assert.equal(restoreEffect(file, { sizeBytes: 5, modifiedMs: 1000.4 }), 'unchanged')
  assert.equal(restoreEffect(file, { sizeBytes: 6, modifiedMs: 1000 }), 'overwrites-older')
  assert.equal(restoreEffect(file, { sizeBytes: 5, modifiedMs: 2000 }), 'overwrites-newer')
  assert.equal(restoreEffect(file, 'other'), 'in-the-way')
})

test('units for systemd run what is due, make up what was missed, and expand nothing', () => {
  const command = ['/usr/bin/node', '/opt/my app/main.js', 'vault', 'run', '--once', '--job', '100%$HOME"']
  const { unit, service, timer } = systemdUnits({ name: 'mybackup_seed-1', command, atMinutes })
  assert.equal(unit, 'diskferry-vault-mybackup-seed-1')
  assert.match(
    service,
    /^ExecStart=\/usr\/bin\/node "\/opt\/my app\/main\.js" vault run --once --job "100%%\$\$HOME\\""$/m,
  )
  assert.match(
    timer,
    /OnCalendar=\*-\*-\* 02:00:00\nOnCalendar=\*-\*-\* 10:00:00\nOnCalendar=\*-\*-\* 18:00:00\nPersistent=true/,
  )
  assert.throws(() => quoteWord('a\nb'), TypeError)
})
