// The fonts that every PDF reader has know the letters of Windows-1252 and no more. Text is folded to them: accents are taken
// off where the whole letter is not there, and what is left becomes a question mark that is told of.

const windows1252 = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ'
const withoutMark: Readonly<Record<string, string>> = {
  Ł: 'L',
  ł: 'l',
  Đ: 'D',
  đ: 'd',
  Ħ: 'H',
  ħ: 'h',
  ı: 'i',
  Ŧ: 'T',
  ŧ: 't',
  Ŋ: 'N',
  ŋ: 'n',
  ĸ: 'k',
  ŉ: 'n',
  ſ: 's',
  ẞ: 'SS',
  Ə: 'E',
  ə: 'e',
  '‐': '-',
  '‑': '-',
  '−': '-',
}

function isKnown(character: string): boolean {
  const code = character.codePointAt(0) as number
  return (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code < 0x100) || windows1252.includes(character)
}

export interface LatinText {
  text: string
  /** False when a character had to become a question mark. */
  isWhole: boolean
}

export function toLatin(text: string): LatinText {
  let isWhole = true
  const folded = Array.from(text.normalize('NFC'), (character) => {
    if (isKnown(character)) return character
    const plain = withoutMark[character] ?? character.normalize('NFKD').replaceAll(/\p{M}/gu, '')
    if (plain !== '' && Array.from(plain).every(isKnown)) return plain
    isWhole = false
    return '?'
  })
  return { text: folded.join(''), isWhole }
}
