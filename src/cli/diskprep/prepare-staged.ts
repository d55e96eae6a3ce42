// Drives for the data of a staged job: shown, named one by one until the data fits, confirmed by their serials, filled. Nothing is
// erased before everything is planned, and no drive is written to that was not named here and now.

import { access } from 'node:fs/promises'
import { hostname } from 'node:os'
import {
  type Drive,
  type DriveRequest,
  describeDrives,
  describePlan,
  driveRequestsFromSpecs,
  formatBytes,
  freezeVault,
  isTransient,
  listDrives,
  planToJson,
  prepareSession,
  printable,
  readJournal,
  type SessionPlan,
  type SessionResult,
  type SessionState,
  type StagedDrive,
  type StagedJobFolder,
  shellWord,
  TransferError,
} from '../../index.js'
import { confirmErase } from '../erase-question.js'
import type { Terminal } from '../terminal.js'
import type { DiskprepOptions } from './options.js'

/** What can be wrong with a drive that was named; another one can be named instead. */
const wrongDrive = new Set([
  'DRIVE_SPEC_INVALID',
  'DRIVE_UNFIT',
  'DRIVE_MOUNTED',
  'DRIVE_SYSTEM',
  'DEVICE_NOT_FOUND',
  'DEVICE_IN_USE',
  'DEVICE_READ_ONLY',
  'DEVICE_UNSUPPORTED',
  'DEVICE_ACCESS_DENIED',
])

export interface PrepareStaged {
  folder: StagedJobFolder
  options: Pick<DiskprepOptions, 'drive' | 'yes'> & { dryRun?: boolean }
  terminal: Terminal
  signal: AbortSignal
}

/** @throws TransferError DRIVES_FAILED when some drives are not ready; as prepareSession. */
export async function prepareStaged(work: PrepareStaged): Promise<void> {
  const { folder, terminal } = work
  const data = await folder.data()
  for (const { name, reason } of data.leftOut) terminal.warn(printable(`Left out: ${name}: ${reason}.`))
  if (data.rows.length === 0) {
    throw new TransferError('SOURCE_EMPTY', `There is nothing to copy in ${folder.folder}.`, {
      hint: `Let the backup write its files there, or put what is to travel into ${folder.folder}/files.`,
      path: folder.folder,
    })
  }
  for (const name of data.names) terminal.print(printable(`  ${name}`))
  if (data.names.length > 0) terminal.print(`Files of the backup: ${data.names.length}, ${formatBytes(data.bytes)}`)
  const journalPath = await folder.prepareJournal()
  const sessions = await readSessions(journalPath)
  const session = currentSession(folder.job, sessions)
  const { dryRun = false } = work.options
  const isPlanned = (sessions.get(session)?.drives.size ?? 0) > 0
  const cargo = await freezeVault(folder.folder, { session, isPlanned, dryRun })
  try {
    if (cargo?.frozen !== undefined) {
      const { files, bytes } = cargo.frozen
      terminal.print(`The vault of this job travels: ${files} files, ${formatBytes(bytes)}; what travels is frozen.`)
    }
    const dataset = cargo?.rows ?? data.rows
    const result = await withDrives(work, sessions.get(session), (drives, hasConfirmed) => {
      const request = { sessionId: session, dataset, drives, method: 'xts-128', label: folder.job } as const
      return prepareSession(request, {
        journalPath,
        signal: work.signal,
        onProgress: terminal.progress,
        confirm: async (plan) => {
          if (!(await confirmPlan(plan, work))) return false
          hasConfirmed()
          // The plan says what travels; from here on new backups may come beside it.
          await cargo?.release()
          const change = { state: 'preparing', drives: plannedDrives(plan, drives) } as const
          await folder.update(change, `begins drives ${idsOf(plan)}`)
          return true
        },
      })
    })
    if (result !== undefined) await recordResult(work, result)
  } finally {
    await cargo?.release()
  }
}

async function readSessions(journalPath: string): Promise<ReadonlyMap<string, SessionState>> {
  const isThere = await access(journalPath).then(
    () => true,
    () => false,
  )
  return isThere ? (await readJournal(journalPath)).sessions : new Map()
}

/** The job's name, and after a session was aborted `name#2`. */
function currentSession(job: string, sessions: ReadonlyMap<string, SessionState>): string {
  for (let number = 1; ; number++) {
    const session = number === 1 ? job : `${job}#${number}`
    if (sessions.get(session)?.state !== 'aborted') return session
  }
}

type Run = (drives: readonly DriveRequest[], hasConfirmed: () => void) => Promise<SessionResult | undefined>

