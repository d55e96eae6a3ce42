// diskferry vault schedule, run: when a vault is backed up by itself, and the program or the units that do it.

import { mkdir, realpath, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { CommandModule } from 'yargs'
import {
  describeSchedule,
  exitCodes,
  followSchedule,
  lookAtVault,
  parseByteSize,
  parseTimes,
  parseUploadLimit,
  retentionWords,
  runDueSlot,
  type ScheduledRun,
  systemdUnits,
  type TransferError,
  type VaultState,
} from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { abortOnSignals } from '../signals.js'
import { createTerminal, type Terminal } from '../terminal.js'
import { readAccess } from '../vault/access.js'
import { findVault } from '../vault/find-vault.js'
import {
  type VaultOptions,
  type VaultStorageOptions,
  vaultEnvironmentHelp,
  vaultOptions,
  vaultStorageOptions,
} from '../vault/options.js'
import { backupProgress, showBackup } from '../vault/show-backup.js'
import { withOpenVault } from '../vault/with-vault.js'
import { type KeepWords, keepOptions, readKeep } from './vault-backup.js'

interface ScheduleWords extends VaultOptions, KeepWords {
  at?: string
  limitUpload?: string[]
  off: boolean
  systemd: boolean
  unitFolder?: string
}

export const vaultScheduleCommand: CommandModule<GlobalOptions, ScheduleWords> = {
  command: 'schedule',
  describe: 'When it is backed up by itself, what is kept, how much may go up',
  builder: (options) =>
    keepOptions(vaultOptions(options))
      .option('at', { type: 'string', describe: 'One to three times of day: 02:00,10:00,18:00' })
      .option('limit-upload', {
        type: 'string',
        array: true,
        describe: '20M, or 20M@08:00-18:00 for a time of day (repeatable)',
      })
      .option('off', { type: 'boolean', default: false, describe: 'No schedule any more' })
      .option('systemd', { type: 'boolean', default: false, describe: 'Write a timer and a service for systemd' })
      .option('unit-folder', { type: 'string', describe: 'Where these go, when not to the usual place' })
      .epilogue(exitCodeHelp) as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    refuseHalf(options)
    const jobFolder = await findVault(options, terminal)
    await lookAtVault(jobFolder)
    if (options.off || options.at !== undefined) await setSchedule(jobFolder, options)
    const { state } = await lookAtVault(jobFolder)
    const { schedule, job } = state
    terminal.emit({ event: 'vault-schedule', job, schedule: schedule ?? null })
    terminal.print(schedule === undefined ? 'No schedule.' : `Backups ${describeSchedule(schedule)}`)
    if (options.systemd) await writeUnits(jobFolder, state, options, terminal)
    else if (schedule !== undefined)
      terminal.print(`They run while diskferry vault run --job ${job} does, or with --systemd.`)
  },
}

/** A schedule is given whole: what is left out would else seem to be kept, or to be taken. */
function refuseHalf(options: ScheduleWords): void {
  const isHalf = options.limitUpload !== undefined || Object.keys(readKeep(options)).length > 0
  if (options.at === undefined && isHalf) throw new TypeError('expected --at with --keep-… and --limit-upload')
}

async function setSchedule(jobFolder: string, options: ScheduleWords): Promise<void> {
  const { at, limitUpload = [], off } = options
  if (off && at !== undefined) throw new TypeError('expected --off or --at, not both')
  const keep = readKeep(options)
  // Refuses a policy that would keep nothing; none at all keeps everything.
  if (Object.keys(keep).length > 0) retentionWords(keep)
  const limits = limitUpload.map((text) => parseUploadLimit(text, parseByteSize))
  const atMinutes = at === undefined ? [] : parseTimes(at)
  await withOpenVault(jobFolder, async (vault) => {
    if (off) await vault.update({}, 'no schedule any more', ['schedule'])
    else {
      const schedule = { atMinutes, keep, limits, since: new Date().toISOString() }
      await vault.update({ schedule }, `schedule: ${describeSchedule(schedule)}`)
    }
  })
}

