// The page that tells people what was received: one HTML file. What failed comes first. Names come from drives of others: each
// goes through `text`.

import { finalMeanings, itemMeanings, meaningOf } from '../formats/copy-log-codes.js'
import { escapeHtml } from '../formats/html-text.js'
import { formatBytes, formatDuration, formatRate } from './format-bytes.js'
import { htmlPage } from './html-page.js'
import { counted, grouped, printable } from './printable.js'
import { receivePageStyle } from './receive-page-style.js'
import {
  driveOutcome,
  type ReceivedDrive,
  type ReceiveFailure,
  type ReceiveReport,
  type ReceiveTotals,
  rate,
  receiveTotals,
} from './receive-report.js'

/** A whole document, UTF-8. */
export function receiveReportToHtml(report: ReceiveReport): string {
  const totals = receiveTotals(report)
  const { drives, account } = report
  const body = `<main>
<header>
<p class="eyebrow">Import report</p>
<h1>${verdict(totals)}</h1>
<p class="lead">Storage account <strong>${name(account)}</strong> · ${span(report)}</p>
</header>
${figures(totals)}
${failures(drives)}
${driveTable(drives)}
${driveDetails(drives)}
<footer>MB and MB/s are powers of ten, KiB to TiB powers of two. Times are UTC. The copy logs have every blob.</footer>
</main>`
  const title = printable(`Import into ${account}, ${day(report.finishedAt)}`)
  return htmlPage({ title, style: receivePageStyle, body })
}

/** Text as HTML, with what would move, hide or forge other text made visible. */
function text(value: string): string {
  return escapeHtml(printable(value))
}

/** A name of somebody else: its direction stays its own. */
function name(value: string): string {
  return `<bdi>${text(value)}</bdi>`
}

function path(value: string): string {
  return `<bdi class="path" dir="ltr">${text(value)}</bdi>`
}

/** Sentences that stay whole where the line is long enough. */
function heading(sentences: readonly string[]): string {
  return sentences.map((sentence) => `<span>${sentence}</span>`).join(' ')
}

function capital(clause: string): string {
  return clause.slice(0, 1).toUpperCase() + clause.slice(1)
}

function verdict({ drives, drivesComplete, blobs, blocksDamaged }: ReceiveTotals): string {
  if (drives === 0) return 'No drive was received.'
  const failed = blobs.failed === 0 ? [] : [`${counted(blobs.failed, 'blob')} failed.`]
  if (drivesComplete === drives) {
    const all =
      drives === 1 ? 'The drive was imported completely.' : `All ${grouped(drives)} drives were imported completely.`
    const damaged = blocksDamaged === 0 ? [] : [`${counted(blocksDamaged, 'block')} had to be repaired.`]
    return heading([all, ...damaged, ...failed])
  }
  if (drives === 1) return heading(['The drive was not imported completely.', ...failed])
  const verb = drivesComplete === 1 ? 'was' : 'were'
  return heading([`${grouped(drivesComplete)} of ${grouped(drives)} drives ${verb} imported completely.`, ...failed])
}

function day(iso: string): string {
  return iso.slice(0, 10)
}

function span({ startedAt, finishedAt }: ReceiveReport): string {
  const time = (iso: string) => `<time datetime="${text(iso)}">${text(`${day(iso)} ${iso.slice(11, 16)}`)}</time>`
  const end =
    day(startedAt) === day(finishedAt) ? finishedAt.slice(11, 16) : `${day(finishedAt)} ${finishedAt.slice(11, 16)}`
  return `${time(startedAt)} to <time datetime="${text(finishedAt)}">${text(end)}</time> UTC`
}

