// Customer disks of Microsoft.DataBox, against a stand-in that answers in the published shapes: what is proved is what is
// sent and what is understood, not that the real service takes it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseDataBoxJob } from '../../src/formats/data-box-job.js'
import type { JobRequest } from '../../src/formats/import-job.js'
import { DataBoxService } from '../../src/jobs/data-box-service.js'
import { createJob } from '../../src/jobs/import-service.js'
import { staticToken } from '../../src/jobs/service-credential.js'
import { accountId, address, drive } from '../formats/sample-job.js'
import { dataBoxJobs as jobs, type SentRequest, startDataBox } from './data-box-stand-in.js'
import { quickRetry, subscriptionId } from './local-service.js'

const request: JobRequest = {
  location: 'westeurope',
  storageAccountId: accountId,
  drives: [drive],
  returnAddress: address,
  returnShipping: { carrierName: 'DHL', carrierAccountNumber: '77' },
  logLevel: 'Verbose',
}
async function standIn() {
  const { sent, endpoint } = await startDataBox()
  const credential = staticToken('x')
  const service = new DataBoxService({ endpoint, subscriptionId, resourceGroup: 'rg', credential, retry: quickRetry })
  return { sent, service }
}

test('making a job sends the published customer-disk body once', async () => {
  const { sent, service } = await standIn()
  const { job, isNew } = await createJob(service, 'seed-2026', request)
  const put = sent.find(({ method }) => method === 'PUT') as SentRequest
  assert.equal(put.path, `${jobs}/seed-2026?api-version=2022-12-01`)
  assert.deepEqual(put.body.sku, { name: 'DataBoxCustomerDisk' })
  assert.equal(put.body.properties.transferType, 'ImportToAzure')
  const { details } = put.body.properties as { details: Record<string, unknown> }
  assert.equal(details.jobDetailsType, 'DataBoxCustomerDisk')
  assert.deepEqual(details.contactDetails, {
    contactName: 'Test',
    phone: '4250000000',
    emailList: ['Test@contoso.com'],
  })
  assert.deepEqual(details.importDiskDetailsCollection, {
    [drive.driveId]: {
      manifestFile: drive.manifestFile,
      manifestHash: drive.manifestHash,
      bitLockerKey: drive.bitLockerKey,
    },
  })
  assert.deepEqual(details.dataImportDetails, [
    {
      accountDetails: { dataAccountType: 'StorageAccount', storageAccountId: accountId },
      logCollectionLevel: 'Verbose',
    },
  ])
  assert.deepEqual(details.returnToCustomerPackageDetails, { carrierName: 'DHL', carrierAccountNumber: '77' })
  assert.deepEqual([isNew, job.state, job.drives[0]?.state], [true, 'Creating', 'Specified'])
  assert.equal((await createJob(service, 'seed-2026', request)).isNew, false)
  assert.equal(sent.filter(({ method }) => method === 'PUT').length, 1)
  await assert.rejects(createJob(service, 'seed-2026', { ...request, drives: [{ ...drive, driveId: 'B' }] }), {
    code: 'JOB_DIFFERS',
  })
})

test('shipping, cancelling, keys and deleting use the calls of this service', async () => {
  const { sent, service } = await standIn()
  await service.put('trip', request)
  const deliveryPackage = { carrierName: 'DHL', trackingNumber: 'JD01', driveCount: 1 }
  const shipped = await service.update('trip', { state: 'Shipping', deliveryPackage, returnAddress: address })
  assert.deepEqual([shipped.state, shipped.deliveryPackage?.trackingNumber], ['Shipping', 'JD01'])
  const marked = sent.find(({ path }) => path.includes('markDevicesShipped'))
  assert.deepEqual(marked?.body, { deliverToDcPackageDetails: { carrierName: 'DHL', trackingId: 'JD01' } })
  assert.equal(
    sent.some(({ method }) => method === 'PATCH'),
    false,
    'the same address is not sent again',
  )
  assert.deepEqual([...(await service.listBitLockerKeys('trip'))], [[drive.driveId, drive.bitLockerKey]])
  assert.equal((await service.update('trip', { cancelRequested: true })).cancelRequested, true)
  await service.delete('trip')
  assert.equal(await service.find('trip'), undefined)
  await assert.rejects(service.delete('trip'), { code: 'JOB_NOT_FOUND' })
})

test('what this service cannot do is said before anything is sent', async () => {
  const { sent, service } = await standIn()
  await assert.rejects(service.update('x', { logLevel: 'Error' }), { code: 'SERVICE_UNSUPPORTED' })
  const { returnAddress: _address, ...without } = request
  await assert.rejects(service.put('x', without), { code: 'JOB_RULES_BROKEN' })
  assert.deepEqual(sent, [])
})

const stages: [stage: string, copyStatus: string | undefined, state: string, driveState: string][] = [
  ['Created', undefined, 'Creating', 'Specified'],
  ['AwaitingShipmentDetails', 'NotStarted', 'Creating', 'Specified'],
  ['ShippedToAzureDC', undefined, 'Shipping', 'Specified'],
  ['AtAzureDC', 'NotStarted', 'Received', 'Received'],
  ['DataCopy', 'InProgress', 'Transferring', 'Transferring'],
  ['PreparingToShipFromAzureDC', 'Completed', 'Packaging', 'Completed'],
  ['ShippedToCustomer', 'CompletedWithErrors', 'Packaging', 'CompletedMoreInfo'],
  ['Completed', 'Completed', 'Completed', 'Completed'],
  ['CompletedWithErrors', 'DriveCorrupted', 'Closed', 'CompletedMoreInfo'],
  ['Cancelled', 'DriveNotReceived', 'Closed', 'NeverReceived'],
  ['Failed_IssueDetectedAtAzureDC', 'HardwareError', 'Faulted', 'CompletedMoreInfo'],
  ['SomethingNew', 'SomethingNew', 'SomethingNew', 'CompletedMoreInfo'],
]
describe('stages and copy states become ours', () => {
  for (const [stage, copyStatus, state, driveState] of stages) {
    test(`${stage}, ${copyStatus ?? 'no copy yet'}: ${state}, ${driveState}`, () => {
      const details = {
        jobDetailsType: 'DataBoxCustomerDisk',
        importDiskDetailsCollection: { A: { manifestFile: '\\m.xml', manifestHash: 'X' } },
        copyProgress: copyStatus && [{ serialNumber: 'A', copyStatus, bytesProcessed: 25, totalBytesToProcess: 100 }],
        copyLogDetails: [{ serialNumber: 'A', errorLogLink: 'https://e', verboseLogLink: '' }],
        datacenterAddress: { company: 'DC', street1: 'Road 1', city: 'Town', zip: '1', country: 'NL' },
      }
      const job = parseDataBoxJob({ name: 'x', properties: { status: stage, details } }, 'test')
      assert.deepEqual([job.state, job.drives[0]?.state], [state, driveState])
      assert.equal(job.shippingInformation?.streetAddress1, 'Road 1')
      assert.equal(job.drives[0]?.errorLogUri, 'https://e')
      if (copyStatus === 'InProgress') assert.equal(job.percentComplete, 25)
    })
  }
})
