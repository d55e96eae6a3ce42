// npm run fuzz [-- SECONDS]: fuzzes the native reader of images with libFuzzer, for a minute unless told. It begins with the
// inputs in test/native/fuzz/corpus and goes on with what earlier runs kept in build-fuzz/corpus. An input that it finds
// something with is left beside that. No part of npm test: it needs clang, and more time finds more.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, setUp } from './setup.mjs'

const [seconds = '60'] = process.argv.slice(2)
if (!/^[1-9]\d*$/.test(seconds)) {
  console.error(`npm run fuzz [-- SECONDS]: expected a number of seconds but received ${seconds}`)
  process.exit(2)
}

setUp('fuzz')
const source = join(root, 'test/native/fuzz')
const folder = join(root, 'build-fuzz')
const kept = join(folder, 'corpus')
const quiet = { stdio: ['ignore', 'ignore', 'inherit'] }
run('cmake', ['-S', source, '-B', folder, '-G', 'Ninja', '-DCMAKE_CXX_COMPILER=clang++-14'], quiet)
run('ninja', ['-C', folder, '-j2', '--quiet'])
mkdirSync(kept, { recursive: true })
const limits = [`-max_total_time=${seconds}`, '-timeout=30', '-rss_limit_mb=2048', '-print_final_stats=1']
run(join(folder, 'fuzz-image'), [...limits, `-artifact_prefix=${folder}/`, kept, join(source, 'corpus')])
