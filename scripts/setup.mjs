// What `npm run build`, `npm test` and `npm run demo` need on a fresh Debian machine, installed when it is missing.
// Plain JavaScript without packages: it runs before anything is installed.

import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

// A Debian package and a file that shows it is there.
const buildPackages = [
  ['g++', '/usr/bin/g++'],
  ['cmake', '/usr/bin/cmake'],
  ['ninja-build', '/usr/bin/ninja'],
  ['pkg-config', '/usr/bin/pkg-config'],
  ['liburing-dev', '/usr/include/liburing.h'],
  ['liblz4-dev', '/usr/include/lz4frame.h'],
  ['libssl-dev', '/usr/include/openssl/evp.h'],
  ['ntfs-3g', '/usr/sbin/mkntfs'],
  ['util-linux', '/usr/bin/lsblk'],
]
const vaultPackages = [
  ['restic', '/usr/bin/restic'],
  ['rclone', '/usr/bin/rclone'],
]
const testPackages = [
  ...vaultPackages,
  ['doctest-dev', '/usr/include/doctest/doctest.h'],
  ['dislocker', '/usr/bin/dislocker-fuse'],
  ['libbde-utils', '/usr/bin/bdemount'],
  ['cryptsetup-bin', '/usr/sbin/cryptsetup'],
  ['p7zip-full', '/usr/bin/7z'],
  ['fuse3', '/usr/bin/fusermount3'],
  ['attr', '/usr/bin/setfattr'],
  ['xz-utils', '/usr/bin/xz'],
  ['lz4', '/usr/bin/lz4'],
  ['mount', '/usr/sbin/losetup'],
  ['chromium', '/usr/bin/chromium'],
  ['poppler-utils', '/usr/bin/pdftotext'],
  ['zbar-tools', '/usr/bin/zbarimg'],
  ['e2fsprogs', '/usr/sbin/debugfs'],
  ['fdisk', '/usr/sbin/sfdisk'],
  ['xfsprogs', '/usr/sbin/mkfs.xfs'],
  ['dosfstools', '/usr/sbin/mkfs.fat'],
  ['mtools', '/usr/bin/mcopy'],
  ['exfatprogs', '/usr/sbin/mkfs.exfat'],
  ['exfat-fuse', '/usr/sbin/mount.exfat-fuse'],
  ['qemu-utils', '/usr/bin/qemu-img'],
  ['gddrescue', '/usr/bin/ddrescuelog'],
]
const benchPackages = [
  ['time', '/usr/bin/time'],
  ['zstd', '/usr/bin/zstd'],
  ['partclone', '/usr/sbin/partclone.ext4'],
  ['fsarchiver', '/usr/sbin/fsarchiver'],
  ['ewf-tools', '/usr/bin/ewfacquire'],
]
const fuzzPackages = [
  ['clang-14', '/usr/bin/clang++-14'],
  ['libclang-rt-14-dev', '/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux'],
]

/** Runs a program with its output shown; ends the process with its exit code when it fails. */
export function run(program, parameters, options = {}) {
  const result = spawnSync(program, parameters, { cwd: root, stdio: 'inherit', ...options })
  if (result.error) {
    console.error(`${program}: ${result.error.message}`)
    process.exit(1)
  }
  if (result.status !== 0) {
    console.error(`${program} ${parameters.slice(0, 3).join(' ')}: exit code ${result.status ?? result.signal}`)
    process.exit(result.status ?? 1)
  }
}

function isThere(path) {
  try {
    accessSync(path, constants.F_OK)
    return true
  } catch {
    return false
  }
}

function installPackages(packages) {
  const missing = packages.filter(([, file]) => !isThere(file)).map(([name]) => name)
  if (missing.length === 0) return
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo']
  if (!existsSync('/usr/bin/apt-get') || (asRoot.length > 0 && !existsSync('/usr/bin/sudo'))) {
    console.error(`Missing programs. Install these packages first: ${missing.join(' ')}`)
    process.exit(1)
  }
  console.error(`Installing Debian packages: ${missing.join(' ')}`)
  const aptGet = (...words) => {
    const command = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...words]
    run(command[0], command.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  aptGet('update')
  aptGet('install', '-y', '--no-install-recommends', ...missing)
}

function installNodeModules() {
  const marker = join(root, 'node_modules', '.package-lock.json')
  const lock = join(root, 'package-lock.json')
  if (existsSync(marker) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs) return
  console.error('Installing npm packages')
  // Not `npm ci`: it refuses a lock file without the optional binaries of platforms that this project does not run on.
  run('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** Installs what `purpose` needs: 'build', 'demo', 'test', 'bench' or 'fuzz'. */
export function setUp(purpose) {
  const extra = {
    build: [],
    demo: vaultPackages,
    test: testPackages,
    bench: [...testPackages, ...benchPackages],
    fuzz: fuzzPackages,
  }[purpose]
  installPackages([...buildPackages, ...extra])
  installNodeModules()
}

/** Builds the native module and dist/: the program and the library. */
export function build() {
  run(join(root, 'node_modules/.bin/cmake-js'), ['build', '--parallel', '2', '--log-level', 'error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  run(process.execPath, [join(root, 'scripts/bundle.mjs')])
}
