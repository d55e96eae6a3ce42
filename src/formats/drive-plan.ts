// The stored plan of one drive: which files it gets, from where, and as which blobs. A text of JSON lines with a version in
// the first and the SHA-256 of everything before it in the last, so that a session resumes exactly what was planned or not at
// all. A million files are about 100 MB of text and are written and read as columns, never as objects.
//
//   {"format":"diskferry-drive-plan","version":1,…,"directories":2,"sourceDirectories":1,"files":1}
//   [parent,"name"]                       each directory, the root (parent 0, empty name) first
//   "path"                                each source directory
//   [directory,"name",sizeBytes,modifiedSeconds,modifiedNanoseconds,sourceDirectory,sourceName|0,blobType,disposition,list,blockBytes]
//   {"sha256":"…"}
//
// A name that is not UTF-8 is written as ["Base64"]. A source name of 0 is the file's own name.

import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { type NameColumn, nameAt } from '../file-tree.js'
import { type DrivePlan, drivePlanFormat, drivePlanVersion } from './drive-plan-columns.js'
import { DrivePlanReader } from './drive-plan-reader.js'

export {
  type DrivePlan,
  type DrivePlanHeader,
  type PlanBlobList,
  planBlobTypes,
  planDispositions,
} from './drive-plan-columns.js'

const pieceLength = 1 << 18

/**
 * The stored form in pieces of about 256 KiB.
 * @throws RangeError when columns of one table differ in length.
 */
export function* encodeDrivePlan(plan: DrivePlan): Generator<string, void, undefined> {
  checkLengths(plan)
  const hash = createHash('sha256')
  let piece = ''
  for (const line of planLines(plan)) {
    piece += line
    if (piece.length < pieceLength) continue
    hash.update(piece, 'utf8')
    yield piece
    piece = ''
  }
  hash.update(piece, 'utf8')
  yield `${piece}{"sha256":"${hash.digest('hex')}"}\n`
}

/**
 * @param chunks the file's bytes, cut anywhere.
 * @param options.fileName for messages.
 * @param options.filesMax more files than this are refused.
 * @throws TransferError PLAN_INVALID with the line, for anything but a whole, unchanged plan of this version.
 */
export async function parseDrivePlan(
  chunks: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  options: { fileName?: string; filesMax?: number } = {},
): Promise<DrivePlan> {
  const reader = new DrivePlanReader(options.fileName ?? 'plan', options.filesMax ?? 200_000_000)
  for await (const chunk of chunks) reader.write(typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk)
  return reader.finish()
}

function* planLines(plan: DrivePlan): Generator<string, void, undefined> {
  const { header, tree, sourceDirectories, fileSourceNames } = plan
  const directories = tree.directoryParent.length
  const files = tree.fileDirectory.length
  const counts = { directories, sourceDirectories: sourceDirectories.ends.length, files }
  yield `${JSON.stringify({ format: drivePlanFormat, version: drivePlanVersion, ...header, ...counts })}\n`
  for (let index = 0; index < directories; index++) {
    yield `[${tree.directoryParent[index]},${nameJson(tree.directoryNames, index)}]\n`
  }
  for (let index = 0; index < counts.sourceDirectories; index++) yield `${nameJson(sourceDirectories, index)}\n`
  const ownNames = fileSourceNames === tree.fileNames
  for (let index = 0; index < files; index++) {
    const name = nameJson(tree.fileNames, index)
    const sourceName =
      ownNames || sameName(tree.fileNames, fileSourceNames, index) ? '0' : nameJson(fileSourceNames, index)
    const [seconds, nanoseconds] = splitTime(tree.fileModifiedNs[index] as bigint)
    yield `[${tree.fileDirectory[index]},${name},${tree.fileSizeBytes[index]},${seconds},${nanoseconds},` +
      `${plan.fileSourceDirectory[index]},${sourceName},${plan.fileBlobType[index]},${plan.fileDisposition[index]},` +
      `${plan.fileList[index]},${plan.fileBlockBytes[index]}]\n`
  }
}

function nameJson(names: NameColumn, index: number): string {
  const start = index === 0 ? 0 : (names.ends[index - 1] as number)
  const bytes = names.bytes.subarray(start, names.ends[index])
  return isUtf8(bytes) ? JSON.stringify(nameAt(names, index)) : `["${bytes.toString('base64')}"]`
}

function sameName(left: NameColumn, right: NameColumn, index: number): boolean {
  const leftStart = index === 0 ? 0 : (left.ends[index - 1] as number)
  const rightStart = index === 0 ? 0 : (right.ends[index - 1] as number)
  const leftEnd = left.ends[index] as number
  const rightEnd = right.ends[index] as number
  return left.bytes.compare(right.bytes, rightStart, rightEnd, leftStart, leftEnd) === 0
}

function splitTime(nanoseconds: bigint): [seconds: number, nanoseconds: number] {
  const rest = BigInt.asIntN(64, nanoseconds % 1_000_000_000n)
  const seconds = (nanoseconds - rest) / 1_000_000_000n
  return rest < 0n ? [Number(seconds) - 1, Number(rest) + 1_000_000_000] : [Number(seconds), Number(rest)]
}

function checkLengths({ tree, ...plan }: DrivePlan): void {
  const directories = tree.directoryParent.length
  if (tree.directoryNames.ends.length !== directories) throw new RangeError('expected one name for each directory')
  const files = tree.fileDirectory.length
  const columns: readonly { length: number }[] = [
    tree.fileNames.ends,
    tree.fileSizeBytes,
    tree.fileModifiedNs,
    plan.fileSourceDirectory,
    plan.fileSourceNames.ends,
    plan.fileBlobType,
    plan.fileDisposition,
    plan.fileList,
    plan.fileBlockBytes,
  ]
  for (const column of columns) {
    if (column.length !== files)
      throw new RangeError(`expected ${files} values in each column but received ${column.length}`)
  }
}
