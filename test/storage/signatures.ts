// Shared access signatures for Azurite, as its owner would give them away.

import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  ContainerSASPermissions,
  generateAccountSASQueryParameters,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { azuriteAccount, azuriteKey } from './azurite.js'

const ownerOf = (accountKey: string) => new StorageSharedKeyCredential(azuriteAccount, accountKey)
const hourMs = 3_600_000

/** @param permissions letters, such as `rwlc`. With `lifeMs` below 0 it has expired. */
export function accountSignature(
  permissions: string,
  { lifeMs = hourMs, accountKey = azuriteKey }: { lifeMs?: number; accountKey?: string } = {},
): string {
  return generateAccountSASQueryParameters(
    {
      permissions: AccountSASPermissions.parse(permissions),
      services: AccountSASServices.parse('b').toString(),
      resourceTypes: AccountSASResourceTypes.parse('sco').toString(),
      expiresOn: new Date(Date.now() + lifeMs),
      protocol: SASProtocol.HttpsAndHttp,
    },
    ownerOf(accountKey),
  ).toString()
}

export function containerSignature(containerName: string, permissions: string): string {
  const values = {
    containerName,
    permissions: ContainerSASPermissions.parse(permissions),
    expiresOn: new Date(Date.now() + hourMs),
    protocol: SASProtocol.HttpsAndHttp,
  }
  return generateBlobSASQueryParameters(values, ownerOf(azuriteKey)).toString()
}
