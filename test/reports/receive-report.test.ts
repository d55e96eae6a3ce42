// The report of an import: its sums, its lines for programs, and its page, which is also opened in a browser where one is installed.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { receiveReportToHtml } from '../../src/reports/receive-page.js'
import { driveOutcome, receiveReportToJson, receiveTotals } from '../../src/reports/receive-report.js'
import { browserFlags, browserMissing, browserPath } from '../browser.js'
import { completeDrive, lockedDrive, partlyDrive, reportOf, tenDrives } from './received-drives.js'

test('totals add up over the drives, and the rate is over the whole time', () => {
  const totals = receiveTotals(reportOf([completeDrive, partlyDrive, lockedDrive]))
  assert.deepEqual(totals, {
    drives: 3,
    drivesComplete: 1,
    drivesFailed: 1,
    blobs: { total: 1_252_541, imported: 1_251_431, renamed: 3100, overwritten: 12, skipped: 1066, failed: 44 },
    bytesImported: 10_310_104_524_544,
    bytesThere: 812_447_301_632,
    blocksDamaged: 3,
    failures: 44,
    seconds: 22_092.098,
    bytesPerSecond: 10_310_104_524_544 / 22_092.098,
  })
})

test('no drives and no time give no rate that is not a number', () => {
  const report = { ...reportOf([]), finishedAt: reportOf([]).startedAt }
  const { seconds, bytesPerSecond } = receiveTotals(report)
  assert.deepEqual([seconds, bytesPerSecond], [0, 0])
})

test('what a status of a drive makes of its outcome', () => {
  const outcomes = [
    'Completed',
    'CompletedWithWarnings',
    'CompletedWithErrors',
    'ManifestCorrupted',
    'InternalError',
  ] as const
  assert.deepEqual(
    outcomes.map((status) => driveOutcome({ status })),
    ['complete', 'complete', 'partly', 'failed', 'failed'],
  )
})

test('as objects: a line for each drive, failures with the number left out, then the totals', () => {
  const lines = receiveReportToJson(reportOf([completeDrive, partlyDrive]))
  assert.deepEqual(
    lines.map(({ event, outcome }) => [event, outcome]),
    [
      ['received-drive', 'complete'],
      ['received-drive', 'partly'],
      ['received', undefined],
    ],
  )
  assert.equal(lines[1]?.failuresLeftOut, 41)
  assert.ok(Array.isArray(lines[1]?.failures))
  assert.equal(lines[1].failures.length, 3)
  assert.equal(lines[0]?.bytesPerSecond, 7_312_004_112_384 / 21_614)
  assert.equal(lines[2]?.account, 'seedaccount')
  for (const line of lines) assert.doesNotMatch(JSON.stringify(line), /\n/)
})

const verdicts: [name: string, drives: Parameters<typeof reportOf>[0], says: string[], not: RegExp][] = [
  ['no drives', [], ['No drive was received.', 'nothing was changed'], /<table|What failed/],
  [
    'one complete drive',
    [completeDrive],
    ['The drive was imported completely.', '6.7 TiB'],
    /What failed|class="legend"/,
  ],
  ['one drive in part', [partlyDrive], ['The drive was not imported completely.', '44 blobs failed.'], /of 1 drives/],
  [
    'two of two',
    [completeDrive, { ...completeDrive, driveId: 'B', status: 'CompletedWithWarnings' }],
    ['All 2 drives were imported completely.', 'Complete, with notes'],
    /What failed/,
  ],
  [
    'one of three',
    [completeDrive, partlyDrive, lockedDrive],
    ['1 of 3 drives was imported completely.', '44 blobs failed.', 'the key in the job does not open the volume'],
    /undefined|NaN/,
  ],
  ['eight of ten', tenDrives(), ['8 of 10 drives were imported completely.', '44 blobs failed.'], /undefined|NaN/],
]
for (const [name, drives, says, not] of verdicts) {
  test(`the page of ${name}`, () => {
    const page = receiveReportToHtml(reportOf(drives))
    for (const words of says) assert.ok(page.includes(words), words)
    assert.doesNotMatch(page, not)
    assert.equal(page.match(/<tr role="row"><th role="rowheader" scope="row"><bdi>/g)?.length ?? 0, drives.length)
  })
}

