// What dist/ and the tests are bundled alike with: modules for the Node of package.json's `engines`, what they share in files of
// its own, and lines that a stack trace can name.

import { root } from './setup.mjs'

export const bundleOptions = {
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  charset: 'utf8',
  sourcemap: true,
  logLevel: 'warning',
}
