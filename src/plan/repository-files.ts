// The files of a restic repository: which of them travel, in which order they may be sent, and whose name is the SHA-256 of their
// content. https://restic.readthedocs.io, "Repository Format": data, index, snapshots and keys; locks are of the moment.

import { identityName } from '../formats/vault-identity.js'

/** A pack may be there unused, an index must not name a pack that is not; so in this order a reader never misses anything. */
export const sendOrder = ['data/', 'index/', 'keys/', 'snapshots/', 'config', identityName] as const

/** Folders whose files travel, and the files beside them. */
export const travelFolders = ['data', 'index', 'keys', 'snapshots'] as const
export const travelFiles = ['config', identityName] as const

const hashNamed = /^(?:data\/([0-9a-f]{2})\/(?=\1)|index\/|keys\/|snapshots\/)([0-9a-f]{64})$/

/** The SHA-256 that the content of the file must have; undefined where its name does not say. */
export function hashInName(name: string): string | undefined {
  return hashNamed.exec(name)?.[2]
}

export function travels(name: string): boolean {
  return hashNamed.test(name) || (travelFiles as readonly string[]).includes(name)
}

/** Written before their names were known; what an interrupted run left of them is of no use. */
export function isTemporary(name: string): boolean {
  return /-tmp-\d+$/.test(name)
}
