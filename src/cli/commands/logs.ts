// diskferry logs show: a copy log in words. Logs may be as large as they like: they are shown while they are read.

import { createReadStream } from 'node:fs'
import type { CommandModule } from 'yargs'
import { copyLogToJson, describeCopyLog, readCopyLog, TransferError } from '../../index.js'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { createTerminal } from '../terminal.js'

interface ShowOptions extends GlobalOptions {
  log: string
  all: boolean
}

const showCommand: CommandModule<GlobalOptions, ShowOptions> = {
  command: 'show <log>',
  describe: 'Show what failed, where, and what to do next',
  builder: (options) =>
    options
      .positional('log', {
        type: 'string',
        demandOption: true,
        describe: 'Copy log: …_error.xml, …_verbose.xml, …_CopyLog_….xml',
      })
      .option('all', { type: 'boolean', default: false, describe: 'Also what completed' })
      .example('$0 logs show seed_9WM35C2V_20261121-034307-902_error.xml', 'what has to be repaired')
      .epilogue(exitCodeHelp) as never,
  handler: async ({ log, all, json }) => {
    const terminal = createTerminal({ json })
    const parts = readCopyLog(readLog(log), { fileName: log })
    if (json) for await (const object of copyLogToJson(parts, { all })) terminal.emit(object)
    else for await (const text of describeCopyLog(parts, { all })) terminal.print(text)
  },
}

export const logsCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: 'logs',
  describe: 'Read copy logs',
  builder: (options) =>
    options.command(showCommand).demandCommand(1, 'Which one? logs show LOG.xml').epilogue(exitCodeHelp),
  handler: () => {},
}

async function* readLog(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* createReadStream(path)
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof TransferError) throw cause
    throw new TransferError('SOURCE_READ_FAILED', `${path} cannot be read: ${cause.message}`, { cause, path })
  }
}
