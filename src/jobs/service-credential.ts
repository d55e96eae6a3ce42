// Who is asking: a bearer token of the local service, or whoever is signed in to Azure. Azure's own package is loaded only when
// a token is needed. A token goes to the address that was given and to no other.

import type { TokenCredential } from '@azure/core-auth'
import type { PipelinePolicy } from '@azure/core-rest-pipeline'
import { TransferError } from '../errors.js'

export function staticToken(token: string): TokenCredential {
  return { getToken: async () => ({ token, expiresOnTimestamp: Number.MAX_SAFE_INTEGER }) }
}

const signInHosts: Readonly<Record<string, string>> = {
  'management.chinacloudapi.cn': 'https://login.chinacloudapi.cn',
  'management.usgovcloudapi.net': 'https://login.microsoftonline.us',
}

/** Whoever is signed in: environment, managed identity, Azure CLI, …. @param endpoint the Resource Manager of a cloud. */
export function azureCredential(endpoint: string): TokenCredential {
  let credential: Promise<TokenCredential> | undefined
  const make = async () => {
    const { DefaultAzureCredential } = await import('@azure/identity')
    const authorityHost = signInHosts[new URL(endpoint).hostname]
    return new DefaultAzureCredential(authorityHost === undefined ? {} : { authorityHost })
  }
  return {
    async getToken(scopes, options) {
      credential ??= make()
      return (await credential).getToken(scopes, options)
    },
  }
}

const renewBeforeMs = 120_000

/** Takes the place of the package's own policy of that name, which refuses plain http to this machine too. */
export function tokenPolicy(endpoint: string, credential: TokenCredential): PipelinePolicy {
  const { origin } = new URL(endpoint)
  let token: { token: string; expiresOnTimestamp: number } | null = null
  return {
    name: 'bearerTokenAuthenticationPolicy',
    async sendRequest(request, next) {
      if (new URL(request.url).origin !== origin) {
        const message = `The service at ${origin} points to ${new URL(request.url).origin}; the token does not go there.`
        throw new TransferError('SERVICE_ANSWER_INVALID', message)
      }
      if (token === null || token.expiresOnTimestamp < Date.now() + renewBeforeMs) {
        token = await credential.getToken(`${origin}/.default`)
      }
      if (token === null) throw new TransferError('SERVICE_SIGN_IN', `Nobody is signed in for ${origin}.`)
      request.headers.set('Authorization', `Bearer ${token.token}`)
      return next(request)
    },
  }
}
