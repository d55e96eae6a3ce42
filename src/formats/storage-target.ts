// Where blobs go, as people write it: the address of an account of any cloud or emulator, a folder, or memory.

import { TransferError } from '../errors.js'
import { containerNameProblem } from './destination.js'

export type StorageTarget =
  | { kind: 'memory' }
  /** `isBare` when nothing shows that a path is meant: it must be there then. */
  | { kind: 'folder'; path: string; isBare: boolean }
  | AccountTarget

export interface AccountTarget {
  kind: 'account'
  /** Scheme, host, port, and the account where it is part of the path; no slash at its end. */
  endpoint: string
  /** Unknown behind a domain of one's own. */
  accountName?: string
  /** One behind the account: nothing else may be asked for. */
  container?: string
  /** A signature that came with the address; it is taken out of it. */
  signature?: string
  isLoopback: boolean
  isSecure: boolean
}

/** @throws TransferError STORAGE_TARGET_INVALID; messages leave out what may belong to a signature. */
export function parseStorageTarget(text: string): StorageTarget {
  if (text.includes('\0')) throw invalid(text, 'it holds a zero character')
  if (text === 'memory:') return { kind: 'memory' }
  if (text.startsWith('folder:')) {
    const path = text.slice('folder:'.length)
    if (path === '') throw invalid(text, 'the path of the folder is missing')
    return { kind: 'folder', path, isBare: false }
  }
  if (/^https?:/i.test(text)) return parseAccount(text)
  if (/^[a-z][a-z0-9+.-]+:/i.test(text)) throw invalid(text, 'only https:, http: and folder: are known')
  if (text.trim() === '') throw invalid(text, 'it is empty')
  return { kind: 'folder', path: text, isBare: !/^\.{0,2}\//.test(text) && text !== '.' && text !== '..' }
}

function parseAccount(text: string): AccountTarget {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw invalid(text, 'it is no address')
  }
  if (url.username !== '' || url.password !== '') throw invalid(text, 'it has a user or password in it')
  if (url.hash !== '') throw invalid(text, 'it has a fragment (#) in it')
  if (url.search !== '' && !url.searchParams.has('sig'))
    throw invalid(text, 'only a shared access signature may follow the ?')
  const parts = url.pathname.split('/').filter((part) => part !== '')
  const accountName = isPathStyle(url.hostname) ? parts.shift() : /^([a-z0-9-]+)\.blob\./.exec(url.hostname)?.[1]
  if (accountName === undefined && isPathStyle(url.hostname)) {
    throw invalid(text, 'the account is missing behind the host, as in http://127.0.0.1:10000/devstoreaccount1')
  }
  if (parts.length > 1) throw invalid(text, 'it leads to a blob; the account, or one container, is enough')
  const [container] = parts.map((part) => part.replace(/^%24root$/i, '$root'))
  const problem = container === undefined ? undefined : containerNameProblem(container)
  if (problem !== undefined) throw invalid(text, problem)
  return {
    kind: 'account',
    endpoint: isPathStyle(url.hostname) ? `${url.origin}/${accountName}` : url.origin,
    ...(accountName === undefined ? {} : { accountName }),
    ...(container === undefined ? {} : { container }),
    ...(url.search === '' ? {} : { signature: url.search.slice(1) }),
    isLoopback: /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname),
    isSecure: url.protocol === 'https:',
  }
}

/** Emulators behind a number or a bare name have the account in the path. */
function isPathStyle(hostname: string): boolean {
  return /^(\[.*\]|\d+(\.\d+){3}|[^.]+)$/.test(hostname)
}

function invalid(text: string, reason: string): TransferError {
  const shown = JSON.stringify((text.split(/[?&=]/, 1)[0] as string).replace(/\/\/[^/]*@/, '//').slice(0, 200))
  return new TransferError('STORAGE_TARGET_INVALID', `${shown} is no storage: ${reason}.`, {
    hint: 'Give https://ACCOUNT.blob.core.windows.net, or folder:PATH.',
  })
}
