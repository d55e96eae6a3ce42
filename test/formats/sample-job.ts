// A job in the published form, made from parts that other tests use too.

export const address = {
  recipientName: 'Test',
  streetAddress1: 'Street1',
  streetAddress2: 'street2',
  city: 'Redmond',
  stateOrProvince: 'wa',
  postalCode: '98007',
  countryOrRegion: 'USA',
  phone: '4250000000',
  email: 'Test@contoso.com',
}

export const drive = {
  driveId: '9CA995BB',
  bitLockerKey: '238810-662376-448998-450120-652806-203390-606320-483076',
  manifestFile: '\\DriveManifest.xml',
  manifestHash: '109B21108597EF36D5785F08303F3638',
}

export const accountId =
  '/subscriptions/0a1b2c3d-1111-2222-3333-444455556666/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/test'

export const publishedCreateBody = {
  location: 'West US',
  properties: {
    storageAccountId: accountId,
    jobType: 'Import',
    returnAddress: address,
    returnShipping: { carrierName: 'FedEx', carrierAccountNumber: '989ffff' },
    diagnosticsPath: 'waimportexport',
    logLevel: 'Verbose',
    backupDriveManifest: true,
    driveList: [{ ...drive, driveHeaderHash: '' }],
  },
}

const { bitLockerKey: _key, ...driveWithoutKey } = drive

export const answeredJob = {
  id: '/subscriptions/0a1b2c3d-1111-2222-3333-444455556666/resourceGroups/rg/providers/Microsoft.ImportExport/jobs/myJob',
  name: 'myJob',
  type: 'Microsoft.ImportExport/jobs',
  location: 'West US',
  identity: { type: 'None' },
  systemData: { createdAt: '2026-11-01T10:00:00Z', lastModifiedAt: '2026-11-01T10:00:00Z' },
  properties: {
    ...publishedCreateBody.properties,
    driveList: [{ ...driveWithoutKey, driveHeaderHash: '', state: 'Specified' }],
    state: 'Creating',
    cancelRequested: false,
    percentComplete: 0,
    provisioningState: 'Succeeded',
    encryptionKey: { kekType: 'MicrosoftManaged' },
    shippingInformation: {
      recipientName: 'Microsoft Azure Import/Export Service',
      streetAddress1: '2045 Lafayette Street',
      city: 'Santa Clara',
      stateOrProvince: 'CA',
      postalCode: '95050',
      countryOrRegion: 'USA',
    },
  },
}
