import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransferError } from '../../src/errors.js'
import { encodeMetadata, encodeProperties, parseMetadata, parseProperties } from '../../src/formats/blob-properties.js'
import { mutate, xorshift } from './mutate.js'

// Names and values of the samples in the documentation of Azure Import/Export (metadata and properties file format, 2017).
const metadata = [
  ['UploadMethod', 'Windows Azure Import/Export Service'],
  ['DataSetName', 'SampleData <1> & more'],
  ['CreationDate', '10/1/2013'],
] as const
const properties = [
  ['Content-Type', 'application/octet-stream'],
  ['Content-MD5', 'Q2hlY2sgSW50ZWdyaXR5IQ=='],
  ['Cache-Control', 'no-cache'],
] as const

test('metadata and properties survive being written and read', () => {
  assert.deepEqual(parseMetadata(encodeMetadata(metadata)), metadata)
  assert.deepEqual(parseProperties(encodeProperties(properties)), properties)
  assert.deepEqual(parseMetadata('\uFEFF<Metadata/>'), [])
  assert.equal(
    encodeProperties([['Content-Type', 'text/plain']]),
    '<?xml version="1.0" encoding="UTF-8"?>\n<Properties>\n  <Content-Type>text/plain</Content-Type>\n</Properties>\n',
  )
})

test('the properties of an export are read where they are expected', () => {
  const text =
    '<Properties><Last-Modified>x</Last-Modified><Etag>0x1</Etag><Content-Length>5</Content-Length></Properties>'
  assert.equal(parseProperties(text, 'x', { isExport: true }).length, 3)
  assert.throws(() => parseProperties(text), {
    code: 'PROPERTIES_INVALID',
    message: /set by the service/,
    line: 1,
    column: 13,
  })
})

const refusedMetadata: readonly (readonly [string, RegExp, number, number])[] = [
  ['<Properties/>', /root element is Properties, expected Metadata/, 1, 1],
  ['<Metadata>\n  <a-b>x</a-b></Metadata>', /only letters, digits and underscores/, 2, 3],
  ['<Metadata>\n <A>x</A>\n <a>y</a></Metadata>', /a is there twice/, 3, 2],
  ['<Metadata><a>ü</a></Metadata>', /printable ASCII/, 1, 11],
  ['<Metadata><a>x\ny</a></Metadata>', /printable ASCII/, 1, 11],
  ['<Metadata><a><b/></a></Metadata>', /has elements in it/, 1, 11],
  ['<Metadata><a b="c">x</a></Metadata>', /has attributes/, 1, 11],
  ['<Metadata>stray<a>x</a></Metadata>', /text between its elements/, 1, 1],
  [`<Metadata><a>${'x'.repeat(8192)}</a></Metadata>`, /8193 bytes, 8192 are allowed/, 1, 1],
]
for (const [text, message, line, column] of refusedMetadata) {
  test(`metadata is refused with its place: ${text.slice(0, 50)}`, () => {
    assert.throws(() => parseMetadata(text, 'm.xml'), {
      code: 'PROPERTIES_INVALID',
      message,
      path: 'm.xml',
      line,
      column,
    })
  })
}

const refusedXml = [
  '',
  '<Metadata>',
  '<Metadata></Properties>',
  '<!DOCTYPE Metadata [<!ENTITY a "b">]><Metadata><a>&a;</a></Metadata>',
  '<Metadata><a>&lol;</a></Metadata>',
  `<Metadata>${'<a>'.repeat(20)}${'</a>'.repeat(20)}</Metadata>`,
  `<Metadata>${'<a/>'.repeat(20_000)}</Metadata>`,
  `<Metadata>${' '.repeat(2 << 20)}</Metadata>`,
]
for (const text of refusedXml) {
  test(`what is no small plain XML is refused: ${text.slice(0, 40)}`, () => {
    assert.throws(() => parseMetadata(text), { code: 'PROPERTIES_INVALID' })
  })
}

test('an unknown property and a wrong digest are refused, also when written', () => {
  assert.throws(() => parseProperties('<Properties><Content-Disposition>x</Content-Disposition></Properties>'), {
    code: 'PROPERTIES_INVALID',
    message: /no such property/,
  })
  assert.throws(() => parseProperties('<Properties><Content-MD5>abc</Content-MD5></Properties>'), {
    message: /Base64 of 16 bytes/,
  })
  for (const [name, value] of [
    ['Etag', 'x'],
    ['X', 'y'],
    ['Content-MD5', 'x'],
    ['Content-Type', 'ü'],
    ['Content-Type', ' x'],
  ] as const) {
    assert.throws(() => encodeProperties([[name, value]]), { code: 'PROPERTIES_INVALID' })
  }
  for (const [name, value] of [
    ['1a', 'x'],
    ['a b', 'y'],
    ['a', '\n'],
    ['', 'x'],
    ['a', 'x'.repeat(8192)],
  ] as const) {
    assert.throws(() => encodeMetadata([[name, value]]), { code: 'PROPERTIES_INVALID' })
  }
  assert.throws(
    () =>
      encodeMetadata([
        ['a', '1'],
        ['A', '2'],
      ]),
    { code: 'PROPERTIES_INVALID', message: /twice/ },
  )
})

test('damage of any kind gives entries or PROPERTIES_INVALID', () => {
  const random = xorshift(8)
  const whole = Buffer.from(encodeMetadata(metadata))
  for (let round = 0; round < 3000; round++) {
    try {
      for (const [name] of parseMetadata(mutate(whole, random).toString('utf8'))) assert.match(name, /^\w+$/)
    } catch (error) {
      assert.ok(error instanceof TransferError && error.code === 'PROPERTIES_INVALID', String(error))
    }
  }
})
