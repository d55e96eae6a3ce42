// Connection strings of storage accounts: `Name=Value` pairs between semicolons, as the portal shows them. A value may hold
// further equals signs, and a signature does.

import { TransferError } from '../errors.js'

export interface ConnectionString {
  accountName?: string
  /** Base64 of 64 bytes as a rule. */
  accountKey?: string
  /** Without its question mark. */
  sharedAccessSignature?: string
  /** Address of the blob service, with the account in its path where the service has it there. */
  blobEndpoint?: string
}

const known = new Map([
  ['accountname', 'accountName'],
  ['accountkey', 'accountKey'],
  ['sharedaccesssignature', 'sharedAccessSignature'],
  ['blobendpoint', 'blobEndpoint'],
  ['defaultendpointsprotocol', 'protocol'],
  ['endpointsuffix', 'suffix'],
  ['usedevelopmentstorage', 'development'],
])

/**
 * Endpoints of other services are passed over. No message has a value in it: it may be the key.
 * @throws TransferError CREDENTIAL_INVALID
 */
export function parseConnectionString(text: string): ConnectionString {
  const fields = new Map<string, string>()
  for (const pair of text.trim().split(';')) {
    if (pair.trim() === '') continue
    const at = pair.indexOf('=')
    if (at < 1) throw invalid('a part has no equals sign')
    const field = known.get(pair.slice(0, at).trim().toLowerCase())
    if (field === undefined) continue
    if (fields.has(field)) throw invalid(`${field} is given twice`)
    fields.set(field, pair.slice(at + 1).trim())
  }
  if (fields.get('development') === 'true')
    throw invalid('for the emulator give its address instead, http://127.0.0.1:10000/devstoreaccount1')
  const { accountName, accountKey, sharedAccessSignature, blobEndpoint } = Object.fromEntries(fields)
  if (!accountKey === !sharedAccessSignature) throw invalid('expected an AccountKey or a SharedAccessSignature')
  if (accountKey && !accountName) throw invalid('an AccountKey needs its AccountName')
  const endpoint = blobEndpoint || composedEndpoint(fields)
  return {
    ...(accountName ? { accountName } : {}),
    ...(accountKey ? { accountKey } : {}),
    ...(sharedAccessSignature ? { sharedAccessSignature: sharedAccessSignature.replace(/^\?/, '') } : {}),
    ...(endpoint === undefined ? {} : { blobEndpoint: endpoint }),
  }
}

function composedEndpoint(fields: ReadonlyMap<string, string>): string | undefined {
  const accountName = fields.get('accountName')
  const suffix = fields.get('suffix') || 'core.windows.net'
  return accountName ? `${fields.get('protocol') || 'https'}://${accountName}.blob.${suffix}` : undefined
}

function invalid(reason: string): TransferError {
  return new TransferError('CREDENTIAL_INVALID', `The connection string cannot be used: ${reason}.`, {
    hint: 'Copy it whole from the access keys of the storage account.',
  })
}
