// A job on the terminal: for people with what is due, for programs as an event.

import { describeJob, type ImportJob, jobToJson, shippingReminder } from '../index.js'
import type { Terminal } from './terminal.js'

/** @param action what was done to it, for programs. */
export function showJob(terminal: Terminal, job: ImportJob, action?: string): void {
  const reminder = shippingReminder(job, new Date())
  terminal.emit({ event: 'job', ...(action === undefined ? {} : { action }), ...jobToJson(job, reminder) })
  terminal.print(describeJob(job, reminder))
}
