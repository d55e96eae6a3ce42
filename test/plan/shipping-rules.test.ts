import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parseImportJob } from '../../src/formats/import-job.js'
import { checkJob, checkJobName, type JobDraft } from '../../src/plan/job-rules.js'
import { checkShipment, type ShipmentContext, shippingReminder } from '../../src/plan/shipment-rules.js'
import { type OtherJob, type ShippingRule, shippingRules } from '../../src/plan/shipping-rules.js'
import { accountId, address, answeredJob, drive } from '../formats/sample-job.js'

const drives = (count: number) => Array.from({ length: count }, (_, index) => ({ ...drive, driveId: `WX${index}` }))
const draft: JobDraft = {
  name: 'seed-2026-11',
  storageAccountIds: [accountId],
  location: 'West Europe',
  drives: drives(2),
}
const other: OtherJob = { name: 'older', isActive: true, driveIds: ['WX1'], trackingNumber: '1Z 999 AA1' }

test('a complete job breaks no rule', () => {
  const full = {
    ...draft,
    returnAddress: address,
    returnShipping: { carrierName: 'DHL', carrierAccountNumber: '1' },
    locations: ['westeurope'],
    driveFacts: [{ driveId: 'WX0', sizeBytes: 8e12, transport: 'sata' }],
    otherJobs: [{ ...other, isActive: false }],
  }
  assert.deepEqual(checkJob(full), [])
})

const names: [name: string, isRight: boolean][] = [
  ['abc', true],
  ['seed-2026-11', true],
  ['a'.repeat(24), true],
  ['a'.repeat(25), false],
  ['ab', false],
  ['', false],
  ['1abc', false],
  ['abc-', false],
  ['-abc', false],
  ['Abc', false],
  ['a_bc', false],
  ['../../etc/passwd', false],
  ['a/b', false],
  ['a%2fb', false],
  ['abc\n', false],
  ['äbc', false],
  ['<b>x</b>', false],
]
for (const [name, isRight] of names) {
  test(`the job name ${JSON.stringify(name)} is ${isRight ? 'taken' : 'refused'}`, () => {
    assert.equal(checkJobName(name).length, isRight ? 0 : 1)
  })
}

