// HTML from templates in which every value is escaped, unless it was made by such a template itself. Addresses, names and
// tracking numbers come from anybody who has the token; on the page they are text.

import { escapeHtml } from '../../formats/html-text.js'

export class Html {
  constructor(readonly text: string) {}
}

type Value = string | number | undefined | false | Html | readonly Html[]

export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  let text = strings[0] as string
  for (const [index, value] of values.entries()) text += `${written(value)}${strings[index + 1]}`
  return new Html(text)
}

function written(value: Value): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  if (Array.isArray(value)) return value.map((part: Html) => part.text).join('')
  return escapeHtml(visible(String(value)))
}

/** Direction marks go too: they could show a tracking number backwards. */
function visible(text: string): string {
  return text.replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
}
