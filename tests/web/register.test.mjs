// Registering through the pages of the real server, in a browser: every way in, what is asked and warned of, what fails, and
// who may not.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Key, story, Workspace } from './lab.mjs';
import { axe, launch, open as openIn, options, picture, serve } from './tools.mjs';

const SIGNED = (number, figure = '12') =>
  `Le lac baisse encore, relevé ${number}\n\nPar Awa Diarra\n\nPORT-CLAIR, 23 novembre (AFP) — Le lac a baissé de ${figure} centimètres en une semaine, selon le service des eaux.\n\n` +
  'Les pêcheurs du village craignent pour la saison, qui commence au printemps. « Nous attendons la pluie depuis des mois », a dit Salif Traoré, qui pêche ici depuis son enfance. ' +
  'Le service des eaux publiera un nouveau relevé le mois prochain, et la préfecture réunira les communes riveraines pour décider des mesures à prendre.\n';
let lab;
let server;
let browser;
let editor;
let elsewhere;

before(async () => {
  if (options.skip) return;
  lab = new Workspace();
  lab.write('first.txt', SIGNED(1));
  lab.run('add', 'first.txt', '--yes');
  server = await serve(lab);
  browser = await launch();
  editor = JSON.parse(lab.run('key', 'list', '--format', 'json').split('\n').find((line) => line.includes('"editor"'))).keyId;
});
after(async () => {
  await browser?.close();
  await server?.end();
});

const text = (page, selector) => page.locator(selector).innerText();
const file = (name, content) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) });

/** Opens the page for registering, signed in by a link that opens once. */
async function signedIn(context = {}, key = editor) {
  const link = new URL(lab.run('key', 'invite', key.slice(0, 16)).trim().split('\n')[0]).pathname;
  const page = await openIn(browser, server.base + link, context);
  await page.click('main button');
  await page.waitForURL(`${server.base}/`);
  await page.goto(`${server.base}/register`);
  return page;
}
const csrfOf = (page) => page.inputValue('#documents [name=csrf]');
const records = () => Number(lab.run('search', 'lac', '--format', 'json').split('\n')[0].match(/"total":(\d+)/)?.[1] ?? 0);

test('who is not signed in is led to where one signs in', options, async () => {
  const page = await openIn(browser, `${server.base}/register`);
  assert.match(await text(page, 'main'), /sign in with your key first/);
  assert.equal(await page.getAttribute('main .button', 'href'), '/sign-in?next=/register');
  assert.deepEqual(await axe(page), []);
  await page.click('main .button');
  await page.waitForURL(/sign-in\?next=/);
  assert.match(await text(page, 'main pre'), /^printf %s 'dateline-sign-in\.[\w-]+' \| ssh-keygen -Y sign -f ~\/\.ssh\/id_ed25519 -n 'dateline@web\.example\.org\/log'$/);
  assert.deepEqual(await axe(page), []);
  await picture(page, 'sign-in-light-1440');
  await page.fill('#signature', 'no signature');
  await page.click('main button');
  assert.match(await text(page, '[role=alert]'), /the signature is not taken/);
  const refused = await page.request.post(`${server.base}/register`, { multipart: { text: 'x' } });
  assert.ok([401, 403].includes(refused.status()), String(refused.status()));
});

test('one file without JavaScript: read, looked at, answered, signed', options, async () => {
  const page = await signedIn({ javaScriptEnabled: false });
  await page.setInputFiles('#file', file('two.txt', 'Le port ferme\n\nLe port ferme lundi, dit la préfecture.\n\nNaby\n\nSource : Ministère de la Pêche\n'));
  await page.click('#documents button[type=submit]');
  await page.waitForURL(/\/register\/[\w-]+$/);
  assert.match(await text(page, '.review'), /Origin[\s\S]*Source : Ministère de la Pêche/);
  assert.match(await text(page, '.document'), /Le port ferme lundi/);
  assert.equal(await page.locator('.document mark.origin').innerText(), 'Ministère de la Pêche');
  for (const radio of await page.locator('input[type=radio][value=keep]').all()) await radio.check();
  await page.click('.review button[type=submit]');
  await page.waitForURL(/\/records\/\d+$/);
  assert.match(await text(page, '.claims'), /Ministère de la Pêche/);
  assert.match(await text(page, '.standing'), new RegExp(editor.slice(0, 16)));
  assert.match(lab.run('verify'), /verified|holds/i);
});

