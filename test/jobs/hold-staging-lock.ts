// A process that takes the lock of a folder, says whether it got it, and holds it until its standard input ends.

import { TransferError } from '../../src/errors.js'
import { takeStagingLock } from '../../src/jobs/staging-lock.js'

const [, , folder = ''] = process.argv
try {
  const lock = await takeStagingLock(folder)
  process.stdout.write('held\n')
  process.stdin.resume().on('end', () => void lock.release())
} catch (error) {
  process.stdout.write(error instanceof TransferError && error.code === 'STAGING_IN_USE' ? 'in use\n' : `${error}\n`)
}
