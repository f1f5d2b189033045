// Makes src/api/schema.d.ts from the OpenAPI document beside the gateway's code; with --check says whether it is fresh.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const document = new URL('../../openapi.json', import.meta.url);
const target = new URL('../src/api/schema.d.ts', import.meta.url);

// What has a default may be left out, by whoever sends it.
const header = '// Generated from services/gateway/openapi.json by `npm run api`. Do not edit.\n';
const made =
  header + astToString(await openapiTS(document, { alphabetize: true, defaultNonNullable: false }));

if (process.argv.includes('--check')) {
  if ((await readFile(target, 'utf8').catch(() => '')) !== made) {
    console.error('src/api/schema.d.ts is not what the OpenAPI document gives: run `npm run api`');
    process.exit(1);
  }
} else {
  await writeFile(target, made);
}
