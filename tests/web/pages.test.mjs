// The pages of the real server, in a browser: what they show, that all of it can be reached and read, and that what
// strangers wrote stays words.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { story, Workspace } from './lab.mjs';
import { axe, launch, open as openIn, options, picture, serve } from './tools.mjs';

const LONG = 'x'.repeat(10_000);
let lab;
let server;
let browser;
const open = (path, context) => openIn(browser, server.base + path, context);
const text = (page, selector) => page.locator(selector).innerText();

before(async () => {
  if (options.skip) return;
  lab = new Workspace();
  // 1: the source. 2: rests on it. 3: its byline is erased. 4: hostile. 5: right to left. 6: taken back.
  lab.write('one.txt', story(1));
  lab.write('two.txt', 'Le port reste fermé\n\nPar Awa Diarra\n\nPORT-CLAIR, 23 novembre (AFP) — Le port reste fermé, selon le ministère.\n');
  lab.write('three.txt', story(3));
  lab.write('four.txt', `<script>alert(1)</script> & <b>bold</b> \u202etxet desrever\n\nBy ${LONG}\n\nText with <img src=x onerror=alert(2)>.\n\nSource: <svg onload=alert(3)> \u202eyrtsiniM\n`);
  lab.write('five.txt', 'توقف الصيد في الميناء\n\nقال الوزير إن الصيد يتوقف يوم الاثنين في جميع الموانئ.\n\nالمصدر: وكالة الأنباء\n');
  lab.write('six.txt', story(6));
  lab.run('add', 'one.txt', '--yes');
  lab.run('add', 'two.txt', '--yes');
  lab.run('add', 'three.txt', '--yes');
  lab.run('add', 'four.txt', '--yes', '--byline', '<b>By</b>" onmouseover="alert(4)', '--title', '</title><script>alert(5)</script>');
  lab.run('add', 'five.txt', '--yes');
  lab.run('add', 'six.txt', '--yes');
  lab.run('cite', '2', '1', '--relation', 'is-based-on');
  lab.run('cite', '2', '--unresolved', '<i>A release</i>', '--unresolved-org', 'Port-Clair');
  lab.run('assess', '1', 'origin', 'disputed', '--method', 'document-forensics', '--note', '<script>alert(6)</script>');
  lab.run('assess', '1', 'origin', 'corroborated', '--method', 'second-independent-source');
  lab.run('confirm', '2', 'origin');
  lab.run('retract', '6');
  lab.run('erase', '3', 'bylines/0', '--reason', 'pii', '--yes');
  server = await serve(lab);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.end();
});

const PAGES = {
  log: '/', state: '/log-state', record: '/records/1', resting: '/records/2', erased: '/records/3', hostile: '/records/4',
  arabic: '/records/5', retracted: '/records/6', statement: '/records/7', key: '/records/0', search: '/search?q=s%C3%A9ance',
  filters: '/search?language=fr&state=retracted', nothing: '/search?q=zzzz', origin: '/origins?id=afp', verify: '/verify',
  missing: '/records/999',
};
for (const [name, path] of Object.entries(PAGES)) {
  test(`${name}: axe finds nothing, nothing goes wrong, nothing is scrolled sideways`, options, async () => {
    for (const [colorScheme, width, locale] of [['light', 1440, 'en-GB'], ['dark', 1440, 'fr-FR'], ['light', 360, 'fr-FR'], ['dark', 360, 'en-GB']]) {
      const page = await open(path, { colorScheme, locale, viewport: { width, height: 900 } });
      assert.equal(await page.evaluate(() => document.documentElement.lang), locale.slice(0, 2));
      assert.deepEqual(await axe(page), [], `${colorScheme} ${width}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} is too narrow for it`);
      await picture(page, `${name}-${colorScheme}-${width}`);
      assert.deepEqual(page.wrong.filter((one) => name !== 'missing' || !one.includes('404')), []);
      await page.context().close();
    }
  });
}

