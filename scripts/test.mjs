// npm test [FILE …]: installs what is missing, builds, runs the native tests under the sanitizers and all TypeScript tests.
// DISKFERRY_LONG_TESTS=1 adds the long ones (more kills, more fuzz).

import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { build, root, run, setUp } from './setup.mjs'

function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

setUp('test')
build()

const chosen = process.argv.slice(2)
if (chosen.length === 0) {
  const folder = join(root, 'build-native-tests')
  run('cmake', ['-S', root, '-B', folder, '-G', 'Ninja', '-DDISKFERRY_NATIVE_TESTS=ON'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  run('ninja', ['-C', folder, '-j2', '--quiet'])
  run(join(folder, 'test/native/native-tests'), ['--no-intro'])
}
const files = chosen.length > 0 ? chosen : testFiles(join(root, 'test'))
// Imported here, because setUp() may have installed what it is made of.
const { bundleTests } = await import('./bundle-tests.mjs')
// One more than there are processors: a third of the time tests wait for disks and for servers.
const concurrency = `--test-concurrency=${availableParallelism() + 1}`
run(process.execPath, ['--enable-source-maps', '--test', concurrency, ...(await bundleTests(files))])