test('what failed stands before the drives, and numbers are as given', () => {
  const page = receiveReportToHtml(reportOf([completeDrive, partlyDrive]))
  assert.ok(page.indexOf('What failed') < page.indexOf('<h2 id="drives">'))
  for (const words of [
    'The first 3 of 44',
    '44,000 imported, 3,100 with a new name, 1,066 skipped, 44 failed',
    '6 h 00 min',
  ]) {
    assert.ok(page.includes(words), words)
  }
  assert.ok(page.includes('700CE7E21ED55525977FAF7AAA9E546B'))
})

const hostile = '</style><script>alert(1)</script>"\'&\u202e\u0000\n'
const hostileReport = reportOf([
  {
    ...partlyDrive,
    driveId: hostile,
    path: hostile,
    serial: `other ${hostile}`,
    message: hostile,
    status: hostile as 'Completed',
    manifest: { hash: hostile, checkedAgainst: hostile },
    checked: [hostile],
    logs: [{ kind: 'error', location: `javascript:${hostile}` }],
    failures: [{ blobPath: hostile, filePath: hostile, status: hostile as 'Failed', message: hostile }],
  },
])

test('hostile names stay text wherever they stand', () => {
  const page = receiveReportToHtml({ ...hostileReport, account: hostile, startedAt: hostile, finishedAt: hostile })
  assert.doesNotMatch(page, /<script|<img|\u202e| on\w+=|<a |href|src=/)
  assert.ok(!page.includes('\0'))
  assert.equal(page.split('</style>').length, 2)
  assert.ok(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\\u{202e}\\x00\\x0a'))
})

test('the page needs nothing from elsewhere and forbids it', () => {
  const page = receiveReportToHtml(reportOf(tenDrives()))
  assert.doesNotMatch(page, /url\(|@import|<link|<script|<iframe|https?:/)
  assert.match(page, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'/)
})

const pageFlags = ['--headless', '--hide-scrollbars', '--virtual-time-budget=3000', ...browserFlags]

// The report lies in a frame as wide as a phone; the page around it looks into it.
function frameAround(page: string, widthPixels: number): string {
  const quoted = page.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  return `<!doctype html><meta charset="utf-8"><iframe style="width:${widthPixels}px;height:900px;border:0" srcdoc="${quoted}"></iframe><pre></pre><script>
onload = () => {
  const { contentDocument: inside, contentWindow: view } = document.querySelector('iframe')
  document.querySelector('pre').textContent = JSON.stringify({
    title: inside.title,
    heading: inside.querySelector('h1').innerText,
    widthPixels: inside.documentElement.scrollWidth,
    foreign: inside.querySelectorAll('script,img,link,iframe,a').length,
    requests: view.performance.getEntriesByType('resource').length,
    rows: inside.querySelectorAll('[aria-labelledby=drives] tbody tr').length,
    bars: [...inside.querySelectorAll('.bar')].map((bar) => bar.getBoundingClientRect().width > 100).join(),
  })
}</script>`
}

for (const widthPixels of [360, 1000]) {
  test(`in a browser ${widthPixels} pixels wide nothing sticks out, runs or is fetched`, {
    skip: browserMissing,
    timeout: 300_000,
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'receive-page-'))
    try {
      const file = join(folder, 'frame.html')
      const drives = [...tenDrives(), ...hostileReport.drives]
      writeFileSync(file, frameAround(receiveReportToHtml(reportOf(drives)), widthPixels))
      const words = [...pageFlags, `--user-data-dir=${join(folder, 'profile')}`, '--dump-dom']
      const { stdout, stderr } = spawnSync(browserPath, [...words, pathToFileURL(file).href], {
        encoding: 'utf8',
        timeout: 240_000,
      })
      const found = JSON.parse(
        /<pre>(\{.*\})<\/pre>/.exec(stdout)?.[1]?.replaceAll('&amp;', '&') ?? assert.fail(stderr),
      )
      assert.deepEqual(found, {
        title: 'Import into seedaccount, 2026-11-21',
        heading: found.heading,
        widthPixels,
        foreign: 0,
        requests: 0,
        rows: 11,
        bars: Array(11).fill(true).join(),
      })
      assert.match(found.heading, /^8 of 11 drives were imported completely\.\s88 blobs failed\.$/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}
