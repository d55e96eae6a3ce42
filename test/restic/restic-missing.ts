// Why tests that need restic (and rclone) are left out; false when they are there.

import { existsSync } from 'node:fs'

export function resticMissing(): string | false {
  return existsSync('/usr/bin/restic') ? false : 'restic is not installed'
}

export function rcloneMissing(): string | false {
  return resticMissing() || (existsSync('/usr/bin/rclone') ? false : 'rclone is not installed')
}
