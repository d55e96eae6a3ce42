// diskferry prepare: formats, encrypts, fills and verifies drives. The same command again resumes.

import type { CommandModule } from 'yargs'
import {
  abortSession,
  type DriveRequest,
  describePlan,
  describeSession,
  driveRequestsFromSpecs,
  exitCodes,
  type PrepareOptions,
  planToJson,
  prepareSession,
  replaceDrive,
  type SessionPlan,
  type SessionResult,
  sessionToJson,
  TransferError,
} from '../../index.js'
import { prepareStagedJob } from '../diskprep/prepare-staged-job.js'
import { confirmErase } from '../erase-question.js'
import { type GlobalOptions, type PlanOptions, planOptions, readDriveOptions, readPlanOptions } from '../options.js'
import { abortOnSignals, sameAgain } from '../signals.js'
import { createTerminal, type Terminal } from '../terminal.js'

interface PrepareWords extends PlanOptions {
  journal?: string
  staging?: string
  job?: string
  dryRun: boolean
  yes: boolean
  abort: boolean
  verify: boolean
  onChange: 'fail' | 'skip'
  replace?: string
  replacePrepared: boolean
}

export const prepareCommand: CommandModule<GlobalOptions, PrepareWords> = {
  command: 'prepare',
  describe: 'Format, encrypt, fill and verify drives (ERASES them)',
  builder: (options) =>
    planOptions(options)
      .option('journal', {
        type: 'string',
        describe: 'Journal of what was done (.jrn); keep it safe',
      })
      .option('staging', {
        type: 'string',
        describe:
          'Staging location, instead of --from, --to and --journal: its job says what is copied and where it goes',
      })
      .option('job', { type: 'string', describe: 'Job of the staging location, when it has several' })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Show the plan and stop' })
      .option('yes', { type: 'boolean', default: false, describe: 'Erase the drives without asking for their serials' })
      .option('abort', {
        type: 'boolean',
        default: false,
        describe: 'Give this session up; its unfinished drives are void',
      })
      .option('replace', {
        type: 'string',
        describe: 'Id of a drive of the session that is given up: its files go onto the new --drive',
      })
      .option('replace-prepared', {
        type: 'boolean',
        default: false,
        describe: 'With --replace: give up even a drive that is written and verified (lost on its way, say)',
      })
      .option('verify', {
        type: 'boolean',
        default: true,
        describe: 'Read every drive back (--no-verify: not called prepared)',
      })
      .option('on-change', {
        choices: ['fail', 'skip'] as const,
        default: 'fail' as const,
        describe: 'A source file that changes while it is copied: stop, or leave it out (exit code 3)',
      })
      .example('$0 prepare --from /srv/backup --to backup/2026/ --drive /dev/sdb --journal seed.jrn', '')
      .example('$0 prepare --staging /srv/staging --job seed-2026-11 --drive /dev/sdb', 'what a job has staged')
      .example('$0 prepare --journal seed.jrn --replace WD-1234 --drive /dev/sdc', 'another drive for a broken one')
      .epilogue('ERASES the given drives. Run the same command again after an interruption: it resumes.') as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    if (options.staging !== undefined) {
      await prepareStagedJob({ ...options, staging: options.staging }, terminal)
      return
    }
    const journal = journalOf(options)
    if (options.replacePrepared && options.replace === undefined) {
      throw new TypeError('expected --replace-prepared with --replace DRIVE')
    }
    if (options.abort && options.replace !== undefined) throw new TypeError('expected --abort or --replace, not both')
    if (options.abort) {
      await abortSession(journal, options.session)
      terminal.emit({ event: 'aborted', session: options.session })
      terminal.print(`Session ${options.session} is aborted. Its unfinished drives hold no readable volume.`)
      return
    }
    if (options.replace === undefined) {
      const request = await readPlanOptions(options)
      await runPrepare(options, request.drives, terminal, (drives, settings) => {
        return prepareSession({ ...request, drives }, settings)
      })
    } else {
      refuseSources(options)
      const { replace: driveId, session: sessionId, replacePrepared: evenPrepared } = options
      await runPrepare(options, await readDriveOptions(options), terminal, (drives, settings) => {
        return replaceDrive({ sessionId, driveId, drives, evenPrepared }, settings)
      })
    }
  },
}

function journalOf({ journal }: PrepareWords): string {
  if (journal === undefined) throw new TypeError('expected --journal, or --staging with --job')
  return journal
}

/** The stored plan says what is copied and how; a word that would say something else is a mistake. */
function refuseSources(options: PrepareWords): void {
  for (const name of ['from', 'to', 'dataset', 'cluster', 'label'] as const) {
    if (options[name] !== undefined) throw new TypeError(`expected --replace without --${name}: the session's stays`)
  }
}

type Perform = (drives: readonly DriveRequest[], settings: PrepareOptions) => Promise<SessionResult | undefined>

async function runPrepare(
  options: PrepareWords,
  drives: readonly DriveRequest[],
  terminal: Terminal,
  perform: Perform,
): Promise<void> {
  const { signal, done } = abortOnSignals(sameAgain)
  const settings: PrepareOptions = {
    journalPath: journalOf(options),
    verify: options.verify,
    onChange: options.onChange,
    signal,
    onProgress: terminal.progress,
    confirm: (plan) => confirm(plan, options, terminal),
    ...(process.env.DISKFERRY_IO === undefined ? {} : { ioEngine: ioEngine(process.env.DISKFERRY_IO) }),
  }
  try {
    const session = await withMoreDrives(drives, terminal, (enough) => perform(enough, settings))
    if (session === undefined) return
    terminal.emit({ event: 'summary', ...sessionToJson(session) })
    terminal.print(describeSession(session))
    if (session.isPartial) process.exitCode = exitCodes.partly
  } finally {
    done()
  }
}

function ioEngine(value: string): 'auto' | 'uring' | 'threads' {
  if (value !== 'auto' && value !== 'uring' && value !== 'threads') {
    throw new TypeError(`expected auto, uring or threads for DISKFERRY_IO but received ${value}`)
  }
  return value
}

/** When the drives are too small and somebody is there to answer, asks for one more and plans again. */
async function withMoreDrives<T>(
  given: readonly DriveRequest[],
  terminal: Terminal,
  run: (drives: readonly DriveRequest[]) => Promise<T>,
): Promise<T> {
  let drives = given
  for (;;) {
    try {
      return await run(drives)
    } catch (error) {
      if (!(error instanceof TransferError) || error.code !== 'DRIVES_FULL' || !terminal.isInteractive) throw error
      terminal.warn(error.message)
      const answer = await terminal.ask('Another drive (path, or FILE:SIZE; empty to stop)')
      if (answer.trim() === '') throw error
      drives = [...drives, ...driveRequestsFromSpecs([answer.trim()])]
    }
  }
}

async function confirm(plan: SessionPlan, options: PrepareWords, terminal: Terminal): Promise<boolean> {
  terminal.emit({ event: 'plan', ...planToJson(plan) })
  terminal.print(describePlan(plan))
  if (options.dryRun) return false
  if (options.yes) return true
  for (const { target } of plan.drives) await confirmErase(target, terminal)
  return true
}
