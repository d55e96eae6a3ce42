// What people image and restore devices with today: commands that read or write one device, as one shell line each. All end
// with the image, or the device, on stable storage.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

export interface Peer {
  /** With its version. */
  tool: string
  /** What it computes of the content, or checks. */
  hashes: string
  /** A line for bash. */
  line: string
  /** Where the image is then; none for what keeps nothing. */
  output?: string
}

interface Program {
  path: string
  versionWord: string
}

const programs = {
  dd: { path: '/usr/bin/dd', versionWord: '--version' },
  lz4: { path: '/usr/bin/lz4', versionWord: '--version' },
  zstd: { path: '/usr/bin/zstd', versionWord: '--version' },
  partclone: { path: '/usr/sbin/partclone.ext4', versionWord: '-v' },
  fsarchiver: { path: '/usr/sbin/fsarchiver', versionWord: '--version' },
  qemuImg: { path: '/usr/bin/qemu-img', versionWord: '--version' },
  ewfacquire: { path: '/usr/bin/ewfacquire', versionWord: '-V' },
} as const satisfies Record<string, Program>

/** Such as `1.9.4`; empty for a program that is not there. */
function version(name: keyof typeof programs): string {
  const { path, versionWord } = programs[name]
  if (!existsSync(path)) return ''
  const { stdout, stderr } = spawnSync(path, [versionWord], { encoding: 'utf8' })
  return /\d+\.\d+(\.\d+)?|\d{8}/.exec(`${stdout}${stderr}`)?.[0] ?? 'of unknown version'
}

function known(peers: readonly (Peer & { needs: keyof typeof programs })[]): Peer[] {
  return peers.filter(({ needs, tool }) => {
    const isThere = version(needs) !== ''
    if (!isThere) console.error(`skipped: ${tool} is not installed`)
    return isThere
  })
}

const read = (device: string) => `dd if=${device} bs=4M iflag=direct status=none`

// A named pipe, so that the shell waits for md5sum and its time counts.
function besideMd5(name: string, line: (pipe: string) => string): string {
  const pipe = `${name}.pipe`
  return `mkfifo ${pipe} && { md5sum < ${pipe} > ${name}.md5 & ${line(pipe)} && wait $!; }`
}

export function ddThroughLz4(device: string, image: string): Peer {
  const line = `${read(device)} | lz4 -1 -q - ${image} && sync ${image}`
  return { tool: `dd | lz4 -1 (${version('lz4')})`, hashes: 'XXH32 of the stream', line, output: image }
}

/** What the disks alone take: so much of the device read, and an image of that size written at the same time. */
export function floorOf(device: string, image: string, readBytes: number, writtenBytes: number): Peer {
  const pieces = (bytes: number) => Math.ceil(bytes / (4 << 20))
  const write = `dd if=/dev/zero of=${image} bs=4M oflag=direct status=none count=${pieces(writtenBytes)} conv=fsync`
  return {
    tool: 'floor: dd of the used half, and dd of an image, at once',
    hashes: '',
    line: `${read(device)} of=/dev/null count=${pieces(readBytes)} & ${write} && wait $!`,
    output: image,
  }
}

/** Those that use the file system's own maps. */
export function usedOnlyPeers(device: string, image: string): Peer[] {
  return known([
    {
      needs: 'partclone',
      tool: `partclone.ext4 (${version('partclone')}) | lz4 -1`,
      hashes: 'CRC-32 of blocks',
      line: `partclone.ext4 -c -q -L ${image}.log -s ${device} -o - | lz4 -1 -q - ${image} && sync ${image}`,
      output: image,
    },
    {
      needs: 'fsarchiver',
      tool: `fsarchiver (${version('fsarchiver')}) -j2 -Z1, files`,
      hashes: 'checksum of files',
      line: `fsarchiver savefs -o -j2 -Z1 ${image}.fsa ${device} && sync ${image}.fsa`,
      output: `${image}.fsa`,
    },
  ])
}

export function wholeDevicePeers(device: string, image: string): Peer[] {
  return known([
    { needs: 'dd', tool: `dd (${version('dd')}) to nothing`, hashes: 'none', line: `${read(device)} > /dev/null` },
    {
      needs: 'lz4',
      tool: `dd | lz4 -1 (${version('lz4')}), md5sum beside it`,
      hashes: 'MD5',
      line: `${besideMd5(image, (pipe) => `${read(device)} | tee ${pipe} | lz4 -1 -q - ${image}`)} && sync ${image}`,
      output: image,
    },
    {
      needs: 'zstd',
      tool: `dd | zstd -1 -T2 (${version('zstd')})`,
      hashes: 'XXH64 of the stream',
      line: `${read(device)} | zstd -1 -T2 -q -f -o ${image} && sync ${image}`,
      output: image,
    },
    {
      needs: 'qemuImg',
      tool: `qemu-img (${version('qemuImg')}) qcow2, zstd`,
      hashes: 'none',
      line: `qemu-img convert -T none -f raw -O qcow2 -c -o compression_type=zstd ${device} ${image} && sync ${image}`,
      output: image,
    },
    {
      needs: 'qemuImg',
      tool: `qemu-img (${version('qemuImg')}) fixed VHD`,
      hashes: 'none',
      line: `qemu-img convert -T none -f raw -O vpc -o subformat=fixed,force_size=on ${device} ${image} && sync ${image}`,
      output: image,
    },
    {
      needs: 'ewfacquire',
      tool: `ewfacquire (${version('ewfacquire')}) -c fast`,
      hashes: 'MD5',
      line: `ewfacquire -u -q -c fast -f encase6 -S 1EiB -t ${image} ${device} > /dev/null && sync ${image}.E01`,
      output: `${image}.E01`,
    },
  ])
}

const writeTo = (target: string) => `dd of=${target} bs=4M iflag=fullblock oflag=direct status=none && sync ${target}`

export function lz4ThroughDd(image: string, target: string): Peer {
  const line = `lz4 -dc ${image} | ${writeTo(target)}`
  return { tool: `lz4 -d (${version('lz4')}) | dd oflag=direct`, hashes: 'XXH32 checked', line }
}

export function restorePeers(images: { lz4: string; qcow2: string; raw: string }, target: string): Peer[] {
  return known([
    {
      needs: 'lz4',
      tool: `lz4 -d (${version('lz4')}) | dd oflag=direct, md5sum beside it`,
      hashes: 'XXH32 checked, MD5',
      line: besideMd5(images.lz4, (pipe) => `lz4 -dc ${images.lz4} | tee ${pipe} | ${writeTo(target)}`),
    },
    {
      needs: 'qemuImg',
      tool: `qemu-img (${version('qemuImg')}) from qcow2, zstd`,
      hashes: 'none',
      line: `qemu-img convert -n -t none -f qcow2 -O raw ${images.qcow2} ${target} && sync ${target}`,
    },
    {
      needs: 'dd',
      tool: `dd (${version('dd')}) of a raw image`,
      hashes: 'none',
      line: `dd if=${images.raw} iflag=direct bs=4M status=none | ${writeTo(target)}`,
    },
  ])
}