test('a record: who claims what, on what ground, and what was said of it', options, async () => {
  const page = await open('/records/1');
  assert.match(await text(page, '.claims'), /Origin\s+Source : Ministère de la Pêche[\s\S]*strong: rule fr\.tail\.source-colon/);
  const timeline = await text(page, '.timeline');
  assert.match(timeline, /Registered[\s\S]*Disputed[\s\S]*replaced by a later word[\s\S]*the basis of\s+record 2|the basis of\s+record 2[\s\S]*Disputed/);
  assert.match(timeline, /Corroborated/);
  assert.equal(await page.locator('mark.origin', { hasText: 'Ministère de la Pêche' }).count(), 1);
  // From the claim to its evidence.
  await page.click('.claim:has-text("Ministère") .to-evidence');
  assert.match(page.url(), /#e-claimedOrigins-0$/);
  assert.ok(await page.locator('#e-claimedOrigins-0').evaluate((mark) => mark.classList.contains('here')));
  // The digests are those of the file.
  const { createHash } = await import('node:crypto');
  assert.match(await text(page, '.record-side'), new RegExp(createHash('sha256').update(lab.read('one.txt')).digest('hex')));
  assert.deepEqual(page.wrong, []);
});

test('what a record rests on is a picture and a list', options, async () => {
  const page = await open('/records/2');
  assert.match(await text(page, '.hops'), /is based on\s+record 1[\s\S]*is based on|cites\s+not registered/);
  assert.equal(await page.locator('.graph svg .node').count(), 3);
  await page.locator('.graph .node a').last().focus();
  await page.locator('.graph .node.open a, .graph .node.plain a').first().click();
  await page.waitForURL(/records\/1$/);
});

test('what was erased is shown as such, and its text is not shown', options, async () => {
  const page = await open('/records/3');
  assert.match(await text(page, '.claims'), /WITHHELD\s+Erased by record \d+, on the ground of personal data/);
  assert.doesNotMatch(await page.content(), /Aïssata|Diarra/);
  assert.match(await text(page, 'main'), /Part of this record was erased/);
  assert.match(await text(page, '.timeline'), /Words of it were erased/);
});

test('strangers’ words stay words', options, async () => {
  for (const path of ['/', '/records/4', '/records/1', '/records/2', '/search?q=text', '/search?q=%3Cscript%3E&origin=%22%3E%3Cb%3E', '/origins?name=%3Cb%3Ex', '/nowhere/%3Cscript%3E']) {
    const page = await open(path);
    assert.equal(await page.locator('main script, main img[src=x], main b, main i, main svg[onload]').count(), 0, path);
    assert.deepEqual(page.wrong.filter((one) => !one.includes('404')), [], path);
    assert.doesNotMatch(await page.content(), /\u202e/, path);
    await page.context().close();
  }
  const page = await open('/records/4');
  assert.match(await text(page, 'h1'), /<\/title><script>alert\(5\)<\/script>/);
  assert.match(await text(page, '.document'), /\\u\{202e\}txet/);
  assert.match(await text(page, '.claims'), /<b>By<\/b>" onmouseover="alert\(4\)/);
});

test('right to left texts run so', options, async () => {
  const page = await open('/records/5');
  const direction = (selector) => page.locator(selector).evaluate((element) => getComputedStyle(element).direction);
  assert.equal(await direction('.document'), 'rtl');
  assert.equal(await direction('main'), 'ltr');
});

test('the language is the reader’s choice, and stays', options, async () => {
  const page = await open('/records/1?a=b', { locale: 'de-DE' });
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  await page.click('.languages a[lang=fr]');
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, '/records/1?a=b');
  assert.match(await text(page, '.claims'), /Origine/);
  await page.goto(`${server.base}/verify`);
  assert.match(await text(page, 'h1'), /Vérifier soi-même une notice/);
  await page.click('[data-language=en]');
  await page.goto(`${server.base}/`);
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  // It leads nowhere else.
  for (const back of ['https://evil.example/', '//evil.example/', '/\\evil.example', 'javascript:alert(1)']) {
    const response = await page.request.get(`${server.base}/language/fr?back=${encodeURIComponent(back)}`, { maxRedirects: 0 });
    assert.equal(response.headers().location, '/', back);
  }
});

test('search: by words and by what is claimed, without JavaScript too', options, async () => {
  const page = await open('/', { javaScriptEnabled: false });
  await page.fill('#q', 'port fermé');
  await page.click('.search-box button');
  assert.match(await text(page, '#found'), /1 record/);
  assert.match(await text(page, '.rows'), /Le port reste fermé/);
  assert.equal(await page.locator('.snippet mark').count() > 0, true);
  await page.goto(`${server.base}/search?state=retracted`);
  assert.deepEqual(await page.locator('.row-number').allInnerTexts(), ['6']);
  await page.goto(`${server.base}/search?from=someday`);
  assert.match(await text(page, '[role=alert]'), /Not a date like/);
  await page.goto(`${server.base}/search?q=${'a'.repeat(1001)}`);
  assert.match(await text(page, '[role=alert]'), /At most 1,000 characters/);
  await page.goto(`${server.base}/search?q=s%C3%A9ance&page=2`);
  assert.equal(await page.locator('.row').count(), 0);
});

