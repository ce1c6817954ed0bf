import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as page from '../../src/server/assets/verify.js';
import { Key, shared } from './lab.mjs';
import { standalone } from './standalone.mjs';

const { fromHex, toHex, utf8 } = page;
const vectors = shared && join(shared, 'vectors');
const left = { skip: vectors ? false : 'DATELINE_SHARED is not set' };

function* jsonFiles(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* jsonFiles(path);
    else if (name.endsWith('.json')) yield [path, JSON.parse(readFileSync(path, 'utf8'))];
  }
}

test('encodings have one spelling', () => {
  for (const bytes of [[], [0], [0xff, 0xfe], [1, 2, 3], Array.from({ length: 9000 }, (_, at) => at % 256)]) {
    const some = Uint8Array.from(bytes);
    assert.deepEqual(page.fromBase64(page.toBase64(some)), some);
    assert.deepEqual(page.fromBase64url(page.toBase64url(some)), some);
    assert.deepEqual(fromHex(toHex(some)), some);
    assert.equal(page.toBase64(some), Buffer.from(some).toString('base64'));
  }
  for (const bad of ['e30', 'e31=', 'e30==', 'e3 0=', 'e30=\n', '====', 'e30*', '-_-_', 'é']) assert.equal(page.fromBase64(bad), null, bad);
  for (const bad of ['e30=', 'e31', 'e', '+/+/', ' e30', 'e30\n']) assert.equal(page.fromBase64url(bad), null, bad);
  for (const bad of ['0', 'AB', '0g', ' 00', '00\n']) assert.equal(fromHex(bad), null, bad);
  for (const bad of ['', '00', '01', '+1', '-1', '1 ', '1\n', '0x1', '1e3', '18446744073709551616']) assert.equal(page.fromDecimal(bad), null, bad);
  assert.equal(page.fromDecimal('18446744073709551615'), 2n ** 64n - 1n);
  assert.equal(page.fromUtf8(Uint8Array.of(0xff)), null);
  assert.equal(page.fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), '\ufeffa');
});

test('JSON says one thing', () => {
  const good = ['{"a":1,"b":[true,false,null,"\\u00e9\\n"],"c":{"a":-1.5e3}}', ' [ ] ', '"x"', '0', '{}', '[1 , 2]', '"\\ud83d\\ude00"'];
  const plain = (value) =>
    value instanceof Map ? Object.fromEntries([...value].map(([name, one]) => [name, plain(one)]))
    : Array.isArray(value) ? value.map(plain)
    : typeof value === 'bigint' ? Number(value) : value;
  for (const text of good) assert.deepEqual(plain(page.parseJson(text)), JSON.parse(text), text);
  const bad = ['', '{"a":1,"a":2}', '{"a":{"b":1,"b":1}}', '[1,]', '{"a":1,}', '{,}', '[', '{"a"', '01', '1.', '.5', '+1', 'tru', 'nul', '"\t"',
    '"\\x"', '"\\ud800"', '"\\udc00"', '[1] x', '\u00a0[]', '1e999', '-', "{'a':1}", '{"a" 1}', '{1:2}', '[1 2]', '{"\\u0061":1,"a":2}'];
  for (const text of bad) assert.throws(() => page.parseJson(text), SyntaxError, text);
  assert.equal(page.parseJson('18446744073709551615'), 2n ** 64n - 1n);
  assert.equal(typeof page.parseJson('18446744073709551616'), 'number');
  assert.equal(typeof page.parseJson('1.0'), 'number');
  // An array 33 levels down is refused, also an empty one; an empty object is not, as in the program.
  const nested = (levels, inner) => `${'['.repeat(levels)}${inner}${']'.repeat(levels)}`;
  page.parseJson(nested(32, ''));
  page.parseJson(nested(32, '{}'));
  for (const inner of ['[]', '{"a":1}']) assert.throws(() => page.parseJson(nested(32, inner)), SyntaxError);
  assert.equal(page.parseJson('{"__proto__":1}').get('__proto__'), 1n);
});