/** Names drives until a run with them gets as far as being confirmed. Undefined for a dry run. */
async function withDrives(
  work: PrepareStaged,
  session: SessionState | undefined,
  run: Run,
): Promise<SessionResult | undefined> {
  const { options, terminal } = work
  let specs = options.drive ?? (await askUnfinished(work, session))
  for (;;) {
    let isConfirmed = false
    try {
      const result = await run(driveRequestsFromSpecs(specs), () => {
        isConfirmed = true
      })
      if (result !== undefined || options.dryRun) return result
      throw new TransferError('INTERRUPTED', 'Nothing was written.')
    } catch (error) {
      if (isConfirmed || !terminal.isInteractive || !(error instanceof TransferError) || isTransient(error)) throw error
      const isFull = error.code === 'DRIVES_FULL'
      if (!isFull && !wrongDrive.has(error.code)) throw error
      terminal.warn(error.message)
      // The one named last is wrong; what was right before stays.
      const kept = isFull ? specs : specs.slice(0, -1)
      const spec = await askDrive(terminal, kept.length === 0 ? 'Which drive?' : 'Another drive?')
      if (spec === '') throw error
      specs = [...kept, spec]
    }
  }
}

async function askUnfinished(work: PrepareStaged, session: SessionState | undefined): Promise<string[]> {
  const { folder, terminal } = work
  const unfinished = [...(session?.drives.values() ?? [])].filter(({ stage }) => stage !== 'prepared')
  if (session !== undefined && session.drives.size > 0 && unfinished.length === 0) return []
  if (terminal.isInteractive) terminal.print(`\n${describeDrives(await listDrives())}\n`)
  const specs: string[] = []
  for (const { driveId } of unfinished) {
    const known = folder.state?.drives.find((drive) => drive.driveId === driveId)
    const initial = await whereIs(driveId, known)
    const question = `Drive ${driveId} was begun. Where is it now?`
    specs.push(
      (await terminal.ask(question, { flag: '--drive', ...(initial === undefined ? {} : { initial }) })).trim(),
    )
  }
  if (specs.length > 0) return specs
  const spec = await askDrive(terminal, 'Which drive?')
  if (spec === '') throw new TransferError('INTERRUPTED', 'No drive was named; nothing was changed.')
  return [spec]
}

/** After a reboot sdb may be sdc: the serial counts, then what was said before on this computer. */
async function whereIs(driveId: string, known: StagedDrive | undefined): Promise<string | undefined> {
  const connected: Drive[] = await listDrives().catch(() => [])
  return (
    connected.find(({ serial }) => serial === driveId)?.path ?? (known?.host === hostname() ? known.spec : undefined)
  )
}

async function askDrive(terminal: Terminal, question: string): Promise<string> {
  return (
    await terminal.ask(`${question} (/dev/sdX, or FILE:SIZE for an image; empty to stop)`, { flag: '--drive' })
  ).trim()
}

async function confirmPlan(plan: SessionPlan, { options, terminal }: PrepareStaged): Promise<boolean> {
  terminal.emit({ event: 'plan', ...planToJson(plan) })
  terminal.print(describePlan(plan))
  if (options.dryRun) return false
  if (!options.yes) for (const { target } of plan.drives) await confirmErase(target, terminal)
  return true
}

function plannedDrives(plan: SessionPlan, requests: readonly DriveRequest[]): StagedDrive[] {
  return plan.drives.map(({ target }) => {
    const { driveId, path, sizeBytes } = target
    const serial = requests.find((request) => request.serial === driveId)?.serial
    const spec = serial === undefined ? path : `${path},serial=${serial}`
    return { driveId, spec, host: hostname(), sizeBytes, outcome: 'planned' }
  })
}

function idsOf(plan: SessionPlan): string {
  return plan.drives.map(({ target }) => target.driveId).join(', ')
}

async function recordResult({ folder, terminal }: PrepareStaged, result: SessionResult): Promise<void> {
  const known = new Map(folder.state?.drives.map((drive) => [drive.driveId, drive]))
  const drives = result.drives.map(({ driveId, path, outcome, files, bytes, manifestHash }): StagedDrive => {
    const before = known.get(driveId) ?? { driveId, spec: path, host: hostname(), sizeBytes: 0 }
    const done = outcome === 'prepared' ? { files, bytes, ...(manifestHash && { manifestHash }) } : {}
    return { ...before, outcome, ...done }
  })
  const ready = drives.filter(({ outcome }) => outcome === 'prepared').map(({ driveId }) => driveId)
  const isDone = ready.length === drives.length && drives.length > 0
  const words = isDone
    ? `prepared and read back ${ready.join(', ')}`
    : `ready are ${ready.join(', ') || 'none'} of ${drives.length}`
  const state = await folder.update({ state: isDone ? 'prepared' : 'preparing', drives }, words)
  terminal.emit({ event: 'staged-job', action: isDone ? 'prepared' : 'failed', job: state })
  if (isDone) {
    terminal.print(`Drives prepared for this job, written and read back: ${ready.join(', ')}`)
    terminal.print(`Their keys are in ${folder.journalPath}`)
    return
  }
  const problems = result.drives.flatMap(({ driveId, error, outcome }) => {
    return outcome === 'prepared' ? [] : [{ message: `${driveId}: ${error?.message ?? outcome}` }]
  })
  throw new TransferError('DRIVES_FAILED', `${problems.length} of ${drives.length} drives are not ready.`, {
    problems,
    hint: `Run the same command again, or give another drive: diskferry prepare --journal ${shellWord(folder.journalPath)} --session ${result.sessionId} --replace DRIVE --drive NEW`,
  })
}
