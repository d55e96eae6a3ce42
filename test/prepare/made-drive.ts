// Prepares drives in tests: one request with the usual defaults.

import assert from 'node:assert/strict'
import {
  driveRequestsFromSpecs,
  type PrepareOptions,
  type PrepareRequest,
  prepareSession,
  type SessionResult,
} from '../../src/index.js'

export function requestFor(
  source: string,
  drives: readonly string[],
  changes: Partial<PrepareRequest> = {},
): PrepareRequest {
  return {
    sessionId: 'session-1',
    dataset: [
      {
        basePath: source,
        isDirectory: true,
        destination: 'archive/in/',
        blobType: 'auto',
        disposition: 'rename',
        line: 1,
      },
    ],
    drives: driveRequestsFromSpecs(drives),
    method: 'xts-128',
    label: 'test',
    ...changes,
  }
}

export async function prepare(request: PrepareRequest, options: PrepareOptions): Promise<SessionResult> {
  const result = await prepareSession(request, options)
  assert.ok(result !== undefined)
  return result
}
