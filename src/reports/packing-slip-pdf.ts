// The packing slip as PDF, A4: what goes into the box and onto the table of whoever packs. Drawn from top to bottom; what does
// not fit a page begins the next one.

import PDFDocument from 'pdfkit'
import { type BarCode, barsOf } from './bar-code.js'
import { toLatin } from './latin-text.js'
import { hashGroups, type PackingSlip, type SlipAddress, type SlipDrive } from './packing-slip.js'

const [left, right, top, bottom] = [48, 547, 46, 790]
const secondColumn = 352
const ink = '#111417'
const soft = '#5a636c'
const hair = '#b9c0c7'

interface TextStyle {
  sizePoints: number
  font?: 'Helvetica' | 'Helvetica-Bold' | 'Courier'
  color?: string
  widthPoints?: number
}

/** The page that is drawn on, and how far down it is full. */
class Sheet {
  y = top
  isWhole = true
  readonly pdf: PDFKit.PDFDocument

  constructor(title: string, madeOn: string) {
    this.pdf = new PDFDocument({
      size: 'A4',
      margin: 0,
      bufferPages: true,
      lang: 'en',
      displayTitle: true,
      info: {
        Title: title,
        CreationDate: new Date(`${madeOn}T00:00:00Z`),
        Producer: 'diskferry',
        Creator: 'diskferry',
      },
    })
  }

  /** Begins a new page when less than that is left. @returns true when it did. */
  need(heightPoints: number): boolean {
    if (this.y + heightPoints <= bottom) return false
    this.pdf.addPage()
    this.y = top
    return true
  }

  /** Text at a place; lines are broken at `widthPoints`. @returns its height. */
  text(value: string, x: number, y: number, style: TextStyle): number {
    const { sizePoints, font = 'Helvetica', color = ink, widthPoints = right - x } = style
    const latin = toLatin(value)
    this.isWhole &&= latin.isWhole
    this.pdf.font(font).fontSize(sizePoints).fillColor(color)
    const options = { width: widthPoints, lineGap: sizePoints * 0.18 }
    const height = this.pdf.heightOfString(latin.text, options)
    this.pdf.text(latin.text, x, y, options)
    return height
  }

  /** One line, smaller when it is too long. */
  line(value: string, x: number, y: number, style: TextStyle & { widthPoints: number }): void {
    const latin = toLatin(value)
    this.isWhole &&= latin.isWhole
    const { font = 'Helvetica', color = ink, sizePoints, widthPoints } = style
    this.pdf.font(font).fontSize(sizePoints)
    const fits = Math.min(1, widthPoints / Math.max(1, this.pdf.widthOfString(latin.text)))
    const fitted = Math.max(5, sizePoints * fits)
    this.pdf.fontSize(fitted).fillColor(color)
    this.pdf.text(latin.text, x, y + (sizePoints - fitted) * 0.7, { lineBreak: false })
  }

  label(value: string, x: number, y: number): void {
    this.line(value, x, y, { sizePoints: 8.5, color: soft, widthPoints: right - x })
  }

  rule(y: number, weightPoints = 0.5, color = hair, from = left, to = right): void {
    this.pdf.moveTo(from, y).lineTo(to, y).lineWidth(weightPoints).strokeColor(color).stroke()
  }

  box(x: number, y: number): void {
    this.pdf.roundedRect(x, y, 10, 10, 1).lineWidth(0.8).strokeColor(ink).stroke()
  }

  bars(code: BarCode, x: number, y: number, moduleMaxPoints: number, widthPoints: number, heightPoints: number): void {
    const modulePoints = Math.min(moduleMaxPoints, widthPoints / code.modules)
    for (const { at, width } of barsOf(code))
      this.pdf.rect(x + at * modulePoints, y, width * modulePoints, heightPoints)
    this.pdf.fill('#000000')
  }
}

export async function packingSlipToPdf(slip: PackingSlip): Promise<Buffer> {
  const sheet = new Sheet(`Packing slip ${slip.job}`, slip.madeOn)
  const chunks: Buffer[] = []
  const ended = new Promise<void>((resolve, reject) => {
    sheet.pdf
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', resolve)
      .on('error', reject)
  })
  drawHead(sheet, slip)
  drawAddresses(sheet, slip)
  drawParcel(sheet, slip)
  drawDrives(sheet, slip.drives)
  drawClosing(sheet, slip)
  drawFooters(sheet, slip)
  sheet.pdf.end()
  await ended
  return Buffer.concat(chunks)
}

