// Reads an Iceberg table of a folder with npm's icebird and prints its rows, one JSON array a line,
// columns in the order given:   node icebird.mjs MODULES FOLDER COLUMN...
// icebird opens files with fetch, which takes no local paths: a small reader stands in for it.
import { open, stat } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'

const [modules, folder, ...columns] = process.argv.slice(2)

function pathOf(url) {
  return url.startsWith('file://') ? new URL(url).pathname : url
}

globalThis.fetch = async (url, init = {}) => {
  const path = pathOf(String(url))
  let size
  try {
    size = (await stat(path)).size
  } catch {
    return new Response(null, { status: 404, statusText: 'no such file' })
  }
  if (init.method === 'HEAD') {
    return new Response(null, { headers: { 'Content-Length': String(size) } })
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(new Headers(init.headers).get('Range') ?? '')
  const from = range ? Number(range[1]) : 0
  const to = range && range[2] !== '' ? Math.min(Number(range[2]) + 1, size) : size
  const file = await open(path)
  try {
    const bytes = Buffer.alloc(to - from)
    await file.read(bytes, 0, bytes.length, from)
    return new Response(bytes, { status: range ? 206 : 200 })
  } finally {
    await file.close()
  }
}

const { icebergRead } = await import(pathToFileURL(`${modules}/node_modules/icebird/src/index.js`))

function plain(value) {
  if (value === undefined) return null
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Date) return value.toISOString()
  return value
}

const rows = await icebergRead({ tableUrl: folder })
for (const row of rows) {
  process.stdout.write(JSON.stringify(columns.map(name => plain(row[name]))) + '\n')
}