async function writeUnits(
  jobFolder: string,
  state: VaultState,
  options: ScheduleWords,
  terminal: Terminal,
): Promise<void> {
  const { schedule, account, job } = state
  if (schedule === undefined) throw new TypeError('expected --at with --systemd')
  const isRoot = process.getuid?.() === 0
  const folder = options.unitFolder ?? (isRoot ? '/etc/systemd/system' : join(homedir(), '.config/systemd/user'))
  const words = ['vault', 'run', '--once', '--staging', resolve(jobFolder, '..'), '--job', `${account}_${job}`]
  if (options.passwordFile !== undefined) words.push('--password-file', resolve(options.passwordFile))
  const command = [process.execPath, await realpath(process.argv[1] as string), ...words]
  const { unit, service, timer } = systemdUnits({ name: `${account}_${job}`, command, atMinutes: schedule.atMinutes })
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${unit}.service`), service)
  await writeFile(join(folder, `${unit}.timer`), timer)
  terminal.emit({ event: 'vault-units', unit, folder })
  const systemctl = `systemctl${isRoot ? '' : ' --user'}`
  terminal.print(
    `Wrote ${join(folder, unit)}.service and .timer. Switch them on: ${systemctl} daemon-reload && ${systemctl} enable --now ${unit}.timer`,
  )
}

interface RunWords extends VaultOptions, VaultStorageOptions {
  once: boolean
}

export const vaultRunCommand: CommandModule<GlobalOptions, RunWords> = {
  command: 'run',
  describe: 'Back up by the schedule, until it is stopped',
  builder: (options) =>
    vaultStorageOptions(options)
      .option('once', { type: 'boolean', default: false, describe: 'Run what is due now, and end' })
      .epilogue(`${vaultEnvironmentHelp}\n\n${exitCodeHelp}`) as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const jobFolder = await findVault(options, terminal, { remembers: false })
    await lookAtVault(jobFolder)
    const events = { onProgress: backupProgress(terminal), onWarning: terminal.warn }
    if (options.once) {
      await withOpenVault(jobFolder, async (vault, signal) => {
        const access = await readAccess(options, vault, terminal, signal)
        const run = await runDueSlot(vault, { ...access, ...events }, Date.now())
        if (run === undefined) terminal.print('Nothing is due.')
        else showRun(terminal, vault.state, run)
      })
      return
    }
    const { signal, done } = abortOnSignals()
    try {
      await followSchedule(jobFolder, {
        signal,
        options: async (state) => ({
          ...(await readAccess(options, { jobFolder, state }, terminal, signal)),
          ...events,
        }),
        onRun: (run) => void lookAtVault(jobFolder).then(({ state }) => showRun(terminal, state, run)),
        onFailure: (error, againMs) => showFailure(terminal, error, againMs),
        onWait: (nextMs, isClockBack) => {
          if (isClockBack) terminal.warn('The clock was set back: what was run before is noted in the future.')
          terminal.print(`Next backup: ${new Date(nextMs).toLocaleString('sv')}`)
        },
      })
      process.exitCode = exitCodes.interrupted
    } finally {
      done()
    }
  },
}

function showRun(terminal: Terminal, { job, state }: VaultState, { slot, backup, forgot }: ScheduledRun): void {
  terminal.emit({ event: 'vault-run', job, slot })
  showBackup(terminal, job, backup, state)
  if (forgot !== undefined) terminal.print(`Removed ${forgot.removed.length} snapshots, ${forgot.kept} kept.`)
}

function showFailure(terminal: Terminal, error: TransferError, againMs: number): void {
  const { code, message } = error
  terminal.emit({ event: 'error', code, message, hint: error.hint })
  terminal.warn(`${message} (${code}) Again at ${new Date(againMs).toLocaleString('sv')}.`)
}
