// diskferry extract: copies files out of a prepared drive, without mounting it. Writes only below --into.

import type { CommandModule } from 'yargs'
import { exitCodes, extractFiles, formatBytes, openDrive, TransferError } from '../../index.js'
import { type GlobalOptions, type KeyOptions, keyOptions, readKey } from '../options.js'
import { abortOnSignals } from '../signals.js'
import { createTerminal } from '../terminal.js'

interface ExtractOptions extends KeyOptions {
  path?: string
  into: string
  overwrite: boolean
}

export const extractCommand: CommandModule<GlobalOptions, ExtractOptions> = {
  command: 'extract [path]',
  describe: 'Copy files out of a prepared drive',
  builder: (options) =>
    keyOptions(options)
      .positional('path', { type: 'string', describe: 'File or folder on the drive; everything when not given' })
      .option('into', { type: 'string', demandOption: true, describe: 'Folder to write to; created when missing' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'Replace files that are there' })
      .example('$0 extract backup/2026/db.dump --drive disk1.img --journal seed.jrn --into out', '') as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { signal, done } = abortOnSignals()
    const secret = await readKey(options, terminal, true)
    if (secret === undefined) throw new TransferError('KEY_MISSING', `No key was given for ${options.drive}.`)
    const drive = await openDrive(options.drive, secret)
    try {
      const settings = { into: options.into, overwrite: options.overwrite, signal }
      const result = await extractFiles(
        drive,
        options.path === undefined ? settings : { ...settings, below: options.path },
      )
      terminal.emit({ event: 'extracted', ...result })
      for (const { path, reason } of result.unreadable) terminal.warn(`Left out: ${path}: ${reason}.`)
      if (result.unreadable.length > 0) process.exitCode = exitCodes.partly
      terminal.print(`${result.files} files, ${formatBytes(result.bytes)} copied into ${options.into}`)
    } finally {
      done()
      await drive.close()
    }
  },
}
