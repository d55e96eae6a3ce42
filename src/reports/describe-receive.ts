// What was received, for the terminal: a line for the whole, a few for each drive, failures first.

import { blobMeanings, driveMeanings, meaningOf } from '../formats/copy-log-codes.js'
import { formatBytes, formatDuration, formatRate } from './format-bytes.js'
import { printable } from './printable.js'
import { type ReceivedDrive, type ReceiveReport, rate, receiveTotals } from './receive-report.js'

const failuresShown = 20

export function describeReceived(report: ReceiveReport): string {
  const totals = receiveTotals(report)
  const { blobs, bytesImported, bytesThere, seconds, bytesPerSecond } = totals
  const there = bytesThere > 0 ? `, ${formatBytes(bytesThere)} were there already` : ''
  return [
    ...report.drives.flatMap(describeDrive),
    `${printable(report.account)}: ${counted(blobs.imported, 'blob')}, ${formatBytes(bytesImported)} in ${formatDuration(seconds)} (${formatRate(bytesPerSecond)})${there}.`,
    totals.failures > 0 || totals.drivesFailed > 0
      ? `NOT COMPLETE: ${[
          ...(totals.failures > 0 ? [`${counted(totals.failures, 'blob')} failed`] : []),
          ...(totals.drivesFailed > 0
            ? [`${counted(totals.drivesFailed, 'drive')} could not be imported to the end`]
            : []),
        ].join(', ')}.`
      : 'Everything on the drives is in the account; every block was compared with its manifest before it was sent.',
  ].join('\n')
}

function describeDrive(drive: ReceivedDrive): string[] {
  const { driveId, path, status, message, manifest, blobs, failures, failuresTotal, logs } = drive
  const extra = (['renamed', 'overwritten', 'skipped', 'failed'] as const)
    .filter((key) => blobs[key] > 0)
    .map((key) => `${blobs[key]} ${key}`)
  const counts = `${blobs.imported} of ${counted(blobs.total, 'blob')}${extra.length > 0 ? ` (${extra.join(', ')})` : ''}`
  const meaning = meaningOf(status, driveMeanings)
  const lines = [
    `${printable(driveId)} (${printable(path)}): ${status}, ${message ?? meaning.says}`,
    ...(manifest === undefined ? [] : [`  ${counts}, ${formatRate(rate(drive.bytesImported, drive.seconds))}`]),
    ...(manifest === undefined
      ? []
      : [
          manifest.checkedAgainst === undefined
            ? `  manifest ${manifest.hash}: NOT checked against anything; give --journal, --drive-info or --manifest-hash`
            : `  manifest ${manifest.hash}: as ${manifest.checkedAgainst} says`,
        ]),
    ...drive.checked.map((what) => `  checked: ${what}`),
    ...failures.slice(0, failuresShown).map((failure) => {
      const says = meaningOf(failure.status, blobMeanings).says
      return `  FAILED ${printable(failure.blobPath)}: ${says}; ${printable(failure.message)}`
    }),
  ]
  if (failuresTotal > failuresShown) lines.push(`  and ${failuresTotal - failuresShown} more: see the error log`)
  return [...lines, ...logs.map(({ kind, location }) => `  ${kind} log: ${printable(location)}`)]
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