function drawHead(sheet: Sheet, slip: PackingSlip): void {
  sheet.label('Packing slip for import job', left, sheet.y)
  sheet.line(slip.job, left, sheet.y + 13, {
    sizePoints: 25,
    font: 'Helvetica-Bold',
    widthPoints: secondColumn - left - 20,
  })
  const facts = [
    ['Storage account', slip.account],
    ['Location', slip.location],
    ['Printed', slip.madeOn],
  ] as const
  for (const [index, [name, value]] of facts.entries()) {
    const y = sheet.y + 1 + index * 12.5
    sheet.line(name, secondColumn, y, { sizePoints: 9, color: soft, widthPoints: 80 })
    sheet.line(value, secondColumn + 82, y, { sizePoints: 9, widthPoints: right - secondColumn - 82 })
  }
  sheet.y += 48
  sheet.rule(sheet.y, 1.5, ink)
  sheet.y += 18
}

function drawAddresses(sheet: Sheet, { shipTo, from }: PackingSlip): void {
  const { y } = sheet
  sheet.label('Ship to', left, y)
  sheet.label('From', secondColumn, y)
  const to = drawAddress(sheet, shipTo, left, { sizePoints: 13, widthPoints: secondColumn - left - 28 }, true)
  const back = drawAddress(sheet, from, secondColumn, { sizePoints: 10, widthPoints: right - secondColumn }, false)
  sheet.y = Math.max(to, back) + 16
}

function drawAddress(
  sheet: Sheet,
  address: SlipAddress,
  x: number,
  style: TextStyle & { widthPoints: number },
  isBold: boolean,
): number {
  let y = sheet.y + 14
  const lines = address.lines.length === 0 ? ['Not given yet'] : address.lines
  for (const [index, line] of lines.entries()) {
    y += sheet.text(line, x, y, { ...style, font: isBold && index === 0 ? 'Helvetica-Bold' : 'Helvetica' })
  }
  y += address.contact.length > 0 ? 4 : 0
  for (const line of address.contact)
    y += sheet.text(line, x, y, { sizePoints: 9, color: soft, widthPoints: style.widthPoints })
  return y
}

function drawParcel(sheet: Sheet, slip: PackingSlip): void {
  sheet.need(96)
  const y = sheet.y
  sheet.rule(y)
  sheet.label('Tracking number', left, y + 13)
  const widthPoints = secondColumn - left - 28
  if (slip.tracking === undefined) {
    sheet.rule(y + 58, 0.75, ink, left, left + widthPoints)
    if (slip.reminder !== undefined)
      sheet.text(slip.reminder, left, y + 64, { sizePoints: 9, color: soft, widthPoints })
  } else {
    sheet.line(slip.tracking, left, y + 25, { sizePoints: 15, font: 'Helvetica-Bold', widthPoints })
    if (slip.trackingBars !== undefined) sheet.bars(slip.trackingBars, left, y + 47, 1, widthPoints, 38)
  }
  const hint = slip.carrier === undefined && slip.carriers.length > 0 ? ` (${slip.carriers.join(', ')})` : ''
  drawFact(sheet, `Carrier${hint}`, slip.carrier, secondColumn, y + 13)
  drawFact(sheet, 'Ship date', slip.shipDate, secondColumn + 112, y + 13)
  drawFact(sheet, 'Drives in the package', String(slip.drives.length), secondColumn, y + 52)
  drawFact(sheet, 'Packages', '1', secondColumn + 112, y + 52)
  sheet.y = y + 100
}

function drawFact(sheet: Sheet, name: string, value: string | undefined, x: number, y: number): void {
  sheet.line(name, x, y, { sizePoints: 8.5, color: soft, widthPoints: 104 })
  if (value === undefined) sheet.rule(y + 28, 0.75, ink, x, Math.min(x + 98, right))
  else sheet.line(value, x, y + 12, { sizePoints: 13, font: 'Helvetica-Bold', widthPoints: Math.min(104, right - x) })
}

const driveRowPoints = 38
const columns = { number: left + 22, serial: left + 42, bars: left + 186, hash: 444 }

