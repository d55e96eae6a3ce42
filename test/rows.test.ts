// The rules of the layout, read from the sources themselves: who may import whom, which folders stay pure, and who alone
// touches the native module, the command line and the terminal. A failure prints the rule and its reason.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const sourceRoot = join(root, 'src')

/** Row of each folder or file directly under src. An import goes to the own folder or to a lower row. */
const rows: Record<string, number> = {
  cli: 7,
  'index.ts': 6,
  vault: 5,
  jobs: 4,
  prepare: 3,
  receive: 3,
  image: 3,
  restic: 3,
  drives: 2,
  journal: 2,
  storage: 2,
  plan: 2,
  reports: 2,
  formats: 1,
  addon: 1,
  'errors.ts': 0,
  'file-tree.ts': 0,
  'sync-folder.ts': 0,
  'package.ts': 0,
}
const pureFolders = new Set(['formats', 'plan', 'reports'])
/** What a pure folder may use of Node: hashing and checksums over bytes it was given, nothing that reaches outside. */
const pureModules = new Set(['node:crypto', 'node:zlib', 'node:buffer', 'node:util', 'node:string_decoder'])
const pureForbiddenImports = new Set([
  'randomBytes',
  'randomUUID',
  'randomInt',
  'randomFill',
  'randomFillSync',
  'webcrypto',
  'getRandomValues',
])
const pureForbiddenGlobals = new Set([
  'process',
  'performance',
  'fetch',
  'crypto',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'globalThis',
])
const terminalProperties = new Set(['argv', 'argv0', 'env', 'exit', 'exitCode', 'stdin', 'stdout', 'stderr'])

interface Source {
  path: string
  /** Folder under src, or the file's own name when it lies directly in src. */
  area: string
  file: ts.SourceFile
  imports: { specifier: string; line: number; isType: boolean }[]
}

function filesUnder(folder: string, extensions: readonly string[]): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension)))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

function readSource(path: string): Source {
  const text = readFileSync(path, 'utf8')
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  const line = (position: number) => file.getLineAndCharacterOfPosition(position).line + 1
  const types = typeImports(file)
  const imports = ts
    .preProcessFile(text, true, true)
    .importedFiles.filter((found) => !found.fileName.endsWith('.node'))
    .map((found) => ({ specifier: found.fileName, line: line(found.pos), isType: types.has(found.fileName) }))
  const area = relative(sourceRoot, path).split('/')[0] as string
  return { path, area, file, imports }
}

/** Modules that the file needs only while it is compiled. */
function typeImports(file: ts.SourceFile): Set<string> {
  const types = new Set<string>()
  const values = new Set<string>()
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue
    if (statement.moduleSpecifier === undefined || !ts.isStringLiteral(statement.moduleSpecifier)) continue
    const isType = ts.isImportDeclaration(statement) ? statement.importClause?.isTypeOnly : statement.isTypeOnly
    ;(isType ? types : values).add(statement.moduleSpecifier.text)
  }
  for (const specifier of values) types.delete(specifier)
  return types
}

function parse(text: string, area: string): Source {
  const path = join(sourceRoot, area, 'example.ts')
  return { path, area, file: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true), imports: [] }
}

function target(source: Source, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return resolve(dirname(source.path), specifier).replace(/\.js$/, '.ts')
}

/** Calls `visit` on every identifier that stands for a value or global: not a property name, a declaration or a type. */
function eachGlobalUse(file: ts.SourceFile, visit: (name: ts.Identifier) => void): void {
  const walk = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return
    if (ts.isIdentifier(node)) {
      const parent = node.parent
      const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node
      const isDeclared =
        ((ts.isPropertyAssignment(parent) ||
          ts.isMethodDeclaration(parent) ||
          ts.isPropertyDeclaration(parent) ||
          ts.isGetAccessorDeclaration(parent) ||
          ts.isParameter(parent) ||
          ts.isVariableDeclaration(parent) ||
          ts.isFunctionDeclaration(parent)) &&
          parent.name === node) ||
        ts.isBindingElement(parent)
      if (!isMember && !isDeclared) visit(node)
    }
    ts.forEachChild(node, walk)
  }
  walk(file)
}

function place(source: Source, node: ts.Node): string {
  const { line } = source.file.getLineAndCharacterOfPosition(node.getStart())
  return `${relative(root, source.path)}:${line + 1}`
}