test('an origin has all its names and records', options, async () => {
  const page = await open('/records/2');
  await page.click('.claim a.said');
  await page.waitForURL(/\/origins\?id=afp/);
  assert.match(await text(page, 'main'), /1 record claims it[\s\S]*These documents say that they come from there/);
  assert.equal(await page.locator('.row').count(), 1);
});

test('a badge and citations say what the record says', options, async () => {
  const page = await open('/records/6');
  const get = (path) => page.request.get(server.base + path);
  const badge = await (await get('/badge/6.svg?lang=fr')).text();
  assert.match(badge, /notice 6[\s\S]*rétracté/);
  assert.match(await (await get('/badge/1.svg')).text(), /disputed|a claim corroborated/);
  assert.match(await page.inputValue('#embed'), new RegExp(`^<a href="${server.base}/records/6"><img src="${server.base}/badge/6\\.svg\\?lang=en" height="22" alt="Registered as record 6 of [^"]*claimed, not verified`));
  assert.equal((await get('/badge/0.svg')).status(), 404);
  const [item] = await (await get('/records/2/cite.json')).json();
  assert.equal(item.title, 'Le port reste fermé');
  assert.deepEqual(item.author, [{ literal: 'Awa Diarra' }]);
  assert.match(item.note, /origin claimed, not verified: AFP/);
  assert.match(await (await get('/records/4/cite.bib')).text(), /@misc\{dateline-4-/);
});

test('every answer keeps strangers out', options, async () => {
  const page = await open('/');
  for (const path of ['/', '/records/1', '/search', '/verify', '/site.js', '/style.css']) {
    const headers = (await page.request.get(server.base + path)).headers();
    assert.match(headers['content-security-policy'], /default-src 'none'.*script-src 'self'; style-src 'self'.*frame-ancestors 'none'/, path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
  }
  const source = await page.content();
  assert.doesNotMatch(source, /<style|style="|<script(?![^>]*src=)|https?:\/\/(?!127\.0\.0\.1)/);
});

test('with the keyboard alone', options, async () => {
  const page = await open('/');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.keyboard.press('Tab');
  await page.keyboard.type('séance');
  await page.keyboard.press('Enter');
  await page.waitForURL(/search\?q=/);
  assert.match(await text(page, '#found'), /records?/);
});

test('a log that is changed between two clicks: the pages refuse it, and so does the reader’s own check', options, async () => {
  const own = new Workspace();
  own.write('a.txt', story(1));
  own.write('b.txt', story(2));
  own.run('add', 'a.txt', 'b.txt', '--yes');
  const served = await serve(own);
  try {
    const page = await openIn(browser, `${served.base}/records/1`);
    assert.match(await text(page, '.claims'), /Ministère de la Pêche/);
    await page.click('a:has-text("Check in my browser")');
    await page.waitForURL(/verify/);
    await page.waitForFunction(() => document.getElementById('roots').value !== '');
    await page.click('#check');
    await page.waitForFunction(() => document.getElementById('verdict').classList.contains('verified'));
    // Somebody rewrites what record 1 says, where it lies.
    const folder = own.path('records/tile/entries');
    const [bundle] = readdirSync(folder).map((name) => `${folder}/${name}`).filter((path) => path.endsWith('.p'));
    const [file] = readdirSync(bundle).map((name) => `${bundle}/${name}`);
    const bytes = readFileSync(file);
    bytes[bytes.length - 400] ^= 1;
    writeFileSync(file, bytes);
    await page.click('#check');
    await page.waitForFunction(() => document.getElementById('verdict').classList.contains('invalid'));
    assert.match(await text(page, '#verdict'), /does not hold/);
    const response = await page.goto(`${served.base}/records/2`);
    assert.equal(response.status(), 503);
    assert.match(await text(page, 'main'), /The log cannot be read/);
  } finally {
    await served.end();
  }
});
