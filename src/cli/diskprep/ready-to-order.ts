// What is looked at before hours of copying, so that the order is not refused after them.

import { existsSync } from 'node:fs'
import { checkJob, type JobDraft, TransferError } from '../../index.js'
import type { WayBack } from '../address-options.js'
import { accountIdFor, askLocation, locationsOf, type OrderStaged, wayBackOf } from './order-staged.js'

/**
 * Somebody is signed in, the name is free, it is known where the drives go, and what the service would refuse is told. A service
 * that cannot be reached now is told too, and no reason to stop: the job is ordered afterwards.
 * @throws TransferError JOB_DIFFERS, JOB_RULES_BROKEN, SERVICE_SIGN_IN, …
 */
export async function readyToOrder(work: OrderStaged): Promise<void> {
  const { folder, options, terminal, opened } = work
  try {
    const existing = await opened.service.find(folder.job)
    if (existing !== undefined && !existsSync(folder.journalPath)) {
      throw new TransferError('JOB_DIFFERS', `${opened.service.description} has a job ${folder.job} already.`, {
        hint: 'Nothing was erased. Give the staged job another name, or delete that job when it is yours.',
      })
    }
    const places = await locationsOf(opened.service)
    const location = folder.state?.location ?? (await askLocation(places, terminal))
    refuseOrder(
      {
        name: folder.job,
        storageAccountIds: [accountIdFor(work)],
        location,
        ...(places.length === 0 ? {} : { locations: places.map((place) => place.name) }),
        drives: [],
      },
      await wayBackOf(work),
    )
    if (folder.state?.location === undefined) await folder.update({ location }, `the drives go to ${location}`)
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string }
    if (code !== 'SERVICE_UNREACHABLE' && code !== 'SERVICE_BUSY') throw error
    terminal.warn(`${message} The drives are prepared all the same; the job is ordered when this is run again.`)
    if (options.location === undefined) terminal.warn('Where they are sent will be asked then.')
  }
}

const knownNow = ['JOB_NAME', 'JOB_ACCOUNT', 'JOB_LOCATION', 'RETURN_ADDRESS', 'RETURN_CARRIER']

/** @throws TransferError JOB_RULES_BROKEN */
function refuseOrder(draft: JobDraft, wayBack: WayBack): void {
  const broken = checkJob({ ...draft, ...wayBack }).filter(({ code }) => knownNow.includes(code))
  if (broken.length === 0) return
  throw new TransferError('JOB_RULES_BROKEN', `Job ${draft.name} cannot be ordered like this; no drive was touched.`, {
    problems: broken.map(({ code, message }) => ({ message: `${code}: ${message}` })),
    hint: 'Give what is missing or wrong as an option: see diskferry diskprep --help.',
  })
}
