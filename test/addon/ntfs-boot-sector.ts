// The boot sector of an NTFS volume, as far as BitLocker and its readers look at it.

/** @param place offsetBytes: where the partition begins on the device */
export function ntfsBootSector(place: { offsetBytes: number; sizeBytes: number; sectorBytes: 512 | 4096 }): Buffer {
  const { offsetBytes, sizeBytes, sectorBytes } = place
  const sector = Buffer.alloc(sectorBytes)
  sector.write('\xeb\x52\x90NTFS    ', 'latin1')
  sector.writeUInt16LE(sectorBytes, 0x0b)
  sector[0x0d] = 4096 / sectorBytes
  sector[0x15] = 0xf8
  sector.writeUInt16LE(63, 0x18)
  sector.writeUInt16LE(255, 0x1a)
  sector.writeUInt32LE(offsetBytes / sectorBytes, 0x1c)
  sector.writeUInt32LE(0x00800080, 0x24)
  sector.writeBigUInt64LE(BigInt(sizeBytes / sectorBytes - 1), 0x28)
  sector.writeUInt16LE(0xaa55, 510)
  return sector
}