test('a find that is not sure is asked about, and nothing is registered unanswered', options, async () => {
  const page = await signedIn();
  await page.fill('#text', 'Une nouvelle du lac\n\nLe niveau reste bas dans tout le bassin, et la pluie se fait attendre.\n\nNaby\n\nSource : Ministère de la Pêche\n');
  await page.click('#documents button[type=submit]');
  await page.waitForURL(/\/register\/[\w-]+$/);
  assert.ok(await page.locator('.find.asked').count() > 0, 'nothing is asked');
  const before = records();
  const answer = await page.request.post(page.url(), { form: { csrf: await page.inputValue('.review [name=csrf]') }, headers: { 'sec-fetch-site': 'same-origin' } });
  assert.equal(answer.status(), 422);
  assert.match(await answer.text(), /Say of each find that is not sure/);
  assert.equal(records(), before);
  // What was written stays, where something else is wrong.
  for (const radio of await page.locator('input[type=radio][value=drop]').all()) await radio.check();
  await page.click('summary:has-text("Add or change")');
  await page.fill('#language', 'not a language');
  await page.fill('#more-origins', 'Agence du Lac\nService des eaux');
  await page.click('.review button[type=submit]');
  assert.match(await text(page, '[role=alert]'), /not a language tag/);
  assert.equal(await page.inputValue('#more-origins'), 'Agence du Lac\nService des eaux');
  assert.ok(await page.locator('input[type=radio][value=drop]').first().isChecked());
  await page.click('details:not([open]) > summary:has-text("Add or change")').catch(() => {});
  await page.fill('#language', 'fr');
  await page.click('.review button[type=submit]');
  await page.waitForURL(/\/records\/\d+$/);
  const claims = await text(page, '.claims');
  assert.match(claims, /Agence du Lac[\s\S]*Service des eaux/);
  assert.doesNotMatch(claims, /Naby/);
});

test('what is like it stands beside it before it is signed', options, async () => {
  const page = await signedIn();
  await page.setInputFiles('#file', file('figures.txt', SIGNED(1, '21')));
  await page.click('#documents button[type=submit]');
  await page.waitForURL(/\/register\/[\w-]+$/);
  const warning = await text(page, '.warning.bad');
  assert.match(warning, /Same wording, other figures than record 1/);
  assert.match(await text(page, '.figures-table'), /12[\s\S]*21/);
  assert.match(await text(page, '.difference del'), /12/);
  assert.match(await text(page, '.difference ins'), /21/);
  assert.deepEqual(await axe(page), []);
  await picture(page, 'review-warned-light-1440');
  await page.goto(`${server.base}/register`);
  await page.setInputFiles('#file', file('credit.txt', SIGNED(1).replace('(AFP)', '(Reuters)')));
  await page.click('#documents button[type=submit]');
  await page.waitForURL(/\/register\/[\w-]+$/);
  assert.match(await text(page, '.warning'), /Record 1 says that this text comes from somebody else[\s\S]*AFP[\s\S]*Reuters/);
  // The same bytes are known again.
  await page.goto(`${server.base}/register`);
  await page.setInputFiles('#file', lab.path('first.txt'));
  await page.click('#documents button[type=submit]');
  await page.waitForURL(/\/register\/[\w-]+$/);
  assert.match(await text(page, 'main'), /These bytes are registered already\.\s+record 1/);
});

test('many at once: each by itself, one that fails takes no other with it', options, async () => {
  const page = await signedIn();
  const before = lab.run('list', '--format', 'json').trim().split('\n').length;
  // Three that have nothing in common, and one that is like what is registered.
  const texts = [
    'Lake level\n\nBy Ann Moss\n\nThe lake has risen since the dam was closed in March, officials in the valley told reporters on Monday.\n\nSource: Reuters\n',
    'Der See\n\nVon Eva Kern\n\nAm Ufer wird seit gestern gebaut, wie die Gemeinde mitteilte; die Straße bleibt bis zum Herbst gesperrt.\n\nQuelle: dpa\n',
    'Une autre eau\n\nPar Léa Brun\n\nLes sources de la montagne tarissent, constatent les bergers, qui déplacent leurs troupeaux plus tôt que jamais. Le lac en dépend.\n\nSource : AFP\n',
  ];
  const files = texts.map((words, at) => file(`many-${at + 1}.txt`, words));
  files.push(file('alike.txt', SIGNED(1, '44')));
  files.push(file('broken.docx', 'PK\u0003\u0004 this is no package'));
  await page.setInputFiles('#file', files);
  await page.click('#documents button[type=submit]');
  await page.waitForFunction(() => document.getElementById('bar').value === 5);
  assert.match(await text(page, '#bar-label'), /Done: 5 of 5/);
  assert.equal(await page.locator('.draft.failed').count(), 1);
  assert.match(await text(page, '.draft.failed'), /broken\.docx/);
  assert.deepEqual(await axe(page), []);
  await picture(page, 'register-many-light-1440');
  assert.equal(await page.locator('.draft[data-draft]').count() >= 3, true);
  assert.match(await text(page, '.draft:has-text("alike.txt")'), /warnings: \d/);
  assert.equal(await page.locator('[data-clear=true]').count(), 3);
  await page.click('#all');
  await page.waitForFunction(() => document.querySelectorAll('[data-clear=true]').length === 0 && !document.getElementById('all').disabled);
  assert.equal(await page.locator('.draft .chip.good').count(), 3);
  assert.equal(Number(lab.run('list', '--format', 'json').trim().split('\n').length), before + 3);
  // What waits is there on the next visit, too.
  const waits = await page.locator('.draft[data-draft]').count();
  await page.reload();
  assert.equal(await page.locator('.draft[data-draft]').count(), waits - 3);
  assert.deepEqual(page.wrong.filter((one) => !/422/.test(one)), []);
});

