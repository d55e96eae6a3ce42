// <DriveId>.xml: the four values that an import job needs of a drive. Two forms have been seen: the XML alone, and the XML as a
// value of a journal record. Both are read; the second, which the later tool made, is written. Holds the recovery password.

import type { ErrorCode } from '../errors.js'
import { isDriveId } from './drive-spec.js'
import { encodeRecord, parseJournal } from './journal.js'
import { drivePathProblem } from './manifest-paths.js'
import { recoveryPasswordProblem } from './recovery-password.js'
import { parseXmlElements, type XmlElement, xmlProblem } from './xml-elements.js'
import { escapeXml } from './xml-text.js'

export interface DriveInfo {
  driveId: string
  /** Recovery password of 48 digits. Never print it. */
  bitLockerKey: string
  /** From the drive's root: `\DriveManifest.xml`. */
  manifestFile: string
  /** MD5, 32 hexadecimal digits in upper case. */
  manifestHash: string
}

const code: ErrorCode = 'JOURNAL_INVALID'
const names = ['DriveId', 'BitLockerKey', 'ManifestFile', 'ManifestHash'] as const

/** The XML alone: also the value of `DriveState` in a session's journal. */
export function encodeDriveInfoXml({ driveId, bitLockerKey, manifestFile, manifestHash }: DriveInfo): string {
  const values = [driveId, bitLockerKey, manifestFile, manifestHash.toUpperCase()]
  const lines = names.map((name, index) => `   <${name}>${escapeXml(values[index] as string)}</${name}>`)
  return ['<?xml version="1.0" encoding="UTF-8"?>', '<Drive>', ...lines, '</Drive>'].join('\n')
}

/** The file as it is written. @param time when the drive was finished. */
export function encodeDriveInfo(info: DriveInfo, time: Date): Buffer {
  const fields = [
    ['ActivityId', 'DriveInfo'],
    ['DriveState', encodeDriveInfoXml(info)],
    ['SaveCommandOutput', 'Completed'],
  ] as const
  // Without the checksum of our own, which other readers of this file do not know.
  return encodeRecord({ time, type: 'ActivityRecord', fields }, { checksum: false })
}

/**
 * Either form.
 * @param fileName for messages.
 * @throws TransferError JOURNAL_INVALID with the line.
 */
export function parseDriveInfo(text: string, fileName = 'drive information'): DriveInfo {
  const { xml, firstLine } = /^\uFEFF?\s*</.test(text) ? { xml: text, firstLine: 1 } : unwrap(text, fileName)
  const drive = parseXmlElements(xml, fileName, code)
  const fail = (problem: string, element: XmlElement): never => {
    throw xmlProblem({ fileName, code }, problem, { line: element.line + firstLine - 1, column: element.column })
  }
  if (drive.name !== 'Drive') fail(`the root element is ${drive.name}, expected Drive`, drive)
  const [driveId, bitLockerKey, manifestFile, manifestHash] = names.map((name) => {
    const found = drive.children.filter((child) => child.name === name)
    if (found.length !== 1) fail(`${name} is there ${found.length} times, expected once`, drive)
    return found[0] as XmlElement
  }) as [XmlElement, XmlElement, XmlElement, XmlElement]
  if (!isDriveId(driveId.text)) fail('DriveId is no serial number of letters and digits', driveId)
  const keyProblem = recoveryPasswordProblem(bitLockerKey.text)
  if (keyProblem !== undefined) fail(`BitLockerKey: ${keyProblem}`, bitLockerKey)
  const pathProblem = drivePathProblem(manifestFile.text)
  if (pathProblem !== undefined) fail(`ManifestFile: ${pathProblem}`, manifestFile)
  if (!/^[0-9A-Fa-f]{32}$/.test(manifestHash.text)) fail('ManifestHash is not 32 hexadecimal digits', manifestHash)
  return {
    driveId: driveId.text,
    bitLockerKey: bitLockerKey.text,
    manifestFile: manifestFile.text,
    manifestHash: manifestHash.text.toUpperCase(),
  }
}

// The last record that has a drive's state: a journal with several sessions holds the newest at its end.
function unwrap(text: string, fileName: string): { xml: string; firstLine: number } {
  const { records } = parseJournal(Buffer.from(text, 'utf8'), fileName)
  for (const record of records.reverse()) {
    const index = record.fields.findIndex(([key]) => key === 'DriveState')
    if (index === -1) continue
    const before = record.fields.slice(0, index).reduce((lines, [, value]) => lines + value.split('\n').length, 0)
    return { xml: (record.fields[index] as readonly [string, string])[1], firstLine: record.line + 2 + before }
  }
  throw xmlProblem({ fileName, code }, 'no record has the state of a drive', { line: 1, column: 1 })
}
