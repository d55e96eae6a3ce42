// Where logs go, which account drives may be imported into, and what a package back must be.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { diagnosticsPathProblem, logPlace } from '../../src/plan/log-place.js'
import { checkReturnPackage } from '../../src/plan/return-rules.js'
import { checkOrderedImports } from '../../src/plan/station-order.js'

describe('the place of copy logs', () => {
  const places: [path: string, only: string | undefined, container: string, prefix: string][] = [
    ['waimportexport', undefined, 'waimportexport', ''],
    ['mylogcontainer', undefined, 'mylogcontainer', ''],
    ['logs/2026/november', undefined, 'logs', '2026/november/'],
    ['logs/2026/', undefined, 'logs', '2026/'],
    ['waimportexport', 'backup', 'backup', 'waimportexport/'],
    ['mylogblobs', 'backup', 'backup', 'waimportexport/mylogblobs/'],
    ['logs/2026', 'backup', 'backup', 'waimportexport/logs/2026/'],
  ]
  for (const [path, only, container, prefix] of places) {
    test(`of ${path}${only === undefined ? '' : `, where ${only} is all there is,`} is ${container}/${prefix}`, () => {
      assert.deepEqual(logPlace(path, only), { container, prefix })
    })
  }

  for (const path of [
    '',
    '/',
    'No',
    '$root',
    '../x',
    'logs//x',
    'logs/../../x',
    'logs/a\\b',
    '/logs',
    'logs/x\u0001',
  ]) {
    test(`cannot be ${JSON.stringify(path)}`, () => {
      assert.notEqual(diagnosticsPathProblem(path), undefined)
      assert.throws(() => logPlace(path), RangeError)
    })
  }
})

describe('drives of jobs', () => {
  const account = (name: string) =>
    `/subscriptions/x/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/${name}`
  const one = { name: 'one', storageAccountId: account('mybackup') }
  const same = { name: 'two', storageAccountId: account('MyBackup') }
  const other = { name: 'three', storageAccountId: account('others') }
  const azure = 'https://mybackup.blob.core.windows.net'
  const cases: [what: string, jobs: (typeof one)[], store: string, isRight: boolean][] = [
    ['into its account', [one], azure, true],
    ['into another account', [other], azure, false],
    ['of two jobs of one account', [one, same], azure, true],
    ['of two accounts', [one, other], azure, false],
    ['of two accounts into one folder', [one, other], '/srv/blobs', false],
    ['into an emulator, which stands for any account', [other], 'http://127.0.0.1:10000/devstoreaccount1', true],
    ['into another cloud’s account of that name', [one], 'https://mybackup.blob.core.chinacloudapi.cn', true],
    ['behind a domain of one’s own', [one], 'https://blobs.example.org', true],
  ]
  for (const [what, jobs, store, isRight] of cases) {
    test(`${what} are ${isRight ? 'taken' : 'refused'}`, () => {
      assert.equal(checkOrderedImports(jobs, store).length, isRight ? 0 : 1)
    })
  }
})

describe('a package back', () => {
  const context = {
    returnShipping: { carrierName: 'DHL', carrierAccountNumber: '7' },
    deliveryPackage: { carrierName: 'DHL', trackingNumber: 'JD 0146-00' },
    drivesHere: 2,
  }
  const right = { carrierName: 'dhl', trackingNumber: 'JD999111', driveCount: 2, shipDate: '2026-11-30' }
  test('with everything breaks no rule', () => assert.deepEqual(checkReturnPackage(right, context), []))
  const broken: [what: string, change: Partial<typeof right>, code: string, severity: string][] = [
    ['without a carrier', { carrierName: ' ' }, 'PACKAGE_CARRIER', 'violation'],
    ['with a carrier that the sender does not pay', { carrierName: 'UPS' }, 'PACKAGE_CARRIER', 'warning'],
    ['without a tracking number', { trackingNumber: '' }, 'PACKAGE_TRACKING', 'violation'],
    ['with the number of the package that came', { trackingNumber: 'jd014600' }, 'PACKAGE_TRACKING', 'violation'],
    ['that lacks a drive', { driveCount: 1 }, 'PACKAGE_DRIVES', 'violation'],
    ['on no date', { shipDate: 'tomorrow' }, 'PACKAGE_DATE', 'violation'],
    ['on a day that no month has', { shipDate: '2026-11-40' }, 'PACKAGE_DATE', 'violation'],
  ]
  for (const [what, change, code, severity] of broken) {
    test(`${what}: ${code}, a ${severity}`, () => {
      assert.deepEqual(
        checkReturnPackage({ ...right, ...change }, context).map((finding) => [finding.code, finding.severity]),
        [[code, severity]],
      )
    })
  }
})