test('files that are dropped are taken', options, async () => {
  const page = await signedIn();
  const dropped = await page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(['Un titre\n\nUn texte déposé ici, assez long pour être un texte.\n'], 'dropped.txt', { type: 'text/plain' }));
    return data;
  });
  await page.dispatchEvent('#drop', 'drop', { dataTransfer: dropped });
  await page.waitForSelector('.draft:has-text("dropped.txt")');
});

test('an upload that fails says why, and loses nothing', options, async () => {
  const page = await signedIn({ javaScriptEnabled: false });
  await page.fill('#text', 'kept text');
  await page.click('#documents button[type=submit]');
  await page.goto(`${server.base}/register`);
  // Larger than a document may be. A browser takes no such files from a test: the form is sent as it would send it.
  const csrf = await csrfOf(page);
  const post = (multipart) => page.request.post(`${server.base}/register`, { multipart: { csrf, ...multipart }, headers: { 'sec-fetch-site': 'same-origin' } });
  const large = await post({ file: { name: 'large.txt', mimeType: 'text/plain', buffer: Buffer.alloc(33 * 1024 * 1024, 97) } });
  assert.equal(large.status(), 422);
  assert.match(await large.text(), /It is too large: a document may have 34 MB/);
  const larger = await post({ file: { name: 'larger.txt', mimeType: 'text/plain', buffer: Buffer.alloc(70 * 1024 * 1024, 97) } }).catch((error) => error);
  if (larger instanceof Error) assert.match(String(larger), /ECONNRESET|EPIPE|socket hang up/);
  else assert.equal(larger.status(), 413);
  const nothing = await post({ text: '  ' });
  assert.equal(nothing.status(), 422);
  assert.match(await nothing.text(), /There is nothing to read/);
  // The server is there still, and so is what waited.
  await page.goto(`${server.base}/register`);
  assert.match(await text(page, '#drafts'), /pasted text/);
});

test('addresses that are not public are refused', options, async () => {
  const page = await signedIn();
  for (const address of [`${server.base}/metrics`, 'http://localhost/', 'http://[::1]/', 'http://169.254.169.254/latest/', 'http://2130706433/', 'file:///etc/passwd', 'http://user:secret@a.example/']) {
    await page.goto(`${server.base}/register`);
    await page.locator('#url').evaluate((input) => { input.type = 'text'; });
    await page.fill('#url', address);
    await page.click('#documents button[type=submit]');
    await page.waitForSelector('[role=alert]');
    const told = await text(page, '[role=alert]');
    assert.match(told, /not on the public network|not an address that can be fetched/, address);
    assert.doesNotMatch(told.replace(address, ''), /secret/);
  }
});

test('nobody registers for somebody else', options, async () => {
  const page = await signedIn();
  await page.fill('#text', 'Un autre texte sur le lac, qui attend sa relecture.');
  await page.click('#documents button[type=submit]');
  await page.waitForURL(/\/register\/[\w-]+$/);
  const draft = page.url();
  const csrf = await page.inputValue('.review [name=csrf]');
  const post = (headers, form) => page.request.post(draft, { form, headers });
  // No token, a wrong one, another site.
  assert.equal((await post({ 'sec-fetch-site': 'same-origin' }, {})).status(), 403);
  assert.equal((await post({ 'sec-fetch-site': 'same-origin' }, { csrf: `${csrf}x` })).status(), 403);
  assert.equal((await post({ 'sec-fetch-site': 'cross-site' }, { csrf })).status(), 403);
  // Another session of the same person, and nobody.
  const other = await signedIn();
  assert.equal((await other.goto(draft)).status(), 404);
  const nobody = await openIn(browser, draft);
  assert.match(nobody.url(), /\/register$/);
});

