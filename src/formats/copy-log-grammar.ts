// Which elements of a copy log stand where, for all three generations. copy-log-elements.ts walks them.

export type Scope =
  | 'document'
  | 'driveLog'
  | 'blob'
  | 'verboseFile'
  | 'attachment'
  | 'ranges'
  | 'range'
  | 'error'
  | 'copyLog'
  | 'summary'
  | 'counts'
  | 'count'
  | 'text'
  | 'opaque'

/** The children that mean something, with their own scope; others are passed over. */
export const scopesOfChildren: Readonly<Partial<Record<Scope, ReadonlyMap<string, Scope>>>> = {
  document: scopes({ driveLog: 'DriveLog', verboseFile: 'File', error: 'ErroredEntity', copyLog: 'CopyLog' }),
  driveLog: scopes({ text: 'DriveId Status', summary: 'Summary', blob: 'Blob File' }),
  blob: scopes({
    text: 'BlobPath FileStoragePath FilePath OriginalFilePath Length SizeInBytes Snapshot LastModified ImportDisposition',
    ranges: 'BlockList PageRangeList FileRangeList',
    attachment: 'Metadata Properties',
  }),
  ranges: scopes({ range: 'Block PageRange FileRange' }),
  attachment: scopes({ text: 'GlobalPath Path' }),
  error: scopes({ text: 'Path Category ErrorCode ErrorMessage Type' }),
  copyLog: scopes({ text: 'DriveLogVersion DriveId Status TotalFiles_Blobs FilesErrored', summary: 'Summary' }),
  summary: scopes({ counts: 'ValidationErrors CopyErrors' }),
}

function scopes(names: Partial<Record<Scope, string>>): ReadonlyMap<string, Scope> {
  return new Map(
    Object.entries(names).flatMap(([scope, list]) => list.split(' ').map((name) => [name, scope as Scope])),
  )
}
