// diskferry job: orders an import, declares its package sent, follows it. Rules are checked before anything is sent.

import type { Argv, CommandModule } from 'yargs'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { jobCreateCommand } from './job-create.js'
import { jobKeysCommand, jobListCommand, jobLocationsCommand, jobShowCommand, jobStatusCommand } from './job-follow.js'
import { jobCancelCommand, jobDeleteCommand, jobShipCommand } from './job-ship.js'
import { jobSlipCommand } from './job-slip.js'
import { jobArrivedCommand, jobReturnCommand } from './job-station.js'

export const jobCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: 'job',
  describe: 'Order an import of prepared drives, ship them, follow the job',
  builder: (options: Argv<GlobalOptions>) =>
    options
      .command(jobCreateCommand)
      .command(jobShipCommand)
      .command(jobSlipCommand)
      .command(jobStatusCommand)
      .command(jobListCommand)
      .command(jobShowCommand)
      .command(jobCancelCommand)
      .command(jobDeleteCommand)
      .command(jobKeysCommand)
      .command(jobLocationsCommand)
      .command(jobArrivedCommand)
      .command(jobReturnCommand)
      .demandCommand(1, 'Which of the job commands? See diskferry job --help.')
      .epilogue(exitCodeHelp)
      .strict(),
  handler: () => {},
}
