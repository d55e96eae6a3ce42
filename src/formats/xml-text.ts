// Text on its way into XML 1.0: what has to be escaped, how many bytes it then has, and which characters no XML 1.0 document
// can hold in any spelling.

// Most names have nothing special, and one test of the whole name is cheap. It also takes whole surrogate pairs for special,
// which the exact expression then leaves alone.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const maybeSpecial = /[&<>"\u0000-\u001F\uD800-\uDFFF\uFFFE\uFFFF]/
const specials = /[&<>"\p{Cc}\p{Surrogate}\uFFFE\uFFFF]/gu

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A parser turns these into blanks or line feeds unless they are written as references.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

/**
 * For element text and for attributes in double quotes.
 * @throws RangeError for a character that XML 1.0 cannot hold: callers refuse such names long before.
 */
export function escapeXml(text: string): string {
  return maybeSpecial.test(text) ? text.replace(specials, escapeCharacter) : text
}

/** Bytes of the escaped text in UTF-8. @throws RangeError as `escapeXml`. */
export function escapedXmlBytes(text: string): number {
  return Buffer.byteLength(escapeXml(text), 'utf8')
}

function escapeCharacter(character: string): string {
  const escaped = escapes[character]
  if (escaped !== undefined) return escaped
  const codePoint = character.codePointAt(0) as number
  // U+007F to U+009F may stand as they are.
  if (codePoint >= 0x7f && codePoint < 0xa0) return character
  const name = codePoint.toString(16).toUpperCase().padStart(4, '0')
  throw new RangeError(`expected text that XML can hold but received the character U+${name}`)
}
