// The name that a blob takes when its own is taken and its disposition is `rename`, by the rule of Azure Import/Export:
// ` (2)` before the last dot of the name, or at its end where there is none; then ` (3)`, and so on.

/** @param copy 2 for the first other name. */
export function renamedBlob(name: string, copy: number): string {
  const leaf = name.lastIndexOf('/') + 1
  const dot = name.lastIndexOf('.')
  const at = dot < leaf ? name.length : dot
  return `${name.slice(0, at)} (${copy})${name.slice(at)}`
}