test('a key that is elsewhere signs elsewhere', options, async () => {
  const key = new Key();
  writeFileSync(lab.path('other.pub'), key.openssh());
  lab.run('key', 'enrol', 'other.pub', '--role', 'editor', '--name', 'Somebody');
  const page = await signedIn({}, key.id);
  assert.match(await text(page, 'main'), /you will get the statement to sign where it is/);
  await page.fill('#text', 'Un titre de plus\n\nUn texte que signe une clé qui est ailleurs, source inconnue.');
  await page.click('#documents button[type=submit]');
  await page.waitForURL(/\/register\/[\w-]+$/);
  for (const radio of await page.locator('input[type=radio][value=drop]').all()) await radio.check();
  await page.click('.review button[type=submit]');
  await page.waitForURL(/\/sign$/);
  assert.deepEqual(await axe(page), []);
  await picture(page, 'sign-light-1440');
  const prepared = await (await page.request.get(page.url().replace(/sign$/, 'statement'))).json();
  const statement = Buffer.from(prepared.toBeSigned, 'base64');
  assert.match(statement.toString(), /^DSSEv1 28 application\/vnd\.in-toto\+json /);
  await page.fill('#signature', new Key().sign(statement).toString('base64'));
  await page.click('button[type=submit]');
  assert.match(await text(page, '[role=alert]'), /not the signature of your key/);
  await page.fill('#signature', key.sign(statement).toString('base64'));
  await page.click('button[type=submit]');
  await page.waitForURL(/\/records\/\d+$/);
  assert.match(await text(page, '.standing'), /Somebody/);
  // What the program signs is taken as it prints it, and nothing but the statement that was looked at.
  const mine = await signedInElsewhere('Un second texte que signe une clé qui est ailleurs, de source inconnue aussi.');
  const other = await signedInElsewhere('Un troisième texte que signe une clé qui est ailleurs, de source inconnue aussi.');
  for (const [at, from, taken] of [[mine, other, false], [mine, mine, true]]) {
    lab.write('prepared.json', await (await from.request.get(from.url().replace(/sign$/, 'statement'))).text());
    await at.fill('#signature', lab.run('sign', 'prepared.json', '--yes', '--key', 'elsewhere'));
    await at.click('button[type=submit]');
    if (taken) await at.waitForURL(/\/records\/\d+$/);
    else assert.match(await text(at, '[role=alert]'), /not the signature of your key/);
  }
  assert.match(lab.run('verify'), /verified|holds/i);
});

/** Comes to where a statement waits to be signed by a key of `ssh-keygen`, which lies beside the workspace. */
async function signedInElsewhere(words) {
  if (!elsewhere) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', lab.path('elsewhere')]);
    lab.run('key', 'enrol', 'elsewhere.pub', '--role', 'editor');
    const keys = lab.run('key', 'list', '--format', 'json').trim().split('\n').map((line) => JSON.parse(line));
    elsewhere = keys.filter((key) => key.enrolledBy !== undefined).sort((a, b) => a.enrolledBy - b.enrolledBy).at(-1).keyId;
  }
  const page = await signedIn({}, elsewhere);
  await page.fill('#text', words);
  await page.click('#documents button[type=submit]');
  await page.waitForURL(/\/register\/[\w-]+$/);
  for (const radio of await page.locator('input[type=radio][value=drop]').all()) await radio.check();
  await page.click('.review button[type=submit]');
  await page.waitForURL(/\/sign$/);
  return page;
}

test('hostile documents stay words before they are registered, too', options, async () => {
  const page = await signedIn();
  await page.setInputFiles('#file', file('"><script>alert(1)</script>.txt', `<script>alert(2)</script> \u202etxet\n\nBy <img src=x onerror=alert(3)>\n\nA text that is long enough to be one, with ${'y'.repeat(10_000)}.\n\nSource: <svg onload=alert(4)> Ministry\n`));
  await page.click('#documents button[type=submit]');
  await page.waitForURL(/\/register\/[\w-]+$/);
  assert.equal(await page.locator('main script, main img, main svg').count(), 0);
  assert.doesNotMatch(await page.content(), /\u202e/);
  await page.goto(`${server.base}/register`);
  assert.equal(await page.locator('main script, main img, main svg').count(), 0);
  assert.deepEqual(page.wrong, []);
});

for (const [colorScheme, width, locale] of [['light', 1440, 'en-GB'], ['dark', 1440, 'fr-FR'], ['light', 360, 'fr-FR'], ['dark', 360, 'en-GB']]) {
  test(`axe finds nothing where one registers: ${colorScheme}, ${width}`, options, async () => {
    const page = await signedIn({ colorScheme, locale, viewport: { width, height: 900 } });
    const look = async (name) => {
      assert.deepEqual(await axe(page), [], name);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: ${width} is too narrow`);
      await picture(page, `${name}-${colorScheme}-${width}`);
    };
    await look('register');
    await page.setInputFiles('#file', file('look.txt', story(7)));
    await page.click('#documents button[type=submit]');
    await page.waitForURL(/\/register\/[\w-]+$/);
    await look('review');
    assert.deepEqual(page.wrong, []);
  });
}
