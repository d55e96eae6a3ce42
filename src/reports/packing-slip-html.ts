// The packing slip as one HTML file. Names and addresses come from others: each goes through `text`.

import { escapeHtml as text } from '../formats/html-text.js'
import { type BarCode, barsOf, quietModules } from './bar-code.js'
import { htmlPage } from './html-page.js'
import { hashGroups, type PackingSlip, type SlipAddress } from './packing-slip.js'
import { packingSlipStyle } from './packing-slip-style.js'

/** A whole document, UTF-8. */
export function packingSlipToHtml(slip: PackingSlip): string {
  const body = `<main>
<header>
<div><p class="label">Packing slip for import job</p><h1>${text(slip.job)}</h1></div>
<dl><dt>Storage account</dt><dd>${text(slip.account)}</dd><dt>Location</dt><dd>${text(slip.location)}</dd><dt>Printed</dt><dd>${slip.madeOn}</dd></dl>
</header>
<div class="addresses">
${address('Ship to', 'to', slip.shipTo)}
${address('From', 'from', slip.from)}
</div>
${parcel(slip)}
${drives(slip)}
<div class="close">
<section><h2>Before the box is closed</h2><ul class="checks">${slip.checks.map((check) => `<li><i></i><span>${text(check)}</span></li>`).join('\n')}</ul></section>
<section><h2>Rules of the import service</h2><ul class="rules">${slip.rules.map((rule) => `<li>${text(rule)}</li>`).join('\n')}</ul></section>
</div>
<div class="sign"><div class="label">Packed by</div><div class="label">Date</div></div>
<footer>For whoever receives: the MD5 is that of \\DriveManifest.xml in the unlocked volume. This slip holds no key.</footer>
</main>`
  return htmlPage({ title: `Packing slip ${slip.job}`, style: packingSlipStyle, body })
}

function address(title: string, className: string, { lines, contact }: SlipAddress): string {
  const shown = lines.length === 0 ? ['Not given yet'] : lines
  const more = contact.map((line) => `<p class="more">${text(line)}</p>`)
  return `<section class="${className}"><h2>${title}</h2>${shown.map((line) => `<p>${text(line)}</p>`).join('')}${more.join('')}</section>`
}

function parcel({ tracking, trackingBars, carrier, carriers, shipDate, drives, reminder }: PackingSlip): string {
  const blank = '<div class="blank"></div>'
  const note = reminder === undefined ? '' : `<p class="note">${text(reminder)}</p>`
  const number =
    tracking === undefined
      ? `${blank}${note}`
      : `<p class="tracking">${text(tracking)}</p>${trackingBars === undefined ? '' : barSvg(trackingBars, 0.34, 13)}`
  const fact = (name: string, value: string | undefined) =>
    `<div><span class="label">${name}</span>${value === undefined ? blank : `<strong>${text(value)}</strong>`}</div>`
  const hint = carrier === undefined && carriers.length > 0 ? ` (${carriers.join(', ')})` : ''
  return `<section class="parcel">
<div><h2>Tracking number</h2>${number}</div>
<div class="facts">${fact(`Carrier${text(hint)}`, carrier)}${fact('Ship date', shipDate)}${fact('Drives in the package', String(drives.length))}${fact('Packages', '1')}</div>
</section>`
}

function drives(slip: PackingSlip): string {
  const rows = slip.drives.map(({ driveId, bars, manifestHash }, index) => {
    const code = bars === undefined ? '' : barSvg(bars, Math.min(0.26, 56 / bars.modules), 8)
    const hash =
      manifestHash === ''
        ? 'not known'
        : hashGroups(manifestHash)
            .map((group) => `<span>${group}</span>`)
            .join('<wbr>')
    return `<tr><td class="box"><i></i></td><td class="number">${index + 1}</td><td><strong>${text(driveId)}</strong></td><td>${code}</td><td class="hash">${hash}</td></tr>`
  })
  return `<table>
<thead><tr><th class="box"></th><th></th><th>Serial number</th><th></th><th>MD5 of the manifest</th></tr></thead>
<tbody>${rows.join('\n')}</tbody>
</table>`
}

/** Drawn in modules; `widthMm` of one of them. */
function barSvg(bars: BarCode, widthMm: number, heightMm: number): string {
  const modules = bars.modules + 2 * quietModules
  const path = barsOf(bars).map(({ at, width }) => `M${at + quietModules} 0h${width}v1h-${width}z`)
  const size = `width="${(modules * widthMm).toFixed(2)}mm" height="${heightMm}mm"`
  // The white that a scanner needs goes into the margin, so that the first bar stands where the text does.
  const margin = `margin-left:-${(quietModules * widthMm).toFixed(2)}mm`
  return `<svg role="img" aria-label="Bar code ${text(bars.text)}" ${size} viewBox="0 0 ${modules} 1" preserveAspectRatio="none" shape-rendering="crispEdges" style="${margin}"><path d="${path.join('')}"/></svg>`
}