// A second implementation, as slow as it is plain: points as (x, y), the affine law of addition.
const P = 2n ** 255n - 19n;
const mod = (a) => ((a % P) + P) % P;
function power(base, exponent) {
  let result = 1n;
  for (; exponent > 0n; exponent >>= 1n, base = mod(base * base)) if (exponent & 1n) result = mod(result * base);
  return result;
}
const inverse = (a) => power(mod(a), P - 2n);
const D = mod(-121665n * inverse(121666n));
const add = ([x1, y1], [x2, y2]) => {
  const t = mod(D * x1 * x2 * y1 * y2);
  return [mod((x1 * y2 + x2 * y1) * inverse(1n + t)), mod((y1 * y2 + x1 * x2) * inverse(1n - t))];
};
function pointOf(bytes) {
  const number = BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
  const y = number & (2n ** 255n - 1n);
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x) !== square) x = mod(x * power(2n, (P - 1n) / 4n));
  if (mod(x * x) !== square) return null;
  return [x % 2n === number >> 255n ? x : mod(-x), mod(y)];
}
function encodingOf([x, y]) {
  return fromHex((y | ((x & 1n) << 255n)).toString(16).padStart(64, '0')).reverse();
}
const isOfSmallOrder = (point) => {
  let eightTimes = point;
  for (let doubled = 0; doubled < 3; doubled++) eightTimes = add(eightTimes, eightTimes);
  return eightTimes[0] === 0n && eightTimes[1] === 1n;
};

