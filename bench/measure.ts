// Times one command as a whole process, from a cold cache, and reads its peak memory from GNU time.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Measurement {
  seconds: number
  /** Largest resident size of any single process of the command, bytes. */
  peakBytes: number
  /** User and system together. */
  cpuSeconds: number
}

/** Throws when the command fails; its stderr is in the message. */
export function measure(folder: string, command: readonly string[], options: { cold?: boolean } = {}): Measurement {
  const timing = join(folder, 'timing')
  if (options.cold ?? true) dropCaches()
  const started = performance.now()
  const result = spawnSync('/usr/bin/time', ['-f', '%M %U %S', '-o', timing, ...command], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  const seconds = (performance.now() - started) / 1000
  if (result.status !== 0) throw new Error(`${command.join(' ')}: exit ${result.status}\n${result.stderr.slice(-2000)}`)
  const last = readFileSync(timing, 'utf8').trim().split('\n').at(-1) ?? ''
  const [kibibytes = 0, user = 0, system = 0] = last.split(' ').map(Number)
  rmSync(timing)
  return { seconds, peakBytes: kibibytes * 1024, cpuSeconds: user + system }
}

/** What a command that measures itself prints, from a cold cache. Throws when it fails. */
export function measureOutput(command: readonly string[]): string {
  dropCaches()
  return execFileSync(command[0] as string, command.slice(1), { encoding: 'utf8' })
}

export function dropCaches(): void {
  execFileSync('sync')
  if (process.getuid?.() === 0) writeFileSync('/proc/sys/vm/drop_caches', '3')
}

/** A loop device over the file, with direct I/O unless said otherwise, detached by `detach`. */
export function attachLoop(path: string, { directIo = true } = {}): { device: string; detach(): void } {
  const words = ['--find', '--show', `--direct-io=${directIo ? 'on' : 'off'}`, path]
  const device = execFileSync('losetup', words, { encoding: 'utf8' }).trim()
  return {
    device,
    detach() {
      execFileSync('losetup', ['--detach', device])
    },
  }
}

export function hasLoopDevices(): boolean {
  return process.getuid?.() === 0 && existsSync('/dev/loop-control')
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
