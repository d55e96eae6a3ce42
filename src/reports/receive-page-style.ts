// How the page of a receive report looks: on a wide screen, on a phone, printed, light and dark. Outcomes never rest on
// colour alone.

export const receivePageStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1a1d21; --muted: #59616b; --rule: #d9dde2; --faint: #f4f6f8;
  --imported: #2b6a78; --renamed: #c08a2b; --skipped: #b3bcc6; --failed: #b3261e; --none: #e9ecef;
  --warn-ink: #7d5200; --good-ink: #23606d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e5e8eb; --muted: #9aa4ae; --rule: #30363d; --faint: #1b1f24;
    --imported: #5aa3b0; --renamed: #d4a24c; --skipped: #56616c; --failed: #f0857a; --none: #262b31;
    --warn-ink: #dfb25f; --good-ink: #7cc0cc;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 62rem; margin: 0 auto; padding: 3rem 1.5rem 4rem; }
h1, h2, h3, p, dl, dd, ul, table, figure { margin: 0; padding: 0; }
h1 > span { display: inline-block; }
h1 { font-size: 1.875rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; max-width: 32em; text-wrap: balance; }
h2 { font-size: 1.25rem; line-height: 1.3; font-weight: 650; margin: 3.25rem 0 1rem; }
h3 { font-size: 1rem; line-height: 1.4; font-weight: 650; }
code, .path { font-family: ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', monospace; font-size: 0.8125rem; }
.path, code { overflow-wrap: anywhere; }
.eyebrow { color: var(--muted); font-size: 0.875rem; margin-bottom: 0.5rem; }
.lead { color: var(--muted); margin-top: 0.75rem; }
.lead strong { color: var(--ink); font-weight: 600; }
.muted { color: var(--muted); }
.figures {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1.25rem 1.5rem;
  margin-top: 2rem; padding: 1.25rem 0; border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule);
}
.figures dt { color: var(--muted); font-size: 0.8125rem; }
.figures dd { font-size: 1.375rem; font-weight: 600; line-height: 1.3; letter-spacing: -0.01em; }
.figures dd small { display: block; font-size: 0.8125rem; font-weight: 400; letter-spacing: 0; color: var(--muted); }
.figures .bad dd { color: var(--failed); }
.figures .bad dd small { color: var(--muted); }

table { width: 100%; border-collapse: collapse; font-size: 0.875rem; }
caption { text-align: left; padding-bottom: 0.5rem; font-size: 1rem; font-weight: 650; }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 1.25rem 0.5rem 0; border-bottom: 1px solid var(--rule); font-weight: 400; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--muted); font-size: 0.8125rem; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
tbody th { font-weight: 600; }
tbody .where, tbody .muted { font-size: 0.8125rem; }

.fault { border-left: 3px solid var(--failed); padding: 0.125rem 0 0.125rem 1rem; margin-bottom: 1.75rem; }
.fault p { max-width: 44em; }
.failures { margin-bottom: 2rem; }
.failures th:first-child { width: 55%; }
.failures > p { font-size: 0.875rem; margin-top: 0.625rem; }
.failures tbody th { font-weight: 400; }
.where .path { color: inherit; }
.status { display: block; font-weight: 600; }
.outcome { font-weight: 600; white-space: nowrap; }
.outcome.complete { color: var(--good-ink); }
.outcome.partly { color: var(--warn-ink); }
.outcome.failed { color: var(--failed); }
.where { display: block; font-weight: 400; color: var(--muted); }

.bar {
  display: flex; gap: 2px; width: 100%; min-width: 9rem; height: 0.625rem; margin-top: 0.4375rem; overflow: hidden; border-radius: 2px;
  background: var(--none); print-color-adjust: exact; -webkit-print-color-adjust: exact;
}
.bar i { display: block; min-width: 3px; flex-basis: 0; }
.imported { background: var(--imported); }
.renamed { background: var(--renamed); }
.skipped { background: var(--skipped); }
.failed-part { background: repeating-linear-gradient(135deg, var(--failed) 0 4px, color-mix(in srgb, var(--failed) 65%, var(--paper)) 4px 6px); }
.untried { background: var(--none); }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin-top: 0.75rem; font-size: 0.8125rem; color: var(--muted); list-style: none; }
.legend i {
  display: inline-block; width: 0.75rem; height: 0.625rem; margin-right: 0.4375rem; border-radius: 2px;
  print-color-adjust: exact; -webkit-print-color-adjust: exact;
}

.details { border-top: 1px solid var(--rule); padding: 1.25rem 0 1.5rem; display: grid; grid-template-columns: 12rem 1fr; gap: 0.5rem 2rem; }
.details dl { display: grid; grid-template-columns: 9rem 1fr; gap: 0.375rem 1rem; font-size: 0.875rem; }
.details dt { color: var(--muted); }
.details ul { list-style: none; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--muted); font-size: 0.8125rem; }

@media screen and (max-width: 44rem) {
  main { padding: 1.75rem 1.125rem 3rem; }
  h1 { font-size: 1.5rem; }
  h2 { margin-top: 2.5rem; }
  .figures { grid-template-columns: 1fr 1fr; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, caption { display: block; }
  tr { padding: 0.75rem 0; border-bottom: 1px solid var(--rule); }
  th, td { display: block; border: 0; padding: 0.0625rem 0; text-align: left; white-space: normal; }
  td[data-label] { display: grid; grid-template-columns: 7.5rem 1fr; gap: 0 0.75rem; }
  td[data-label]::before { content: attr(data-label); color: var(--muted); }
  td[data-label] > .where { grid-column: 2; }
  td.number, th.number { text-align: left; }
  .failures th:first-child { width: auto; padding-bottom: 0.25rem; }
  .bar { margin: 0.25rem 0 0.125rem; }
  .details { grid-template-columns: 1fr; }
  .details dl { grid-template-columns: 1fr; gap: 0; }
  .details dd { margin-bottom: 0.625rem; }
}
@media print {
  :root { --paper: #fff; --ink: #000; --muted: #444; --rule: #bbb; --imported: #2b6a78; --renamed: #c08a2b; --skipped: #b3bcc6;
    --failed: #a01b14; --none: #e4e7ea; --warn-ink: #5c3c00; --good-ink: #1a4b56; }
  @page { margin: 16mm; }
  html { font-size: 12px; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 1.5rem; }
  h2 { break-after: avoid; margin-top: 2rem; }
  tr, .details, .fault, .figures { break-inside: avoid; }
  thead { display: table-header-group; }
}
`
