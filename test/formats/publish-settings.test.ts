import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { parsePublishSettings } from '../../src/formats/publish-settings.js'
import { mutate, xorshift } from './mutate.js'

const id = '0a1b2c3d-1111-2222-3333-444455556666'
const other = '9a1b2c3d-1111-2222-3333-444455556666'
// The frame of a PKCS#12 file: a sequence of 1020 bytes.
const certificate = Buffer.concat([Buffer.from([0x30, 0x82, 0x03, 0xfc]), Buffer.alloc(1020, 0xa7)]).toString('base64')

const second = (subscriptions: string) =>
  `<?xml version="1.0" encoding="utf-8"?>\n<PublishData>\n  <PublishProfile SchemaVersion="2.0" PublishMethod="AzureServiceManagementAPI">\n${subscriptions}\n  </PublishProfile>\n</PublishData>`
const subscription = (more: Record<string, string> = {}) => {
  const attributes = {
    ServiceManagementUrl: 'https://management.core.windows.net',
    Id: id,
    Name: 'Backup &amp; Archive',
    ManagementCertificate: certificate,
    ...more,
  }
  return `    <Subscription ${Object.entries(attributes)
    .map(([name, value]) => `${name}="${value}"`)
    .join(' ')} />`
}
const first = `\uFEFF<PublishData><PublishProfile PublishMethod="AzureServiceManagementAPI" Url="https://management.core.windows.net/" ManagementCertificate="${certificate}"><Subscription Id="${id.toUpperCase()}" Name="Old" /></PublishProfile></PublishData>`

describe('publish settings', () => {
  test('version 2.0: address and certificate stand at the subscription', () => {
    const { schemaVersion, subscriptions } = parsePublishSettings(second(subscription()))
    assert.equal(schemaVersion, '2.0')
    const [found] = subscriptions
    assert.equal(found?.id, id)
    assert.equal(found?.name, 'Backup & Archive')
    assert.equal(found?.certificate, 'present')
    assert.equal(found?.cloud?.resourceManagerUrl, 'https://management.azure.com')
  })

  test('version 1.0: address and certificate stand at the profile', () => {
    const { schemaVersion, subscriptions } = parsePublishSettings(first)
    assert.equal(schemaVersion, '1.0')
    assert.deepEqual(
      subscriptions.map((entry) => [entry.id, entry.name, entry.certificate, entry.cloud?.name]),
      [[id, 'Old', 'present', 'public']],
    )
  })

  test('several subscriptions are all there, one that is repeated once', () => {
    const text = second([subscription(), subscription({ Id: other, Name: '' }), subscription()].join('\n'))
    const { subscriptions } = parsePublishSettings(text)
    assert.deepEqual(
      subscriptions.map(({ name }) => name),
      ['Backup & Archive', other],
    )
  })

  const clouds: [host: string, cloud: string | undefined, resourceManager: string | undefined][] = [
    ['management.core.windows.net', 'public', 'https://management.azure.com'],
    ['management.core.chinacloudapi.cn', 'china', 'https://management.chinacloudapi.cn'],
    ['management.core.usgovcloudapi.net', 'us-government', 'https://management.usgovcloudapi.net'],
    ['management.core.cloudapi.de', 'germany', 'https://management.microsoftazure.de'],
    ['management.local.azurestack.external', undefined, undefined],
  ]
  for (const [host, cloud, resourceManager] of clouds) {
    test(`${host} is the cloud ${cloud ?? 'that nobody knows'}`, () => {
      const { subscriptions } = parsePublishSettings(second(subscription({ ServiceManagementUrl: `https://${host}/` })))
      assert.equal(subscriptions[0]?.cloud?.name, cloud)
      assert.equal(subscriptions[0]?.cloud?.resourceManagerUrl, resourceManager)
    })
  }

  test('what is kept holds no part of the certificate', () => {
    const kept = JSON.stringify(parsePublishSettings(second(subscription())))
    assert.equal(kept.includes(certificate.slice(8, 40)), false)
  })

  const certificates: [string, string, 'present' | 'absent' | 'malformed'][] = [
    ['an empty one', '', 'absent'],
    ['a torn one', certificate.slice(0, 100), 'malformed'],
    ['text', 'not base64!', 'malformed'],
    ['a head without its length', 'MIIB', 'malformed'],
    ['a whole one', certificate, 'present'],
  ]
  for (const [name, value, expected] of certificates) {
    test(`a certificate that is ${name} is ${expected}`, () => {
      const { subscriptions } = parsePublishSettings(second(subscription({ ManagementCertificate: value })))
      assert.equal(subscriptions[0]?.certificate, expected)
    })
  }
})

const refused: [name: string, text: string, says: RegExp][] = [
  ['a web app profile', '<publishData><publishProfile profileName="site" userPWD="x"/></publishData>', /web app/],
  ['another document', '<Drive/>', /PublishData/],
  ['no profile', '<PublishData/>', /no PublishProfile/],
  ['no subscription', second(''), /no Subscription/],
  ['an id that is no GUID', second(subscription({ Id: '../../etc' })), /GUID/],
  ['plain http', second(subscription({ ServiceManagementUrl: 'http://management.core.windows.net' })), /https/],
  ['no address', `<PublishData><PublishProfile><Subscription Id="${id}"/></PublishProfile></PublishData>`, /where/],
  ['a torn file', second(subscription()).slice(0, -40), /line \d+, column \d+/],
  ['a document type', `<!DOCTYPE x [<!ENTITY a "b">]>${first.slice(1)}`, /document type/],
  ['an empty file', '', /line 1/],
]
for (const [name, text, says] of refused) {
  test(`a file with ${name} is refused`, () => {
    assert.throws(
      () => parsePublishSettings(text, 'my.publishsettings'),
      (error: unknown) =>
        error instanceof TransferError && error.code === 'PUBLISH_SETTINGS_INVALID' && says.test(error.message),
    )
  })
}

test('damage never ends in another error, and no message repeats the certificate', () => {
  const random = xorshift(20261122)
  const originals = [Buffer.from(second(subscription())), Buffer.from(first)]
  let refusals = 0
  for (let round = 0; round < 1500; round++) {
    const text = mutate(originals[round % 2] as Buffer, random).toString('utf8')
    try {
      parsePublishSettings(text)
    } catch (error) {
      refusals += 1
      assert.ok(error instanceof TransferError && error.code === 'PUBLISH_SETTINGS_INVALID', String(error))
      assert.equal(/p6enp6/.test(error.message), false, error.message)
    }
  }
  assert.ok(refusals > 100)
})
