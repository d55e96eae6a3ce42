// npm run bench [CASE …]: installs what is missing, builds, and measures diskferry beside what people use today, in one run.
// Needs root for loop devices and cold caches; writes only below a temporary folder and to loop devices that it attaches.
import { build, run, setUp } from './setup.mjs'

setUp('bench')
build()
run(process.execPath, ['--import', 'tsx', 'bench/run.ts', ...process.argv.slice(2)])
