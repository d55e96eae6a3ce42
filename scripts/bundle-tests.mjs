// Makes build-tests/ of the TypeScript tests: each test file runs in a process of its own, and loading the sources one by one
// takes every one of them a second. What they share is one set of modules that Node reads as it is.

import { readFileSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { bundleOptions } from './bundle-options.mjs'
import { root } from './setup.mjs'

const outdir = join(root, 'build-tests')

/** Tests find pages, fixtures and programs beside their own source: that is what `import.meta.url` goes on to name. */
const sourceUrls = {
  name: 'source-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const url = JSON.stringify(pathToFileURL(path).href)
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url), loader: 'ts' }
    })
  },
}

/** @param files paths of tests. @returns the paths of what was made of them. */
export async function bundleTests(files) {
  rmSync(outdir, { recursive: true, force: true })
  await build({
    ...bundleOptions,
    entryPoints: files,
    outbase: root,
    outdir,
    packages: 'external',
    plugins: [sourceUrls],
  })
  return files.map((file) => join(outdir, relative(root, resolve(root, file)).replace(/\.ts$/, '.js')))
}
