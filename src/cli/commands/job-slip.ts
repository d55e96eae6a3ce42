// diskferry job slip: what goes into the box, as PDF or HTML.

import { rename, rm, writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { CommandModule } from 'yargs'
import { makePackingSlip, TransferError } from '../../index.js'
import type { GlobalOptions } from '../options.js'
import { openService } from '../service-options.js'
import { createTerminal } from '../terminal.js'
import { type NamedOptions, namedOptions } from './job-ship.js'

interface SlipOptions extends NamedOptions {
  output: string
}

export const jobSlipCommand: CommandModule<GlobalOptions, SlipOptions> = {
  command: 'slip <name>',
  describe: 'Write the packing slip: address, drives with bar codes, a check list; never a key',
  builder: (options) =>
    namedOptions(options)
      .option('output', { alias: 'o', type: 'string', demandOption: true, describe: 'File to write: .pdf or .html' })
      .example('$0 job slip seed-2026-11 -o slip.pdf', '') as never,
  handler: async (options) => {
    const terminal = createTerminal(options)
    const { name, output } = options
    const format = extname(output).toLowerCase()
    if (format !== '.pdf' && format !== '.html') {
      throw new TypeError(`expected a name that ends in .pdf or .html for --output but received ${output}`)
    }
    const { service } = await openService(options, terminal)
    await writeSlip(output, await makePackingSlip(service, name, format === '.pdf' ? 'pdf' : 'html', new Date()))
    terminal.emit({ event: 'slip', name, output })
    terminal.print(`${output} is written. Print two: one for the box, one to keep.`)
  },
}

async function writeSlip(path: string, content: Buffer): Promise<void> {
  const beside = `${path}.${process.pid}`
  try {
    await writeFile(beside, content, { flag: 'wx' })
    await rename(beside, path)
  } catch (cause) {
    await rm(beside, { force: true })
    const message = `The slip ${path} cannot be written: ${(cause as Error).message}.`
    throw new TransferError('JOB_FILE_INVALID', message, { cause, path })
  }
}