function figures({
  drives,
  blobs,
  bytesImported,
  bytesThere,
  blocksDamaged,
  seconds,
  bytesPerSecond,
}: ReceiveTotals): string {
  if (drives === 0) return ''
  const kept = [
    blobs.renamed > 0 ? `${grouped(blobs.renamed)} renamed` : '',
    blobs.overwritten > 0 ? `${grouped(blobs.overwritten)} overwritten` : '',
  ].filter((part) => part !== '')
  const figure = (label: string, value: string, small: string, isBad = false) =>
    `<div${isBad ? ' class="bad"' : ''}><dt>${label}</dt><dd>${value}${small === '' ? '' : ` <small>${small}</small>`}</dd></div>`
  return `<dl class="figures">
${figure('Imported', formatBytes(bytesImported), bytesThere > 0 ? `and ${formatBytes(bytesThere)} that were there already` : '')}
${figure('Blobs imported', grouped(blobs.imported), [`of ${grouped(blobs.total)}`, ...kept].join(', '))}
${figure('Blobs skipped', grouped(blobs.skipped), '')}
${figure('Blobs failed', grouped(blobs.failed), blocksDamaged > 0 ? `${counted(blocksDamaged, 'damaged block')}` : '', blobs.failed > 0)}
${figure('Time', formatDuration(seconds), formatRate(bytesPerSecond))}
</dl>`
}

function failures(drives: readonly ReceivedDrive[]): string {
  const whole = drives.filter((drive) => driveOutcome(drive) === 'failed')
  const listed = drives.filter((drive) => drive.failures.length > 0)
  if (whole.length + listed.length === 0) return ''
  return `<section aria-labelledby="failed">
<h2 id="failed">What failed</h2>
${whole.map(driveFault).join('\n')}
${listed.map(failureTable).join('\n')}
</section>`
}

function driveFault({ driveId, status, message }: ReceivedDrive): string {
  const { says, next } = meaningOf(status, finalMeanings)
  return `<div class="fault"><h3>Drive ${name(driveId)}: ${text(says)}</h3>
${message === undefined ? '' : `<p>${text(message)}</p>`}
<p>${next === undefined ? '' : text(next)} <span class="muted">(${text(status)})</span></p></div>`
}

function failureTable({ driveId, failures: first, failuresTotal }: ReceivedDrive): string {
  const more =
    failuresTotal > first.length
      ? `<p class="muted">The first ${grouped(first.length)} of ${grouped(failuresTotal)}; the error log has all.</p>`
      : ''
  return `<div class="failures"><table role="table">
<caption>Drive ${name(driveId)}: ${counted(failuresTotal, 'blob')}</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Blob</th><th role="columnheader" scope="col">What happened</th></tr></thead>
<tbody role="rowgroup">
${first.map(failureRow).join('\n')}
</tbody></table>${more}</div>`
}

function failureRow({ blobPath, filePath, status, message }: ReceiveFailure): string {
  // The file is nearly always at the blob's own path.
  const isElsewhere = filePath.replaceAll('\\', '/') !== `/${blobPath}`
  const file = isElsewhere ? `<span class="where">On the drive: ${path(filePath)}</span>` : ''
  const { says } = meaningOf(status, itemMeanings)
  return `<tr role="row"><th role="rowheader" scope="row">${path(blobPath)}${file}</th>
<td role="cell"><span class="status">${text(capital(says))}</span> ${message === '' ? '' : `${text(message)} `}<span class="muted">(${text(status)})</span></td></tr>`
}

const outcomeWords = { complete: 'Complete', partly: 'In part', failed: 'Failed' } as const

function driveTable(drives: readonly ReceivedDrive[]): string {
  if (drives.length === 0) return '<p class="lead">Nothing was read and nothing was changed in the storage.</p>'
  const heads = ['Drive', 'Outcome', 'Blobs', 'Imported', 'Failed', 'Time']
  const headCells = heads.map((head, column) => {
    const style = column >= 3 ? ' class="number"' : ''
    return `<th role="columnheader" scope="col"${style}>${head}</th>`
  })
  return `<section aria-labelledby="drives">
<h2 id="drives">Drives</h2>
<table role="table" aria-labelledby="drives">
<thead role="rowgroup"><tr role="row">${headCells.join('')}</tr></thead>
<tbody role="rowgroup">
${drives.map(driveRow).join('\n')}
</tbody></table>
${legend(drives)}
</section>`
}