function impurities(source: Source): string[] {
  const found: string[] = []
  for (const statement of source.file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue
    const specifier = statement.moduleSpecifier.text
    const isNode = specifier.startsWith('node:')
    if (isNode && !pureModules.has(specifier) && !statement.importClause?.isTypeOnly) {
      found.push(`${place(source, statement)}: imports ${specifier}`)
    }
    const bindings = statement.importClause?.namedBindings
    if (!isNode || bindings === undefined || !ts.isNamedImports(bindings)) continue
    for (const element of bindings.elements) {
      const name = (element.propertyName ?? element.name).text
      if (pureForbiddenImports.has(name)) found.push(`${place(source, element)}: imports ${name} of ${specifier}`)
    }
  }
  eachGlobalUse(source.file, (name) => {
    const parent = name.parent
    const member = ts.isPropertyAccessExpression(parent) && parent.expression === name ? parent.name.text : undefined
    const isClock =
      name.text === 'Date' &&
      (member === 'now' || ((ts.isNewExpression(parent) || ts.isCallExpression(parent)) && !parent.arguments?.length))
    const isRandom = (name.text === 'Math' && member === 'random') || pureForbiddenImports.has(member ?? '')
    if (pureForbiddenGlobals.has(name.text) || isClock || isRandom) {
      found.push(`${place(source, name)}: uses ${member === undefined ? name.text : `${name.text}.${member}`}`)
    }
  })
  return found
}

function terminalUses(source: Source): string[] {
  const found: string[] = []
  eachGlobalUse(source.file, (name) => {
    const parent = name.parent
    const member = ts.isPropertyAccessExpression(parent) && parent.expression === name ? parent.name.text : undefined
    const touches = name.text === 'process' && (member === undefined || terminalProperties.has(member))
    if (touches || (name.text === 'console' && member !== undefined)) {
      found.push(`${place(source, name)}: uses ${member === undefined ? name.text : `${name.text}.${member}`}`)
    }
  })
  for (const { specifier, line } of source.imports) {
    if (specifier === 'node:process' || specifier === 'process') {
      found.push(`${relative(root, source.path)}:${line}: imports ${specifier}`)
    }
  }
  return found
}

function rule(violations: readonly string[], text: string, reason: string): void {
  assert.equal(violations.length, 0, `${text}\nbecause ${reason}\n  ${violations.join('\n  ')}`)
}

const sources = filesUnder(sourceRoot, ['.ts']).map(readSource)

test('every folder under src has a row', () => {
  const unknown = new Set(sources.map((source) => source.area).filter((area) => rows[area] === undefined))
  rule([...unknown], 'A new folder under src gets a row in this test', 'a top-level name is a decision with a reason')
})

test('an import goes to its own folder or to a lower row', () => {
  const violations: string[] = []
  for (const source of sources) {
    for (const { specifier, line } of source.imports) {
      const path = target(source, specifier)
      if (path === undefined) continue
      const from = `${relative(root, source.path)}:${line}`
      const area = relative(sourceRoot, path).split('/')[0] as string
      if (area === '..') violations.push(`${from} imports ${specifier}, which is outside src`)
      else if (area !== source.area && !((rows[area] ?? Infinity) < (rows[source.area] ?? 0))) {
        violations.push(`${from} (row ${rows[source.area]}) imports ${specifier} (row ${rows[area]})`)
      }
    }
  }
  rule(
    violations,
    'An import goes to a lower row, never sideways and never up',
    'what two neighbours share belongs below them, or is handed in by the row above',
  )
})

test('src/cli reaches the library through src/index.ts alone', () => {
  const violations = sources
    .filter((source) => source.area === 'cli')
    .flatMap((source) =>
      source.imports.flatMap(({ specifier, line }) => {
        const path = target(source, specifier)
        const name = path === undefined ? 'cli' : relative(sourceRoot, path)
        const isAllowed = name === 'index.ts' || name.split('/')[0] === 'cli'
        return isAllowed ? [] : [`${relative(root, source.path)}:${line} imports ${specifier}`]
      }),
    )
  rule(violations, 'src/cli imports the library from src/index.ts', 'the command line is the library’s first customer')
})

test('no file imports itself through others', () => {
  const graph = new Map(
    sources.map((source) => {
      const needed = source.imports.filter(({ isType }) => !isType)
      return [source.path, needed.flatMap(({ specifier }) => target(source, specifier) ?? [])]
    }),
  )
  const done = new Set<string>()
  const path: string[] = []
  const cycles: string[] = []
  const visit = (file: string): void => {
    const at = path.indexOf(file)
    if (at >= 0) cycles.push([...path.slice(at), file].map((name) => relative(sourceRoot, name)).join(' -> '))
    if (at >= 0 || done.has(file)) return
    path.push(file)
    for (const next of graph.get(file) ?? []) visit(next)
    path.pop()
    done.add(file)
  }
  for (const file of graph.keys()) visit(file)
  rule(cycles, 'There are no import cycles', 'in a cycle, what is ready first depends on who asked first')
})

