// diskferry drives: every disk of this machine, what is on it, and whether it may be shipped.

import type { CommandModule } from 'yargs'
import { describeDrives, listDrives } from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal } from '../terminal.js'

export const drivesCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: 'drives',
  describe: 'Show every disk: model, serial, size, what is on it, fit for shipping or why not',
  builder: (options) => options.epilogue(exitCodeHelp),
  handler: async ({ json }) => {
    const terminal = createTerminal({ json })
    const drives = await listDrives()
    for (const drive of drives) terminal.emit({ event: 'drive', ...drive })
    terminal.print(describeDrives(drives))
  },
}
