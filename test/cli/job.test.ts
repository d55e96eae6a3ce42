// Order and ship as a user has it: the built program against a service of its own, its output and exit codes.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { encodeDriveInfo } from '../../src/formats/drive-info.js'
import { encodeRecord } from '../../src/formats/journal.js'
import { sessionRecords } from '../../src/plan/session-records.js'
import { main, runIn, startServiceProgram } from '../built-program.js'
import { address, drive } from '../formats/sample-job.js'
import { callers } from '../jobs/local-service.js'
import { temporaryFolder } from '../prepare/made-tree.js'
import { atTerminal, enter, terminalMissing } from './pseudo-terminal.js'

const folder = temporaryFolder('job')
const service = await startService()

async function startService() {
  const started = await startServiceProgram(join(folder, 'service'), '--movable-clock')
  return { ...started, ...callers(started.url, readFileSync(started.tokenPath, 'utf8').trim()) }
}

function diskferry(words: string[], environment: Record<string, string> = {}) {
  return runIn(folder, words, { AZURE_TOKEN_CREDENTIALS: 'dev', ...environment })
}

const job = (...words: string[]) => diskferry(['job', ...words, ...service.at])

/** A journal whose drives got as far as this. */
function writeJournal(name: string, stages: Record<string, 'prepared' | 'copying'>) {
  const path = join(folder, name)
  const records = [
    sessionRecords.newJournal('test'),
    sessionRecords.started('session-1', Object.keys(stages).length),
    ...Object.entries(stages).flatMap(([driveId, stage]) => {
      const steps: Parameters<typeof sessionRecords.drive>[] = [['session-1', driveId, 'erased']]
      if (stage === 'prepared') {
        steps.push(['session-1', driveId, 'copied'])
        steps.push(['session-1', driveId, 'sealed', [['ManifestHash', drive.manifestHash]]])
        steps.push(['session-1', driveId, 'prepared', [['Files', '1'], ['Bytes', '1']]]) // biome-ignore format: one step a line
      }
      const planned = {
        driveId,
        path: `/images/${driveId}.img`,
        sizeBytes: 1 << 30,
        recoveryPassword: drive.bitLockerKey,
      }
      return [sessionRecords.planned('session-1', planned), ...steps.map((step) => sessionRecords.drive(...step))]
    }),
  ]
  writeFileSync(path, Buffer.concat(records.map((record) => encodeRecord({ time: new Date(), ...record }))))
  return path
}

const backPath = join(folder, 'back.json')
writeFileSync(
  backPath,
  JSON.stringify({ returnAddress: address, returnShipping: { carrierName: 'DHL', carrierAccountNumber: '7' } }),
)
const place = ['--account', 'mybackup', '--location', 'West Europe']

