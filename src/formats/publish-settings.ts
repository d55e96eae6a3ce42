// .publishsettings: which subscriptions an organisation has, and in which cloud. Two schema versions differ in where the
// address and the certificate stand. The certificate opens the retired classic API and nothing else; it is never kept,
// copied or shown, and the types here cannot hold it.

import { type ErrorCode, TransferError } from '../errors.js'
import { parseXmlElements, type XmlElement, xmlProblem } from './xml-elements.js'

export interface Cloud {
  name: 'public' | 'china' | 'us-government' | 'germany'
  /** Where Azure Resource Manager answers. */
  resourceManagerUrl: string
  /** `<account>.blob.<suffix>` */
  storageSuffix: string
  isClosed: boolean
}

export interface PublishSubscription {
  /** GUID in lower case. */
  id: string
  name: string
  /** Undefined for an address that is of no known cloud. */
  cloud?: Cloud
  managementUrl: string
  /** `malformed`: what is there cannot be a PKCS#12 file. */
  certificate: 'present' | 'absent' | 'malformed'
}

export interface PublishSettings {
  schemaVersion: '1.0' | '2.0'
  subscriptions: PublishSubscription[]
}

const code: ErrorCode = 'PUBLISH_SETTINGS_INVALID'

const clouds: Readonly<Record<string, Cloud>> = {
  'management.core.windows.net': cloud('public', 'management.azure.com', 'core.windows.net'),
  'management.core.chinacloudapi.cn': cloud('china', 'management.chinacloudapi.cn', 'core.chinacloudapi.cn'),
  'management.core.usgovcloudapi.net': cloud('us-government', 'management.usgovcloudapi.net', 'core.usgovcloudapi.net'),
  'management.core.cloudapi.de': cloud('germany', 'management.microsoftazure.de', 'core.cloudapi.de', true),
}

function cloud(name: Cloud['name'], host: string, storageSuffix: string, isClosed = false): Cloud {
  return { name, resourceManagerUrl: `https://${host}`, storageSuffix, isClosed }
}

/** What to tell whoever brings such a file in order to sign in. */
export const certificateNote =
  'The certificate in a .publishsettings file signs in to the retired classic API only. Azure Resource Manager wants a token: ' +
  'sign in with the Azure CLI (az login), or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET of a service principal.'

/**
 * @param fileName for messages.
 * @throws TransferError PUBLISH_SETTINGS_INVALID with line and column; no message repeats a part of the certificate.
 */
export function parsePublishSettings(text: string, fileName = '.publishsettings'): PublishSettings {
  const root = parseQuietly(text, fileName)
  const fail = (problem: string, element: XmlElement): never => {
    throw xmlProblem({ fileName, code }, problem, element)
  }
  if (root.name === 'publishData') {
    const message = `${fileName} is a publish profile of a web app (publishData), not a file with subscriptions (PublishData).`
    throw new TransferError(code, message, {
      path: fileName,
      hint: 'Both end in .publishsettings; this one is for deploying a site.',
    })
  }
  if (root.name !== 'PublishData') fail(`the root element is not PublishData`, root)
  const profiles = root.children.filter((child) => child.name === 'PublishProfile')
  if (profiles.length === 0) fail('there is no PublishProfile', root)
  const subscriptions = profiles.flatMap((profile) =>
    profile.children
      .filter((child) => child.name === 'Subscription')
      .map((element) => readSubscription(element, profile, fail)),
  )
  if (subscriptions.length === 0) fail('there is no Subscription', profiles[0] as XmlElement)
  const isSecond = profiles.some((profile) => profile.attributes.SchemaVersion === '2.0')
  return { schemaVersion: isSecond ? '2.0' : '1.0', subscriptions: withoutRepeats(subscriptions) }
}

// The parser's messages quote names, and in a damaged file a piece of the certificate can stand where a name should: only
// the place is passed on.
function parseQuietly(text: string, fileName: string): XmlElement {
  try {
    return parseXmlElements(text, fileName, code)
  } catch (error) {
    if (!(error instanceof TransferError) || /document type/.test(error.message)) throw error
    const { line = 1, column = 1 } = error
    throw xmlProblem({ fileName, code }, 'the XML is damaged or torn there', { line, column })
  }
}

type Fail = (problem: string, element: XmlElement) => never

// An attribute of the subscription counts, else that of its profile: so every reader of both versions does it.
function readSubscription(element: XmlElement, profile: XmlElement, fail: Fail): PublishSubscription {
  const id = (element.attributes.Id ?? '').trim().toLowerCase()
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) fail('the Id of a Subscription is no GUID', element)
  const address = element.attributes.ServiceManagementUrl ?? profile.attributes.Url
  if (address === undefined) return fail('neither Subscription nor PublishProfile says where the service is', element)
  const url = URL.canParse(address.trim()) ? new URL(address.trim()) : undefined
  if (url?.protocol !== 'https:') return fail('the address of the service is no https address', element)
  const name = (element.attributes.Name ?? '').trim() || id
  const certificate = element.attributes.ManagementCertificate ?? profile.attributes.ManagementCertificate
  const known = clouds[url.hostname]
  return {
    id,
    name,
    managementUrl: url.origin,
    certificate: judgeCertificate(certificate),
    ...(known === undefined ? {} : { cloud: known }),
  }
}

// A PKCS#12 file is a DER sequence with a length of two bytes or more: enough to tell a torn file from a whole one.
function judgeCertificate(base64: string | undefined): PublishSubscription['certificate'] {
  const text = base64?.replaceAll(/\s/g, '') ?? ''
  if (text === '') return 'absent'
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return 'malformed'
  const bytes = Buffer.from(text, 'base64')
  const isSequence =
    bytes.length >= 4 && bytes[0] === 0x30 && bytes[1] === 0x82 && bytes.length === 4 + bytes.readUInt16BE(2)
  bytes.fill(0)
  return isSequence ? 'present' : 'malformed'
}

function withoutRepeats(subscriptions: PublishSubscription[]): PublishSubscription[] {
  return [...new Map(subscriptions.map((entry) => [entry.id, entry])).values()]
}
