// diskferry list: the files of a prepared drive, without mounting it.

import type { CommandModule } from 'yargs'
import { describeFile, listFiles, openDrive, TransferError } from '../../index.js'
import { type GlobalOptions, type KeyOptions, keyOptions, readKey } from '../options.js'
import { createTerminal } from '../terminal.js'

interface ListOptions extends KeyOptions {
  path?: string
}

export const listCommand: CommandModule<GlobalOptions, ListOptions> = {
  command: 'list [path]',
  describe: 'List the files of a prepared drive, or those below a path',
  builder: (options) =>
    keyOptions(options)
      .positional('path', { type: 'string', describe: 'Folder on the drive, for example backup/2026' })
      .example('$0 list --drive disk1.img --journal seed.jrn', '') as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const secret = await readKey(options, terminal, true)
    if (secret === undefined) throw new TransferError('KEY_MISSING', `No key was given for ${options.drive}.`)
    const drive = await openDrive(options.drive, secret)
    try {
      for await (const file of listFiles(drive, options.path)) {
        terminal.emit({ event: 'file', ...file })
        terminal.print(describeFile(file))
      }
    } finally {
      await drive.close()
    }
  },
}
