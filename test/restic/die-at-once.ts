// Starts restic on a machine so busy that it is killed before the program that it started does anything; run by
// run-restic.test.ts. Words: the folder of a restic.

import childProcess from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'
import { folderPlace } from '../../src/restic/restic-place.js'

const { spawn } = childProcess
childProcess.spawn = ((program: string, words: string[], options: childProcess.SpawnOptions) => {
  spawn('/bin/sh', ['-c', '/bin/sleep 0.3; exec "$@"', 'sh', program, ...words], options)
  process.kill(process.pid, 'SIGKILL')
}) as typeof spawn
syncBuiltinESMExports()

const { Restic } = await import('../../src/restic/run-restic.js')
const [, , folder = ''] = process.argv
const environment = { PATH: folder }
const restic = await Restic.open({ place: folderPlace(folder), description: 'none', password: 'sesame', environment })
await restic.run(['snapshots'])
