// Files that are taken for images by mistake: packed ones, and the formats of virtual machines and forensic tools. Restoring
// their bytes as they are would fill a device with nonsense.

export interface OtherFormat {
  /** `a gzip file` */
  name: string
  hint: string
}

const unpack = (program: string) => `Unpack it first: ${program}`
const convert = 'Convert it first: qemu-img convert -O raw'

const formats: readonly [magic: Buffer, offsetBytes: number, format: OtherFormat][] = [
  [Buffer.of(0x1f, 0x8b), 0, { name: 'a gzip file', hint: unpack('gunzip') }],
  [Buffer.of(0x28, 0xb5, 0x2f, 0xfd), 0, { name: 'a zstd file', hint: unpack('unzstd') }],
  [Buffer.of(0xfd, 0x37, 0x7a, 0x58, 0x5a), 0, { name: 'an xz file', hint: unpack('unxz') }],
  [Buffer.from('BZh'), 0, { name: 'a bzip2 file', hint: unpack('bunzip2') }],
  [Buffer.from('PK\x03\x04'), 0, { name: 'a zip file', hint: unpack('unzip') }],
  [Buffer.from('7z\xbc\xaf\x27\x1c', 'latin1'), 0, { name: 'a 7-Zip file', hint: unpack('7z x') }],
  [Buffer.from('QFI\xfb', 'latin1'), 0, { name: 'a qcow2 image', hint: convert }],
  [Buffer.from('KDMV'), 0, { name: 'a VMDK image', hint: convert }],
  [Buffer.from('vhdxfile'), 0, { name: 'a VHDX image', hint: convert }],
  [Buffer.from('conectix'), 0, { name: 'a dynamic VHD', hint: convert }],
  [Buffer.of(0x7f, 0x10, 0xda, 0xbe), 64, { name: 'a VirtualBox image', hint: convert }],
  [
    Buffer.from('EVF\x09\x0d\x0a\xff\x00', 'latin1'),
    0,
    { name: 'an EnCase image', hint: 'Export it first: ewfexport' },
  ],
  [Buffer.from('partclone-image'), 0, { name: 'a partclone image', hint: 'Use partclone.restore' }],
]

/** @param start the first bytes of the file. */
export function otherFormat(start: Buffer): OtherFormat | undefined {
  const found = formats.find(([magic, offset]) => start.subarray(offset, offset + magic.length).equals(magic))
  return found?.[2]
}
