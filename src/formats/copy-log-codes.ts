// The status codes of copy logs, all generations together, and what each says in plain words. The writer puts the words into the
// log's summary, the reports show them with what to do next.

export interface CodeMeaning {
  /** `done`: as asked. `elsewhere`: the data is there, under another name or in another form. `failed`: it is not all there. */
  outcome: 'done' | 'elsewhere' | 'failed'
  /** What happened: a clause without a full stop. */
  says: string
  /** What to do, a sentence. */
  next?: string
}

const repair = 'Run diskferry repair with this log and the folder that the files came from.'
const findSource = 'Look for the file where it came from, then run diskferry repair with this log.'
const prepareAgain = 'Prepare the drive again and send it in a new job.'
const checkKey = 'Check the recovery password of this drive in the job, then start the import again.'
const renamedOnArrival = 'Use the new name, or copy the blob to the name you wanted.'

function done(says: string): CodeMeaning {
  return { outcome: 'done', says }
}
function elsewhere(says: string, next = renamedOnArrival): CodeMeaning {
  return { outcome: 'elsewhere', says, next }
}
function failed(says: string, next = repair): CodeMeaning {
  return { outcome: 'failed', says, next }
}

export const driveMeanings = {
  Completed: done('everything was imported'),
  CompletedWithWarnings: elsewhere(
    'everything was handled, some blobs were renamed or skipped',
    'See the dispositions.',
  ),
  CompletedWithErrors: failed('some blobs, metadata or properties were not imported'),
  DiskNotFound: failed('the drive was not found', 'Ask the service whether the drive arrived and is detected.'),
  VolumeNotNtfs: failed('the volume is not NTFS', prepareAgain),
  DiskOperationFailed: failed('the drive answered with errors', 'Verify the drive; replace it if it repeats.'),
  BitLockerVolumeNotFound: failed('there is no BitLocker volume on the drive', prepareAgain),
  BitLockerNotActivated: failed('BitLocker is not switched on for the volume', prepareAgain),
  BitLockerProtectorNotFound: failed('the volume has no protector of the kind of key in the job', checkKey),
  BitLockerKeyInvalid: failed('the key in the job does not open the volume', checkKey),
  BitLockerUnlockVolumeFailed: failed('the volume could not be unlocked', checkKey),
  BitLockerFailed: failed('BitLocker failed', 'Run diskferry inspect on the drive.'),
  ManifestNameInvalid: failed('the name of the manifest in the job is not valid', 'Correct it in the job.'),
  ManifestNameTooLong: failed('the name of the manifest in the job is too long', 'Correct it in the job.'),
  ManifestNotFound: failed('the manifest is not on the drive', 'Check the manifest name in the job.'),
  ManifestAccessDenied: failed('the manifest may not be read', prepareAgain),
  ManifestCorrupted: failed('the manifest is not the one whose hash is in the job', 'Verify the drive.'),
  ManifestFormatInvalid: failed('the manifest cannot be read as one', prepareAgain),
  ManifestDriveIdMismatch: failed('the manifest names another drive', 'Check which drive the job means.'),
  ReadManifestFailed: failed('reading the manifest failed', 'Verify the drive; replace it if it repeats.'),
  BlobListFormatInvalid: failed('the list of blobs cannot be read', prepareAgain),
  BlobRequestForbidden: failed(
    'the account refuses access',
    'Check the key or signature, then start the import again.',
  ),
  InternalError: failed('the service failed', 'Start the import again; ask the service if it repeats.'),
} as const satisfies Record<string, CodeMeaning>

/** The same and what only other services write there. */
export const finalMeanings: Readonly<Record<string, CodeMeaning>> = {
  ...driveMeanings,
  Failed: failed('the import failed', 'See the errors above.'),
}