test('points that may be trusted', () => {
  const torsion = [];
  const generator = pointOf(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
  for (let point = [0n, 1n], count = 0; count < 8; count++, point = add(point, generator)) torsion.push(point);
  assert.equal(new Set(torsion.map((point) => toHex(encodingOf(point)))).size, 8);
  for (const point of torsion) assert.equal(page.pointFault(encodingOf(point)), 'weak');
  // The second spellings: y above p, and a sign where x is 0.
  for (let low = 0xed; low <= 0xff; low++) {
    for (const high of [0x7f, 0xff]) {
      const bytes = new Uint8Array(32).fill(0xff);
      [bytes[0], bytes[31]] = [low, high];
      assert.equal(page.pointFault(bytes), 'notAPoint', toHex(bytes));
    }
  }
  for (const y of [1n, P - 1n]) {
    const bytes = encodingOf([0n, y]);
    bytes[31] |= 0x80;
    assert.equal(page.pointFault(bytes), 'notAPoint');
  }
  for (let y = 2; y < 200; y++) {
    const bytes = new Uint8Array(32);
    bytes[0] = y;
    const point = pointOf(bytes);
    assert.equal(page.pointFault(bytes), point === null ? 'notAPoint' : isOfSmallOrder(point) ? 'weak' : null, String(y));
  }
  for (let number = 0; number < 20; number++) assert.equal(page.pointFault(new Key().bytes), null);
});

test('signatures by the strict rule', async () => {
  // RFC 8032, 7.1, TEST 2.
  const key = fromHex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  const signature = fromHex(
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );
  assert.equal(await page.verifySignature(key, Uint8Array.of(0x72), signature), true);
  assert.equal(await page.verifySignature(key, Uint8Array.of(0x73), signature), false);
  // S + L is the same number modulo L, and another signature.
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + order;
  const second = Uint8Array.from([...signature.slice(0, 32), ...fromHex(s.toString(16).padStart(64, '0')).reverse()]);
  assert.equal(await page.verifySignature(key, Uint8Array.of(0x72), second), false);
  // Anybody can sign anything under the identity: R is the identity, S is 0.
  const identity = new Uint8Array(32);
  identity[0] = 1;
  const forged = new Uint8Array(64);
  forged[0] = 1;
  assert.equal(await page.verifySignature(identity, utf8('anything'), forged), false);
});

test('edge cases of Ed25519', left, async () => {
  const cases = JSON.parse(readFileSync(join(vectors, 'ed25519/ed25519vectors.json'), 'utf8'));
  assert.ok(cases.length >= 900);
  const refused = ['low_order_A', 'low_order_R', 'non_canonical_A', 'non_canonical_R', 'low_order_residue'];
  let accepted = 0;
  for (const { number, key, sig, msg, flags } of cases) {
    const holds = await page.verifySignature(fromHex(key), utf8(msg), fromHex(sig));
    assert.equal(holds, !(flags ?? []).some((flag) => refused.includes(flag)), `case ${number}`);
    accepted += holds;
  }
  assert.ok(accepted > 0 && accepted < cases.length);
});

test('RFC 6962 inclusion proofs of others', left, async () => {
  const hash = (text) => page.fromBase64(text ?? '');
  let count = 0;
  for (const [path, one] of jsonFiles(join(vectors, 'rfc6962/inclusion'))) {
    const [leaf, root, hashes] = [hash(one.leafHash), hash(one.root), (one.proof ?? []).map(hash)];
    // Numbers above 2^53 are not in these files.
    const wellFormed = [leaf, root, ...hashes].every((bytes) => bytes?.length === 32);
    const holds = wellFormed && (await page.verifyInclusion(hashes, leaf, BigInt(one.leafIdx), BigInt(one.treeSize), root));
    // What has no hashes of 32 bytes at all is refused before, as by the program.
    if (wellFormed || one.wantErr) assert.equal(holds, !one.wantErr, path);
    count++;
  }
  assert.ok(count >= 90);
});

test('the tree against its definition', async () => {
  const entries = Array.from({ length: 70 }, (_, at) => utf8(`entry ${at}`));
  const leaves = await Promise.all(entries.map(page.leafHash));
  const rootOf = async (hashes) => {
    if (hashes.length <= 1) return hashes[0] ?? page.sha256(new Uint8Array());
    const split = 2 ** Math.floor(Math.log2(hashes.length - 1));
    return page.nodeHash(await rootOf(hashes.slice(0, split)), await rootOf(hashes.slice(split)));
  };
  for (let size = 1; size <= leaves.length; size++) {
    const hashOf = async (level, index) => rootOf(leaves.slice(Number(index << level), Number((index + 1n) << level)));
    const root = await rootOf(leaves.slice(0, size));
    assert.deepEqual(await page.rootOf(0n, BigInt(size), hashOf), root);
    for (let index = 0; index < size; index += 1 + (size >> 3)) {
      const proof = await page.proveInclusion(BigInt(index), BigInt(size), hashOf);
      assert.ok(await page.verifyInclusion(proof, leaves[index], BigInt(index), BigInt(size), root));
      assert.ok(!(await page.verifyInclusion(proof, leaves[index], BigInt(index + 1), BigInt(size), root)));
      assert.ok(!(await page.verifyInclusion([...proof, root], leaves[index], BigInt(index), BigInt(size), root)));
    }
  }
  assert.ok(!(await page.verifyInclusion([], leaves[0], 0n, 0n, leaves[0])));
  assert.ok(await page.verifyInclusion([], leaves[0], 0n, 1n, leaves[0]));
});

test('paths and bundles', () => {
  for (const [index, path] of [[0n, '000'], [999n, '999'], [1000n, 'x001/000'], [1234067n, 'x001/x234/067']]) {
    assert.equal(page.indexPath(index), path);
  }
  const bytes = Uint8Array.of(0, 3, 97, 98, 99, 0, 0);
  assert.deepEqual(page.entriesOf(bytes, 2n), [Uint8Array.of(97, 98, 99), new Uint8Array()]);
  for (let cut = 0; cut < bytes.length; cut++) assert.equal(page.entriesOf(bytes.subarray(0, cut), 2n), null);
  assert.equal(page.entriesOf(bytes, 1n), null);
});

test('notes and checkpoints', async () => {
  // The example of c2sp.org/signed-note.
  const foo = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
  const line = '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
  const key = await page.parseVkey(foo);
  const note = page.parseNote(utf8(`This is an example message.\n\n${line}`));
  assert.equal(note.text, 'This is an example message.\n');
  assert.equal(note.signatures[0].id, key.id);
  assert.ok(await page.verifySignature(key.bytes, utf8(note.text), note.signatures[0].bytes));
  for (const bad of ['', 'a\n', `a\n${line}`, `a\n\n${line.trimEnd()}`, `a\n\n${line}\n`, `a\r\n\n${line}`, `a\n\n${line.replace('— ', '- ')}`,
    `a\n\n${line.replace('=', '')}`, `a\n\n${line}x`, `a\n\n${line.repeat(101)}`, `a\n\n— a AAAAAA==\n`, `${'a'.repeat(131_072)}\n\n${line}`]) {
    assert.equal(page.parseNote(utf8(bad)), null, bad.slice(0, 80));
  }
  const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
  const read = (text) => page.parseCheckpoint(text);
  assert.equal((await read(`example.com/log\n20852163\n${root}\n`)).size, 20852163n);
  assert.ok(await read(`a b+c\n1\n${root}\nextension\n`));
  for (const bad of [`\n1\n${root}\n`, `a\n01\n${root}\n`, `a\n0\n${root}\n`, `a\n1\n${root}`, `a\n1\n`, `a\n1\n${root.slice(4)}\n`,
    `a\n9223372036854775808\n${root}\n`, `a\n1\n${root}\n\n`, `${'a'.repeat(256)}\n1\n${root}\n`]) {
    assert.equal(await read(bad), null, bad);
  }
});

test('vkeys', async () => {
  const key = new Key();
  const good = key.vkey('a.example/log');
  assert.equal((await page.parseVkey(good)).name, 'a.example/log');
  assert.equal((await page.parseVkey(key.vkey('w', 4))).type, 4);
  const [name, id, base64] = [good.split('+')[0], good.split('+')[1], good.slice(good.split('+').slice(0, 2).join('+').length + 1)];
  for (const bad of ['', name, `${name}+${id}`, `+${id}+${base64}`, `${name}+${id.toUpperCase()}x+${base64}`, `${name}+00000000+${base64}`,
    `a b+${id}+${base64}`, `a\u0085b+${id}+${base64}`, `${name}+${id}+${base64}=`, `other+${id}+${base64}`]) {
    assert.equal(await page.parseVkey(bad), null, bad);
  }
  // A key of small order has a good id and is no key.
  const identity = Object.assign(new Key(), { bytes: Buffer.from([1, ...new Array(31).fill(0)]) });
  assert.equal(await page.parseVkey(identity.vkey('weak')), null);
});

test('policies', async () => {
  const [log, one, two, three] = Array.from({ length: 4 }, () => new Key());
  const lines = [
    '# a comment', `log ${log.vkey('a.example/log')} https://a.example/`, `witness W1 ${one.vkey('w1', 4)}`, `witness W2 ${two.vkey('w2', 4)}`,
    `witness W3 ${three.vkey('w3', 4)}`, 'group two 2 W1 W2 W3', 'group alone any two', '\tquorum \t alone', '',
  ];
  const good = `${lines.join('\n')}\n`;
  assert.equal((await page.parsePolicy(good)).groups.length, 2);
  const bad = [
    good.trimEnd(), good.replace('quorum', 'Quorum'), good.replace('\tquorum \t alone\n', ''), `${good}quorum none\n`, good.replace('2 W1', '4 W1'),
    good.replace('2 W1', '0 W1'), good.replace('2 W1', '02 W1'), good.replace('2 W1', 'constructor W1'), good.replace('W1 W2 W3', 'W1 W1 W3'),
    good.replace('alone any two', 'alone any two W1'), good.replace('alone any', 'W1 any'), good.replace('alone any', 'none any'),
    good.replace('any two', 'any alone'), good.replace(' https://a.example/', ' # comment'), good.replace('https://a.example/', '#'),
    good.replace(one.vkey('w1', 4), one.vkey('w1')), good.replace(log.vkey('a.example/log'), log.vkey('a.example/log', 4)),
    good.replace(two.vkey('w2', 4), one.vkey('w1', 4)), good.replace(/\n/g, '\r\n'), good.replace('W3 ', 'W3\u007f '),
  ];
  for (const text of bad) {
    assert.notEqual(text, good);
    await assert.rejects(page.parsePolicy(text), { status: 'unknown' }, text);
  }
  // What it takes is read as it is written.
  const text = 'a.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n';
  const signed = `${text}\n${log.line('a.example/log', Buffer.from(text))}`;
  const open = async (note, policy) => page.openCheckpoint(page.parseNote(utf8(note)), await page.parsePolicy(policy));
  assert.equal((await open(signed, good)).reached, false);
  assert.equal((await open(signed + one.cosign('w1', text), good)).reached, false);
  assert.equal((await open(signed + one.cosign('w1', text) + one.cosign('w1', text, 1), good)).reached, false);
  const both = await open(signed + one.cosign('w1', text) + three.cosign('w3', text), good);
  assert.deepEqual([both.reached, both.witnesses], [true, 2]);
  const reject = (note, code) => assert.rejects(open(note, good), { status: 'bad', code });
  await reject(signed + one.cosign('w1', text.replace('0', '1')), 'cosignatureBad');
  await reject(`${text}\n${one.cosign('w1', text)}`, 'logSignatureMissing');
  await reject(signed.replace('a.example/log\n0', 'b.example/log\n0'), 'originUnknown');
  await reject(`${text}\n${log.line('a.example/log', Buffer.from('other'))}`, 'logSignatureBad');
});

test('root keys as they are pasted', async () => {
  const [one, two] = [new Key(), new Key()];
  assert.deepEqual([...(await page.parseRoots(`# mine\n\n${one.openssh()}  ${two.openssh()}${one.openssh()}`)).keys()], [one.id, two.id]);
  const weak = Object.assign(new Key(), { bytes: Buffer.from([1, ...new Array(31).fill(0)]) });
  for (const bad of ['', '# none', 'ssh-rsa AAAA', 'ssh-ed25519', one.openssh().replace('AAAA', 'AAAB'), weak.openssh(), one.hex]) {
    await assert.rejects(page.parseRoots(bad), { status: 'unknown' }, bad);
  }
});

test('both languages say everything', () => {
  const names = Object.keys(page.TEXTS.en);
  assert.deepEqual(Object.keys(page.TEXTS.fr), names);
  const holes = (text) => (text.match(/\{\w+\}/g) ?? []).sort();
  for (const name of names) assert.deepEqual(holes(page.TEXTS.fr[name]), holes(page.TEXTS.en[name]), name);
  const html = readFileSync(new URL('../../src/server/assets/verify.html', import.meta.url), 'utf8');
  for (const [, name] of html.matchAll(/data-text="(\w+)"/g)) assert.ok(names.includes(name), name);
  const script = readFileSync(new URL('../../src/server/assets/verify.js', import.meta.url), 'utf8');
  for (const [, name] of script.matchAll(/(?:bad|unknown)\('(\w+)'/g)) assert.ok(names.includes(name), name);
  for (const [, name] of script.matchAll(/run\.(?:step|note)\('(\w+)'/g)) assert.ok(names.includes(`step_${name}`), name);
});

test('strangers’ words are made harmless', () => {
  assert.equal(page.visible('a\u202eb\u0000\n\u{e0041}'), 'a\\u{202e}b\\u{0}\\u{a}\\u{e0041}');
  assert.equal(page.visible('Fédération, Минобороны, 国防部, وزارة'), 'Fédération, Минобороны, 国防部, وزارة');
  assert.equal([...page.visible('😀'.repeat(1000))].length, 300);
  assert.equal(page.say('originUnknown', { origin: '{name} \u2066' }), 'no log of the policy has the origin {name} \\u{2066}');
});

test('words that the program knows are known here', () => {
  const script = readFileSync(new URL('../../src/server/assets/verify.js', import.meta.url), 'utf8');
  const variantsOf = (file, name) => {
    const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
    const [, body] = new RegExp(`^pub enum ${name} \\{$([^]*?)^\\}$`, 'm').exec(source);
    return [...body.matchAll(/^ {4}([A-Z])(\w*)[,( {]/gm)].map(([, first, rest]) => first.toLowerCase() + rest);
  };
  const enums = {
    'article/claim.rs': ['Scope', 'Strength', 'LanguageSource', 'OriginKind', 'OriginRole', 'BylineKind', 'BylineRole', 'Person'],
    'article/warning.rs': ['Warning'],
    'article/container/mod.rs': ['Relation'],
    'record/registration.rs': ['DocumentKind', 'Extent'],
    'record/key_statement.rs': ['KeyAction'],
    'record/kind.rs': ['Kind'],
  };
  for (const [file, names] of Object.entries(enums)) {
    for (const name of names) {
      const variants = variantsOf(file, name);
      assert.ok(variants.length > 0, name);
      for (const variant of variants) assert.match(script, new RegExp(`'${variant}'|\\b${variant}: \\{`), `${name} ${variant}`);
    }
  }
});

test('the page asks nothing of others and runs no text', () => {
  const read = (name) => readFileSync(new URL(`../../src/server/assets/${name}`, import.meta.url), 'utf8');
  const [html, script, style] = ['verify.html', 'verify.js', 'style.css'].map(read);
  for (const sink of ['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'document.write', 'eval(', 'Function(', 'srcdoc', '.style.']) {
    assert.ok(!script.includes(sink), sink);
  }
  assert.ok(!/<script>|\son\w+=|style="/.test(html));
  assert.ok(!/https?:\/\//.test(html) && !/url\(|@import/.test(style));
  assert.ok(!/^import |import\(/m.test(script));
  // As one file, they end where they should.
  assert.ok(!/<\/(script|style)/i.test(script + style));
  assert.equal(standalone().match(/<!-- inline -->/g), null);
});
