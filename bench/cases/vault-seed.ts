// Seeding a vault against restic alone on the same data, in turns: the repository made, the first backup, then one of unchanged data.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchCase, BenchContext, Row } from '../case.js'
import { type Measurement, measure, median } from '../measure.js'

interface Runs {
  seed: Measurement[]
  again: Measurement[]
}

/** The same packs and the same compression on both sides. */
function resticRuns(context: BenchContext, source: string, password: string, runs: Runs): void {
  const repository = join(context.folder, 'restic-alone')
  const restic = ['restic', '--repo', repository, '--password-file', password]
  const backup = ['backup', '--json', '--pack-size', '128', '--compression', 'auto', source]
  const words = [
    ...environment(context, 'restic'),
    'sh',
    '-c',
    `${quoted([...restic, 'init', '--repository-version', '2'])} && ${quoted([...restic, ...backup])}`,
  ]
  runs.seed.push(measure(context.folder, words))
  runs.again.push(measure(context.folder, [...environment(context, 'restic'), ...restic, ...backup]))
  for (const path of [repository, join(context.folder, 'cache-restic')]) rmSync(path, { recursive: true, force: true })
}

function ourRuns(context: BenchContext, source: string, password: string, runs: Runs): void {
  const staging = join(context.folder, 'staging')
  const job = ['--staging', staging, '--job', 'bench', '--password-file', password]
  const where = ['--account', 'benchaccount', '--container', 'bench']
  const program = [...environment(context, 'ours'), ...context.cli, 'vault']
  runs.seed.push(measure(context.folder, [...program, 'seed', ...job, ...where, source]))
  runs.again.push(measure(context.folder, [...program, 'backup', ...job]))
  for (const path of [staging, join(context.folder, 'cache-ours')]) rmSync(path, { recursive: true, force: true })
}

function environment(context: BenchContext, name: string): string[] {
  const state = `XDG_STATE_HOME=${join(context.folder, 'state')}`
  return ['env', `RESTIC_CACHE_DIR=${join(context.folder, `cache-${name}`)}`, state]
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
}

function compare(
  context: BenchContext,
  { folder: source, bytes }: { folder: string; bytes: number },
  what: string,
): Row[] {
  const password = join(context.folder, 'password')
  writeFileSync(password, 'bench\n', { mode: 0o600 })
  const alone: Runs = { seed: [], again: [] }
  const ours: Runs = { seed: [], again: [] }
  for (let round = 0; round < context.rounds; round++) {
    resticRuns(context, source, password, alone)
    ourRuns(context, source, password, ours)
  }
  return (['seed', 'again'] as const).flatMap((which) => {
    const work = which === 'seed' ? `first backup of ${what}` : `backup of ${what}, unchanged`
    const [theirs, mine] = [alone[which], ours[which]]
    const value = median(mine.map(({ seconds }, round) => (theirs[round]?.seconds ?? Number.NaN) / seconds))
    const seconds = (runs: Measurement[]) => median(runs.map((run) => run.seconds))
    return [
      { work, tool: 'restic alone', seconds: seconds(theirs), bytes },
      {
        work,
        tool: `diskferry vault ${which === 'seed' ? 'seed' : 'backup'}`,
        seconds: seconds(mine),
        bytes,
        ...(which === 'seed' ? { ratio: { to: 'restic', value, bound: 0.95 } } : {}),
      },
    ]
  })
}

export const vaultSeedLarge: BenchCase = {
  name: 'vault-seed-large',
  describe: 'the first backup of eight 256 MiB files, against restic alone',
  run: (context) => compare(context, context.largeFiles(), '8 x 256 MiB'),
}

export const vaultSeedSmall: BenchCase = {
  name: 'vault-seed-small',
  describe: 'the first backup of 20,000 files of 10 KiB, against restic alone',
  run: (context) => compare(context, context.manyFiles(), '20,000 x 10 KiB'),
}
