// The look of the packing slip in a browser: a sheet of paper on the screen, and that sheet alone on a printer. Black on white,
// since it is printed; one typeface; bar codes without any colour.

export const packingSlipStyle = `
@page { size: A4; margin: 15mm 17mm; }
* { box-sizing: border-box; }
html { color-scheme: light; }
body { margin: 0; background: #e9ebee; color: #111417; font: 11pt/1.4 "Helvetica Neue", Helvetica, "Liberation Sans", Arial, sans-serif; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
main { background: #fff; width: 210mm; max-width: 100%; min-height: 297mm; margin: 24px auto; padding: 15mm 17mm; box-shadow: 0 1px 3px rgb(0 0 0 / .12), 0 8px 32px rgb(0 0 0 / .08); }
header { display: flex; justify-content: space-between; align-items: flex-end; gap: 10mm; padding-bottom: 4mm; border-bottom: 1.5pt solid #111417; }
h1 { margin: 0; font-size: 25pt; line-height: 1.1; letter-spacing: -.02em; overflow-wrap: anywhere; }
.label, h2, th { margin: 0 0 1mm; font-size: 8.5pt; font-weight: 400; color: #5a636c; text-align: left; }
dl { margin: 0; display: grid; grid-template-columns: auto auto; gap: .6mm 4mm; font-size: 9pt; flex: none; }
dt { color: #5a636c; }
dd { margin: 0; overflow-wrap: anywhere; }
.addresses { display: grid; grid-template-columns: 1.45fr 1fr; gap: 10mm; padding: 6mm 0; }
.addresses p { margin: 0; overflow-wrap: anywhere; }
.to p { font-size: 13pt; line-height: 1.35; }
.to p:first-of-type { font-weight: 700; }
.from p { font-size: 10pt; }
.addresses .more { font-size: 9pt; font-weight: 400; color: #5a636c; }
.addresses p:not(.more) + .more { margin-top: 1.5mm; }
.parcel { display: grid; grid-template-columns: 1.45fr 1fr; gap: 10mm; padding: 5mm 0 6mm; border-top: .5pt solid #b9c0c7; }
.parcel .tracking { font-size: 15pt; font-weight: 700; letter-spacing: .01em; margin: 0 0 2.5mm; overflow-wrap: anywhere; }
.parcel .blank { border-bottom: .75pt solid #111417; height: 11mm; margin-bottom: 2mm; }
.parcel .note { font-size: 9pt; margin: 0; color: #5a636c; }
.facts { display: grid; grid-template-columns: 1fr 1fr; gap: 4mm; align-content: start; font-size: 11pt; }
.facts .label { display: block; }
.facts strong { display: block; font-size: 13pt; overflow-wrap: anywhere; }
.facts .blank { height: 6mm; margin: 0; }
svg { display: block; }
table { width: 100%; border-collapse: collapse; border-top: .5pt solid #b9c0c7; }
thead { display: table-header-group; }
th { padding: 3mm 3mm 1.5mm 0; }
td { padding: 2.4mm 3mm 2.4mm 0; border-top: .5pt solid #b9c0c7; vertical-align: middle; }
tr { break-inside: avoid; }
td.box, th.box { width: 8mm; }
td.number { width: 8mm; color: #5a636c; }
td strong { overflow-wrap: anywhere; }
.hash { font: 8.5pt/1.45 "Liberation Mono", Menlo, Consolas, monospace; width: 38mm; }
.hash span { margin-right: .45em; }
.box i { display: block; width: 3.6mm; height: 3.6mm; border: .8pt solid #111417; border-radius: .4mm; }
.close { display: grid; grid-template-columns: 1.45fr 1fr; gap: 10mm; border-top: .5pt solid #b9c0c7; padding-top: 4mm; break-inside: avoid; }
.close h2 { margin-bottom: 2mm; }
.checks { list-style: none; margin: 0; padding: 0; font-size: 9.5pt; line-height: 1.35; }
.checks li { display: grid; grid-template-columns: 7mm 1fr; margin-bottom: 1.7mm; }
.checks i { width: 3.6mm; height: 3.6mm; border: .8pt solid #111417; border-radius: .4mm; margin-top: .3mm; }
.rules { margin: 0; padding: 0; list-style: none; font-size: 8.5pt; line-height: 1.38; color: #3b434b; }
.rules li { margin-bottom: 1.4mm; }
.sign { display: grid; grid-template-columns: 1.45fr 1fr; gap: 10mm; margin-top: 11mm; break-inside: avoid; }
.sign div { border-top: .75pt solid #111417; padding-top: 1mm; }
footer { margin-top: 6mm; font-size: 8pt; color: #5a636c; }
@media print { body { background: none; } main { width: auto; min-height: 0; margin: 0; padding: 0; box-shadow: none; } }
@media screen and (max-width: 640px) { main { margin: 0; padding: 20px; } .addresses, .parcel, .close, .sign { grid-template-columns: 1fr; gap: 6mm; } header { display: block; } dl { margin-top: 3mm; } .hash { width: auto; } td svg { display: none; } }
`
