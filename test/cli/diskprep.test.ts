// The guided flow as its users have it: scripts with an option for every answer, people at a terminal, two computers at once, a
// computer that dies in the middle. The built program, a local service over real HTTP, image files for drives.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseWords } from '../../src/cli/diskprep/options.js'
import { driveIdOf, initStagedJob } from '../../src/index.js'
import { main, startIn } from '../built-program.js'
import { startService, subscriptionId } from '../jobs/local-service.js'
import { contentOf, temporaryFolder, writeTree } from '../prepare/made-tree.js'
import { pastedWords } from './pasted-command.js'
import { atTerminal, controlC, enter, terminalMissing } from './pseudo-terminal.js'

const root = temporaryFolder('diskprep')
process.env.XDG_STATE_HOME = join(root, 'state')
const { service, client, token } = await startService()
const where = ['--service', service.url, '--token-file', service.tokenPath]
const group = ['--subscription', subscriptionId, '--resource-group', 'rg']
const wayBack = [
  '--return-name',
  'Ada',
  '--return-street',
  '1 Quay',
  '--return-city',
  'Rotterdam',
  '--return-postal-code',
  '3011',
  '--return-country',
  'Netherlands',
  '--return-phone',
  '+31 10 1234567',
  '--return-email',
  'ada@example.org',
  '--return-carrier',
  'DHL',
  '--return-account',
  '770012',
]

let count = 0
const blob = '4254395142362963202_108321_6c802c45-cf4f-4428-a49a-923c66315d9f'

/** A staging location of a test's own with one job; names are unique, since all tests share the service. */
async function stage(
  files: Record<string, Buffer | string> = {
    [`${blob}_AIBBlob`]: contentOf(1, 4096),
    [`${blob}_BaseBlob`]: contentOf(2, 1 << 20),
  },
  name = 'staging-',
) {
  const location = mkdtempSync(join(root, name))
  const job = `seed-${++count}`
  const { folder } = await initStagedJob(location, { job, account: 'mybackup', container: 'backup' })
  writeTree(folder, files)
  return { location, job, folder, image: join(location, 'drive.img'), words: [`s:${location}`, ...where, ...group] }
}

const start = (words: readonly string[]) => startIn(root, ['diskprep', ...words])
const run = (words: readonly string[]) => start(words).ended
const unattended = (image: string) => ['--drive', `${image}:112M`, '--yes', '--location', 'West Europe', '--later']
const stateOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8'))
const historyOf = (folder: string) => readFileSync(join(folder, 'history.txt'), 'utf8')

/** What `diskferry` says, for looking at drives. */
async function diskferry(words: string[]): Promise<string> {
  return (await startIn(root, words).ended).output
}