test('formats, plan and reports are pure', () => {
  rule(
    sources.filter((source) => pureFolders.has(source.area)).flatMap(impurities),
    'formats, plan and reports use no file, network, clock, randomness, process or environment',
    'the same input must give the same plan, and a test must not need a machine',
  )
})

test('only src/addon/binding.ts loads the native module', () => {
  const violations = sources
    .filter((source) => relative(sourceRoot, source.path) !== 'addon/binding.ts')
    .filter((source) => /createRequire|process\.dlopen|['"`][^'"`]*\.node['"`]/.test(source.file.text))
    .map((source) => relative(root, source.path))
  rule(violations, 'Only src/addon/binding.ts loads the addon', 'its types are declared there and nowhere else')
  const outside = sources.filter((source) => source.area !== 'addon')
  const reaching = outside.filter((source) =>
    source.imports.some(({ specifier }) => /addon\/binding\.js$/.test(specifier)),
  )
  rule(
    reaching.map((source) => relative(root, source.path)),
    'Only src/addon imports the binding',
    'the classes beside it check the arguments that native code then trusts',
  )
})

test('only src/cli touches arguments, environment, terminal and exit code', () => {
  rule(
    sources.filter((source) => source.area !== 'cli').flatMap(terminalUses),
    'Only src/cli uses process.argv, env, exit, exitCode, the standard streams and console',
    'a library throws, returns and reports; it never prints and never ends its host',
  )
})

const nativeRoot = join(root, 'native')
/** Who may include whom below native/addon. */
const nativeIncludes: Record<string, readonly string[]> = {
  io: [],
  hash: [],
  crypto: [],
  lz4: [],
  bitlocker: ['io', 'hash', 'crypto'],
  ntfs: ['io', 'hash', 'crypto'],
  engine: ['io', 'hash', 'crypto', 'bitlocker'],
  image: ['io', 'hash', 'crypto', 'lz4'],
  filesystems: ['io', 'hash', 'ntfs'],
}

interface Include {
  from: string
  area: string
  name: string
}

function nativeIncludeList(): Include[] {
  return filesUnder(nativeRoot, ['.h', '.cc']).flatMap((path) => {
    const from = relative(nativeRoot, path)
    const area = from.includes('/') ? (from.split('/')[0] as string) : ''
    const found = readFileSync(path, 'utf8').matchAll(/^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm)
    return [...found].map((match) => ({ from: `native/${from}`, area, name: match[1] as string }))
  })
}

test('only native/addon knows Node', () => {
  const violations = nativeIncludeList()
    .filter(({ area, name }) => area !== 'addon' && /^(napi|node_api|node|v8|uv|js_native_api)\b.*\.h$/.test(name))
    .map(({ from, name }) => `${from} includes ${name}`)
  rule(violations, 'Only native/addon includes napi.h', 'the core is built and tested without JavaScript')
})

test('native folders include only what lies below them, and ntfs and bitlocker meet only in sectors.h', () => {
  const violations = nativeIncludeList()
    .filter(({ area, name }) => {
      const wanted = name.split('/')[0] as string
      if (area === 'addon' || !name.includes('/') || wanted === area) return false
      if (nativeIncludes[wanted] === undefined && wanted !== 'addon') return false
      return !(nativeIncludes[area] ?? []).includes(wanted)
    })
    .map(({ from, name }) => `${from} includes ${name}`)
  rule(
    violations,
    'addon -> engine, image -> bitlocker, ntfs -> io, hash, crypto, lz4; ntfs and bitlocker never include each other',
    'NTFS runs on a file, a device or an encrypted volume and must not know which',
  )
})

test('the checks above see what they must refuse', () => {
  const refused = [
    `import { readFileSync } from 'node:fs'`,
    `import { randomBytes } from 'node:crypto'`,
    'const now = Date.now()',
    'const now = new Date()',
    'const dice = Math.random()',
    'const home = process.env.HOME',
    'setTimeout(() => {}, 1)',
  ]
  for (const text of refused) assert.equal(impurities(parse(text, 'plan')).length, 1, text)
  const allowed = [
    `import { createHash } from 'node:crypto'`,
    'const day = new Date(0)',
    'interface Step { process: string }',
    'const most = Math.max(1, 2)',
    'const name = step.process',
    '// process.env and Date.now() in a comment',
  ]
  for (const text of allowed) assert.deepEqual(impurities(parse(text, 'plan')), [], text)
  for (const text of ['process.exit(1)', 'process.exitCode = 1', `console.log('')`, 'const { argv } = process']) {
    assert.equal(terminalUses(parse(text, 'drives')).length, 1, text)
  }
  assert.deepEqual(terminalUses(parse('const id = process.pid', 'prepare')), [])
})
