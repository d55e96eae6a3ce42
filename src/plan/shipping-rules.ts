// What the service, the carriers and the people at the datacenter ask of a job and of its package, checked before anything
// is sent: a package that breaks one of these costs weeks. Pure; docs/jobs.md has a row for each code, and a test compares.

/** Every rule in one sentence. The codes are stable. */
export const shippingRules = {
  JOB_NAME:
    'A job name has 3 to 24 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen.',
  JOB_ACCOUNT: 'A job imports into exactly one storage account, named by its resource id.',
  JOB_LOCATION: 'A job names the location of the datacenter that its drives are sent to.',
  JOB_LOGS: 'The copy logs of a job go into a container of the account, and folders in it where wanted.',
  JOB_DRIVES: 'A job has 1 to 10 drives, each of them once.',
  JOB_SIZE: 'The drives of a job hold at most 80 TB together.',
  DRIVE_VALUES: 'Every drive has an id, a recovery password, a manifest path and the manifest’s MD5.',
  DRIVE_PREPARED: 'A drive is prepared: written to its end and read back.',
  DRIVE_KIND: 'A drive is a bare SATA disk, 2.5 or 3.5 inch, or a 2.5 inch SATA SSD.',
  DRIVE_OTHER_JOB: 'A drive belongs to one job.',
  RETURN_ADDRESS: 'The return address names recipient, street, city, postal code, country, phone and e-mail.',
  RETURN_CARRIER: 'The way back has a carrier and the number of an account with it.',
  PACKAGE_CARRIER: 'The package has a carrier that delivers to the job’s location.',
  PACKAGE_TRACKING: 'A job travels in one package with one tracking number.',
  PACKAGE_DRIVES: 'All drives of a job travel in its one package, and no drive of another job with them.',
  PACKAGE_DATE: 'The ship date is a date, not before the job was made and not more than two weeks ahead.',
  TRACKING_SHARED: 'No two jobs share a tracking number.',
  TRACKING_LATE: 'The tracking number is given within two weeks after the job was made.',
} as const
export type ShippingRule = keyof typeof shippingRules

export interface RuleFinding {
  code: ShippingRule
  /** A warning does not keep anybody from sending. */
  severity: 'violation' | 'warning'
  /** Sentence with the numbers and names. */
  message: string
}

/** Another job of the same account holder, as far as the rules need it. */
export interface OtherJob {
  name: string
  /** Neither finished nor cancelled before it was sent. */
  isActive: boolean
  driveIds: readonly string[]
  trackingNumber?: string
}

/** The rule first, then what breaks it. */
export function violation(code: ShippingRule, found: string): RuleFinding {
  return { code, severity: 'violation', message: `${shippingRules[code]} ${found}` }
}

export function warning(code: ShippingRule, found: string): RuleFinding {
  return { code, severity: 'warning', message: found }
}

/** Input in quotes, with no control character and no more of it than fits a line. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
