// When a vault is backed up, what is kept, and how much may go over the line at which time of day. Times are those of the clock on
// the wall: minutes since midnight.

import type { JsonValue } from './json-value.js'

export interface UploadLimit {
  bytesPerSecond: number
  /** Minutes since midnight; a window may reach over midnight. Without them the limit holds all day. */
  fromMinute?: number
  untilMinute?: number
}

export interface Retention {
  last?: number
  daily?: number
  weekly?: number
  monthly?: number
  yearly?: number
}

export interface VaultSchedule {
  /** One to three times of day, in order. */
  atMinutes: number[]
  keep: Retention
  limits: UploadLimit[]
  /** ISO 8601: slots before that are not made up. */
  since: string
  /** Slot that was run last, ISO 8601. */
  lastSlot?: string
}

export const retentionNames = ['last', 'daily', 'weekly', 'monthly', 'yearly'] as const
export const runsADayMax = 3
const minutesADay = 24 * 60

/** `02:00,10:00`. @throws TypeError */
export function parseTimes(text: string): number[] {
  const minutes = text.split(',').map((part) => parseTime(part.trim()))
  const sorted = [...new Set(minutes)].sort((one, other) => one - other)
  if (sorted.length !== minutes.length || sorted.length > runsADayMax) {
    throw new TypeError(`expected one to ${runsADayMax} different times such as 02:00,10:00 but received ${text}`)
  }
  return sorted
}

/** `02:00`. @throws TypeError */
export function parseTime(text: string): number {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text)
  if (match === null) throw new TypeError(`expected a time such as 02:00 but received ${JSON.stringify(text)}`)
  return Number(match[1]) * 60 + Number(match[2])
}

/** `20M@08:00-18:00`, or `20M` for all day. @param parseBytes of a size with its unit. @throws TypeError */
export function parseUploadLimit(text: string, parseBytes: (size: string) => number | undefined): UploadLimit {
  const [size = '', window] = text.split('@')
  const bytesPerSecond = parseBytes(size)
  if (bytesPerSecond === undefined || bytesPerSecond < 1024) {
    throw new TypeError(`expected a limit of at least 1K such as 20M or 20M@08:00-18:00 but received ${text}`)
  }
  if (window === undefined) return { bytesPerSecond }
  const [from = '', until = ''] = window.split('-')
  const [fromMinute, untilMinute] = [parseTime(from), parseTime(until)]
  if (fromMinute === untilMinute) throw new TypeError(`expected two different times but received ${text}`)
  return { bytesPerSecond, fromMinute, untilMinute }
}

export function formatTime(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}

/** From vault.json. */
export function parseSchedule(from: JsonValue, fail: (problem: string) => never): VaultSchedule {
  const whole = (value: JsonValue, max: number) => {
    const found = value.number()
    return Number.isSafeInteger(found) && found >= 0 && found <= max ? found : fail(`${value.path} is out of range`)
  }
  const minute = (value: JsonValue) => whole(value, minutesADay - 1)
  const keep: Retention = {}
  for (const name of retentionNames) {
    const value = from.need('keep').get(name)
    if (value !== undefined) keep[name] = whole(value, 100_000)
  }
  const lastSlot = from.get('lastSlot')?.text(40)
  return {
    atMinutes: from.need('atMinutes').list(runsADayMax).map(minute),
    keep,
    limits: from
      .need('limits')
      .list(24)
      .map((entry) => {
        const fromMinute = entry.get('fromMinute')
        const untilMinute = entry.get('untilMinute')
        return {
          bytesPerSecond: whole(entry.need('bytesPerSecond'), Number.MAX_SAFE_INTEGER),
          ...(fromMinute === undefined ? {} : { fromMinute: minute(fromMinute) }),
          ...(untilMinute === undefined ? {} : { untilMinute: minute(untilMinute) }),
        }
      }),
    since: from.need('since').text(40),
    ...(lastSlot === undefined ? {} : { lastSlot }),
  }
}
