// What the receiving station reports, and which step may follow which. A refused step changes nothing.
//
//   drive  Specified → Received | NeverReceived → Transferring → Completed | CompletedMoreInfo → ShippedBack
//   job    Shipping → Received → Transferring → Packaging → Completed | Closed          (Faulted and back, from any of them)

import type { JobDriveState, JobState } from '../../formats/import-job.js'
import type { ShippedPackage } from '../../formats/shipping.js'
import { conflict, invalidContent } from './arm-error.js'
import { isEnded, note, type StoredDrive, type StoredJob } from './stored-job.js'

export interface DriveReport {
  state?: JobDriveState
  copyStatus?: string
  percentComplete?: number
  bytesSucceeded?: number
  verboseLogUri?: string
  errorLogUri?: string
  manifestUri?: string
}

const driveSteps: Readonly<Record<JobDriveState, readonly JobDriveState[]>> = {
  Specified: ['Received', 'NeverReceived'],
  NeverReceived: ['Received'],
  Received: ['Transferring'],
  Transferring: ['Completed', 'CompletedMoreInfo'],
  // A transfer that went wrong can be repeated while the drive is still here.
  CompletedMoreInfo: ['Transferring'],
  Completed: [],
  ShippedBack: [],
}
const settled: readonly JobDriveState[] = ['Completed', 'CompletedMoreInfo', 'NeverReceived']

export function reportDrive(job: StoredJob, driveId: string, report: DriveReport, now: Date): void {
  const drive = job.drives.find((candidate) => candidate.driveId === driveId)
  if (drive === undefined) throw conflict('DriveNotInJob', `Job ${job.name} has no drive ${JSON.stringify(driveId)}.`)
  if (!['Shipping', 'Received', 'Transferring'].includes(job.state)) {
    throw conflict('InvalidJobState', `Job ${job.name} is ${job.state}; its drives are not being worked on.`)
  }
  const { state, ...facts } = report
  if (state !== undefined && state !== drive.state) stepDrive(job, drive, state, now)
  else if (
    state === undefined &&
    drive.state !== 'Transferring' &&
    (facts.percentComplete ?? facts.bytesSucceeded) !== undefined
  ) {
    throw conflict('InvalidDriveState', `Drive ${driveId} is ${drive.state}; only a transfer has progress.`)
  }
  refuseFacts(drive, facts)
  Object.assign(drive, facts)
  if (drive.state === 'Completed') drive.percentComplete = 100
  if (drive.state === 'CompletedMoreInfo') drive.hadProblems = true
  job.modifiedAt = now.toISOString()
  followDrives(job, now)
}

function stepDrive(job: StoredJob, drive: StoredDrive, state: JobDriveState, now: Date): void {
  const { driveId } = drive
  if (!(driveSteps[drive.state] ?? []).includes(state)) {
    throw conflict('InvalidDriveState', `Drive ${driveId} is ${drive.state} and cannot become ${state}.`)
  }
  if (state === 'Transferring') {
    if (job.cancelRequested)
      throw conflict('JobCancelled', `Job ${job.name} was cancelled; its drives are sent back as they are.`)
    // The job is Received, or beyond, when every drive has come or is known to be missing.
    if (job.state === 'Shipping') {
      const awaited = job.drives.filter((other) => other.state === 'Specified').map((other) => other.driveId)
      throw conflict(
        'InvalidJobState',
        `Job ${job.name} still waits for drive ${awaited.join(', ')}; report it Received or NeverReceived first.`,
      )
    }
    Object.assign(drive, { percentComplete: 0, bytesSucceeded: 0, hadProblems: false })
  }
  if (state === 'Received' && job.state === 'Transferring') {
    note(job, now, `Drive ${driveId} came late`)
  }
  const isProblem = state === 'NeverReceived' || state === 'CompletedMoreInfo'
  note(job, now, `Drive ${driveId} ${driveWords[state]}`, isProblem)
  drive.state = state
}

const driveWords: Readonly<Record<JobDriveState, string>> = {
  Specified: 'listed',
  Received: 'received',
  NeverReceived: 'has not arrived',
  Transferring: 'is being imported',
  Completed: 'imported',
  CompletedMoreInfo: 'imported with problems, see its logs',
  ShippedBack: 'sent back',
}

function refuseFacts(drive: StoredDrive, { percentComplete, bytesSucceeded }: DriveReport): void {
  if (percentComplete !== undefined && (percentComplete < 0 || percentComplete > 100)) {
    throw invalidContent(`percentComplete is ${percentComplete}, expected 0 to 100.`, 'percentComplete')
  }
  if (bytesSucceeded !== undefined && !(Number.isSafeInteger(bytesSucceeded) && bytesSucceeded >= 0)) {
    throw invalidContent(`bytesSucceeded of drive ${drive.driveId} is no number of bytes.`, 'bytesSucceeded')
  }
}

