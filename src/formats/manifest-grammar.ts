// Which element of a drive manifest may stand where, and what attributes it has. manifest-elements.ts walks them.

export interface ElementRule {
  children?: readonly string[]
  attributes?: readonly string[]
  hasText?: boolean
  /** Whatever is inside does not matter. */
  isOpaque?: boolean
}

const hashedFile: ElementRule = { attributes: ['Hash'], hasText: true }
const text: ElementRule = { hasText: true }
const rules: Readonly<Record<string, ElementRule>> = {
  '': { children: ['DriveManifest'] },
  DriveManifest: { children: ['Drive'], attributes: ['Version'] },
  Drive: { children: ['DriveId', 'StorageAccountKey', 'ContainerSas', 'ClientCreator', 'BlobList'] },
  DriveId: text,
  StorageAccountKey: text,
  ContainerSas: text,
  ClientCreator: text,
  BlobList: { children: ['MetadataPath', 'PropertiesPath', 'Blob'], attributes: ['Id'] },
  MetadataPath: hashedFile,
  PropertiesPath: hashedFile,
  Blob: {
    children: [
      'BlobPath',
      'FilePath',
      'ClientData',
      'Snapshot',
      'Length',
      'ImportDisposition',
      'PageRangeList',
      'BlockList',
      'MetadataPath',
      'PropertiesPath',
    ],
  },
  BlobPath: text,
  FilePath: text,
  ClientData: { isOpaque: true },
  Snapshot: text,
  Length: text,
  ImportDisposition: text,
  PageRangeList: { children: ['PageRange'] },
  BlockList: { children: ['Block'] },
  PageRange: { attributes: ['Offset', 'Length', 'Hash'] },
  Block: { attributes: ['Offset', 'Length', 'Id', 'Hash'] },
}
// Each child of an element has a bit, so that a second one of its kind is seen at once; those that may repeat have none.
const repeatable = new Set(['BlobList', 'Blob', 'PageRange', 'Block'])
/** By the element's name; the document itself is ''. */
export const ruleOf = new Map(
  Object.entries(rules).map(([name, rule]) => {
    const bits = (rule.children ?? []).map((child, index) => [child, repeatable.has(child) ? 0 : 1 << index] as const)
    return [name, { ...rule, childBits: new Map(bits) }] as const
  }),
)
