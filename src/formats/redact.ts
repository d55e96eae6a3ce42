// Takes secrets out of text that goes to logs and errors: recovery passwords, storage account keys, signatures of shared
// access tokens, bearer tokens. Where it is unsure it takes out too much.

const patterns: readonly [pattern: RegExp, instead: string][] = [
  // Eight groups of six digits, and what is nearly that: blanks for hyphens, a mistyped group of five or seven digits.
  [/(?<!\d)\d{5,7}(?:[ \t]*[-\u2010-\u2015 ][ \t]*\d{5,7}){7}(?!\d)/g, '(recovery password)'],
  [/(?<!\d)\d{48}(?!\d)/g, '(recovery password)'],
  // An account key is 64 bytes in Base64; also as AccountKey=… in a connection string, and percent-encoded in an address.
  [/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==/g, '(account key)'],
  [/((?:account|shared)?accesskey|accountkey|sharedkey)(\s*[=:]\s*)[^\s;&"'<>]+/gi, '$1$2(account key)'],
  [/\bsig(=|%3d)[^&\s"'<>;]+/gi, 'sig$1(signature)'],
  [/\b(bearer\s+)[A-Za-z0-9._~+/-]+=*/gi, '$1(token)'],
]

export function redact(text: string): string {
  return patterns.reduce((clean, [pattern, instead]) => clean.replaceAll(pattern, instead), text)
}
