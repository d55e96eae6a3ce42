// Small XML documents as a tree with the place of every element: what drive information, metadata and properties files are.
// Document types and entities are refused, and size, depth and count have limits: some of these files come by post.

import { SaxesParser } from 'saxes'
import { type ErrorCode, TransferError } from '../errors.js'

export interface XmlElement {
  name: string
  attributes: Readonly<Record<string, string>>
  /** Text directly inside, trimmed. */
  text: string
  children: XmlElement[]
  line: number
  column: number
}

const charactersMax = 1 << 20
const elementsMax = 10_000
const depthMax = 8

/**
 * @param fileName for messages.
 * @throws TransferError `code` with line and column.
 */
export function parseXmlElements(text: string, fileName: string, code: ErrorCode): XmlElement {
  if (text.length > charactersMax) {
    throw xmlProblem({ fileName, code }, `the file is longer than ${charactersMax} characters`, { line: 1, column: 1 })
  }
  const plain = text.replace(/^\uFEFF/, '')
  const parser = new SaxesParser({ xmlns: false, forceXMLVersion: true, defaultXMLVersion: '1.0' })
  const stack: XmlElement[] = []
  let root: XmlElement | undefined
  let count = 0
  const here = () => ({ line: parser.line, column: parser.column + 1 })
  const fail = (problem: string): never => {
    throw xmlProblem({ fileName, code }, problem, here())
  }
  parser.on('error', (error) => fail(error.message.replace(/^(\d+:\d+: )?/, '').replace(/\.$/, '')))
  parser.on('doctype', () => fail('a document type is not allowed'))
  parser.on('opentag', ({ name, attributes }) => {
    count += 1
    if (count > elementsMax) fail(`the file has more than ${elementsMax} elements`)
    if (stack.length === depthMax) fail(`elements are nested more than ${depthMax} deep`)
    // The parser is behind the tag by now; its beginning is on the same line unless the tag has a line break in it.
    const { line, column } = here()
    const element = {
      name,
      attributes,
      text: '',
      children: [],
      line,
      column: tagColumn(plain, parser.position, column),
    }
    stack[stack.length - 1]?.children.push(element)
    root ??= element
    stack.push(element)
  })
  const addText = (value: string) => {
    const element = stack[stack.length - 1]
    if (element !== undefined) element.text += value
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    const element = stack.pop()
    if (element !== undefined) element.text = element.text.trim()
  })
  parser.write(plain).close()
  return root ?? fail('the file has no element')
}

function tagColumn(text: string, position: number, column: number): number {
  const start = text.lastIndexOf('<', position - 1)
  return Math.max(1, column - (position - start))
}

/** The error for something wrong at an element. */
export function xmlProblem(
  { fileName, code }: { fileName: string; code: ErrorCode },
  problem: string,
  { line, column }: { line: number; column: number },
): TransferError {
  const message = `${fileName}, line ${line}, column ${column}: ${problem}.`
  return new TransferError(code, message, { path: fileName, line, column })
}
