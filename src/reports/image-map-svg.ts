// A picture of an image: the device from left to right and top to bottom, a cell for so many blocks, coloured by what they are.
// A cell with anything unreadable in it is red, however many good blocks share it: that is what one looks for.

import type { ByteRange } from '../formats/byte-ranges.js'
import { blockKinds } from '../formats/image-index.js'
import { escapeXml } from '../formats/xml-text.js'
import type { ImageInfo } from './describe-image.js'
import { formatBytes } from './format-bytes.js'
import { printable } from './printable.js'

const columns = 96
const rowsMax = 64
const cell = 10
const margin = 20
const headHeight = 60
const legendHeight = 40

const colours = {
  data: '#2f6f9f',
  zeros: '#d9d9d9',
  skipped: '#f3f3ee',
  partly: '#c62828',
  unknown: '#ffffff',
} as const
const words = {
  data: 'data',
  zeros: 'zeros',
  skipped: 'left out as unused',
  partly: 'unreadable',
  unknown: 'not known',
} as const
type CellKind = keyof typeof colours

/** @returns an SVG document. */
export function imageMapSvg(info: ImageInfo): string {
  const { kinds = new Uint8Array(0), contentBytes = 0, description } = info
  const blocksPerCell = Math.max(1, Math.ceil(kinds.length / (columns * rowsMax)))
  const cells = Math.ceil(kinds.length / blocksPerCell)
  const rows = Math.max(1, Math.ceil(cells / columns))
  const width = margin * 2 + columns * cell
  const height = headHeight + rows * cell + legendHeight + margin
  const identity = [description?.source.model, description?.source.serial, formatBytes(contentBytes)].filter(Boolean)
  const scale = `one cell is ${formatBytes(blocksPerCell * 4 * 1024 * 1024)}, from the left to the right`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(margin, 24, 16, info.path.split('/').at(-1) ?? ''),
    text(margin, 44, 12, `${identity.join(', ')}; ${scale}`),
    ...cellRuns(kinds, blocksPerCell),
    ...partitionMarks(info, blocksPerCell),
    ...legend(headHeight + rows * cell + 24),
    '</svg>',
    '',
  ].join('\n')
}

/** Neighbours of one kind in a row are one rectangle: a map of a large device stays small. */
function cellRuns(kinds: Uint8Array, blocksPerCell: number): string[] {
  const cells = Math.ceil(kinds.length / blocksPerCell)
  const found: string[] = []
  for (let start = 0; start < cells; ) {
    const kind = cellKind(kinds, start, blocksPerCell)
    const rowEnd = Math.min(cells, (Math.floor(start / columns) + 1) * columns)
    let end = start + 1
    while (end < rowEnd && cellKind(kinds, end, blocksPerCell) === kind) end++
    const [x, y] = place(start)
    found.push(`<rect x="${x}" y="${y}" width="${(end - start) * cell}" height="${cell - 1}" fill="${colours[kind]}"/>`)
    start = end
  }
  return found
}

function cellKind(kinds: Uint8Array, at: number, blocksPerCell: number): CellKind {
  const part = kinds.subarray(at * blocksPerCell, (at + 1) * blocksPerCell)
  const order: CellKind[] = ['partly', 'data', 'zeros', 'skipped']
  return order.find((kind) => kind !== 'unknown' && part.includes(blockKinds.indexOf(kind))) ?? 'unknown'
}

function place(at: number): [x: number, y: number] {
  return [margin + (at % columns) * cell, headHeight + Math.floor(at / columns) * cell]
}

function partitionMarks({ description }: ImageInfo, blocksPerCell: number): string[] {
  const cellBytes = blocksPerCell * 4 * 1024 * 1024
  const starts: (ByteRange & { name: string })[] = (description?.partitions ?? []).map((partition) => ({
    offsetBytes: partition.offsetBytes,
    lengthBytes: partition.sizeBytes,
    name: `${partition.number} ${partition.fileSystem?.kind ?? partition.type}, ${formatBytes(partition.sizeBytes)}`,
  }))
  return starts.map(({ offsetBytes, name }) => {
    const [x, y] = place(Math.floor(offsetBytes / cellBytes))
    return `<path d="M${x} ${y}v${cell - 1}" stroke="#000000" stroke-width="2"><title>${safe(name)}</title></path>`
  })
}

function legend(y: number): string[] {
  const shown: CellKind[] = ['data', 'zeros', 'skipped', 'partly']
  return shown.flatMap((kind, index) => {
    const x = margin + index * 170
    const square = `<rect x="${x}" y="${y - 10}" width="12" height="12" fill="${colours[kind]}" stroke="#666666"/>`
    return [square, text(x + 18, y, 12, words[kind])]
  })
}

function text(x: number, y: number, size: number, content: string): string {
  return `<text x="${x}" y="${y}" font-size="${size}" fill="#222222">${safe(content)}</text>`
}

/** Names come from images of others: what XML cannot hold is replaced. */
function safe(content: string): string {
  return escapeXml(printable(content).replaceAll(/\p{Surrogate}|[\uFFFE\uFFFF]/gu, '\uFFFD'))
}