export const blobMeanings = {
  Completed: done('completed'),
  CompletedWithErrors: failed('parts of it are missing'),
  FileNameInvalid: failed('the file name on the drive is not valid'),
  FileNameTooLong: failed('the file name on the drive is too long'),
  FileNotFound: failed('the file is not on the drive', findSource),
  FileAccessDenied: failed('the file on the drive may not be read'),
  BlobRequestFailed: failed('the storage refused a request'),
  BlobRequestForbidden: failed('the storage account refuses access', 'Check the key or signature, then run repair.'),
  RenameFailed: failed('the blob exists and no free name was found', 'Remove blobs of that name, then run repair.'),
  BlobUnexpectedChange: failed(
    'somebody else changed the blob during the import',
    'Stop the other writer, then run repair.',
  ),
  LeasePresent: failed('somebody else holds a lease on the blob', 'Break the lease, then run repair.'),
  IOFailed: failed('the drive could not be read'),
  Failed: failed('it failed'),
  Corrupted: failed('the content is not what the manifest says'),
  StorageRequestFailed: failed('the storage refused a request'),
  StorageRequestForbidden: failed('the storage account refuses access', 'Check the key or signature, then run repair.'),
  ManagedDiskCreationTerminalFailure: failed(
    'no managed disk could be made of it',
    'Make the disk from the blob by hand.',
  ),
  DiskConversionNotStartedTierInfoMissing: failed(
    'the tier of the managed disk is unknown',
    'Name a tier, then try again.',
  ),
  InvalidWorkitem: failed('the order does not allow this item', 'Check where on the drive the file lies.'),
  Renamed: elsewhere('the name was not allowed or taken, so it has another one'),
  InvalidPageBlobUploadAsBlockBlob: elsewhere('it cannot be a page blob and became a block blob in another container'),
  InvalidAzureFileUploadAsBlockBlob: elsewhere('it cannot be a file of a share and became a block blob'),
  InvalidManagedDiskUploadAsBlockBlob: elsewhere('it cannot be a managed disk and became a block blob'),
  InvalidManagedDiskUploadAsPageBlob: elsewhere('it cannot be a managed disk and became a page blob'),
  MovedToOverflowShare: elsewhere('the share was full, so it is in an overflow share'),
  MovedToDefaultAzureShare: elsewhere('it is in the default share'),
  ContainerRenamed: elsewhere('the name of the container was not allowed, so it has another one'),
  ShareRenamed: elsewhere('the name of the share was not allowed, so it has another one'),
  BlobRenamed: elsewhere('the name of the blob was not allowed, so it has another one'),
  FileRenamed: elsewhere('the name of the file was not allowed, so it has another one'),
  DiskRenamed: elsewhere('the name of the disk was not allowed, so it has another one'),
} as const satisfies Record<string, CodeMeaning>

/** Categories of the logs of 2021-08-01, as far as they are not codes of blobs. */
export const categoryMeanings = {
  UploadErrorWin32: failed('the file could not be read from the drive'),
  UploadErrorCloudHttp: failed('the storage refused a request'),
  UploadErrorDataValidationError: failed('what arrived has another checksum than what was read'),
  UploadErrorManagedConversionError: failed(
    'no managed disk could be made of it',
    'Make the disk from the blob by hand.',
  ),
  UploadErrorUnknownType: failed('it failed for a reason that has no name'),
  FileNameTrailsWithSlash: failed('the name ends with a slash', 'Rename the file and import it again.'),
  ExportCloudHttp: failed('reading it from the storage failed', 'Export it again.'),
} as const satisfies Record<string, CodeMeaning>

export const rangeMeanings = {
  Completed: done('completed'),
  Committed: done('committed'),
  Uncommitted: failed('uploaded but not committed'),
  Corrupted: failed('the content is not what the manifest says'),
  FileUnexpectedEnd: failed('the file ends before it'),
  BlobUnexpectedEnd: failed('the blob ends before it'),
  BlobRequestFailed: failed('the storage refused the request'),
  IOFailed: failed('the drive could not be read'),
  Failed: failed('it failed'),
  Cancelled: failed('not tried after an earlier failure'),
} as const satisfies Record<string, CodeMeaning>

export const attachmentMeanings = {
  Completed: done('completed'),
  FileNameInvalid: failed('the name of its file is not valid'),
  FileNameTooLong: failed('the name of its file is too long'),
  FileNotFound: failed('its file is not on the drive'),
  FileAccessDenied: failed('its file may not be read'),
  Corrupted: failed('its file is not what the manifest says'),
  XmlReadFailed: failed('its file cannot be read as XML'),
  XmlWriteFailed: failed('its file could not be written'),
  BlobRequestFailed: failed('the storage refused the request'),
  IOFailed: failed('the drive could not be read'),
  Failed: failed('it failed'),
  Cancelled: failed('not tried after an earlier failure'),
} as const satisfies Record<string, CodeMeaning>

export type DriveStatus = keyof typeof driveMeanings
export type BlobStatus = keyof typeof blobMeanings
/** Of a block or page range. */
export type RangeStatus = keyof typeof rangeMeanings
/** Of the metadata or properties of a blob. */
export type AttachmentStatus = keyof typeof attachmentMeanings
/** Renamed: the blob path then holds the new name. */
export type DispositionStatus = 'Created' | 'Renamed' | 'Skipped' | 'Overwritten' | 'Cancelled'

export const dispositionStatuses: readonly DispositionStatus[] = [
  'Created',
  'Renamed',
  'Skipped',
  'Overwritten',
  'Cancelled',
]

/** Codes of blobs and categories of errors together. */
export const itemMeanings: Readonly<Record<string, CodeMeaning>> = { ...categoryMeanings, ...blobMeanings }

const unknownCode = failed('a code that is not known here')

/** What a code of a drive, blob, range or attachment says; a code that is not known counts as failed. */
export function meaningOf(code: string, table: Readonly<Record<string, CodeMeaning>>): CodeMeaning {
  return Object.hasOwn(table, code) ? (table[code] as CodeMeaning) : unknownCode
}
