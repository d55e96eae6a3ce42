// Upload limits by time of day: the one that holds at a minute, and all of them as rclone's timetable.

import { formatTime, type UploadLimit } from '../formats/vault-schedule.js'

/** The lowest of those that hold; undefined when none does. */
export function limitAt(minute: number, limits: readonly UploadLimit[]): number | undefined {
  const rates = limits.filter((limit) => holds(minute, limit)).map(({ bytesPerSecond }) => bytesPerSecond)
  return rates.length === 0 ? undefined : Math.min(...rates)
}

function holds(minute: number, { fromMinute, untilMinute }: UploadLimit): boolean {
  if (fromMinute === undefined || untilMinute === undefined) return true
  if (fromMinute < untilMinute) return minute >= fromMinute && minute < untilMinute
  return minute >= fromMinute || minute < untilMinute
}

export interface LimitSettings {
  /** Bytes a second, all day. */
  uploadLimit?: number
  /** `08:00,20971520B 18:00,off` */
  uploadTimetable?: string
}

/** A limit that holds all day goes to any backend; one that changes only to rclone. */
export function limitSettings(limits: readonly UploadLimit[]): LimitSettings {
  const changes = limits.flatMap(({ fromMinute, untilMinute }) => {
    return fromMinute === undefined || untilMinute === undefined ? [] : [fromMinute, untilMinute]
  })
  if (changes.length === 0) {
    const uploadLimit = limitAt(0, limits)
    return uploadLimit === undefined ? {} : { uploadLimit }
  }
  const minutes = [...new Set(changes)].sort((one, other) => one - other)
  const entries = minutes.map((minute) => {
    const rate = limitAt(minute, limits)
    return `${formatTime(minute)},${rate === undefined ? 'off' : `${rate}B`}`
  })
  return { uploadTimetable: entries.join(' ') }
}