/** The job's own state, as far as that of its drives decides it. */
export function followDrives(job: StoredJob, now: Date): void {
  const states = job.drives.map(({ state }) => state)
  if (job.state === 'Shipping' && states.includes('Received') && !states.includes('Specified')) {
    setState(job, 'Received', now)
  }
  if (job.state === 'Received' && states.includes('Transferring')) setState(job, 'Transferring', now)
}

export interface JobReport {
  state: JobState
  /** Why a job is Faulted. */
  reason?: string
  returnPackage?: ShippedPackage
}

export function reportJob(job: StoredJob, report: JobReport, now: Date): void {
  const { state, reason, returnPackage } = report
  if (isEnded(job) && isSameReturn(job, report)) return
  if (state === job.state && !isEnded(job)) return
  if (state === 'Faulted') fault(job, reason, now)
  else if (job.state === 'Faulted') recover(job, state, now)
  else if (state === 'Packaging') pack(job, now)
  else if (state === 'Completed' || state === 'Closed') sendBack(job, returnPackage ?? {}, now)
  else
    throw conflict('InvalidJobState', `Job ${job.name} is ${job.state}; it becomes ${state} by what its drives report.`)
  job.modifiedAt = now.toISOString()
}

// Whoever asked for Completed may have got Closed: the same package said again, after an answer that was lost, is no change.
function isSameReturn(job: StoredJob, { state, returnPackage = {} }: JobReport): boolean {
  const { carrierName, trackingNumber, driveCount } = job.returnPackage ?? {}
  const isEnding = state === 'Completed' || state === 'Closed'
  const { carrierName: carrier, trackingNumber: tracking, driveCount: count } = returnPackage
  return isEnding && carrier === carrierName && tracking === trackingNumber && count === driveCount
}

function fault(job: StoredJob, reason: string | undefined, now: Date): void {
  if (isEnded(job) || job.state === 'Creating') {
    throw conflict('InvalidJobState', `Job ${job.name} is ${job.state} and cannot be Faulted.`)
  }
  if (reason === undefined) throw invalidContent('A Faulted job needs a reason.', 'reason')
  job.stateBeforeFault = job.state
  setState(job, 'Faulted', now, reason)
}

function recover(job: StoredJob, state: JobState, now: Date): void {
  if (state !== job.stateBeforeFault) {
    throw conflict(
      'InvalidJobState',
      `Job ${job.name} was ${job.stateBeforeFault} and goes back to that, not to ${state}.`,
    )
  }
  delete job.stateBeforeFault
  setState(job, state, now)
}

function pack(job: StoredJob, now: Date): void {
  const isCancelled = job.cancelRequested && (job.state === 'Received' || job.state === 'Transferring')
  const open = job.drives.filter((drive) => !settled.includes(drive.state))
  if (!isCancelled && (job.state !== 'Transferring' || open.length > 0)) {
    const why = open.map((drive) => `drive ${drive.driveId} is ${drive.state}`).join(', ')
    throw conflict(
      'InvalidJobState',
      `Job ${job.name} is ${job.state} and cannot be packed${why === '' ? '' : `: ${why}`}.`,
    )
  }
  setState(job, 'Packaging', now)
}

// Whether it ends as Completed or Closed is for the service to say, not for the caller.
function sendBack(job: StoredJob, sent: ShippedPackage, now: Date): void {
  if (isEnded(job)) throw conflict('InvalidJobState', `Job ${job.name} is ${job.state}: ${howItEnded(job)}.`)
  if (job.state !== 'Packaging') {
    throw conflict('InvalidJobState', `Job ${job.name} is ${job.state}; drives are sent back from Packaging.`)
  }
  const missing = (['carrierName', 'trackingNumber', 'driveCount', 'shipDate'] as const).filter((name) => !sent[name])
  if (missing.length > 0) throw invalidContent(`The return package lacks ${missing.join(', ')}.`, 'returnPackage')
  const present = job.drives.filter((drive) => drive.state !== 'NeverReceived')
  if (sent.driveCount !== present.length) {
    throw invalidContent(
      `The return package has ${sent.driveCount} drives, and ${present.length} are here.`,
      'returnPackage.driveCount',
    )
  }
  job.returnPackage = sent
  for (const drive of present) drive.state = 'ShippedBack'
  job.finishedAt = now.toISOString()
  const hadProblems = job.drives.some((drive) => drive.hadProblems || drive.state === 'NeverReceived')
  setState(job, hadProblems ? 'Closed' : 'Completed', now, `sent back with ${sent.carrierName}, ${sent.trackingNumber}`)
}

function howItEnded({ returnPackage }: StoredJob): string {
  if (returnPackage === undefined) return 'nothing of it was here to be sent back'
  return `its drives were sent back with ${returnPackage.carrierName}, ${returnPackage.trackingNumber}`
}

export function setState(job: StoredJob, state: JobState, now: Date, why?: string): void {
  job.state = state
  note(job, now, why === undefined ? state : `${state}: ${why}`, state === 'Faulted' || state === 'Closed')
}