describe('a script', () => {
  test('goes from staging to a package on its way, and each step again changes nothing', async () => {
    const { location, job, folder, image, words } = await stage()
    const first = await run([...words, ...unattended(image)])
    assert.equal(first.status, 0, first.output)
    assert.match(first.output, /Files of the backup: 2, 1\.0 MiB/)
    assert.match(first.output, /Ship to[^§]*receiving station[^§]*Carriers that go there: FedEx, DHL, UPS/)
    assert.deepEqual([stateOf(folder).state, stateOf(folder).order.state], ['ordered', 'Creating'])

    const again = await run([...words, ...unattended(image)])
    assert.equal(again.status, 0, again.output)
    assert.match(again.output, /Creating, ordered/)

    const details = ['--carrier', 'DHL', '--tracking', `JD${job.replace('-', '')}0001`, ...wayBack]
    const unconfirmed = await run(['u:', ...where, ...group, ...details])
    assert.equal(unconfirmed.status, 8, unconfirmed.output)
    assert.equal((await client.find(job))?.state, 'Creating')
    const shipped = await run(['u:', `s:${location}`, ...where, ...group, ...details, '--yes'])
    assert.equal(shipped.status, 0, shipped.output)
    assert.match(shipped.output, /Review[^§]*Rotterdam 3011[^§]*stored in .*mybackup_seed-\d+\.txt/)
    const found = await client.find(job)
    assert.deepEqual(
      [found?.state, found?.deliveryPackage?.driveCount, found?.returnAddress?.recipientName],
      ['Shipping', 1, 'Ada'],
    )
    assert.match(readFileSync(join(folder, `mybackup_${job}.txt`), 'utf8'), /Parcel \(committed .*\n {2}DHL, JD/)
    const shown = await run(['u:', `s:${location}`, ...where, ...group, '--job', job])
    assert.match(shown.output, /Shipping, the package is on the way/)
  })

  test('gets page blobs of a backup, and what lies in files, onto the drive; and no key where none belongs', async () => {
    const { job, folder, image, words } = await stage({
      [`${blob}_BaseBlob`]: contentOf(3, 1 << 20),
      'files/a/b.txt': 'b',
    })
    const { status, output } = await run([...words, ...unattended(image)])
    assert.equal(status, 0, output)
    const journal = join(folder, 'journal', 'job.jrn')
    const into = mkdtempSync(join(root, 'out-'))
    await diskferry(['extract', 'DriveManifest.xml', '--drive', image, '--journal', journal, '--into', into])
    const manifest = readFileSync(join(into, 'DriveManifest.xml'), 'utf8')
    assert.match(manifest, new RegExp(`<BlobPath>backup/${blob}_BaseBlob</BlobPath>[^§]*<PageRangeList>`))
    assert.match(manifest, /<BlobPath>backup\/a\/b\.txt<\/BlobPath>[^§]*<BlockList>/)
    const [key = ''] = [...(await client.listBitLockerKeys(job)).values()]
    assert.match(key, /^(\d{6}-){7}\d{6}$/)
    assert.ok(readFileSync(journal, 'utf8').includes(key))
    for (const name of ['job.json', 'history.txt', `mybackup_${job}.txt`]) {
      assert.equal(readFileSync(join(folder, name), 'utf8').includes(key), false, name)
    }
    assert.equal(output.includes(key), false)
  })

  test('takes a folder that a backup left, when it says the container', async () => {
    const location = mkdtempSync(join(root, 'staging-'))
    const job = `seed-${++count}`
    const folder = join(location, `mybackup_${job}`)
    mkdirSync(folder)
    writeFileSync(join(folder, `${blob}_BaseBlob`), contentOf(4, 512))
    const words = [`s:${location}`, ...where, ...group, ...unattended(join(location, 'drive.img'))]
    const refused = await run(words)
    assert.equal(refused.status, 8, refused.output)
    assert.match(refused.output, /Give --container/)
    const { status, output } = await run([...words, '--container', 'seeds'])
    assert.equal(status, 0, output)
    assert.equal(stateOf(folder).container, 'seeds')
  })

  const answers: [what: string, leaveOut: string, status: number, says: RegExp][] = [
    ['a drive', '--drive', 8, /Which drive\?[^§]*--drive/],
    ['the location', '--location', 8, /Where are the drives sent[^§]*--location/],
  ]
  for (const [what, leaveOut, status, says] of answers) {
    test(`that does not say ${what} is told with which option, and nothing is written`, async () => {
      const { image, words, folder } = await stage()
      const given = unattended(image)
      given.splice(given.indexOf(leaveOut), 2)
      const result = await run([...words, ...given])
      assert.equal(result.status, status, result.output)
      assert.match(result.output, says)
      assert.equal(existsSync(image), false)
      assert.equal(stateOf(folder).state, 'staged')
    })
  }

  test('that mistypes the place or the account is told before a drive is touched, and says it anew', async () => {
    const { image, words, folder, job } = await stage()
    const given = unattended(image)
    given[given.indexOf('West Europe')] = 'West Eurpoe'
    const refused = await run([...words, ...given, '--account-id', 'mine'])
    assert.equal(refused.status, 8, refused.output)
    assert.match(refused.output, /JOB_ACCOUNT[^§]*JOB_LOCATION[^§]*West Europe/)
    assert.deepEqual([existsSync(image), stateOf(folder).state], [false, 'staged'])
    const { status, output } = await run([...words, ...unattended(image)])
    assert.equal(status, 0, output)
    assert.equal((await client.find(job))?.location, 'West Europe')
    const late = await run([...words, '--location', 'West US'])
    assert.equal(late.status, 2, late.output)
    assert.match(late.output, /location is West Europe, asked for is West US/)
  })

  test('whose job was deleted on the other side orders it again, with the same drives', async () => {
    const { location, image, words, folder, job } = await stage(undefined, "somebody's staging ")
    const first = await run([...words, ...unattended(image)])
    assert.equal(first.status, 0, first.output)
    assert.deepEqual(pastedWords(first.output, 'within two weeks: '), ['diskprep', 'u:', `s:${location}`])
    const before = stateOf(folder).drives
    await client.delete(job)
    const gone = await run([...words, 'u:'])
    assert.equal(gone.status, 9, gone.output)
    assert.match(gone.output, /JOB_NOT_FOUND/)
    assert.deepEqual(pastedWords(gone.output, 'Order it again: '), ['diskprep', `s:${location}`])
    const again = await run([...words, '--later'])
    assert.equal(again.status, 0, again.output)
    assert.match(again.output, /has no job \S+ any more; it is ordered again[^§]*is made/)
    assert.deepEqual([(await client.find(job))?.state, stateOf(folder).drives], ['Creating', before])
  })

  const mistakes: [what: string, words: string[]][] = [
    ['an unknown word', ['x:1']],
    ['a staging location without a name', ['s:']],
    ['u: with a value', ['u:1']],
    ['the same word twice', ['s:a', 's:b']],
    ['a Windows switch', ['/s:x']],
    ['a bare folder', ['/srv/staging']],
  ]
  for (const [what, words] of mistakes) {
    test(`${what} is refused`, () => assert.throws(() => parseWords(words), TypeError))
  }

  test('that changes what was committed, and is refused, changes nothing; what holds is shown and offered', async () => {
    const { job, folder, image, words } = await stage()
    assert.equal((await run([...words, ...unattended(image)])).status, 0)
    const [first, second] = ['1', '2'].map((digit) => `JD${digit}${job.replace('-', '')}0002`) as [string, string]
    const details = ['--carrier', 'DHL', '--tracking', first, ...wayBack]
    assert.equal((await run([...words, 'u:', ...details, '--yes'])).status, 0)
    const summary = () => readFileSync(join(folder, `mybackup_${job}.txt`), 'utf8')
    const before = { shipping: stateOf(folder).shipping, summary: summary() }
    const refused: [words: string[], says: RegExp][] = [
      [['--carrier', 'Mule', '--tracking', 'a, b', '--return-name', 'Bob', '--yes'], /PACKAGE_CARRIER/],
      [['--tracking', second], /CONFIRMATION_MISSING/],
    ]
    for (const [change, says] of refused) {
      const { status, output } = await run([...words, 'u:', ...change])
      assert.equal(status, 8, output)
      assert.match(output, says)
      assert.deepEqual({ shipping: stateOf(folder).shipping, summary: summary() }, before)
    }
    const changed = await run([...words, 'u:', '--tracking', second, '--yes'])
    assert.equal(changed.status, 0, changed.output)
    const found = await client.find(job)
    assert.deepEqual(
      [
        found?.deliveryPackage?.trackingNumber,
        found?.deliveryPackage?.carrierName,
        found?.returnAddress?.recipientName,
      ],
      [second, 'DHL', 'Ada'],
    )
    assert.match(summary(), new RegExp(`Parcel \\(committed .*\n {2}DHL, ${second}`))
  })

  test('that looks at a job sent from elsewhere has its package in the summary, not what was typed before', async () => {
    const { job, folder, image, words } = await stage()
    assert.equal((await run([...words, ...unattended(image)])).status, 0)
    const typed = await run([...words, 'u:', '--carrier', 'UPS', '--tracking', '1Z999AA10123456784', ...wayBack])
    assert.equal(typed.status, 8, typed.output)
    assert.equal(stateOf(folder).shipping.deliveryPackage.carrierName, 'UPS')
    const tracking = `JD3${job.replace('-', '')}0003`
    const elsewhere = ['job', 'ship', job, ...where, ...group, '--carrier', 'DHL', '--tracking', tracking, ...wayBack]
    const sent = await startIn(root, elsewhere).ended
    assert.equal(sent.status, 0, sent.output)
    const before = stateOf(folder).revision
    for (const _look of ['first', 'second']) {
      const shown = await run([...words, 'u:'])
      assert.equal(shown.status, 0, shown.output)
      assert.match(readFileSync(join(folder, `mybackup_${job}.txt`), 'utf8'), /Parcel \(committed .*\n {2}DHL, JD3/)
      assert.equal(stateOf(folder).revision, before + 1, 'looking once more is no change')
    }
  })

  test('whose details break rules is told all of them, and nothing is sent', async () => {
    const { job, image, words } = await stage()
    assert.equal((await run([...words, ...unattended(image)])).status, 0)
    const { status, output } = await run([...words, 'u:', '--carrier', 'Mule', '--tracking', 'a, b', '--yes'])
    assert.equal(status, 8, output)
    for (const rule of ['PACKAGE_CARRIER', 'PACKAGE_TRACKING', 'RETURN_ADDRESS', 'RETURN_CARRIER'])
      assert.match(output, new RegExp(rule))
    assert.equal((await client.find(job))?.state, 'Creating')
  })
})

describe('publish settings', () => {
  const settings = (...ids: string[]) => {
    const path = join(root, `${++count}.publishsettings`)
    const list = ids.map(
      (id) =>
        `<Subscription ServiceManagementUrl="https://management.core.windows.net" Id="${id}" Name="One" ManagementCertificate="MIIB" />`,
    )
    writeFileSync(
      path,
      `<PublishData><PublishProfile SchemaVersion="2.0" PublishMethod="AzureServiceManagementAPI">${list.join('')}</PublishProfile></PublishData>`,
    )
    return path
  }

  test('say the subscription; their certificate cannot sign in, and what can is said', async () => {
    const { folder, image, words } = await stage()
    const { status, output } = await run([
      ...words.slice(0, 5),
      '--resource-group',
      'rg',
      `p:${settings(subscriptionId)}`,
      ...unattended(image),
    ])
    assert.equal(status, 0, output)
    assert.match(
      output,
      /certificate in a \.publishsettings file signs in to the retired classic API only[^§]*az login/,
    )
    assert.equal(output.includes('MIIB'), false)
    assert.deepEqual([stateOf(folder).subscription, stateOf(folder).cloud], [subscriptionId, 'public'])
  })

  const other = '11111111-2222-3333-4444-555555555555'
  const refused: [what: string, path: () => string, status: number, says: RegExp][] = [
    ['of another subscription than the job', () => settings(other), 2, /STAGED_JOB_DIFFERS/],
    ['that are not there', () => join(root, 'none'), 2, /PUBLISH_SETTINGS_INVALID/],
    [
      'that are damaged',
      () => {
        const path = settings(other)
        truncateSync(path, 80)
        return path
      },
      2,
      /PUBLISH_SETTINGS_INVALID/,
    ],
  ]
  for (const [what, path, status, says] of refused) {
    test(`${what} are refused before a drive is touched`, async () => {
      const { image, words } = await stage()
      const result = await run([...words, `p:${path()}`, ...unattended(image)])
      assert.equal(result.status, status, result.output)
      assert.match(result.output, says)
      assert.equal(existsSync(image), false)
    })
  }
})

describe('somebody at a terminal', { skip: terminalMissing }, () => {
  const down = '\u001b[B'
  const at = (words: readonly string[]) => atTerminal([process.execPath, main, 'diskprep', ...words], { cwd: root })

  function usedImage(location: string, name: string): string {
    const path = join(location, name)
    writeFileSync(path, 'somebody’s only copy')
    truncateSync(path, 112 << 20)
    return path
  }

  test('is led through: which job, which drive, another one, serials, location; then u: with a review', async () => {
    const { location, folder, job, words } = await stage({})
    for (let index = 0; index < 15; index++) {
      writeFileSync(join(folder, 'files', `${index}`), '')
      truncateSync(join(folder, 'files', `${index}`), 12_000_000)
    }
    const other = `seed-${++count}`
    await initStagedJob(location, { job: other, account: 'mybackup', container: 'backup' })
    const used = usedImage(location, 'used.img')
    const guided = at(words)
    await guided.when(/Which import job\?/, enter)
    await guided.when(/Where are the drives sent to/, `${down}${enter}`)
    await guided.when(/Which drive\?/, `/dev/nothing-here${enter}`)
    await guided.when(/There is no device \/dev\/nothing-here/, '')
    await guided.when(/Which drive\?/, `${used}${enter}`)
    await guided.when(/The drives are too small/, '')
    await guided.when(/Another drive\?/, `${join(location, 'second.img')}:128M${enter}`)
    await guided.when(/Type its serial, (IMG\w+)/, `${await driveIdOf(used, {})}${enter}`)
    await guided.when(/Give the shipping details/, `${down}${enter}`)
    assert.equal(await guided.ended, 0, guided.shown())
    assert.match(guided.shown(), /within two weeks: diskferry diskprep u:/)
    assert.deepEqual(
      [stateOf(folder).state, stateOf(folder).location, stateOf(folder).drives.length],
      ['ordered', 'West Europe', 2],
    )

    const update = at(['u:', ...group, '--token-file', service.tokenPath])
    await update.when(/Address of the job service/, enter)
    await update.when(/Carrier/, `${down}${enter}`)
    await update.when(/Tracking number/, `JD0000${job.replace('-', '')}${enter}`)
    await update.when(/Ship date/, enter)
    const typed = [
      ['recipient', 'Ada'],
      ['street', '1 Quay'],
      ['second line', ''],
      ['city', 'Rotterdam'],
      ['state or province', ''],
      ['postal code', '3011'],
      ['country', 'Netherlands'],
      ['phone', '+31 10 1'],
      ['e-mail', 'nobody'],
    ] as const
    for (const [question, answer] of typed) await update.when(new RegExp(`: ${question}`), `${answer}${enter}`)
    await update.when(/Carrier for the way back/, enter)
    await update.when(/account number/, `770012${enter}`)
    await update.when(/Review/, '')
    await update.when(/Type yes to commit/, `yes${enter}`)
    // One answer breaks a rule: what was typed is kept, and only that is corrected.
    await update.when(/RETURN_ADDRESS.*nobody/s, '')
    for (const question of [/Carrier/, /Tracking number/, /Ship date/]) await update.when(question, enter)
    for (const [question] of typed.slice(0, -1)) await update.when(new RegExp(`: ${question}`), enter)
    await update.when(/: e-mail/, `@example.org${enter}`)
    await update.when(/Carrier for the way back/, enter)
    await update.when(/account number/, enter)
    await update.when(/Type yes to commit/, `yes${enter}`)
    assert.equal(await update.ended, 0, update.shown())
    assert.match(update.shown(), /The shipping details are stored in/)
    const found = await client.find(job)
    assert.deepEqual(
      [found?.state, found?.returnAddress?.email, found?.deliveryPackage?.carrierName],
      ['Shipping', 'nobody@example.org', 'DHL'],
    )
  })

  test('who types another serial has lost nothing: exit code 8', async () => {
    const { location, words, folder } = await stage()
    const used = usedImage(location, 'used.img')
    const guided = at([...words, '--drive', used, '--location', 'West Europe'])
    await guided.when(/Type its serial/, `yes${enter}`)
    assert.equal(await guided.ended, 8, guided.shown())
    assert.match(readFileSync(used).subarray(0, 40).toString(), /somebody’s only copy/)
    assert.equal(stateOf(folder).state, 'staged')
  })

  test('who does not commit has sent nothing, and types nothing twice', async () => {
    const { job, words, image, folder } = await stage()
    assert.equal((await run([...words, ...unattended(image)])).status, 0)
    const update = at([...words, 'u:', '--carrier', 'DHL', '--tracking', `JD1111${job.replace('-', '')}`, ...wayBack])
    for (const question of [/Ship date/]) await update.when(question, enter)
    await update.when(/Type yes to commit/, `no${enter}`)
    assert.equal(await update.ended, 8, update.shown())
    assert.equal((await client.find(job))?.state, 'Creating')
    assert.equal(stateOf(folder).shipping.returnAddress.recipientName, 'Ada')
    const again = at([...words, 'u:'])
    await again.when(/Carrier/, controlC)
    assert.equal(await again.ended, 130, again.shown())
  })
})

describe('two copy computers on one staging location', () => {
  test('on one job: one does it, the other one is told who', async () => {
    const { job, folder, words, location } = await stage({ [`${blob}_BaseBlob`]: contentOf(5, 32 << 20) })
    const runs = ['one', 'two'].map((name) => start([...words, ...unattended(join(location, `${name}.img`))]))
    const results = await Promise.all(runs.map(({ ended }) => ended))
    const codes = results.map(({ status }) => status).sort()
    // The second one may come when the first is done: then it finds the job ordered.
    assert.ok(codes.join() === '0,6' || codes.join() === '0,0', results.map(({ output }) => output).join('\n'))
    if (codes[1] === 6)
      assert.match(
        results.find(({ status }) => status === 6)?.output ?? '',
        /in use by .*process \d+[^§]*STAGING_IN_USE/,
      )
    assert.equal((await client.find(job))?.drives.length, 1)
    assert.equal(historyOf(folder).match(/ordered job/g)?.length, 1)
  })

  test('on two jobs: both do theirs', async () => {
    const { location, job, words } = await stage()
    const second = `seed-${++count}`
    const { folder } = await initStagedJob(location, { job: second, account: 'mybackup', container: 'backup' })
    writeTree(folder, { 'files/a.txt': 'a' })
    const results = await Promise.all(
      [job, second].map((name) => run([...words, '--job', name, ...unattended(join(location, `${name}.img`))])),
    )
    for (const { status, output } of results) assert.equal(status, 0, output)
    for (const name of [job, second]) assert.equal((await client.find(name))?.drives.length, 1)
  })
})

describe('killed in the middle', () => {
  const moments: [what: string, hasCome: (image: string) => boolean][] = [
    ['when the drive was begun', (image) => existsSync(image)],
    ['while the drive is filled', (image) => existsSync(image) && statSync(image).blocks * 512 > 60e6],
  ]
  for (const [what, hasCome] of moments) {
    test(`${what}, the same command finishes it: one job, and the takeover is told`, async () => {
      const { job, folder, image, words } = await stage({ [`${blob}_BaseBlob`]: '' })
      truncateSync(join(folder, `${blob}_BaseBlob`), 320 << 20)
      const given = [...words, '--drive', `${image}:400M`, '--yes', '--location', 'West Europe', '--later']
      const { child, ended } = start(given)
      while (!hasCome(image) && child.exitCode === null) await sleep(5)
      child.kill('SIGKILL')
      assert.equal((await ended).status, null)
      assert.equal(stateOf(folder).state, 'preparing')
      const again = await run(given)
      assert.equal(again.status, 0, again.output)
      assert.match(again.output, new RegExp(`Took over this job from .*process ${child.pid}`))
      assert.match(historyOf(folder), /took over the lock/)
      assert.equal((await client.find(job))?.drives.length, 1)
      const journal = join(folder, 'journal', 'job.jrn')
      assert.match(await diskferry(['verify', '--drive', image, '--journal', journal, '--json']), /"sound":true/)
    })
  }
})

test('a drive that fails leaves the others done: exit code 3, nothing is ordered, and the same again finishes', async () => {
  const { location, job, folder, words } = await stage({})
  for (let index = 0; index < 15; index++) {
    writeFileSync(join(folder, 'files', `${index}`), '')
    truncateSync(join(folder, 'files', `${index}`), 12_000_000)
  }
  const drives = ['--drive', `${location}/one.img:112M`, '--drive', `${location}/later/two.img:128M`]
  const given = [...words, ...drives, '--yes', '--location', 'West Europe', '--later']
  const first = await run(given)
  assert.equal(first.status, 3, first.output)
  assert.match(first.output, /1 of 2 drives are not ready[^§]*DRIVES_FAILED[^§]*--replace DRIVE/)
  assert.equal(await client.find(job), undefined)
  mkdirSync(join(location, 'later'))
  const again = await run(given)
  assert.equal(again.status, 0, again.output)
  assert.equal((await client.find(job))?.drives.length, 2)
})

describe('a damaged or planted state', () => {
  test('keeps nobody from the other job; moved away, it is made anew and nothing is ordered twice', async () => {
    const { folder, image, words, job } = await stage()
    assert.equal((await run([...words, ...unattended(image)])).status, 0)
    truncateSync(join(folder, 'job.json'), 200)
    const named = await run([...words, '--job', job])
    assert.equal(named.status, 1, named.output)
    assert.match(named.output, /cut off[^§]*STAGING_INVALID[^§]*move it away/)
    const alone = await run(words)
    assert.equal(alone.status, 2, alone.output)
    assert.match(alone.output, /is damaged and left alone/)
    renameSync(join(folder, 'job.json'), join(folder, '..', 'damaged.json'))
    const anew = await run([...words, ...unattended(image), '--container', 'backup'])
    assert.equal(anew.status, 0, anew.output)
    assert.match(anew.output, /was there already; it is the same one/)
    assert.deepEqual([stateOf(folder).state, stateOf(folder).drives[0].outcome], ['ordered', 'prepared'])
  })

  test('does not send the token to an address that it names', async () => {
    const asked: (string | undefined)[] = []
    const thief = createServer((request, answer) => {
      asked.push(request.headers.authorization)
      answer.end('{}')
    })
    thief.listen(0, '127.0.0.1')
    await once(thief, 'listening')
    after(() => thief.close())
    const { folder, image, words } = await stage()
    assert.equal((await run([...words, ...unattended(image)])).status, 0)
    const state = stateOf(folder)
    state.order.service = `http://127.0.0.1:${(thief.address() as AddressInfo).port}`
    writeFileSync(join(folder, 'job.json'), JSON.stringify(state))
    const { status, output } = await run([words[0] as string, 'u:', '--token-file', service.tokenPath])
    assert.equal(status, 2, output)
    assert.match(output, /expected --service/)
    assert.equal(output.includes(token), false)
    assert.deepEqual(asked, [])
  })

  test('moves nobody’s cursor with the names of its files and folders', async () => {
    const { location, folder, words } = await stage({ 'x\u001b[2J_BaseBlob': contentOf(7, 512), '\u001b[2Jother': 'x' })
    mkdirSync(join(location, 'mybackup_\u001b[2J'))
    const { output } = await run([...words, '--yes', '--location', 'West Europe', '--later'])
    assert.equal(output.includes('\u001b'), false)
    assert.match(output, /\\x1b\[2J is damaged[^§]*x\\x1b\[2J_BaseBlob/)
    assert.equal(stateOf(folder).state, 'staged')
  })

  test('cannot name a drive that is then written to', async () => {
    const { location, folder, words } = await stage()
    const victim = join(location, 'victim.img')
    writeFileSync(victim, Buffer.alloc(1 << 20, 7))
    const state = stateOf(folder)
    state.drives = [{ driveId: 'VICTIM', spec: victim, host: 'here', sizeBytes: 1 << 20, outcome: 'planned' }]
    state.state = 'preparing'
    writeFileSync(join(folder, 'job.json'), JSON.stringify(state))
    const { status, output } = await run([...words, '--yes', '--location', 'West Europe', '--later'])
    assert.equal(status, 8, output)
    assert.ok(readFileSync(victim).every((byte) => byte === 7))
  })
})

describe('a service that is out of order', { concurrency: true }, () => {
  test('does not keep drives from being prepared; the job is ordered when the same is run again', async () => {
    const { job, folder, image, words } = await stage()
    const busy = createServer((_request, response) => response.writeHead(503, { 'Retry-After': '0' }).end())
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
    after(() => busy.close())
    const address = `http://127.0.0.1:${(busy.address() as AddressInfo).port}`
    const away = ['--service', address, '--token-file', service.tokenPath, ...group]
    const first = await run([words[0] as string, ...away, ...unattended(image)])
    assert.equal(first.status, 9, first.output)
    assert.match(first.output, /prepared all the same/)
    assert.equal(stateOf(folder).state, 'prepared')
    const again = await run([...words, ...unattended(image)])
    assert.equal(again.status, 0, again.output)
    assert.equal((await client.find(job))?.state, 'Creating')
  })

  test('a wrong token, or a name that is taken, is told before a drive is touched', async () => {
    const { job, image, words, folder } = await stage()
    const wrong = join(root, 'wrong-token')
    writeFileSync(wrong, 'x'.repeat(30), { mode: 0o600 })
    const denied = await run([
      words[0] as string,
      '--service',
      service.url,
      '--token-file',
      wrong,
      ...group,
      ...unattended(image),
    ])
    assert.equal(denied.status, 9, denied.output)
    assert.match(denied.output, /SERVICE_SIGN_IN/)
    assert.equal((await run([...words, ...unattended(image)])).status, 0)
    const location = mkdtempSync(join(root, 'staging-'))
    const twin = await initStagedJob(location, { job, account: 'mybackup', container: 'backup' })
    writeTree(twin.folder, { 'files/a.txt': 'a' })
    const taken = await run([`s:${location}`, ...where, ...group, ...unattended(join(location, 'drive.img'))])
    assert.equal(taken.status, 9, taken.output)
    assert.match(taken.output, /JOB_DIFFERS[^§]*Nothing was erased/)
    assert.equal(existsSync(join(location, 'drive.img')), false)
    assert.equal(stateOf(folder).state, 'ordered')
  })
})
