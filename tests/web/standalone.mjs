// Makes one file of the page: each line marked `<!-- inline -->` is replaced by the file that it names.
// Usage: node standalone.mjs [OUT]; without OUT it is printed.

import { readFileSync, writeFileSync } from 'node:fs';

export const assets = new URL('../../src/server/assets/', import.meta.url);
const read = (name) => readFileSync(new URL(name, assets), 'utf8');

const FORMS = [
  [/^<link rel="stylesheet" href="([\w.]+)"><!-- inline -->$/gm, (text) => `<style>\n${text}</style>`],
  [/^<script type="module" src="([\w.]+)"><\/script><!-- inline -->$/gm, (text) => `<script type="module">\n${text}</script>`],
];

export function standalone() {
  // A replacement that is a function is taken as it is: the files have `$` in them.
  return FORMS.reduce((page, [form, wrap]) => page.replace(form, (_, name) => wrap(read(name))), read('verify.html'));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [, , out] = process.argv;
  if (out) writeFileSync(out, standalone());
  else process.stdout.write(standalone());
}
