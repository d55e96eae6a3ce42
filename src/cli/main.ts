#!/usr/bin/env node
// The command line: the only place that touches argv, the environment and the exit code. Commands are one file each and
// use what src/index.ts exports, nothing more.

import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { errorCodes, exitCodes, printable, redact, TransferError, version } from '../index.js'
import { diskprepCommand } from './commands/diskprep.js'
import { drivesCommand } from './commands/drives.js'
import { extractCommand } from './commands/extract.js'
import { imageCommand } from './commands/image.js'
import { inspectCommand } from './commands/inspect.js'
import { jobCommand } from './commands/job.js'
import { listCommand } from './commands/list.js'
import { logsCommand } from './commands/logs.js'
import { planCommand } from './commands/plan.js'
import { prepareCommand } from './commands/prepare.js'
import { receiveCommand } from './commands/receive.js'
import { repairCommand } from './commands/repair.js'
import { serviceCommand } from './commands/service.js'
import { stageCommand } from './commands/stage.js'
import { vaultCommand } from './commands/vault.js'
import { verifyCommand } from './commands/verify.js'
import { exitCodeHelp } from './exit-codes.js'

class UsageError extends Error {}

async function main(words: string[]): Promise<void> {
  await yargs(words)
    .scriptName('diskferry')
    .usage(
      'Seed a cloud with disks: folders become encrypted drives, verified; where they arrive, every blob is imported.\n\n$0 <command>',
    )
    .option('json', { type: 'boolean', default: false, describe: 'One JSON object a line on stdout, errors too' })
    .option('verbose', { type: 'boolean', default: false, describe: 'Show where an error came from' })
    .command(drivesCommand)
    .command(planCommand)
    .command(prepareCommand)
    .command(verifyCommand)
    .command(inspectCommand)
    .command(listCommand)
    .command(extractCommand)
    .command(receiveCommand)
    .command(repairCommand)
    .command(logsCommand)
    .command(stageCommand)
    .command(diskprepCommand)
    .command(jobCommand)
    .command(serviceCommand)
    .command(imageCommand)
    .command(vaultCommand)
    .strict()
    .demandCommand(1, 'Which command? See the list above.')
    .recommendCommands()
    .parserConfiguration({ 'duplicate-arguments-array': true, 'greedy-arrays': false })
    .version(version)
    .epilogue(exitCodeHelp)
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    // A fail function that returns lets the handler run all the same: it must throw.
    .fail((message, error) => {
      // What yargs says of a choice has several lines.
      throw error ?? new UsageError(message.replaceAll(/\n\s*/g, ' '))
    })
    .parseAsync()
}

const problemsMax = 1000

function reportError(error: unknown, json: boolean, verbose: boolean): void {
  if (error instanceof TransferError) {
    process.exitCode = errorCodes[error.code]
    report(error.code, error.message, error.hint, json, problemLines(error), factsOf(error))
  } else if (error instanceof UsageError || error instanceof TypeError || error instanceof RangeError) {
    process.exitCode = exitCodes.usage
    report('USAGE', error.message, 'See diskferry --help, or diskferry <command> --help.', json)
  } else {
    process.exitCode = exitCodes.failed
    report('INTERNAL', error instanceof Error ? error.message : String(error), undefined, json)
  }
  if (verbose && error instanceof Error) process.stderr.write(`${redact(error.stack ?? '')}\n`)
}

/** The other fields of docs/errors.md, those that there are. */
function factsOf({ path, line, column, systemError, problems }: TransferError): Record<string, unknown> {
  const told = problems.slice(0, problemsMax).map((problem) => ({ ...problem, message: redact(problem.message) }))
  const left = problems.length - told.length
  return {
    ...(path === undefined ? {} : { path: redact(path) }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
    ...(systemError === undefined ? {} : { systemError }),
    ...(told.length === 0 ? {} : { problems: told }),
    ...(left > 0 ? { problemsLeftOut: left } : {}),
  }
}

function problemLines(error: TransferError): string[] {
  const problems = error.problems ?? []
  const shown = problems
    .slice(0, 50)
    .map(({ message, line }) =>
      line === undefined || message.includes(`${line}`) ? message : `line ${line}: ${message}`,
    )
  return problems.length > 50 ? [...shown, `and ${problems.length - 50} more`] : shown
}

function report(
  code: string,
  message: string,
  hint: string | undefined,
  json: boolean,
  problems: readonly string[] = [],
  facts: Record<string, unknown> = {},
): void {
  const text = redact(message)
  // Names of others are in it.
  const shown = (line: string) => printable(redact(line))
  if (json) process.stdout.write(`${JSON.stringify({ event: 'error', code, message: text, hint, ...facts })}\n`)
  process.stderr.write(`diskferry: ${shown(message)} (${code})\n`)
  for (const problem of problems) process.stderr.write(`  ${shown(problem)}\n`)
  if (hint !== undefined) process.stderr.write(`  ${shown(hint)}\n`)
}

const words = hideBin(process.argv)
let hasOutputFailed = false
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A pipe that closes early (head, less) is no error of ours.
  if (error.code === 'EPIPE' || hasOutputFailed) return
  hasOutputFailed = true
  const message = `Standard output cannot be written: ${error.message}.`
  reportError(new TransferError(error.code === 'ENOSPC' ? 'DEVICE_FULL' : 'DEVICE_WRITE_FAILED', message), false, false)
  // The command goes on, and may call itself done; who asked for its words did not get them.
  const status = process.exitCode
  process.on('exit', () => {
    process.exitCode ||= status
  })
})
main(words).catch((error) => reportError(error, words.includes('--json'), words.includes('--verbose')))