const wrongJobs: [title: string, change: Partial<JobDraft>, code: ShippingRule, says: RegExp][] = [
  ['without drives', { drives: [] }, 'JOB_DRIVES', /0 drives/],
  ['with eleven drives', { drives: drives(11) }, 'JOB_DRIVES', /11 drives/],
  ['with a drive twice', { drives: [drive, drive] }, 'JOB_DRIVES', /9CA995BB" is listed twice/],
  ['with two accounts', { storageAccountIds: [accountId, `${accountId}2`] }, 'JOB_ACCOUNT', /2 storage accounts/],
  ['without an account', { storageAccountIds: [] }, 'JOB_ACCOUNT', /0 storage accounts/],
  ['with an account by name', { storageAccountIds: ['myaccount'] }, 'JOB_ACCOUNT', /"myaccount" is no/],
  ['without a location', { location: ' ' }, 'JOB_LOCATION', /No location/],
  ['for an unknown location', { locations: ['West US', 'East US'] }, 'JOB_LOCATION', /West US, East US/],
  ['with logs in no container', { diagnosticsPath: '../logs' }, 'JOB_LOGS', /"..\/logs"/],
  [
    'with a mistyped key',
    { drives: [{ ...drive, bitLockerKey: `${drive.bitLockerKey.slice(0, -1)}7` }] },
    'DRIVE_VALUES',
    /group 8/,
  ],
  ['with half a hash', { drives: [{ ...drive, manifestHash: '109B' }] }, 'DRIVE_VALUES', /32 hexadecimal/],
  [
    'with a manifest path of Linux',
    { drives: [{ ...drive, manifestFile: '/DriveManifest.xml' }] },
    'DRIVE_VALUES',
    /backslash/,
  ],
  ['with a path for a drive id', { drives: [{ ...drive, driveId: '../x' }] }, 'DRIVE_VALUES', /serial/],
  [
    'of more than 80 TB',
    { driveFacts: drives(10).map(({ driveId }) => ({ driveId, sizeBytes: 8.1e12 })) },
    'JOB_SIZE',
    /10 drives have 81\.0 TB/,
  ],
  ['with an NVMe disk', { driveFacts: [{ driveId: 'WX0', sizeBytes: 1, transport: 'nvme' }] }, 'DRIVE_KIND', /nvme/],
  ['with a drive of another job', { otherJobs: [other] }, 'DRIVE_OTHER_JOB', /"WX1" is in job older/],
  ['with an address without a town', { returnAddress: { ...address, city: ' ' } }, 'RETURN_ADDRESS', /lacks city/],
  ['with an e-mail that is none', { returnAddress: { ...address, email: 'nobody' } }, 'RETURN_ADDRESS', /e-mail/],
  ['without a return account', { returnShipping: { carrierName: 'DHL' } }, 'RETURN_CARRIER', /account number/],
]
for (const [title, change, code, says] of wrongJobs) {
  test(`a job ${title} breaks ${code}`, () => {
    const findings = checkJob({ ...draft, ...change })
    assert.deepEqual(
      findings.map((finding) => [finding.code, finding.severity]),
      [[code, 'violation']],
    )
    assert.match(findings[0]?.message ?? '', says)
    assert.ok(findings[0]?.message.startsWith(shippingRules[code]), 'the message names the rule')
  })
}

test('an image file and a disk on USB are warnings: only the person who packs can know', () => {
  const driveFacts = [
    { driveId: 'A', sizeBytes: 1, kind: 'image' as const },
    { driveId: 'B', sizeBytes: 1, transport: 'usb' },
  ]
  assert.deepEqual(
    checkJob({ ...draft, driveFacts }).map(({ severity }) => severity),
    ['warning', 'warning'],
  )
})

const created = new Date('2026-11-01T10:00:00Z')
const days = (count: number) => new Date(created.getTime() + count * 86_400_000)
const sent = { carrierName: 'FedEx', trackingNumber: '1Z-555', driveCount: 1, shipDate: '2026-11-03' }
const context: ShipmentContext = { job: parseImportJob(answeredJob, 'test'), now: days(2) }

test('a complete package breaks no rule', () => {
  const supportedCarriers = ['fedex', 'UPS']
  const finished = { ...other, isActive: false, trackingNumber: '1Z555X' }
  const tracked = { ...sent, trackingNumber: '1Z-555-X' }
  assert.deepEqual(checkShipment(tracked, { ...context, supportedCarriers, otherJobs: [finished] }), [])
})

const { returnAddress: _address, ...withoutAddress } = context.job
const wrongShipments: [
  title: string,
  change: Partial<typeof sent>,
  more: Partial<ShipmentContext>,
  code: ShippingRule,
  says: RegExp,
][] = [
  ['without a carrier', { carrierName: '' }, {}, 'PACKAGE_CARRIER', /No carrier/],
  ['with a carrier that does not go there', {}, { supportedCarriers: ['DHL'] }, 'PACKAGE_CARRIER', /among DHL/],
  ['without a tracking number', { trackingNumber: ' ' }, {}, 'PACKAGE_TRACKING', /No tracking/],
  ['with two tracking numbers', { trackingNumber: '1Z5555, 1Z6666' }, {}, 'PACKAGE_TRACKING', /several/],
  ['with a word for a tracking number', { trackingNumber: 'tbd' }, {}, 'PACKAGE_TRACKING', /6 to 40/],
  ['with HTML for a tracking number', { trackingNumber: '<b>123456</b>' }, {}, 'PACKAGE_TRACKING', /<b>/],
  [
    'with the number of another job',
    { trackingNumber: '1z999aa1' },
    { otherJobs: [other] },
    'TRACKING_SHARED',
    /older/,
  ],
  [
    'with a part of another shipment',
    { trackingNumber: '1Z999AA1-2' },
    { otherJobs: [other] },
    'TRACKING_SHARED',
    /older/,
  ],
  ['with too few drives', { driveCount: 2 }, {}, 'PACKAGE_DRIVES', /2 drives, and job myJob has 1/],
  [
    'with a drive of another job',
    {},
    { otherJobs: [{ ...other, driveIds: ['9CA995BB'] }] },
    'PACKAGE_DRIVES',
    /older too/,
  ],
  ['before the job was made', { shipDate: '2026-10-01' }, {}, 'PACKAGE_DATE', /2026-11-01/],
  ['in the far future', { shipDate: '2027-11-01' }, {}, 'PACKAGE_DATE', /ahead/],
  ['on a day that is none', { shipDate: 'tomorrow' }, {}, 'PACKAGE_DATE', /no date/],
  ['without a return address', {}, { job: withoutAddress }, 'RETURN_ADDRESS', /recipient, street, city/],
  [
    'without a way back',
    {},
    { job: { ...context.job, returnShipping: {} } },
    'RETURN_CARRIER',
    /carrier and account number/,
  ],
]
for (const [title, change, more, code, says] of wrongShipments) {
  test(`a package ${title} breaks ${code}`, () => {
    const tracked = { ...sent, trackingNumber: '1Z-555-X', ...change }
    const findings = checkShipment(tracked, { ...context, ...more })
    assert.deepEqual(
      findings.map((finding) => finding.code),
      [code],
    )
    assert.match(findings[0]?.message ?? '', says)
  })
}

describe('the reminder', () => {
  const reminders: [afterDays: number, urgency: string, says: RegExp][] = [
    [0, 'ok', /by 2026-11-15: 14 days are left/],
    [9.5, 'ok', /4 days are left/],
    [10.5, 'soon', /3 days are left/],
    [12.5, 'soon', /1 day is left/],
    [13.5, 'soon', /less than a day/],
    [14.5, 'late', /by 2026-11-15, today/],
    [16.5, 'late', /2 days ago/],
  ]
  for (const [afterDays, urgency, says] of reminders) {
    test(`${afterDays} days after the job was made is ${urgency}`, () => {
      const reminder = shippingReminder(context.job, days(afterDays))
      assert.equal(reminder?.urgency, urgency)
      assert.match(reminder?.message ?? '', says)
    })
  }

  test('of a sent package counts from its ship date', () => {
    const job = { ...context.job, state: 'Shipping', deliveryPackage: { shipDate: '2026-11-10' } }
    assert.match(shippingReminder(job, days(10))?.message ?? '', /expected at the datacenter by 2026-11-24/)
  })

  test('does not come for a job that is cancelled or under way', () => {
    assert.equal(shippingReminder({ ...context.job, cancelRequested: true }, days(20)), undefined)
    assert.equal(shippingReminder({ ...context.job, state: 'Transferring' }, days(20)), undefined)
  })

  test('of a late job does not keep anybody from trying', () => {
    const findings = checkShipment(
      { ...sent, trackingNumber: '1Z555X', shipDate: '2026-11-20' },
      { ...context, now: days(20) },
    )
    assert.deepEqual(
      findings.map(({ code, severity }) => [code, severity]),
      [['TRACKING_LATE', 'warning']],
    )
  })
})

test('docs/jobs.md has a row for each rule, in the rule’s own words', () => {
  const text = readFileSync(new URL('../../docs/jobs.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (.+?) \| /gm)].map(([, code, rule]) => [code, rule])
  assert.deepEqual(rows, Object.entries(shippingRules))
})
