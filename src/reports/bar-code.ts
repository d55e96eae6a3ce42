// Code 128 as widths of bars and spaces: what scanners at carriers and datacenters read. How wide a module is and with what it
// is drawn is up to the page.

import bwipjs from 'bwip-js/generic'

export interface BarCode {
  text: string
  /** In modules: bar, space, bar, …; begins and ends with a bar. */
  widths: readonly number[]
  modules: number
}

const lengthMax = 40
/** Modules that stay white on both sides. */
export const quietModules = 10

/** Undefined for text that no bar code of a readable size can hold: empty, longer than 40, or with more than printable ASCII. */
export function code128(text: string): BarCode | undefined {
  if (text.length > lengthMax || !/^[\x20-\x7e]+$/.test(text)) return undefined
  const [symbol] = bwipjs.raw({ bcid: 'code128', text })
  const widths: readonly number[] | undefined = symbol !== undefined && 'sbs' in symbol ? symbol.sbs : undefined
  if (widths === undefined) return undefined
  return { text, widths, modules: widths.reduce((sum, width) => sum + width, 0) }
}

/** Where the bars are, in modules from the left of the first one. */
export function barsOf({ widths }: BarCode): { at: number; width: number }[] {
  let at = 0
  return widths.flatMap((width, index) => {
    const bar = { at, width }
    at += width
    return index % 2 === 0 ? [bar] : []
  })
}
