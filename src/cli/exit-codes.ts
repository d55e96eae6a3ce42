// The one table of exit codes, for --help and docs/errors.md.

export const exitCodeHelp = `Exit status:
  0 done · 1 failed · 2 wrong usage · 3 done in part: some files or drives failed · 4 verification found damage
  5 wrong or missing key · 6 drive or file in use · 7 not enough room · 8 refused for safety
  9 the service or storage refused · 130 interrupted; what it ends with says how to go on`
