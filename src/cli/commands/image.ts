// diskferry image: whole devices to images and back.

import type { CommandModule } from 'yargs'
import { exitCodeHelp } from '../exit-codes.js'
import type { GlobalOptions } from '../options.js'
import { imageCaptureCommand } from './image-capture.js'
import { imageCatCommand } from './image-cat.js'
import { imageConvertCommand } from './image-convert.js'
import { imageInfoCommand } from './image-info.js'
import { imageRepairCommand } from './image-repair.js'
import { imageRestoreCommand } from './image-restore.js'
import { imageVerifyCommand } from './image-verify.js'

export const imageCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: 'image',
  describe: 'Capture a device to an image, and restore it to many at once',
  builder: (options) =>
    options
      .command(imageCaptureCommand)
      .command(imageRestoreCommand)
      .command(imageVerifyCommand)
      .command(imageInfoCommand)
      .command(imageCatCommand)
      .command(imageConvertCommand)
      .command(imageRepairCommand)
      .demandCommand(1, 'Which one? image capture, restore, verify, info, cat, convert, or repair')
      .epilogue(exitCodeHelp),
  handler: () => {},
}
