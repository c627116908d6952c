// Runs one query in ClickHouse (npm's chdb) and prints its answer:   node chdb.mjs MODULES SQL
import { pathToFileURL } from 'node:url'

const [modules, sql] = process.argv.slice(2)
const chdb = await import(pathToFileURL(`${modules}/node_modules/chdb/index.mjs`))
process.stdout.write(chdb.query(sql, 'CSV'))
