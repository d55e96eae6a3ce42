// GUIDs as they lie on disks: the first three groups are little-endian (UEFI specification, appendix A).

/** @throws RangeError for text that is no GUID. */
export function encodeGuid(text: string): Buffer {
  if (!/^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/.test(text)) {
    throw new RangeError(`expected a GUID but received ${text}`)
  }
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex')
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}

/** Upper case, in groups. */
export function decodeGuid(bytes: Uint8Array, offset: number): string {
  const ordered = Buffer.from(bytes.subarray(offset, offset + 16))
  ordered.subarray(0, 4).reverse()
  ordered.subarray(4, 6).reverse()
  ordered.subarray(6, 8).reverse()
  const hex = ordered.toString('hex').toUpperCase()
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
