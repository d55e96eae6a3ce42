// The native hashes and ciphers against node:crypto, which is called a block or a sector at a time.
import assert from 'node:assert/strict'
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { availablePaths, type CipherMethod, md5Blocks, transformSectors } from '../../src/addon/crypto.js'

const paths = availablePaths()

function md5(data: Uint8Array): Buffer {
  return createHash('md5').update(data).digest()
}

function blocksOf(data: Buffer, blockBytes: number): Buffer[] {
  return Array.from({ length: Math.ceil(data.length / blockBytes) }, (_, index) =>
    data.subarray(index * blockBytes, (index + 1) * blockBytes),
  )
}

function ecb(key: Buffer, block: Buffer): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false)
  return Buffer.concat([cipher.update(block), cipher.final()])
}

function numberBlock(number: bigint): Buffer {
  const block = Buffer.alloc(16)
  block.writeBigUInt64LE(number)
  return block
}

/** XTS with the sector number as tweak; CBC with the encrypted byte offset as IV. */
function encryptWithNode(method: CipherMethod, key: Buffer, sectorBytes: number, offset: number, data: Buffer): Buffer {
  const [mode, bits] = method.split('-')
  const sectors = blocksOf(data, sectorBytes).map((sector, index) => {
    const at = BigInt(offset) + BigInt(index * sectorBytes)
    const iv = mode === 'xts' ? numberBlock(at / BigInt(sectorBytes)) : ecb(key, numberBlock(at))
    const cipher = createCipheriv(`aes-${bits}-${mode}`, key, iv).setAutoPadding(false)
    return Buffer.concat([cipher.update(sector), cipher.final()])
  })
  return Buffer.concat(sectors)
}

describe('MD5 of blocks', () => {
  it('has a portable path on every CPU', () => {
    assert.equal(paths.hash[0], 'portable')
    assert.equal(paths.cipher[0], 'evp')
  })

  for (const path of paths.hash) {
    it(`equals node:crypto for any block length and a short last block (${path})`, async () => {
      const data = randomBytes(300_001)
      for (const blockBytes of [1, 63, 64, 1000, 10_240, 65_536, 300_001, 1_000_000]) {
        const part = data.subarray(blockBytes === 1 ? 299_000 : 0)
        const expected = Buffer.concat(blocksOf(part, blockBytes).map(md5))
        assert.deepEqual(await md5Blocks(part, blockBytes, path), expected, `blocks of ${blockBytes}`)
      }
    })
  }

  it('takes the widest path by default, and any view of a buffer', async () => {
    const data = new Uint8Array(randomBytes(100_000).buffer, 3, 5000)
    assert.deepEqual(await md5Blocks(data, 5000), md5(data))
  })

  it('gives nothing for no data', async () => {
    assert.equal((await md5Blocks(Buffer.alloc(0), 4096)).length, 0)
  })

  it('refuses block lengths and paths that do not exist', async () => {
    await assert.rejects(md5Blocks(Buffer.alloc(1), 0), RangeError)
    await assert.rejects(md5Blocks(Buffer.alloc(1), 1.5), RangeError)
    await assert.rejects(md5Blocks(Buffer.alloc(1), 1, 'sse9' as 'avx2'), RangeError)
  })
})

describe('sector encryption', () => {
  const methods = { 'cbc-128': 16, 'cbc-256': 32, 'xts-128': 32, 'xts-256': 64 } as const
  for (const [method, keyBytes] of Object.entries(methods) as [keyof typeof methods, number][]) {
    for (const sectorBytes of [512, 4096] as const) {
      for (const path of paths.cipher) {
        it(`equals node:crypto and decrypts again: ${method}, sectors of ${sectorBytes} bytes (${path})`, async () => {
          const key = randomBytes(keyBytes)
          for (const offsetBytes of [0, 51 * sectorBytes, 2 ** 41 + 7 * sectorBytes, 2 ** 52]) {
            const plaintext = randomBytes(21 * sectorBytes)
            const data = Buffer.from(plaintext)
            const common = { method, key, sectorBytes, offsetBytes, data, path }
            await transformSectors({ ...common, direction: 'encrypt' })
            assert.ok(data.equals(encryptWithNode(method, key, sectorBytes, offsetBytes, plaintext)))
            await transformSectors({ ...common, direction: 'decrypt' })
            assert.ok(data.equals(plaintext))
          }
        })
      }
    }
  }

  for (const method of ['cbc-128-diffuser', 'cbc-256-diffuser'] as const) {
    it(`undoes itself and mixes the whole sector: ${method}`, async () => {
      const key = randomBytes(64)
      const data = Buffer.alloc(1024)
      const common = { method, key, sectorBytes: 512, offsetBytes: 512, data } as const
      await transformSectors({ ...common, direction: 'encrypt' })
      const changed = Buffer.from(data)
      changed[0] = (changed[0] ?? 0) ^ 1
      await transformSectors({ ...common, direction: 'decrypt' })
      assert.ok(data.every((byte) => byte === 0))
      await transformSectors({ ...common, data: changed, direction: 'decrypt' })
      assert.ok(changed.subarray(0, 512).filter((byte) => byte !== 0).length > 450)
      assert.ok(changed.subarray(512).every((byte) => byte === 0))
    })
  }

  it('has read the key when the call returns', async () => {
    const key = randomBytes(32)
    const copy = Buffer.from(key)
    const plaintext = randomBytes(512)
    const data = Buffer.from(plaintext)
    const running = transformSectors({
      method: 'xts-128',
      key,
      sectorBytes: 512,
      offsetBytes: 0,
      data,
      direction: 'encrypt',
    })
    key.fill(0)
    await running
    assert.ok(data.equals(encryptWithNode('xts-128', copy, 512, 0, plaintext)))
  })

  it('refuses what does not fit: method, key, sectors, offset, data, path', async () => {
    const good = {
      method: 'xts-128',
      key: randomBytes(32),
      sectorBytes: 512,
      offsetBytes: 0,
      data: Buffer.alloc(512),
      direction: 'encrypt',
    } as const
    const bad: [string, object][] = [
      ['method', { method: 'xts-512' }],
      ['key', { key: randomBytes(31) }],
      ['sectorBytes', { sectorBytes: 1024 }],
      ['offsetBytes', { offsetBytes: 100 }],
      ['offsetBytes', { offsetBytes: -512 }],
      ['offsetBytes', { offsetBytes: 2 ** 53 }],
      ['data', { data: Buffer.alloc(513) }],
      ['path', { path: 'none' }],
      ['halves', { key: Buffer.alloc(32, 1) }],
    ]
    for (const [word, change] of bad) {
      await assert.rejects(transformSectors({ ...good, ...change }), (error: unknown) => {
        assert.ok(error instanceof RangeError, String(error))
        assert.match(error.message, new RegExp(word))
        return true
      })
    }
    await assert.rejects(transformSectors({ ...good, direction: 'both' as 'encrypt' }), TypeError)
  })
})
