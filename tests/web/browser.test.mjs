// The page on which readers check records, in a browser: saved to disk, and served under a strict policy.

import assert from 'node:assert/strict';
import { readFileSync, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { folder, story, Workspace } from './lab.mjs';
import { axe, launch, open as openIn, options, picture } from './tools.mjs';
import { assets, standalone } from './standalone.mjs';

let browser;
let lab;
let proof;
let server;
let base;
const saved = join(folder(), 'verify.html');
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css' };

before(async () => {
  if (options.skip) return;
  writeFileSync(saved, standalone());
  lab = new Workspace();
  lab.write('a.txt', story(1));
  lab.write('b.txt', story(2));
  lab.run('add', 'a.txt', 'b.txt', '--yes');
  proof = lab.path('a.tlog-proof');
  lab.run('prove', '1', '-o', proof);
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const send = (body, type = 'application/octet-stream') =>
      response.writeHead(200, { 'content-security-policy': CSP, 'content-type': type }).end(body);
    const asset = /^\/(verify\.html|verify\.js|style\.css)$/.exec(pathname)?.[1];
    if (asset) send(readFileSync(new URL(asset, assets)), TYPES[asset.split('.')[1]]);
    else if (pathname === '/policy') send(lab.policy, 'text/plain; charset=utf-8');
    else if (pathname === '/roots') send(lab.roots, 'text/plain; charset=utf-8');
    else if (pathname.startsWith('/log/') && existsSync(lab.path(`records/${pathname.slice(5)}`))) send(readFileSync(lab.path(`records/${pathname.slice(5)}`)));
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${server.address().port}`;
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.close();
});

const open = (address, context) => openIn(browser, address, context);
const verdict = async (page) => {
  await page.waitForFunction(() => document.getElementById('verdict').classList.length > 1);
  return page.locator('#verdict').innerText();
};
test('saved to disk: files are dropped, and the answer stands there', options, async () => {
  const page = await open(pathToFileURL(saved));
  await page.fill('#policy', lab.policy.trim());
  await page.fill('#roots', lab.roots);
  const files = [['story.txt', lab.path('a.txt')], ['any-name', proof]].map(([name, path]) => [name, readFileSync(path).toString('base64')]);
  const dropped = await page.evaluateHandle((files) => {
    const data = new DataTransfer();
    for (const [name, base64] of files) data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    return data;
  }, files);
  await page.dispatchEvent('#drop', 'drop', { dataTransfer: dropped });
  await page.waitForFunction(() => document.getElementById('proof').files.length === 1 && document.getElementById('document').files.length === 1);
  await page.click('#check');
  assert.match(await verdict(page), /^Verified\s+These bytes were registered as record 1 of web\.example\.org\/log\./);
  assert.match(await page.locator('#record').innerText(), /Ministère de la Pêche claimed, not verified/);
  assert.match(await page.locator('#means').innerText(), /It does not establish that the named origin produced the document, nor that it is true\./);
  assert.equal(await page.locator('#steps li.ok').count(), await page.locator('#steps li').count());
  assert.equal(await page.evaluate(() => document.activeElement.id), 'result');
  // The other document: neither yes nor no, said plainly.
  await page.setInputFiles('#document', lab.path('b.txt'));
  await page.click('#check');
  await page.waitForFunction(() => document.getElementById('verdict').classList.contains('unverifiable'));
  assert.match(await verdict(page), /NOT the bytes/);
  // A damaged proof, in French.
  const damaged = lab.path('damaged.tlog-proof');
  writeFileSync(damaged, readFileSync(proof, 'utf8').replace('\n2\n', '\n3\n').replace('\n3\n', '\n9\n'));
  await page.setInputFiles('#proof', damaged);
  await page.click('[data-language=fr]');
  await page.click('#check');
  await page.waitForFunction(() => document.getElementById('verdict').classList.contains('invalid'));
  assert.match(await verdict(page), /^Non valable/);
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'fr');
  assert.deepEqual(page.wrong, []);
});

test('served under a strict policy, and read from the log itself', options, async () => {
  const page = await open(`${base}/verify.html?record=1&log=/log/`);
  await page.waitForFunction(() => document.getElementById('roots').value !== '');
  assert.equal(await page.inputValue('#policy'), lab.policy);
  assert.ok(await page.locator('#served').isVisible());
  await page.setInputFiles('#document', lab.path('a.txt'));
  await page.click('#check');
  assert.match(await verdict(page), /^Verified/);
  assert.match(await page.locator('#steps').innerText(), /proven from the log’s tiles/);
  assert.deepEqual(page.wrong, []);
});

test('with the keyboard alone', options, async () => {
  const page = await open(pathToFileURL(saved));
  const seen = [];
  for (let stop = 0; stop < 20; stop++) {
    await page.keyboard.press('Tab');
    seen.push(await page.evaluate(() => document.activeElement.id || document.activeElement.dataset?.language || document.activeElement.tagName));
  }
  for (const id of ['en', 'fr', 'document', 'proof', 'SUMMARY', 'policy', 'roots', 'check']) assert.ok(seen.includes(id), `${id}: ${seen}`);
  await page.focus('#check');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => !document.getElementById('result').hidden);
  assert.match(await page.locator('#verdict').innerText(), /Choose a proof file/);
  assert.deepEqual(page.wrong, []);
});

test('strangers’ words stay words', options, async () => {
  const page = await open(pathToFileURL(saved));
  await page.fill('#policy', lab.policy.replace('web.example.org/log', '<img/src=x>\u202e'));
  await page.fill('#roots', lab.roots);
  await page.setInputFiles('#proof', proof);
  await page.click('#check');
  await verdict(page);
  assert.equal(await page.locator('#result img').count(), 0);
  const lab2 = new Workspace('x<b>\u202ey');
  lab2.write('a.txt', `<script>document.title="taken"</script>\n\n${story(1)}`.replace('Pêche', 'Pêche <img src=x onerror=alert(1)> \u202eabc'));
  lab2.run('add', 'a.txt', '--yes');
  await page.fill('#policy', lab2.policy);
  await page.fill('#roots', lab2.roots);
  lab2.run('prove', '1', '-o', 'p');
  await page.setInputFiles('#proof', lab2.path('p'));
  await page.click('#check');
  await page.waitForFunction(() => document.getElementById('verdict').classList.contains('verified'));
  assert.match(await page.locator('#verdict').innerText(), /x<b>\\u\{202e\}y/);
  assert.equal(await page.locator('#result img, #result b, #result script').count(), 0);
  assert.deepEqual(page.wrong, []);
});

for (const colorScheme of ['light', 'dark']) {
  for (const width of [320, 1280]) {
    test(`nothing for axe-core to find, ${colorScheme}, ${width} pixels wide`, options, async () => {
      const page = await open(pathToFileURL(saved), { colorScheme, viewport: { width, height: 800 } });
      assert.deepEqual(await axe(page), []);
      await page.fill('#policy', lab.policy);
      await page.fill('#roots', lab.roots);
      await page.setInputFiles('#proof', proof);
      await page.click('summary');
      for (const [document, expected] of [['a.txt', 'verified'], ['b.txt', 'unverifiable']]) {
        await page.setInputFiles('#document', lab.path(document));
        await page.click('#check');
        await page.waitForFunction((expected) => document.getElementById('verdict').classList.contains(expected), expected);
        assert.deepEqual(await axe(page), []);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it has to be scrolled sideways');
      }
      await page.fill('#policy', lab.policy.replace('quorum', 'quorums'));
      await page.click('#check');
      await page.waitForFunction(() => document.querySelector('#steps .unknown'));
      await picture(page, `saved-${colorScheme}-${width}`);
      assert.deepEqual(await axe(page), []);
    });
  }
}
