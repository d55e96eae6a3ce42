// The second half of the demo: the first backup of a folder goes by disk and becomes the vault; only what changes later goes over the
// network; and it comes back.

import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from '../setup.mjs'
import { accountName } from './account.mjs'
import { diskferry, folder } from './run.mjs'
import { arrivedAt } from './trip-log.mjs'

const job = 'vault-demo'
const place = ['--staging', 'staging', '--job', job]
const disk = 'vault-disk.img'

/** SHA-256 of every file below a folder, by relative path. */
function hashesBelow(where) {
  const hashes = new Map()
  for (const entry of readdirSync(where, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath ?? entry.path, entry.name)
    hashes.set(relative(where, path), createHash('sha256').update(readFileSync(path)).digest('hex'))
  }
  return hashes
}

function compareRestored(server) {
  const wanted = hashesBelow(server)
  const found = hashesBelow(join(folder, 'restored', server))
  for (const [path, hash] of wanted) if (found.get(path) !== hash) throw new Error(`${path} came back different`)
  if (found.size !== wanted.size) throw new Error(`${found.size - wanted.size} files too many came back`)
  return found.size
}

/** By the job of the local service that runs already. @param account address of the emulator */
async function ship(account, station) {
  const journal = join('staging', `${accountName}_${job}`, 'journal/job.jrn')
  const order = ['--name', job, '--journal', journal, '--account', accountName, '--location', 'West Europe']
  await diskferry(['job', 'create', ...order], { quiet: true })
  const sent = ['--carrier', 'DHL', '--tracking', 'JD014600003829', '--return-file', 'back.json']
  await diskferry(['job', 'ship', job, ...sent], { quiet: true })
  await diskferry(['receive', '--drive', disk, '--service', station, '--to', account])
  await diskferry(['job', 'return', job, '--carrier', 'DHL', '--tracking', 'JD014600009998'], { quiet: true })
}

export async function vaultStory(account, station) {
  console.log('\nNow a backup: its first run goes by disk, what changes later goes over the network.')
  process.env.RESTIC_CACHE_DIR = join(folder, 'restic-cache')
  const server = join(folder, 'server')
  cpSync(join(root, 'node_modules/typescript'), server, { recursive: true })
  const where = ['--account', accountName, '--container', 'vaults', '--make-password']
  await diskferry(['vault', 'seed', ...place, ...where, server])
  arrivedAt('seed', 'the first backup lies in staging, compressed and encrypted')
  await diskferry(['prepare', ...place, '--drive', `${disk}:150M`, '--yes'])
  writeFileSync(join(server, 'notes.txt'), 'written while the drive travels\n')
  await diskferry(['vault', 'backup', '--job', job])
  await ship(account, station)
  const adopted = await diskferry(['vault', 'adopt', ...place, '--to', account, '--verify', 'all'])
  arrivedAt('adopt', /By disk .*/.exec(adopted)?.[0] ?? '')
  writeFileSync(join(server, 'later.txt'), 'written after the vault was adopted\n')
  const backup = await diskferry(['vault', 'backup', '--job', job])
  arrivedAt('backup', /Snapshot .*/.exec(backup)?.[0] ?? '')
  await diskferry(['vault', 'status', '--job', job])
  await diskferry(['vault', 'restore', 'latest', '--job', job, '--into', 'restored'])
  arrivedAt('restore', `${compareRestored(server)} files, each the same as what was backed up`)
}
