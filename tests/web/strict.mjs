// Prints, one a line, whether the page takes each signature of a file of vectors. Usage: node strict.mjs VECTORS

import { readFileSync } from 'node:fs';
import { fromHex, utf8, verifySignature } from '../../src/server/assets/verify.js';

for (const { key, sig, msg } of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
  console.log(await verifySignature(fromHex(key), utf8(msg), fromHex(sig)));
}
