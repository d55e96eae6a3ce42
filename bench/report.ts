// The measured rows as a Markdown table and as a bar chart.

import type { Row } from './case.js'

/** Two more columns where images are made or read. */
export function tableOf(rows: readonly Row[]): string {
  const hasImages = rows.some(({ hashes }) => hashes !== undefined)
  const lines = [
    `| work | tool |${hasImages ? ' digests | image MiB |' : ''} seconds | MB/s | CPU s/GiB | peak MiB | against | bound |`,
    `| --- | --- |${hasImages ? ' --- | ---: |' : ''} ---: | ---: | ---: | ---: | --- | --- |`,
  ]
  for (const row of rows) {
    const rate = row.bytes === undefined ? '' : Math.round(row.bytes / row.seconds / 1e6).toString()
    const cpu = cpuPerGibibyte(row)
    const peak = row.peakBytes === undefined ? '' : Math.round(row.peakBytes / 2 ** 20).toString()
    lines.push(
      `| ${row.work} | ${cell(row.tool)} |${hasImages ? imageCells(row) : ''} ${row.seconds.toFixed(2)} | ${rate} | ${cpu} | ${peak} | ${cell(against(row))} | ${bounds(row)} |`,
    )
  }
  return lines.join('\n')
}

/** A bar in a cell would end it. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function imageCells({ hashes = '', outputBytes }: Row): string {
  return ` ${hashes} | ${outputBytes === undefined ? '' : Math.round(outputBytes / 2 ** 20)} |`
}

function cpuPerGibibyte({ cpuSeconds, bytes }: Row): string {
  return cpuSeconds === undefined || bytes === undefined ? '' : ((cpuSeconds / bytes) * 2 ** 30).toFixed(2)
}

function against(row: Row): string {
  return row.ratio === undefined ? '' : `${row.ratio.value.toFixed(2)} x ${row.ratio.to}`
}

function bounds(row: Row): string {
  const texts: string[] = []
  if (row.ratio !== undefined)
    texts.push(`${row.ratio.bound} x: ${row.ratio.value >= row.ratio.bound ? 'reached' : 'MISSED'}`)
  if (row.limit !== undefined) {
    texts.push(`${row.limit.bound} ${row.limit.what}: ${row.limit.value <= row.limit.bound ? 'kept' : 'MISSED'}`)
  }
  return texts.join(', ')
}

const width = 960
const barHeight = 18
const rowHeight = 46

/** MB/s of every row that moves bytes, as bars. */
export function drawRows(rows: readonly Row[], machine: string, title: string): string {
  const moving = rows.filter((row) => row.bytes !== undefined)
  const rates = moving.map((row) => (row.bytes as number) / row.seconds / 1e6)
  const largest = Math.max(...rates, 1)
  const bars = moving.map((row, index) => {
    const rate = rates[index] as number
    const top = 40 + index * rowHeight
    const ours = row.tool.startsWith('diskferry')
    return [
      `<text x="10" y="${top + 12}" font-size="13">${escapeXml(row.work)}: ${escapeXml(row.tool)}</text>`,
      `<rect x="10" y="${top + 18}" width="${Math.max(1, (rate / largest) * (width - 130))}" height="${barHeight}" fill="${ours ? '#0b6e4f' : '#8a8f98'}"/>`,
      `<text x="${16 + (rate / largest) * (width - 130)}" y="${top + 32}" font-size="13">${Math.round(rate)} MB/s</text>`,
    ].join('\n')
  })
  const height = 60 + moving.length * rowHeight
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" fill="#1b1f24">
<title>${escapeXml(title)}, MB/s</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="10" y="22" font-size="15" font-weight="bold">${escapeXml(title)}, MB/s</text>
${bars.join('\n')}
<text x="10" y="${height - 8}" font-size="11">${escapeXml(machine)}</text>
</svg>
`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
