// Packing slips, looked at by programs that did not make them: pdftotext for what they say, zbarimg for whether a scanner reads
// the bars, Chromium for the HTML one. No key gets onto either, wherever in a job it stands.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type ImportJob, parseImportJob } from '../../src/formats/import-job.js'
import { barsOf, code128 } from '../../src/reports/bar-code.js'
import { toLatin } from '../../src/reports/latin-text.js'
import { packingSlip } from '../../src/reports/packing-slip.js'
import { packingSlipToHtml } from '../../src/reports/packing-slip-html.js'
import { packingSlipToPdf } from '../../src/reports/packing-slip-pdf.js'
import { browserFlags, browserMissing, browserPath } from '../browser.js'
import { address, answeredJob, drive } from '../formats/sample-job.js'

const folder = mkdtempSync(join(tmpdir(), 'diskferry-slip-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const missing = (program: string, word: string) =>
  spawnSync(program, [word]).status === null ? `${program} is not installed` : false
const noPdfTools = missing('pdftotext', '-v') || missing('pdftoppm', '-v')
const noScanner = noPdfTools || missing('zbarimg', '--version')
const noBrowser = noScanner || browserMissing

const tracking = 'JD01 4600 0038 2713 3210'
const serials = [
  'WD-WMATV8299',
  'Z1F2ABCD',
  'S3YJNX0M802537',
  'WX21A19C0P37',
  '9WM35C2V',
  'PL2331LAG8H5AJ',
  'VDJ1K2GD',
  '5QK0ABC2',
  'IMG12AB34CD',
  'WD-WX31DB5H7K2R',
]

/** As the service answers, with keys wherever one could get in. */
function shippedJob(count: number, change: Partial<ImportJob> = {}): ImportJob {
  const job = parseImportJob(answeredJob, 'test')
  return {
    ...job,
    name: 'seed-2026-11',
    tags: { key: drive.bitLockerKey },
    returnAddress: address,
    deliveryPackage: {
      carrierName: 'DHL',
      trackingNumber: tracking,
      driveCount: count,
      shipDate: '2026-11-23T00:00:00Z',
    },
    drives: serials.slice(0, count).map((driveId) => ({ ...drive, driveId, state: 'Specified', percentComplete: 0 })),
    ...change,
  }
}

function slipOf(job: ImportJob, reminder?: string) {
  const rules = ['A job travels in one package with one tracking number.']
  const madeAt = new Date('2026-11-22T03:00:00Z')
  return packingSlip({
    job,
    carriers: ['DHL', 'FedEx'],
    rules,
    madeAt,
    ...(reminder === undefined ? {} : { reminder }),
  })
}

let count = 0
function fileOf(content: Buffer | string, extension: string): string {
  const path = join(folder, `${count++}.${extension}`)
  writeFileSync(path, content)
  return path
}

function run(program: string, words: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', timeout: 240_000 })
  assert.equal(status, 0, stderr)
  return stdout
}

const textOf = (pdf: Buffer) => run('pdftotext', ['-layout', fileOf(pdf, 'pdf'), '-'])

/** What a scanner reads off the printed pages. */
function scan(pdfPath: string): string[] {
  const prefix = `${pdfPath}-page`
  run('pdftoppm', ['-r', '300', '-gray', '-png', pdfPath, prefix])
  const pages = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => path.startsWith(prefix))
  const words = ['--quiet', '--nodbus', '--raw', '-Sdisable', '-Scode128.enable', ...pages]
  const { status, stdout, stderr } = spawnSync('zbarimg', words, { encoding: 'utf8', timeout: 240_000 })
  // 4: a page without any, such as the one with the check list.
  assert.ok(status === 0 || status === 4, stderr)
  return stdout.trim().split('\n').sort()
}

describe('the PDF', { skip: noPdfTools }, () => {
  test('says where to, from whom, by whom, what is in it, and what to look after', async () => {
    const text = textOf(await packingSlipToPdf(slipOf(shippedJob(2))))
    for (const words of [
      'seed-2026-11',
      '2045 Lafayette Street',
      'Santa Clara',
      'Test@contoso.com',
      tracking,
      'DHL',
      '2026-11-23',
    ]) {
      assert.ok(text.includes(words), `${words} is missing in ${text}`)
    }
    for (const serial of serials.slice(0, 2)) assert.ok(text.includes(serial))
    assert.match(text, /109B 2110 8597 EF36\s.*D578 5F08 303F 3638/s)
    assert.match(text, /All 2 drives of this job/)
    assert.match(text, /one package with one tracking/)
    assert.match(text, /1 \/ 1/)
  })

  test('is the same file for the same job', async () => {
    const [one, other] = [await packingSlipToPdf(slipOf(shippedJob(3))), await packingSlipToPdf(slipOf(shippedJob(3)))]
    assert.ok(one.equals(other))
  })

  test('ten drives go on to a second page, and each page says which it is', async () => {
    const pdf = await packingSlipToPdf(slipOf(shippedJob(10)))
    assert.match(run('pdfinfo', [fileOf(pdf, 'pdf')]), /Pages: +2\n/)
    assert.match(textOf(pdf), /seed-2026-11 +1 \/ 2.*seed-2026-11 +2 \/ 2/s)
  })

  test('without a tracking number it leaves room to write, and says until when', async () => {
    const { deliveryPackage: _sent, ...waiting } = shippedJob(1)
    const text = textOf(
      await packingSlipToPdf(slipOf(waiting, 'Give the tracking number by 2026-12-06: 14 days are left.')),
    )
    assert.match(text, /by 2026-12-06/)
    assert.match(text, /Carrier \(DHL, FedEx\)/)
  })

  test('letters that its fonts lack are told, not dropped', async () => {
    const returnAddress = { ...address, recipientName: 'Łucja Ðą', city: '東京' }
    const text = textOf(await packingSlipToPdf(slipOf(shippedJob(1, { returnAddress }))))
    assert.match(text, /Lucja Ða/)
    assert.match(text, /\?\?/)
    assert.match(text, /the HTML slip has them/)
  })
})

describe('the bars', { skip: noScanner }, () => {
  test('of every serial and of the tracking number are read off the printed pages', async () => {
    const path = fileOf(await packingSlipToPdf(slipOf(shippedJob(10))), 'pdf')
    assert.deepEqual(scan(path), [...serials, tracking.replaceAll(' ', '')].sort())
  })

  test('of the HTML slip too, printed by a browser', { skip: noBrowser, timeout: 300_000 }, () => {
    const html = fileOf(packingSlipToHtml(slipOf(shippedJob(10))), 'html')
    const words = ['--headless', '--no-pdf-header-footer', ...browserFlags]
    run(browserPath, [
      ...words,
      `--user-data-dir=${join(folder, 'profile')}`,
      `--print-to-pdf=${html}.pdf`,
      pathToFileURL(html).href,
    ])
    assert.deepEqual(scan(`${html}.pdf`), [...serials, tracking.replaceAll(' ', '')].sort())
  })

  test('are left out where none could be read', async () => {
    const job = shippedJob(1, { deliveryPackage: { carrierName: 'DHL', trackingNumber: '№ 7' } })
    const long = { ...drive, driveId: 'W'.repeat(64), state: 'Specified', percentComplete: 0 }
    const slip = slipOf({ ...job, drives: [long] })
    assert.deepEqual([slip.trackingBars, slip.drives[0]?.bars], [undefined, undefined])
    assert.match(textOf(await packingSlipToPdf(slip)), /W{64}/)
  })
})

describe('no key is on a slip', () => {
  const key = drive.bitLockerKey
  const jobs: [where: string, job: ImportJob][] = [
    ['as a drive’s key and a tag', shippedJob(2)],
    [
      'for a manifest hash',
      shippedJob(1, { drives: [{ ...drive, manifestHash: key, state: 'Specified', percentComplete: 0 }] }),
    ],
  ]
  for (const [where, job] of jobs) {
    test(where, { skip: noPdfTools }, async () => {
      const slip = slipOf(job)
      const texts = [JSON.stringify(slip), packingSlipToHtml(slip), textOf(await packingSlipToPdf(slip))]
      for (const text of texts) {
        assert.equal(text.includes(key), false)
        assert.doesNotMatch(text, /\d{6}-\d{6}/)
        for (const group of key.split('-')) assert.equal(text.includes(group), false)
      }
    })
  }
})

test('names and addresses of others are text in the HTML', () => {
  const hostile = '<img src=x onerror=alert(1)>"\'&\u202e'
  const returnAddress = { ...address, recipientName: hostile, email: hostile }
  const job = shippedJob(1, {
    name: hostile,
    location: hostile,
    returnAddress,
    deliveryPackage: { carrierName: hostile, trackingNumber: hostile, shipDate: hostile },
  })
  const html = packingSlipToHtml(
    slipOf({ ...job, shippingInformation: { recipientName: hostile, additionalInformation: hostile } }, hostile),
  )
  assert.doesNotMatch(html, /<img|<script|\u202e/)
  assert.match(html, /&lt;img src=x onerror=alert\(1\)&gt;&quot;&#39;&amp;\\u\{202e\}/)
  assert.doesNotMatch(html, /https?:\/\/|src=["']|url\(/)
})

describe('Code 128', () => {
  test('has quiet bars of the right sum: 11 modules a symbol, 13 for the stop', () => {
    const code = code128('WD-WMATV8299')
    assert.ok(code !== undefined)
    assert.equal((code.modules - 13) % 11, 0)
    const bars = barsOf(code)
    assert.equal(bars[0]?.at, 0)
    assert.equal((bars.at(-1)?.at ?? 0) + (bars.at(-1)?.width ?? 0), code.modules)
  })

  for (const text of ['', 'Ł', 'a\nb', 'x'.repeat(41)]) {
    test(`is not made of ${JSON.stringify(text.slice(0, 5))}`, () => assert.equal(code128(text), undefined))
  }
})

test('text is folded to the letters that every PDF reader has', () => {
  const texts: [given: string, text: string, isWhole: boolean][] = [
    ['Größe – „naïve” €', 'Größe – „naïve” €', true],
    ['Łódź, Đorđe, Şişli', 'Lódz, Dorde, Sisli', true],
    ['e\u0301', 'é', true],
    ['東京', '??', false],
    ['😀', '?', false],
  ]
  for (const [given, text, isWhole] of texts) assert.deepEqual(toLatin(given), { text, isWhole })
})
