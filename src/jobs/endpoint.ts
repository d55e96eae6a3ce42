// Where a service is, and whether a token may travel there: https, or plain http within this machine.

import { TransferError } from '../errors.js'

export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, '').toLowerCase()
  return plain === 'localhost' || plain === '::1' || /^127(\.\d{1,3}){3}$/.test(plain)
}

/**
 * @returns the address without a slash at its end.
 * @throws TypeError for what is no address; TransferError SERVICE_INSECURE for plain http to another machine.
 */
export function checkEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw new TypeError(`expected an http or https address for the service but received ${JSON.stringify(text)}`)
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new TransferError('SERVICE_INSECURE', `A token would travel unencrypted to ${url.host}.`, {
      hint: 'Use its https address; plain http is for this machine only.',
    })
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}