describe('the trip of a job', () => {
  const journal = writeJournal('seed.jrn', { WX1: 'prepared', WX2: 'prepared' })
  const create = ['create', '--name', 'seed-2026-11', '--journal', journal, ...place]

  test('create makes it from a journal, and says what comes next', () => {
    const { status, stdout, stderr } = job(...create)
    assert.equal(status, 0, stderr)
    assert.match(stdout, /The job was made/)
    assert.match(stdout, /Ship to/)
    assert.match(stdout, /WX1 +Specified/)
    assert.match(stderr, /WX1 is an image file/)
    assert.equal((stdout + stderr).includes(drive.bitLockerKey), false)
  })

  test('create again changes nothing', () => {
    const { status, events } = job(...create, '--json')
    assert.equal(status, 0)
    assert.deepEqual([events()[0].action, events()[0].name], ['unchanged', 'seed-2026-11'])
  })

  test('create of another job under its name is refused with what differs', () => {
    const { status, stderr } = job(
      ...create.slice(0, 3),
      '--journal',
      writeJournal('other.jrn', { WX9: 'prepared' }),
      ...place,
    )
    assert.equal(status, 9)
    assert.match(stderr, /drive WX9 is not in it/)
  })

  test('ship without the way back is refused before anything is sent, each rule named', () => {
    const { status, stderr } = job('ship', 'seed-2026-11', '--carrier', 'DHL', '--tracking', 'x')
    assert.equal(status, 8)
    for (const rule of ['PACKAGE_TRACKING', 'RETURN_ADDRESS', 'RETURN_CARRIER']) assert.match(stderr, new RegExp(rule))
  })

  test('ship declares the package, with the way back from a file', () => {
    const words = ['ship', 'seed-2026-11', '--carrier', 'DHL', '--tracking', 'JD014600', '--return-file', backPath]
    const { status, stdout, stderr } = job(...words, '--return-phone', '+31 10 1234567')
    assert.equal(status, 0, stderr)
    assert.match(stdout, /Shipping, the package is on the way/)
    assert.match(stdout, /DHL JD014600, 2 drives/)
  })

  test('a second job cannot travel with it', () => {
    const second = writeJournal('second.jrn', { WX3: 'prepared' })
    assert.equal(job('create', '--name', 'second', '--journal', second, ...place, '--return-file', backPath).status, 0)
    const { status, stderr } = job('ship', 'second', '--carrier', 'DHL', '--tracking', 'jd 0146 00')
    assert.equal(status, 8)
    assert.match(
      stderr,
      /TRACKING_SHARED: No two jobs share a tracking number. "jd 0146 00" is that of job seed-2026-11/,
    )
  })

  test('status, list, show, keys and locations tell the rest', () => {
    assert.match(job('status', 'seed-2026-11').stdout, /expected at the datacenter by/)
    const [shown] = job('status', 'seed-2026-11', '--json').events()
    assert.deepEqual([shown.state, shown.drives.length, shown.reminder.urgency], ['Shipping', 2, 'ok'])
    assert.match(job('list').stdout, /seed-2026-11 +Shipping +2 drives/)
    const { stdout } = job('show', 'seed-2026-11')
    assert.equal(JSON.parse(stdout).returnAddress.phone, '+31 10 1234567')
    assert.equal(stdout.includes(drive.bitLockerKey), false)
    assert.match(job('keys', 'seed-2026-11').stdout, new RegExp(`WX1 +${drive.bitLockerKey}`))
    assert.match(job('locations').stdout, /Carriers: FedEx, DHL, UPS/)
  })

  test('status --watch follows it to its end; Closed is exit code 3', async () => {
    const report = (path: string, body: object) => service.call('POST', `/station/v1/${path}/report`, body)
    await report('drives/WX1', { state: 'Received' })
    await report('drives/WX2', { state: 'NeverReceived' })
    const words = ['job', 'status', 'seed-2026-11', '--watch', '--interval', '1', '--json', '--service', service.url]
    const watch = spawn(process.execPath, [main, ...words, '--token-file', service.tokenPath], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    after(() => watch.kill('SIGKILL'))
    const lines = createInterface({ input: watch.stdout })
    const states: string[] = []
    lines.on('line', (line) => states.push(JSON.parse(line).state))
    const ended = once(watch, 'exit', { signal: AbortSignal.timeout(120_000) })
    const told = once(lines, 'close')
    await once(lines, 'line', { signal: AbortSignal.timeout(120_000) })
    const id = '00000000-0000-0000-0000-000000000000/diskferry/seed-2026-11'
    for (const state of ['Transferring', 'Completed']) await report('drives/WX1', { state })
    await report(`jobs/${id}`, { state: 'Packaging' })
    const returnPackage = { carrierName: 'DHL', trackingNumber: 'JDBACK', driveCount: 1, shipDate: '2026-12-01' }
    await report(`jobs/${id}`, { state: 'Completed', returnPackage })
    assert.deepEqual(await ended, [3, null])
    await told
    assert.deepEqual([states[0], states.at(-1)], ['Received', 'Closed'])
  })

  test('delete takes no other name for an answer', { skip: terminalMissing }, async () => {
    const words = ['job', 'delete', 'second', ...service.at]
    const run = atTerminal([process.execPath, main, ...words], { cwd: folder })
    await run.when(/Type second to delete/, `secnod${enter}`)
    assert.equal(await run.ended, 8, run.shown())
    assert.match(run.shown(), /"secnod" is not second; nothing was deleted/)
    assert.equal(job('status', 'second').status, 0)
  })

  test('cancel and delete', () => {
    assert.match(job('cancel', 'second').stdout, /Cancelled/)
    const unasked = job('delete', 'second')
    assert.equal(unasked.status, 8)
    assert.match(
      unasked.stderr,
      /Nobody can answer here: Type second to delete[^§]*\n {2}Give --yes, or run it in a term/,
    )
    assert.equal(job('status', 'second').status, 0)
    assert.equal(job('delete', 'second', '--yes').status, 0)
    const gone = job('status', 'second')
    assert.deepEqual([gone.status, /two weeks/.test(gone.stderr)], [9, true])
  })
})

test('a drive that is not prepared is not ordered', () => {
  const journal = writeJournal('half.jrn', { WY1: 'prepared', WY2: 'copying' })
  const { status, stderr } = job('create', '--name', 'half', '--journal', journal, ...place)
  assert.equal(status, 8)
  assert.match(stderr, /DRIVE_PREPARED: .* Drive WY2 is at the stage “erased”/)
  assert.equal(job('status', 'half').status, 9, 'nothing was made')
})

test('a job is made from <DriveId>.xml too', () => {
  writeFileSync(join(folder, 'WZ1.xml'), encodeDriveInfo({ ...drive, driveId: 'WZ1' }, new Date()))
  const { status, stderr } = job('create', '--name', 'from-xml', '--drive-info', 'WZ1.xml', ...place)
  assert.equal(status, 0, stderr)
})

describe('who is asked, and as whom', () => {
  const guid = '0a1b2c3d-1111-2222-3333-444455556666'
  const settings = (attributes: string) =>
    `<PublishData><PublishProfile SchemaVersion="2.0">${attributes}</PublishProfile></PublishData>`
  const subscription = (id: string, host: string) =>
    `<Subscription ServiceManagementUrl="https://${host}" Id="${id}" Name="N" ManagementCertificate="AAAA" />`
  writeFileSync(
    join(folder, 'two.publishsettings'),
    settings(
      subscription(guid, 'management.core.windows.net') +
        subscription(guid.replace('0', '1'), 'management.core.windows.net'),
    ),
  )
  writeFileSync(join(folder, 'closed.publishsettings'), settings(subscription(guid, 'management.core.cloudapi.de')))
  writeFileSync(join(folder, 'site.publishsettings'), '<publishData><publishProfile userPWD="secret"/></publishData>')
  const wrong: [title: string, words: string[], environment: Record<string, string>, exitCode: number, says: RegExp][] =
    [
      ['nobody', ['list'], {}, 2, /--service/],
      ['a local service without a token', ['list', '--service', service.url], {}, 9, /DISKFERRY_SERVICE_TOKEN/],
      [
        'a local service with another token',
        ['list', '--service', service.url],
        { DISKFERRY_SERVICE_TOKEN: 'x'.repeat(43) },
        9,
        /AuthenticationFailed/,
      ],
      [
        'plain http over a network',
        ['list', '--service', 'http://example.invalid'],
        { DISKFERRY_SERVICE_TOKEN: 'x' },
        8,
        /unencrypted/,
      ],
      ['what is no address', ['list', '--service', 'west'], { DISKFERRY_SERVICE_TOKEN: 'x' }, 2, /address/],
      ['Azure with nobody signed in', ['list', '--subscription', guid, '--resource-group', 'rg'], {}, 9, /az login/],
      [
        'two subscriptions',
        ['list', '--publish-settings', 'two.publishsettings', '--resource-group', 'rg'],
        {},
        2,
        /--subscription/,
      ],
      [
        'a cloud that was closed',
        ['list', '--publish-settings', 'closed.publishsettings', '--resource-group', 'rg'],
        {},
        2,
        /closed/,
      ],
      [
        'a web app’s profile',
        ['list', '--publish-settings', 'site.publishsettings', '--resource-group', 'rg'],
        {},
        2,
        /web app/,
      ],
    ]
  for (const [title, words, environment, exitCode, says] of wrong) {
    test(`${title}: exit code ${exitCode} and a sentence`, () => {
      const { status, stderr, stdout } = diskferry(['job', ...words], environment)
      assert.equal(status, exitCode, stderr)
      assert.match(stderr, says)
      assert.doesNotMatch(stderr, /\n\s+at |secret/)
      assert.equal(stdout, '')
    })
  }

  test('address and token come from the environment too', () => {
    const token = readFileSync(service.tokenPath, 'utf8').trim()
    const environment = { DISKFERRY_SERVICE: service.url, DISKFERRY_SERVICE_TOKEN: token }
    const { status, stderr, stdout } = diskferry(['job', 'list', '--verbose'], environment)
    assert.equal(status, 0, stderr)
    assert.equal((stdout + stderr).includes(token), false)
  })
})

const wrongServices: [title: string, words: string[], exitCode: number, says: RegExp][] = [
  ['a folder in use', ['--data', 'service', '--listen', '127.0.0.1:0'], 6, /in use by process/],
  ['a whole network without TLS', ['--data', 'open', '--listen', '0.0.0.0:0'], 8, /TLS/],
  ['half a certificate', ['--data', 'open', '--tls-key', 'x'], 2, /--tls-certificate/],
  ['a certificate that is not there', ['--data', 'open', '--tls-certificate', 'x', '--tls-key', 'x'], 1, /certificate/],
  ['no port', ['--data', 'open', '--listen', 'here'], 2, /HOST:PORT/],
]
for (const [title, words, exitCode, says] of wrongServices) {
  test(`a service on ${title} ends with exit code ${exitCode}`, () => {
    const { status, stderr } = diskferry(['service', ...words])
    assert.equal(status, exitCode, stderr)
    assert.match(stderr, says)
  })
}
