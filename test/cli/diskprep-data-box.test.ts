// The guided flow with customer disks of Data Box, against a stand-in that knows its shapes and none of its rules.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { initStagedJob } from '../../src/index.js'
import { startIn } from '../built-program.js'
import { dataBoxJobs, startDataBox } from '../jobs/data-box-stand-in.js'
import { subscriptionId } from '../jobs/local-service.js'
import { temporaryFolder, writeTree } from '../prepare/made-tree.js'

const root = temporaryFolder('diskprep-data-box')
const { sent, stored, endpoint } = await startDataBox()
const back = join(root, 'back.json')
writeFileSync(
  back,
  JSON.stringify({
    returnAddress: {
      recipientName: 'Ada',
      streetAddress1: '1 Quay',
      city: 'Rotterdam',
      postalCode: '3011',
      countryOrRegion: 'NL',
      phone: '+31 10 1',
      email: 'ada@example.org',
    },
    returnShipping: { carrierName: 'DHL', carrierAccountNumber: '770012' },
  }),
)

async function diskprep(words: readonly string[]) {
  const env = { ...process.env, XDG_STATE_HOME: join(root, 'state'), DISKFERRY_SERVICE_TOKEN: 'token-of-the-stand-in' }
  const at = ['--service', endpoint, '--subscription', subscriptionId, '--resource-group', 'rg']
  return await startIn(root, ['diskprep', ...words, ...at], { env }).ended
}

test('a script goes from staging to a package on its way; the way back is wanted before a drive is touched', async () => {
  const location = join(root, 'staging')
  const { folder } = await initStagedJob(location, { job: 'seed-box', account: 'mybackup', container: 'backup' })
  writeTree(folder, { 'files/a.txt': 'a' })
  const image = join(root, 'drive.img')
  const words = [`s:${location}`, '--drive', `${image}:96M,serial=BOX1`, '--yes', '--location', 'westeurope', '--later']
  const stateOf = () => JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8'))

  const refused = await diskprep([...words, '--api', 'data-box'])
  assert.equal(refused.status, 8, refused.output)
  assert.match(refused.output, /no drive was touched[^§]*RETURN_ADDRESS[^§]*RETURN_CARRIER/)
  assert.equal(existsSync(image), false)

  const ordered = await diskprep([...words, '--api', 'data-box', '--return-file', back])
  assert.equal(ordered.status, 0, ordered.output)
  assert.match(ordered.output, /Ship to\n +Azure Data Box\n +Road 1\n +Amsterdam 1119/)
  const puts = sent.filter(({ method }) => method === 'PUT')
  assert.deepEqual(
    puts.map(({ path }) => path),
    [`${dataBoxJobs}/seed-box?api-version=2022-12-01`],
  )
  const { details } = puts[0]?.body.properties ?? {}
  assert.deepEqual(Object.keys(details.importDiskDetailsCollection), ['BOX1'])
  assert.match(details.importDiskDetailsCollection.BOX1.bitLockerKey, /^(\d{6}-){7}\d{6}$/)
  assert.deepEqual([details.contactDetails.contactName, details.shippingAddress.city], ['Ada', 'Rotterdam'])
  assert.deepEqual([stateOf().state, stateOf().order.api, stateOf().order.state], ['ordered', 'data-box', 'Creating'])

  // Which API it was is known from here on; the same again makes no second job.
  assert.equal((await diskprep([`s:${location}`, '--later'])).status, 0)
  const package_ = ['--carrier', 'DHL', '--tracking', 'JD0146000001', '--yes']
  const shipped = await diskprep(['u:', `s:${location}`, ...package_])
  assert.equal(shipped.status, 0, shipped.output)
  const marked = sent.filter(({ path }) => path.includes('markDevicesShipped'))
  assert.deepEqual(
    marked.map(({ body }) => body),
    [{ deliverToDcPackageDetails: { carrierName: 'DHL', trackingId: 'JD0146000001' } }],
  )
  assert.equal(stored.get('seed-box')?.properties.status, 'ShippedToAzureDC')
  assert.equal(stateOf().state, 'shipped')
  assert.equal(sent.filter(({ method }) => method === 'PUT').length, 1)
})
