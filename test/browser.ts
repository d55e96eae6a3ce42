// The browser that pages are looked at with: Debian's Chromium, without a sandbox for root, and kept from looking for hosts of
// its own.

import { existsSync } from 'node:fs'

export const browserPath = '/usr/bin/chromium'

/** Why a test is skipped; false where the browser is there. */
export const browserMissing = existsSync(browserPath) ? false : `${browserPath} is not installed`

export const browserFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
