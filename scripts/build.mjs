// npm run build: installs what is missing, then builds build/Release/diskferry.node and dist/.
import { build, setUp } from './setup.mjs'

setUp('build')
build()
