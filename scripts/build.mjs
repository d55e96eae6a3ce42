// npm run build: installs what is missing, then builds build/Release/diskferry.node, dist/, and its type declarations.
import { join } from 'node:path'
import { build, root, run, setUp } from './setup.mjs'

setUp('build')
build()
run(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json'])
