// A word of a command that a person may copy into a shell.

/** As it is where a POSIX shell takes it so, in single quotes otherwise. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
