// This package: where it lies, for what is found by its place in it, and its version, for manifests, journals, --version.

import { readFileSync } from 'node:fs'

/** Right in src/ and in dist/ alike: this file, and the bundled one that it becomes part of, lie directly in them. */
export const packageRoot = new URL('..', import.meta.url)

export const version: string = (
  JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8')) as { version: string }
).version
