// What verify and inspect found, as text: what was checked first, then every finding, then one plain sentence.

import { formatBytes, formatDuration, formatRate } from './format-bytes.js'
import { counted, grouped, printable } from './printable.js'

interface FindingFacts {
  code: string
  severity: 'note' | 'warning' | 'damage'
  structure: string
  message: string
}

export interface VerificationFacts {
  driveId: string
  manifestHash: string
  files: number
  bytes: number
  blocks: number
  findings: readonly FindingFacts[]
  checked: readonly string[]
  sound: boolean
  seconds: number
}

export function describeVerification(path: string, report: VerificationFacts): string {
  const { driveId, manifestHash, files, bytes, seconds } = report
  const rate = seconds > 0.01 ? `, ${formatRate(bytes / seconds)}` : ''
  return [
    `${path}: drive ${driveId}, manifest ${manifestHash}`,
    `${counted(files, 'file')}, ${formatBytes(bytes)} read in ${formatDuration(seconds)}${rate}`,
    ...describeFindings(report),
    report.sound
      ? 'Sound: every block equals the manifest.'
      : `DAMAGED: ${counted(damageCount(report), 'finding')}. Do not ship this drive.`,
  ].join('\n')
}

export interface InspectionFacts {
  volume: { offsetBytes: number; sizeBytes: number }
  bitlocker: { kind?: string; state?: string; method?: string; description?: string } | null
  findings: readonly FindingFacts[]
  checked: readonly string[]
  sound: boolean
  unlocked: boolean
}

export function describeInspection(path: string, report: InspectionFacts): string {
  const { volume, bitlocker, unlocked } = report
  const facts = bitlocker === null ? [] : [bitlocker.kind, bitlocker.state, bitlocker.method, bitlocker.description]
  const known = printable(facts.filter((fact) => fact !== undefined && fact !== '').join(', '))
  return [
    `${path}: volume of ${formatBytes(volume.sizeBytes)} at byte ${volume.offsetBytes}${known === '' ? '' : `: ${known}`}`,
    ...describeFindings(report),
    report.sound
      ? `No damage found${unlocked ? '' : ' (without a key: the structures inside the encryption were not looked at)'}.`
      : `DAMAGED: ${counted(damageCount(report), 'finding')}.`,
  ].join('\n')
}

const findingsShown = 100

function describeFindings(report: { findings: readonly FindingFacts[]; checked: readonly string[] }): string[] {
  const lines = report.checked.map((what) => `  checked: ${what}`)
  const worstFirst = [...report.findings].sort((left, right) => rank(left) - rank(right))
  for (const finding of worstFirst.slice(0, findingsShown)) {
    lines.push(`  ${finding.severity} ${finding.code}: ${printable(sentence(finding))}`)
  }
  if (worstFirst.length > findingsShown)
    lines.push(`  and ${grouped(worstFirst.length - findingsShown)} more (all with --json)`)
  return lines
}

function rank(finding: FindingFacts): number {
  return ['damage', 'warning', 'note'].indexOf(finding.severity)
}

function damageCount(report: { findings: readonly FindingFacts[] }): number {
  return report.findings.filter((finding) => finding.severity === 'damage').length
}

/** With the structure in front, where the message does not begin with it. */
function sentence({ structure, message }: FindingFacts): string {
  return message.startsWith(structure) ? message : `${structure}: ${message}`
}
