// A metadata value that says: the last part of this blob's name is the SHA-256 of its content.

export const contentNameMetadata = ['ContentName', 'sha256'] as const

/** As a metadata file, for rows of a dataset. */
export function encodeContentNameMetadata(): string {
  const [name, value] = contentNameMetadata
  return `<?xml version="1.0" encoding="utf-8"?>\n<Metadata>\n  <${name}>${value}</${name}>\n</Metadata>\n`
}