function driveRow(drive: ReceivedDrive): string {
  const { driveId, path: device, status, blobs, bytesImported, seconds } = drive
  const outcome = driveOutcome(drive)
  const words = status === 'CompletedWithWarnings' ? 'Complete, with notes' : outcomeWords[outcome]
  const speed = bytesImported > 0 ? formatRate(rate(bytesImported, seconds)) : ''
  return `<tr role="row"><th role="rowheader" scope="row">${name(driveId)}<span class="where">${path(device)}</span></th>
<td role="cell" data-label="Outcome"><span class="outcome ${outcome}">${words}</span></td>
<td role="cell">${bar(drive)}</td>
<td role="cell" class="number" data-label="Imported">${formatBytes(bytesImported)}</td>
<td role="cell" class="number" data-label="Failed">${blobs.total === 0 && outcome === 'failed' ? '–' : grouped(blobs.failed)}</td>
<td role="cell" class="number" data-label="Time">${formatDuration(seconds)}<span class="where">${speed}</span></td></tr>`
}

interface BarPart {
  style: string
  words: string
  count: number
}

function barParts({ blobs }: ReceivedDrive): BarPart[] {
  const { total, imported, renamed, skipped, failed } = blobs
  const parts = [
    { style: 'imported', words: 'imported', count: imported - renamed },
    { style: 'renamed', words: 'with a new name', count: renamed },
    { style: 'skipped', words: 'skipped', count: skipped },
    { style: 'failed-part', words: 'failed', count: failed },
    { style: 'untried', words: 'not tried', count: total - imported - skipped - failed },
  ]
  return parts.filter(({ count }) => count > 0)
}

function bar(drive: ReceivedDrive): string {
  const parts = barParts(drive)
  if (parts.length === 0)
    return `<div class="bar"></div><span class="muted">${drive.blobs.total === 0 ? 'No blobs known' : ''}</span>`
  const pieces = parts.map(({ style, count }) => `<i class="${style}" style="flex-grow:${count}"></i>`)
  // The words below say the same, so the bar itself is silent.
  const words = parts.map(({ words, count }) => `${grouped(count)} ${words}`)
  return `<div class="bar" aria-hidden="true">${pieces.join('')}</div><span class="muted">${words.join(', ')}</span>`
}

function legend(drives: readonly ReceivedDrive[]): string {
  const parts = new Map(drives.flatMap(barParts).map(({ style, words }) => [style, words]))
  // One colour explains itself.
  if (parts.size < 2) return ''
  const items = [...parts].map(([style, words]) => `<li><i class="${style}"></i>${words}</li>`)
  return `<ul class="legend" aria-hidden="true">${items.join('')}</ul>`
}

function driveDetails(drives: readonly ReceivedDrive[]): string {
  if (drives.length === 0) return ''
  return `<section aria-labelledby="checked">
<h2 id="checked">What was checked</h2>
${drives.map(details).join('\n')}
</section>`
}

function details({
  driveId,
  serial,
  status,
  manifest,
  checked,
  blocksDamaged,
  logs,
  bytesThere,
}: ReceivedDrive): string {
  const hash =
    manifest === undefined
      ? 'could not be read'
      : `<code>${text(manifest.hash.toUpperCase())}</code> <span class="muted">${
          manifest.checkedAgainst === undefined
            ? 'not checked against anything'
            : `equal to ${text(manifest.checkedAgainst)}`
        }</span>`
  const items = (list: readonly string[]) => `<ul>${list.map((item) => `<li>${item}</li>`).join('')}</ul>`
  const facts: [string, string][] = [
    ['Status', text(status)],
    ['Manifest MD5', hash],
    ['Checked', checked.length === 0 ? 'nothing' : items(checked.map(text))],
    ['Logs', logs.length === 0 ? 'none' : items(logs.map(({ kind, location }) => `${text(kind)}: ${path(location)}`))],
  ]
  if (serial !== driveId) facts.splice(1, 0, ['Serial number', serial === undefined ? 'not known' : name(serial)])
  if (blocksDamaged > 0) facts.push(['Damaged blocks', grouped(blocksDamaged)])
  if (bytesThere > 0) facts.push(['There already', formatBytes(bytesThere)])
  return `<article class="details"><h3>Drive ${name(driveId)}</h3>
<dl>${facts.map(([label, value]) => `<dt>${label}</dt><dd>${value}</dd>`).join('\n')}</dl></article>`
}
