// The frame of a report as one HTML file: it needs no script, no network and no other file, and forbids scripts and requests
// by itself.

import { escapeHtml } from '../formats/html-text.js'

export interface HtmlPage {
  title: string
  style: string
  /** HTML. */
  body: string
}

/** A whole document, UTF-8. */
export function htmlPage({ title, style, body }: HtmlPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`
}
