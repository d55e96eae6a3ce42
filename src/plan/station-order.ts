// What jobs ask of the account that their drives are imported into. Pure: a wrong account is found before anything is sent.

import { parseStorageTarget } from '../formats/storage-target.js'
import { type RuleFinding, shown, violation } from './shipping-rules.js'

export interface OrderedImport {
  name: string
  storageAccountId: string
}

/** @param storeName address of the account, or a folder; an emulator and a folder stand for any one account. */
export function checkOrderedImports(jobs: readonly OrderedImport[], storeName: string): RuleFinding[] {
  const [first, ...others] = jobs
  if (first === undefined) return []
  const other = others.find((job) => job.storageAccountId.toLowerCase() !== first.storageAccountId.toLowerCase())
  if (other !== undefined) {
    const words = `Job ${first.name} imports into ${accountOf(first)}, job ${other.name} into ${accountOf(other)}: one call for each.`
    return [violation('JOB_ACCOUNT', words)]
  }
  const account = accountOfStore(storeName)
  if (account === undefined || account === accountOf(first).toLowerCase()) return []
  return [violation('JOB_ACCOUNT', `Job ${first.name} imports into ${accountOf(first)}, not into ${shown(account)}.`)]
}

function accountOf({ storageAccountId }: OrderedImport): string {
  return storageAccountId.split('/').at(-1) ?? ''
}

/** Undefined where the address does not say it: emulators, folders, memory, domains of one's own. */
function accountOfStore(storeName: string): string | undefined {
  if (!/^https?:\/\/[^/]+\.blob\./.test(storeName)) return undefined
  const target = parseStorageTarget(storeName)
  return target.kind === 'account' ? target.accountName : undefined
}
