// The shape and arithmetic of a BitLocker recovery password: 8 groups of 6 digits, each a multiple of 11 whose eleventh fits
// 16 bits. A mistyped digit nearly always breaks its group, so the group can be named before any key is derived.

/** What is wrong with a recovery password, as a clause that does not repeat it; undefined when it can be one. */
export function recoveryPasswordProblem(text: string): string | undefined {
  const groups = text.split('-')
  if (groups.length !== 8)
    return `a recovery password has 8 groups of 6 digits with hyphens, and this has ${groups.length}`
  for (const [index, group] of groups.entries()) {
    if (!/^\d{6}$/.test(group)) return `group ${index + 1} of the recovery password is not 6 digits`
    const value = Number(group)
    if (value % 11 !== 0 || value / 11 > 0xffff) return `group ${index + 1} of the recovery password is mistyped`
  }
  return undefined
}
