// How requests to a blob service are authorised, in the three ways there are.

import type { TokenCredential } from '@azure/core-auth'

export type AzureCredential =
  | { kind: 'key'; accountName: string /** Base64 */; accountKey: string }
  /** `query` without its question mark; `container` when it is good for one only and that is known. */
  | { kind: 'signature'; query: string; isContainerOnly: boolean; container?: string; expiresMs?: number }
  | { kind: 'token'; credential: TokenCredential }
