// Units for systemd: a timer with the times of a schedule, and the service that it starts. A run that was missed while the computer
// was off is made up when it is on again.

import { formatTime } from '../formats/vault-schedule.js'

export interface UnitRequest {
  /** Of the vault: `<account>_<job>`. */
  name: string
  /** The program and its words. */
  command: readonly string[]
  atMinutes: readonly number[]
}

export interface SystemdUnits {
  /** Without `.service` and `.timer`. */
  unit: string
  service: string
  timer: string
}

export function systemdUnits({ name, command, atMinutes }: UnitRequest): SystemdUnits {
  const unit = `diskferry-vault-${name.replaceAll('_', '-')}`
  const service = `[Unit]
Description=Backup of vault ${name}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=${command.map(quoteWord).join(' ')}
Nice=10
IOSchedulingClass=idle
`
  const times = atMinutes.map((minute) => `OnCalendar=*-*-* ${formatTime(minute)}:00`).join('\n')
  const timer = `[Unit]
Description=Times of the backups of vault ${name}

[Timer]
${times}
Persistent=true

[Install]
WantedBy=timers.target
`
  return { unit, service, timer }
}

/** A word of ExecStart: nothing in it is expanded. @throws TypeError for a control character. */
export function quoteWord(word: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them
  if (/[\u0000-\u001f\u007f]/.test(word))
    throw new TypeError(`expected a word without control characters but received ${JSON.stringify(word)}`)
  const escaped = word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@+=:,./-]+$/.test(escaped) ? escaped : `"${escaped}"`
}
