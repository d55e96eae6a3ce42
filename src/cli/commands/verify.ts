// diskferry verify: reads a whole drive back and compares it with its manifest. Writes nothing.

import type { CommandModule } from 'yargs'
import {
  describeVerification,
  exitCodes,
  readSessionKey,
  TransferError,
  type VerifyOptions,
  verifyDrive,
} from '../../index.js'
import { type GlobalOptions, type KeyOptions, keyOptions, readKey } from '../options.js'
import { abortOnSignals } from '../signals.js'
import { createTerminal } from '../terminal.js'

export const verifyCommand: CommandModule<GlobalOptions, KeyOptions> = {
  command: 'verify',
  describe: 'Read a prepared drive back and compare every block with its manifest',
  builder: (options) => keyOptions(options).example('$0 verify --drive /dev/sdb --journal seed.jrn', ''),
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { signal, done } = abortOnSignals()
    try {
      const secret = await readKey(options, terminal, true)
      if (secret === undefined) throw new TransferError('KEY_MISSING', `No key was given for ${options.drive}.`)
      const progress = {
        driveId: options.drive,
        path: options.drive,
        activity: 'verifying' as const,
        bytesDone: 0,
        bytesTotal: 0,
      }
      const timer = setInterval(() => terminal.progress([progress]), 250)
      const settings: VerifyOptions = { secret, progress, signal }
      if (options.journal !== undefined)
        settings.expected = (await readSessionKey(options.journal, options.drive)).expected
      const report = await verifyDrive(options.drive, settings).finally(() => clearInterval(timer))
      terminal.emit({ event: 'verified', drive: options.drive, ...report })
      terminal.print(describeVerification(options.drive, report))
      if (!report.sound) process.exitCode = exitCodes.damage
    } finally {
      done()
    }
  },
}
