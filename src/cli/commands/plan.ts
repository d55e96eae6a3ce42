// diskferry plan: which file would go onto which drive. Writes nothing.

import type { CommandModule } from 'yargs'
import { describePlan, planSession, planToJson } from '../../index.js'
import { type GlobalOptions, type PlanOptions, planOptions, readPlanOptions } from '../options.js'
import { createTerminal } from '../terminal.js'

export const planCommand: CommandModule<GlobalOptions, PlanOptions> = {
  command: 'plan',
  describe: 'Show which files would go onto which drive; writes nothing',
  builder: (options) =>
    planOptions(options)
      .example('$0 plan --from /srv/backup --to backup/2026/ --drive /dev/sdb --drive /dev/sdc', '')
      .example('$0 plan --from photos --to photos/ --drive disk1.img:2G', 'an image file is as good a drive'),
  handler: async (options) => {
    const terminal = createTerminal(options)
    const plan = await planSession(await readPlanOptions(options))
    terminal.emit({ event: 'plan', ...planToJson(plan) })
    terminal.print(describePlan(plan))
  },
}