function drawDrives(sheet: Sheet, drives: readonly SlipDrive[]): void {
  sheet.need(20 + 2 * driveRowPoints)
  drawDriveHead(sheet)
  for (const [index, drive] of drives.entries()) {
    if (sheet.need(driveRowPoints)) drawDriveHead(sheet)
    drawDrive(sheet, drive, index + 1)
    sheet.y += driveRowPoints
  }
  sheet.rule(sheet.y)
  sheet.y += 14
}

function drawDriveHead(sheet: Sheet): void {
  sheet.rule(sheet.y)
  sheet.label('Serial number', columns.serial, sheet.y + 9)
  sheet.label('MD5 of the manifest', columns.hash, sheet.y + 9)
  sheet.y += 24
}

function drawDrive(sheet: Sheet, { driveId, bars, manifestHash }: SlipDrive, number: number): void {
  const { y } = sheet
  sheet.rule(y)
  sheet.box(left, y + 14)
  sheet.line(String(number), columns.number, y + 15, { sizePoints: 9, color: soft, widthPoints: 18 })
  const widthPoints = columns.bars - columns.serial - 12
  sheet.line(driveId, columns.serial, y + 13, { sizePoints: 11.5, font: 'Helvetica-Bold', widthPoints })
  // Thinner than that, and a printer of 300 dots an inch blurs it.
  const barsPoints = columns.hash - columns.bars - 24
  if (bars !== undefined && barsPoints / bars.modules >= 0.48)
    sheet.bars(bars, columns.bars, y + 8, 0.8, barsPoints, 22)
  const style = { sizePoints: 9, font: 'Courier', widthPoints: right - columns.hash } as const
  const groups = manifestHash === '' ? ['not known'] : hashGroups(manifestHash)
  sheet.line(groups.slice(0, 4).join(' '), columns.hash, y + 9, style)
  sheet.line(groups.slice(4).join(' '), columns.hash, y + 20.5, style)
}

function drawClosing(sheet: Sheet, { checks, rules }: PackingSlip): void {
  const widthPoints = secondColumn - left - 28
  const heights = checks.map((check) =>
    sheet.pdf
      .font('Helvetica')
      .fontSize(9.5)
      .heightOfString(toLatin(check).text, { width: widthPoints - 20, lineGap: 1.7 }),
  )
  sheet.need(heights.reduce((sum, height) => sum + height + 5, 22 + 52))
  const start = sheet.y
  sheet.label('Before the box is closed', left, start)
  sheet.label('Rules of the import service', secondColumn, start)
  let y = start + 16
  for (const check of checks) {
    sheet.box(left, y)
    y += sheet.text(check, left + 20, y + 0.5, { sizePoints: 9.5, widthPoints: widthPoints - 20 }) + 5
  }
  let ruleY = start + 16
  for (const rule of rules) ruleY += sheet.text(rule, secondColumn, ruleY, { sizePoints: 8.5, color: '#3b434b' }) + 4
  sheet.y = Math.max(y, ruleY) + 34
  sheet.rule(sheet.y, 0.75, ink, left, left + widthPoints)
  sheet.rule(sheet.y, 0.75, ink, secondColumn, right)
  sheet.label('Packed by', left, sheet.y + 4)
  sheet.label('Date', secondColumn, sheet.y + 4)
}

function drawFooters(sheet: Sheet, slip: PackingSlip): void {
  const { start, count } = sheet.pdf.bufferedPageRange()
  const note =
    'For whoever receives: the MD5 is that of \\DriveManifest.xml in the unlocked volume. This slip holds no key.'
  const missing = sheet.isWhole ? '' : ' Letters shown as ? cannot be printed here; the HTML slip has them.'
  for (let page = start; page < start + count; page++) {
    sheet.pdf.switchToPage(page)
    sheet.line(`${note}${missing}`, left, 806, { sizePoints: 8, color: soft, widthPoints: 420 })
    const place = `${slip.job}  ${page + 1} / ${count}`
    const widthPoints = sheet.pdf.font('Helvetica').fontSize(8).widthOfString(place)
    sheet.line(place, right - widthPoints, 806, { sizePoints: 8, color: soft, widthPoints: widthPoints + 1 })
  }
}
