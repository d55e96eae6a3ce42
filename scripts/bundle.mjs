// Makes dist/ of src/: the library, the command line, and the parts that both share or that are loaded late. Node finds,
// reads and compiles modules one by one, and 480 of them are felt at the start of each command. The packages that every
// command needs are taken in too, with their licences; those of package.json's `dependencies` stay outside.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { bundleOptions } from './bundle-options.mjs'
import { root } from './setup.mjs'

const dist = join(root, 'dist')
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

rmSync(dist, { recursive: true, force: true })
const { metafile } = await build({
  ...bundleOptions,
  entryPoints: ['src/index.ts', 'src/cli/main.ts'],
  outbase: 'src',
  outdir: 'dist',
  sourcesContent: false,
  legalComments: 'none',
  external: Object.keys(dependencies),
  metafile: true,
})
writeFileSync(join(dist, 'LICENSES.txt'), licences(Object.keys(metafile.inputs)))

/** Of the packages whose files are in `inputs`: name, version and licence text. */
function licences(inputs) {
  const folders = new Set(inputs.flatMap((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/) ?? []))
  return [...folders].sort().map(licence).join('\n\n')
}

function licence(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'LICENSE-MIT.txt']) {
    try {
      return `${name} ${version}\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
  }
  if (license === undefined) throw new Error(`${name} ${version} has no licence: it cannot be taken into dist`)
  return `${name} ${version}\n\nLicence: ${license}\n`
}
