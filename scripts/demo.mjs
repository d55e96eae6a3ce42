// npm run demo: the whole trip on real files with nothing set up. Files are staged, two drives (image files) are prepared, an
// import job is ordered from a local service and declared sent; the drives "arrive", are imported into a storage emulator by
// the service's order book, and are sent back. Every blob is compared with its source; then all is removed.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accountName, compareBlobs, startEmulator } from './demo/account.mjs'
import { diskferry, folder, service, start } from './demo/run.mjs'
import { stageFiles } from './demo/staging.mjs'
import { arrivedAt, beginTrip, printTrip } from './demo/trip-log.mjs'
import { vaultStory } from './demo/vault.mjs'
import { build, setUp } from './setup.mjs'

setUp('demo')
build()
beginTrip()

const job = 'seed-demo'
const container = 'backup'
const jobFolder = join(folder, 'staging', `${accountName}_${job}`)
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`

console.log(
  '\nA local service stands for the datacenter, a storage emulator for the account. Both are of this machine alone.',
)
const place = ['--data', 'service', '--listen', '127.0.0.1:0', '--json']
const { found: station } = await start(service(...place), (line) => JSON.parse(line))
process.env.DISKFERRY_SERVICE = station.url
process.env.DISKFERRY_SERVICE_TOKEN = readFileSync(station.tokenPath, 'utf8').trim()
const account = await startEmulator()
console.log(`$ export DISKFERRY_SERVICE=${station.url} DISKFERRY_SERVICE_TOKEN=…`)

// At the copy computer.
await diskferry(['stage', 'init', 'staging', '--job', job, '--account', accountName, '--container', container])
const { files, bytes, sizes } = stageFiles(jobFolder)
arrivedAt('stage', `${files.size} files, ${mib(bytes)}, for ${accountName}/${container}`)

const drives = ['drive1.img', 'drive2.img']
const named = drives.flatMap((name, index) => ['--drive', `${name}:${sizes[index]}`])
await diskferry(['diskprep', 's:staging', ...named, '--location', 'West Europe', '--yes', '--later'])
const state = JSON.parse(readFileSync(join(jobFolder, 'job.json'), 'utf8'))
const ids = state.drives.map(({ driveId }) => driveId)
arrivedAt('prepare', `${ids.length} drives, encrypted, written and read back: ${ids.join(', ')}`)
arrivedAt('order', `job ${job}, ${state.location}: ${state.order.state}`)
await diskferry(['inspect', '--drive', drives[0]])

const wayBack = {
  returnAddress: {
    recipientName: 'Archive Ltd',
    streetAddress1: '1 Quay',
    city: 'Rotterdam',
    postalCode: '3011',
    countryOrRegion: 'Netherlands',
    phone: '+31 10 1234567',
    email: 'ops@example.org',
  },
  returnShipping: { carrierName: 'DHL', carrierAccountNumber: '770012' },
}
writeFileSync(join(folder, 'back.json'), JSON.stringify(wayBack))
const sent = ['--carrier', 'DHL', '--tracking', 'JD014600003828']
await diskferry(['diskprep', 'u:', 's:staging', ...sent, '--return-file', 'back.json', '--yes'])
await diskferry(['job', 'slip', job, '-o', 'slip.pdf'])
arrivedAt('ship', 'DHL JD014600003828, both drives in one package, with its slip')

// At the receiving station.
const arrived = [...drives].reverse().flatMap((name) => ['--drive', name])
await diskferry(['receive', ...arrived, '--service', station.url, '--to', account, '--report', 'report.html'])
const imported = JSON.parse(await diskferry(['job', 'show', job], { quiet: true }))
const states = imported.drives.map(({ driveId, state: driveState }) => `${driveId} ${driveState}`)
arrivedAt('receive', `${states.join(', ')}; job ${imported.state}`)
const compared = await compareBlobs(account, container, files)
arrivedAt('compare', `${compared.blobs} blobs, ${compared.bytes} bytes: each the same as its file, byte for byte`)
await diskferry(['job', 'return', job, '--carrier', 'DHL', '--tracking', 'JD014600009999'])
await diskferry(['job', 'status', job])
const ended = JSON.parse(await diskferry(['job', 'show', job], { quiet: true }))
if (ended.state !== 'Completed') throw new Error(`the job ended as ${ended.state}`)
arrivedAt('return', `DHL ${ended.returnPackage.trackingNumber}; job ${ended.state}`)

await vaultStory(account, station.url)

printTrip()
console.log('\nProved against the local service and the emulator: neither is Azure.')
process.exit(0)
