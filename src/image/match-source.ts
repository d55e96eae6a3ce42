// Is this the device that the plan was made for, and is it as it was? Asked when a capture begins, goes on, and ends.

import { realpath, stat } from 'node:fs/promises'
import type { Device } from '../addon/device.js'
import { TransferError } from '../errors.js'
import type { CapturePlan } from '../plan/capture-state.js'
import { sourceFacts, sourceFingerprint } from './survey-source.js'

/** @throws TransferError CAPTURE_DIFFERS for another device, SOURCE_CHANGED for one that was written to. */
export async function matchSource(device: Device, plan: CapturePlan, image: string): Promise<void> {
  const planned = plan.description.source
  if (planned.kind === 'file' && device.kind === 'file') {
    const { size } = await stat(device.path)
    if (size !== device.sizeBytes) throw changed(device.path, `has ${size} bytes now, and had ${device.sizeBytes}`)
  }
  const { source, mounts } = await sourceFacts(device.path, device, image)
  const isOther =
    source.serial !== planned.serial || source.kind !== planned.kind || source.sizeBytes !== planned.sizeBytes
  const isOtherFile =
    planned.kind === 'file' && (await realpath(planned.path).catch(() => '')) !== (await realpath(source.path))
  if (isOther || isOtherFile) {
    const name = (of: typeof source) =>
      `${of.path} (${[of.model, of.serial, `${of.sizeBytes} bytes`].filter(Boolean).join(', ')})`
    const message = `The capture is of ${name(planned)}, and this is ${name(source)}.`
    throw new TransferError('CAPTURE_DIFFERS', message, {
      path: source.path,
      hint: 'Give the device that it was begun with, or --overwrite to begin anew.',
    })
  }
  // Of a device that is in use nobody expects that it stays as it is; the plan says that it was accepted.
  if (mounts.length > 0) return
  if ((await sourceFingerprint(device, plan.description.partitions)) === plan.fingerprint) return
  throw changed(source.path, 'was written to after its capture began')
}

function changed(path: string, what: string): TransferError {
  const message = `${path} ${what}: the parts would not belong together.`
  return new TransferError('SOURCE_CHANGED', message, { path })
}
