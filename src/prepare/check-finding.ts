// What a check of a drive says: one form for partition table, BitLocker, NTFS and file data.

export interface CheckFinding {
  /** Stable; listed in docs/verify.md. */
  code: string
  severity: 'note' | 'warning' | 'damage'
  /** For example `metadata copy 2`, `$MFT record 1042`, or the path of a file. */
  structure: string
  message: string
}
