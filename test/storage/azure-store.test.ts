import { after, before } from 'node:test'
import type { AzureCredential } from '../../src/storage/azure-credential.js'
import { AzureStore } from '../../src/storage/azure-store.js'
import { type Azurite, azuriteAccount, azuriteKey, azuriteMissing, startAzurite } from './azurite.js'
import { testBlobStore } from './conformance.js'

const skip = azuriteMissing()
const credential: AzureCredential = { kind: 'key', accountName: azuriteAccount, accountKey: azuriteKey }
let azurite: Azurite
before(async () => {
  if (!skip) azurite = await startAzurite()
})
after(() => azurite?.stop())

let containers = 0
testBlobStore(
  'Azure',
  async () => {
    const store = new AzureStore(new URL(azurite.url), credential)
    const container = `container-${containers++}`
    await store.createContainer(container)
    return { store, container }
  },
  // Azurite 3.35; a backslash is refused by the store, because a service takes it for a slash.
  {
    skip,
    gaps: ['backslash', 'md5 of pages', 'uncommitted blocks outlive Put Blob', 'removes uncommitted blocks'],
  },
)
