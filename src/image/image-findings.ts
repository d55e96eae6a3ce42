// What a verification of an image found, and what it compared.

import type { ImageContainer } from '../formats/image-trailer.js'

export interface ImageFinding {
  code: 'IMAGE_TRAILER' | 'IMAGE_BLOCK' | 'IMAGE_DIGEST' | 'IMAGE_NO_INDEX' | 'IMAGE_UNREADABLE' | 'DEVICE_BLOCK'
  severity: 'warning' | 'damage'
  /** Bytes from the start of the device. */
  offsetBytes?: number
  lengthBytes?: number
  message: string
}

export interface ImageVerification {
  image: string
  container?: ImageContainer
  contentBytes?: number
  /** The first thousand. */
  findings: ImageFinding[]
  damagedBlocks: number
  /** Of the device. */
  differingBlocks: number
  blocksChecked: number
  /** What was compared, in words. */
  checked: string[]
  /** What could have been, and was not. */
  notChecked: string[]
  sound: boolean
  seconds: number
}

const findingsMax = 1000

export function addFinding(report: ImageVerification, finding: ImageFinding): void {
  if (report.findings.length < findingsMax) report.findings.push(finding)
}
