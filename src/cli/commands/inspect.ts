// diskferry inspect: checks the structures of a BitLocker volume, and with a key those of the NTFS inside. Writes nothing.

import type { CommandModule } from 'yargs'
import { describeInspection, exitCodes, inspectDrive } from '../../index.js'
import { type GlobalOptions, type KeyOptions, keyOptions, readKey } from '../options.js'
import { createTerminal } from '../terminal.js'

export const inspectCommand: CommandModule<GlobalOptions, KeyOptions> = {
  command: 'inspect',
  describe: 'Check the BitLocker and NTFS structures of a drive, without and with the key',
  builder: (options) => keyOptions(options).example('$0 inspect --drive disk1.img', 'what can be said without a key'),
  handler: async (options) => {
    const terminal = createTerminal(options)
    const secret = await readKey(options, terminal, false)
    const report = await inspectDrive(options.drive, secret)
    terminal.emit({ event: 'inspected', drive: options.drive, ...report })
    terminal.print(describeInspection(options.drive, report))
    if (!report.sound) process.exitCode = exitCodes.damage
  },
}
