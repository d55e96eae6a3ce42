// Takes secrets out of text that goes to logs and errors: recovery passwords, storage account keys, signatures of shared
// access tokens.

const patterns: readonly [pattern: RegExp, instead: string][] = [
  [/\b\d{6}(?:-\d{6}){7}\b/g, '******-(recovery password)'],
  // An account key is 64 bytes in Base64; also as AccountKey=… in a connection string.
  [/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==/g, '(account key)'],
  [/([?&;]sig=)[^&\s"'<>]+/gi, '$1(signature)'],
]

export function redact(text: string): string {
  return patterns.reduce((clean, [pattern, instead]) => clean.replaceAll(pattern, instead), text)
}
