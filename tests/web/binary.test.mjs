// The page against the program: the same proofs, good and tampered with, must get the same answer.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import * as page from '../../src/server/assets/verify.js';
import {
  at, binary, changed, checkByPage, checkByProgram, entryOf, Key, keyStatement, Log, partsOfProof, pathsOf, proofOf, statementOf, story,
  Workspace,
} from './lab.mjs';

if (!binary) throw new Error('DATELINE_BIN names the program; it is not set');

/** Both must say the same, and what is tampered with is never verified. */
async function compare(what, input, expected) {
  const program = checkByProgram(input);
  const result = await checkByPage(input);
  const last = result.steps.at(-1);
  assert.equal(result.verdict, program.verdict, `${what}: ${last.name}: ${last.detail}; the program says: ${program.told}`);
  if (expected) assert.equal(result.verdict, expected, what);
  if (program.json) {
    assert.deepEqual(result.notChecked.map((one) => one.text), program.json.notChecked, what);
    assert.deepEqual([String(result.record), result.signer, result.log], [String(program.json.record), program.json.signer, program.json.logOrigin]);
    assert.equal(result.answer, program.json.answer, what);
    const plain = result.withheld.map(({ commitment, field, erased }) =>
      ({ commitment, field, ...(erased && { erased: { entry: Number(erased.entry), reason: erased.reason } }) }));
    assert.deepEqual(plain, program.json.withheld, what);
  }
  return result;
}

/** A workspace whose log has a statement of every kind. */
let lab;
const records = {};
before(() => {
  lab = new Workspace();
  lab.write('a.txt', story(1));
  lab.write('b.txt', story(2));
  lab.write('c.txt', story(3));
  lab.run('add', 'a.txt', 'b.txt', '--yes');
  Object.assign(records, { key: 0, registration: 1, other: 2 });
  const say = (kind, ...args) => {
    lab.run(...args);
    records[kind] = Object.values(records).reduce((most, one) => Math.max(most, one)) + 1;
  };
  say('relation', 'cite', '1', '2', '--relation', 'quotes', '--quote', 'la séance');
  say('unresolved', 'cite', '1', '--unresolved', 'a release', '--unresolved-org', 'A ministry');
  say('assessment', 'assess', '1', 'origin', 'verified', '--method', 'origin-publication', '--evidence', 'https://mil.example/1');
  say('confirmation', 'confirm', '1', 'origin', '--note', 'asked the desk');
  say('observation', 'observe', '1', '--url', 'https://www.example.org/story', '--found', 'gone', '--status', '404');
  say('notice', 'note', '1', 'embargo', '--until', '2026-12-01T06:00:00Z');
  say('retraction', 'retract', '1', '--note', 'it was forged', '--replaced-by', '2');
  say('sealed', 'add', 'c.txt', '--sealed', '--yes');
  lab.run('key', 'new', '--no-passphrase', 'second');
  say('enrolled', 'key', 'enrol', 'keys/private/second.pub', '--role', 'editor', '--name', 'A. Diarra');
  lab.run('key', 'new', '--no-passphrase', 'third');
  say('rotated', 'key', 'rotate', 'keys/private/second.pub', 'keys/private/third.pub', '--role', 'editor');
  lab.write('d.txt', story(4));
  say('byThird', 'add', 'd.txt', '--yes', '--key', 'keys/private/third');
  lab.run('key', 'new', '--no-passphrase', 'root2');
  say('root', 'key', 'enrol', 'keys/private/root2.pub', '--role', 'root');
  say('approvals', 'key', 'require-approvals', '2');
  say('beforeErasure', 'add', lab.write('e.txt', story(5)), '--yes');
  say('erasure', 'erase', String(records.beforeErasure), 'bylines', '--reason', 'pii', '--yes');
});

const trust = () => ({ policy: lab.policy, roots: lab.roots });

test('good proofs', async () => {
  for (const [kind, record] of Object.entries(records)) {
    await compare(kind, { ...trust(), proof: lab.prove(record) }, 'verified');
  }
  const registration = { ...trust(), proof: lab.prove(1), document: lab.read('a.txt') };
  const result = await compare('with its document', registration, 'verified');
  assert.ok(result.view.some((one) => one.label === 'byline' && one.value === 'Aïssata Diarra'));
  assert.deepEqual(result.establishes.map((one) => one.text), [
    'This establishes that the record is in the log, signed by a key that a root key enrolled before it.',
    'It does not establish that the named origin produced the document, nor that it is true.',
  ]);
  await compare('a statement with the document that it is about', { ...registration, proof: lab.prove(records.relation) }, 'verified');
  await compare('a statement with another document', { ...registration, proof: lab.prove(records.relation), document: lab.read('b.txt') }, 'invalid');
  await compare('a statement about a key, with a document', { ...registration, proof: lab.prove(0) }, 'invalid');
  await compare('by a rotated key', { ...trust(), proof: lab.prove(records.byThird), document: lab.read('d.txt') }, 'verified');
});

test('other bytes: the program may find the wording, the page says that it cannot', async () => {
  const proof = lab.prove(1);
  const spaced = Buffer.from(story(1).replaceAll('\n', '\r\n'));
  const page = async (document) => checkByPage({ ...trust(), proof, document });
  assert.equal(checkByProgram({ ...trust(), proof, document: spaced }).verdict, 'verified');
  assert.equal((await page(spaced)).verdict, 'unverifiable');
  assert.equal(checkByProgram({ ...trust(), proof, document: lab.read('b.txt') }).verdict, 'invalid');
  const other = await page(lab.read('b.txt'));
  assert.deepEqual([other.verdict, other.steps.at(-1).code], ['unverifiable', 'otherBytes']);
});

test('withheld, erased and lost openings', async () => {
  const document = lab.read('a.txt');
  for (const fields of [['bylines'], ['quotes'], ['bylines', 'quotes']]) {
    const proof = lab.prove(1, ...fields.flatMap((field) => ['--withhold', field]));
    const result = await compare(fields.join(), { ...trust(), document, proof }, 'verified');
    assert.ok(result.withheld.length >= 1);
  }
  const erased = await compare('erased', { ...trust(), proof: lab.prove(records.beforeErasure) }, 'verified');
  assert.ok(erased.withheld.length > 0 && erased.withheld.every((one) => one.erased.entry === BigInt(records.erasure) && one.erased.reason === 'pii'));
  const { extra, index, hashes, checkpoint } = partsOfProof(lab.prove(1));
  for (let lost = 0; lost < extra.openings.length; lost++) {
    const proof = proofOf({ ...extra, openings: extra.openings.filter((_, at) => at !== lost) }, index, hashes, checkpoint);
    const result = await compare(`opening ${lost} lost`, { ...trust(), document, proof }, 'unverifiable');
    assert.equal(result.missing.length, 1);
  }
});

test('every line of a proof', async () => {
  const good = lab.prove(1).toString();
  const lines = good.split('\n');
  const cases = [];
  for (const at of lines.keys()) {
    const put = (...into) => [...lines.slice(0, at), ...into, ...lines.slice(at + 1)].join('\n');
    const line = lines[at];
    cases.push(put(), put(line, line), put(`${line} `), put(` ${line}`), put(`${line}\r`), put(''), put(line.toUpperCase()));
    if (at > 0) cases.push([...lines.slice(0, at - 1), line, lines[at - 1], ...lines.slice(at + 1)].join('\n'));
    for (const place of [0, 1, line.length >> 2, line.length >> 1, line.length - 2, line.length - 1].filter((place) => place >= 0 && place < line.length)) {
      const other = line[place] === 'A' ? 'B' : 'A';
      cases.push(put(line.slice(0, place) + other + line.slice(place + 1)), put(line.slice(0, place) + line.slice(place + 1)));
    }
  }
  cases.push(`${good}x`, `\ufeff${good}`, good.replace('\nindex 1\n', '\nindex 01\n'), good.replace('\nindex 1\n', '\nindex 18446744073709551615\n'),
    good.replace('\nindex 1\n', '\nindex 9223372036854775807\n'), '', 'x', good.slice(0, good.length >> 1));
  const document = lab.read('a.txt');
  for (const [number, text] of [...new Set(cases)].entries()) {
    // A signature that stands twice holds twice.
    if (text === good || text === `${good}${lines.at(-2)}\n`) continue;
    const result = await compare(`case ${number}`, { ...trust(), document, proof: Buffer.from(text) });
    assert.notEqual(result.verdict, 'verified', `case ${number}`);
  }
});

test('every bit of a proof in places', async () => {
  const good = lab.prove(records.byThird);
  for (let at = 0; at < good.length * 8; at += 8 * Math.max(1, good.length >> 7) + 1) {
    const proof = Buffer.from(good);
    proof[at >> 3] ^= 1 << (at & 7);
    const result = await compare(`bit ${at}`, { ...trust(), proof });
    assert.notEqual(result.verdict, 'verified', `bit ${at}`);
  }
});

/** The program is asked some ten thousand times if WEB_ALL is set; else of what is alike, one in nine. */
let turn = 0;
const isLeftOut = () => !process.env.WEB_ALL && turn++ % 9 !== 0;

/** What may be done to a member of JSON, by name. */
function* changesOf(value) {
  yield ['left out', (holder, name) => (Array.isArray(holder) ? holder.splice(name, 1) : delete holder[name])];
  for (const other of [null, 'x', '', 7, -1, 1.5, true, {}, [], [null], 18446744073709551615]) {
    if (JSON.stringify(other) !== JSON.stringify(value)) yield [`as ${JSON.stringify(other)}`, (holder, name) => { holder[name] = other; }];
  }
  if (typeof value === 'string' && value !== '') {
    for (const place of new Set([0, value.length >> 1, value.length - 1])) {
      const other = value[place] === 'a' ? 'b' : 'a';
      yield [`changed at ${place}`, (holder, name) => { holder[name] = value.slice(0, place) + other + value.slice(place + 1); }];
    }
    yield ['longer', (holder, name) => { holder[name] += '='; }];
    yield ['shorter', (holder, name) => { holder[name] = value.slice(0, -4); }];
  }
  if (typeof value === 'number') yield ['one more', (holder, name) => { holder[name]++; }];
  if (Array.isArray(value) && value.length > 0) {
    yield ['with one twice', (holder, name) => { holder[name].push(value[0]); }];
    yield ['reversed', (holder, name) => { holder[name].reverse(); }];
  }
  if (value && typeof value === 'object' && !Array.isArray(value)) {
    yield ['with one more', (holder, name) => { holder[name].zzz = 1; }];
  }
}

test('every member of what a proof carries', async () => {
  const withheld = lab.prove(records.beforeErasure);
  let verified = 0;
  for (const proof of [lab.prove(records.byThird, '--withhold', 'bylines'), withheld]) {
    const { extra, index, hashes, checkpoint } = partsOfProof(proof);
    for (const path of pathsOf(extra)) {
      for (const [what, change] of changesOf(at(extra, path))) {
        if (isLeftOut()) continue;
        const other = changed(extra, path, change);
        // An order that nobody looks at, members that nobody reads, what is only the word of whoever made the proof, and
        // statements about other keys.
        const same = ['reversed', 'with one more'].includes(what) || path[0] === 'withheld' ||
          (path[0] === 'keys' && path.length === 2 && what === 'left out');
        const result = await compare(`${path.join('/')} ${what}`, { ...trust(), proof: proofOf(other, index, hashes, checkpoint) });
        if (!same) assert.notEqual(result.verdict, 'verified', `${path.join('/')} ${what}`);
        verified += result.verdict === 'verified';
      }
    }
    const text = JSON.stringify(extra);
    for (const other of [text.replace('{"format"', '{"format":"dateline-proof/1","format"'), text.replace('"index"', '"index":0,"index"'), `${text} `, `${text}x`,
      text.replace('{"format"', '{"more":1,"more":2,"format"'), text.replace('dateline-proof', 'dateline-proo\\u0066'), `\ufeff${text}`, '[]', 'null', '{}']) {
      await compare(other.slice(0, 60), { ...trust(), proof: proofOf(other, index, hashes, checkpoint) });
    }
  }
  assert.ok(verified > 0);
});

test('every part of an entry', async () => {
  const { extra, index, hashes, checkpoint } = partsOfProof(lab.prove(1));
  const entry = Buffer.from(extra.entry, 'base64').toString();
  const envelope = JSON.parse(entry);
  const spellings = [entry.replace(',', ', '), `${entry}\n`, entry.replace('{', '{"a":1,'), entry.slice(1)];
  for (const path of pathsOf(envelope)) {
    for (const [, change] of changesOf(at(envelope, path))) spellings.push(JSON.stringify(changed(envelope, path, change)));
  }
  for (const other of spellings.filter((other) => other !== entry)) {
    const proof = proofOf({ ...extra, entry: Buffer.from(other).toString('base64') }, index, hashes, checkpoint);
    await compare(other.slice(0, 60), { ...trust(), proof }, 'invalid');
  }
});

test('keys that do not fit', async () => {
  const proof = lab.prove(1);
  const other = new Workspace();
  await compare('another root', { ...trust(), roots: other.roots, proof }, 'invalid');
  await compare('both roots', { ...trust(), roots: other.roots + lab.roots, proof }, 'verified');
  await compare('another log of that name', { ...trust(), policy: other.policy, proof }, 'invalid');
  await compare('another log', { ...trust(), policy: new Workspace('other.example/log').policy, proof }, 'invalid');
  const witness = new Key();
  const policy = `${lab.policy.replace('quorum none', `witness W ${witness.vkey('w.example', 4)}\nquorum W`)}`;
  await compare('no witness', { ...trust(), policy, proof }, 'unverifiable');
  const { extra, index, hashes, checkpoint } = partsOfProof(proof);
  const text = checkpoint.slice(0, checkpoint.indexOf('\n\n') + 1);
  const cosigned = (line) => ({ ...trust(), policy, proof: proofOf(extra, index, hashes, checkpoint + line) });
  const result = await compare('a witness', cosigned(witness.cosign('w.example', text)), 'verified');
  assert.equal(result.witnesses, 1);
  await compare('a witness of another text', cosigned(witness.cosign('w.example', `${text}x\n`)), 'invalid');
  await compare('a witness at no time', cosigned(witness.cosign('w.example', text, 2n ** 63n)), 'invalid');
  await compare('somebody else', cosigned(new Key().cosign('w.example', text)), 'unverifiable');
  await compare('a signature of the witness that is none', cosigned(witness.line('w.example', Buffer.from(text), 4)), 'invalid');
});

/** A log in which one signer may say everything, and its last entry says `statement`. */
function logOf(statement, { openings = [], rootKey, key, by = key }) {
  const roles = ['editor', 'ingest', 'assessor', 'dataOfficer'];
  const log = new Log([entryOf(keyStatement('enrol', key, rootKey, { roles }), rootKey), entryOf(statement, by)], { rootKey });
  return { policy: log.policy, roots: log.roots, proof: log.prove(1, { openings }) };
}

test('statements that are signed, in the log, and malformed', async () => {
  const [rootKey, key] = [new Key(), new Key()];
  const seen = { verified: 0, invalid: 0, unverifiable: 0 };
  const kinds = ['registration', 'relation', 'unresolved', 'assessment', 'confirmation', 'observation', 'notice', 'retraction', 'sealed', 'erasure'];
  for (const kind of kinds) {
    const { extra } = partsOfProof(lab.prove(records[kind]));
    const statement = statementOf(Buffer.from(extra.entry, 'base64'));
    statement.predicate.recordedBy = key.id;
    const { openings } = extra;
    await compare(kind, logOf(statement, { openings, rootKey, key }), 'verified');
    // Which document a registration is of is said once; all else twice.
    const always = [
      ['subject', kind === 'registration' ? 1 : 0, 'digest', 'sha256', '0'.repeat(64)], ['predicate', 'recordedBy', rootKey.id], ['predicate', 'recordedAt', '2026-02-30T09:30:00Z'],
      ['predicate', 'recordedAt', '2026-11-23T09:30:00+00:00'], ['predicate', 'recordedAt', '2026-11-23T24:00:00Z'], ['_type', 'x'], ['subject', []],
    ];
    for (const path of always) {
      const other = changed(statement, path.slice(0, -1), (holder, name) => { holder[name] = path.at(-1); });
      await compare(`${kind} ${path.join('/')}`, logOf(other, { openings, rootKey, key }), 'invalid');
    }
    for (const path of pathsOf(statement)) {
      for (const [what, change] of changesOf(at(statement, path))) {
        if (isLeftOut()) continue;
        const other = changed(statement, path, change);
        const result = await compare(`${kind} ${path.join('/')} ${what}`, logOf(other, { openings, rootKey, key }));
        seen[result.verdict]++;
      }
    }
  }
  assert.ok(seen.verified > 0 && seen.invalid > 50 && seen.unverifiable > 0, JSON.stringify(seen));
});

test('statements about keys that are signed, in the log, and malformed', async () => {
  const [rootKey, key, second] = [new Key(), new Key(), new Key()];
  const about = (action, of, more) => keyStatement(action, of, rootKey, more);
  const good = [
    about('enrol', second, { roles: ['editor'] }), about('rotate', second, { roles: ['editor'], replaces: key.id }), about('revoke', key), about('retire', key),
    about('requireApprovals', rootKey, { approvals: 1 }), about('enrol', second, { roles: ['root'] }), about('enrol', second, { roles: ['censor'] }),
  ];
  for (const statement of good) {
    await compare(statement.predicate.action, logOf(statement, { rootKey, key, by: rootKey }), 'verified');
    for (const path of pathsOf(statement)) {
      for (const [what, change] of changesOf(at(statement, path))) {
        if (isLeftOut()) continue;
        const other = changed(statement, path, change);
        await compare(`${statement.predicate.action} ${path.join('/')} ${what}`, logOf(other, { rootKey, key, by: rootKey }));
      }
    }
  }
  const small = { id: '', hex: `01${'00'.repeat(31)}` };
  small.id = await page.keyIdOf(small.hex);
  const bad = [
    about('enrol', key, { roles: ['editor'] }), about('revoke', second), about('retire', second), about('rotate', second, { roles: [] }),
    about('rotate', second, { replaces: second.id }), about('rotate', key, { replaces: key.id }), about('enrol', second, { replaces: key.id }),
    about('revoke', rootKey), about('requireApprovals', rootKey, { approvals: 2 }), about('requireApprovals', rootKey, { approvals: 0 }),
    about('requireApprovals', rootKey), about('revoke', key, { approvals: 1 }), about('enrol', second, { roles: ['root', 'editor'] }), about('enrol', small, { roles: ['editor'] }),
  ];
  for (const statement of bad) {
    await compare(JSON.stringify(statement.predicate), logOf(statement, { rootKey, key, by: rootKey }), 'invalid');
  }
});

test('who may say what, by what the log said before', async () => {
  const [rootKey, key, second, root2, root3] = Array.from({ length: 5 }, () => new Key());
  const { extra } = partsOfProof(lab.prove(1));
  const statement = statementOf(Buffer.from(extra.entry, 'base64'));
  const signed = (by) => entryOf({ ...statement, predicate: { ...statement.predicate, recordedBy: by.id } }, by);
  const says = (action, of, by, more) => entryOf(keyStatement(action, of, by, more), by);
  const editor = { roles: ['editor'] };
  const histories = {
    enrolled: [says('enrol', key, rootKey, editor), signed(key)],
    'not enrolled': [says('enrol', key, rootKey, editor), signed(second)],
    'enrolled by himself': [says('enrol', key, key, editor), signed(key)],
    'a root key registers': [says('enrol', key, rootKey, editor), signed(rootKey)],
    revoked: [says('enrol', key, rootKey, editor), says('revoke', key, rootKey), signed(key)],
    retired: [says('enrol', key, rootKey, editor), says('retire', key, rootKey), signed(key)],
    'rotated away': [says('enrol', key, rootKey, editor), says('rotate', second, rootKey, { ...editor, replaces: key.id }), signed(key)],
    'rotated to': [says('enrol', key, rootKey, editor), says('rotate', second, rootKey, { ...editor, replaces: key.id }), signed(second)],
    'of no role': [says('enrol', key, rootKey, {}), signed(key)],
    'of another role': [says('enrol', key, rootKey, { roles: ['assessor'] }), signed(key)],
    'by a root of the log': [says('enrol', root2, rootKey, { roles: ['root'] }), says('enrol', key, root2, editor), signed(key)],
    'one approval of two': [says('enrol', root2, rootKey, { roles: ['root'] }), says('requireApprovals', rootKey, rootKey, { approvals: 2 }), says('enrol', key, rootKey, editor), signed(key)],
    'two approvals of two': [says('enrol', root2, rootKey, { roles: ['root'] }), says('requireApprovals', rootKey, rootKey, { approvals: 2 }), says('enrol', key, rootKey, editor), says('enrol', key, root2, editor), signed(key)],
    'the same approval twice': [says('enrol', root2, rootKey, { roles: ['root'] }), says('requireApprovals', rootKey, rootKey, { approvals: 2 }), says('enrol', key, rootKey, editor), says('enrol', key, rootKey, editor), signed(key)],
    'two different approvals': [says('enrol', root2, rootKey, { roles: ['root'] }), says('requireApprovals', rootKey, rootKey, { approvals: 2 }), says('enrol', key, rootKey, editor), says('enrol', key, root2, { roles: ['ingest'] }), signed(key)],
    'an approval of an ended root': [says('enrol', root2, rootKey, { roles: ['root'] }), says('enrol', root3, rootKey, { roles: ['root'] }), says('requireApprovals', rootKey, rootKey, { approvals: 2 }),
      says('enrol', key, root3, editor), says('revoke', root3, rootKey), says('revoke', root3, root2), says('enrol', key, rootKey, editor), signed(key)],
    'a root from outside that was ended': [says('enrol', root2, rootKey, { roles: ['root'] }), says('revoke', rootKey, root2), says('enrol', key, rootKey, editor), signed(key)],
    'a signature of another': [says('enrol', key, rootKey, editor), entryOf({ ...statement, predicate: { ...statement.predicate, recordedBy: key.id } }, second, { keyid: key.id })],
  };
  const holds = ['enrolled', 'rotated to', 'by a root of the log', 'two approvals of two'];
  for (const [what, entries] of Object.entries(histories)) {
    const log = new Log(entries, { rootKey });
    const last = entries.length - 1;
    const trust = { policy: log.policy, roots: log.roots };
    const proof = log.prove(last, { keys: [...entries.keys()].slice(0, -1), openings: extra.openings });
    await compare(what, { ...trust, proof }, holds.includes(what) ? 'verified' : 'invalid');
    // The log's own files tell the same, but for openings, which this server has not.
    const online = await page.checkOnline({ ...trust, base: 'http://log.example/', index: String(last), fetcher: log.fetcher() });
    assert.equal(online.verdict, holds.includes(what) ? 'unverifiable' : 'invalid', what);
    assert.equal(online.steps.find((step) => step.status !== 'ok').name, holds.includes(what) ? 'openings' : 'signature', what);
  }
  // A proof that leaves a revocation out is believed, and says what it does not know; the log is not deceived.
  const log = new Log(histories.revoked, { rootKey });
  const left = { policy: log.policy, roots: log.roots, proof: log.prove(2, { keys: [0], openings: extra.openings }) };
  await compare('a revocation left out', left, 'verified');
  const strange = new Log([says('enrol', key, rootKey, { ...editor, recordedBy: second.id }), signed(key)], { rootKey });
  await compare('an enrolment that contradicts itself', { policy: strange.policy, roots: strange.roots, proof: strange.prove(1, { openings: extra.openings }) }, 'invalid');
  const misplaced = { keys: [1, 0], openings: extra.openings };
  await compare('keys out of order', { ...left, proof: log.prove(2, misplaced) }, 'invalid');
  await compare('the record as a key', { ...left, proof: log.prove(2, { keys: [0, 2], openings: extra.openings }) }, 'invalid');
  await compare('a key twice', { ...left, proof: log.prove(2, { keys: [0, 0], openings: extra.openings }) }, 'invalid');
});

test('openings that are not those of the entry', async () => {
  const { extra, index, hashes, checkpoint } = partsOfProof(lab.prove(1));
  const other = partsOfProof(lab.prove(2)).extra.openings;
  const opening = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const lists = [
    [...extra.openings, other[0]], [...extra.openings, extra.openings[0]], [...extra.openings, ''], [...extra.openings, '!'],
    [...extra.openings, opening({})], [...extra.openings, opening([])], [...extra.openings, opening(['salt', '_sd', 1])],
    [...extra.openings, `${extra.openings[0]}=`], other, [`${extra.openings[0].slice(0, -1)}`, ...extra.openings.slice(1)],
  ];
  for (const [number, openings] of lists.entries()) {
    await compare(`list ${number}`, { ...trust(), proof: proofOf({ ...extra, openings }, index, hashes, checkpoint) }, 'invalid');
  }
  // Commitments that a signer wrote: in places of their own, twice, of a wrong length, of other kinds.
  const [rootKey, key] = [new Key(), new Key()];
  const digest = async (text) => page.toBase64url(await page.sha256(page.utf8(text)));
  const member = opening(['salt', 'quote', 'words']);
  const element = opening(['salt', 'words']);
  const nested = opening(['salt', 'quote', { _sd: [await digest(member)] }]);
  const statement = statementOf(Buffer.from(partsOfProof(lab.prove(records.unresolved)).extra.entry, 'base64'));
  const withMembers = (more) => ({ ...statement, predicate: { ...statement.predicate, recordedBy: key.id, ...more } });
  const [ofMember, ofElement, ofNested] = await Promise.all([member, element, nested].map(digest));
  const registration = statementOf(Buffer.from(extra.entry, 'base64'));
  Object.assign(registration.predicate, { recordedBy: key.id, bylines: [{ '...': ofElement }] });
  const rest = extra.openings.slice(1);
  await compare('a byline that is lost', logOf(registration, { rootKey, key, openings: rest }), 'unverifiable');
  await compare('a byline that opens to none', logOf(registration, { rootKey, key, openings: [element, ...rest] }), 'invalid');
  const cases = [
    [{ _sd: [ofMember] }, [member]], [{ _sd: [ofMember] }, []], [{ _sd: [ofElement] }, [element]], [{ _sd: [ofMember, ofMember] }, [member]],
    [{ _sd: [ofMember, ofMember] }, []], [{ list: [{ '...': ofElement }, { '...': ofElement }] }, [element]],
    [{ _sd: [ofMember.slice(1)] }, []], [{ _sd: 'x' }, []], [{ _sd: [7] }, []], [{ _sd: [ofNested] }, [nested, member]], [{ _sd: [ofNested] }, [nested]],
    [{ _sd: [ofMember], quote: 'x' }, [member]], [{ _sd_alg: 'sha-512', _sd: [ofMember] }, [member]], [{ _sd_alg: 7 }, []], [{ '...': ofMember }, []],
    [{ list: [{ '...': ofElement }] }, [element]], [{ list: [{ '...': ofElement }] }, []], [{ list: [{ '...': ofMember }] }, [member]],
    [{ list: [{ '...': ofElement, more: 1 }] }, [element]], [{ list: [{ '...': 7 }] }, []], [{ list: [[{ '...': ofElement }]] }, [element]],
    [{ 'a/b~c': { _sd: [ofMember] } }, []], [{ ['x'.repeat(2000)]: { _sd: [ofMember] } }, []], [{ _sd: [`${ofMember.slice(2)}é`] }, []],
  ];
  for (const [more, openings] of cases) {
    const plain = { _sd: [], _sd_alg: 'sha-256', ...more };
    await compare(JSON.stringify(more).slice(0, 80), logOf(withMembers(plain), { rootKey, key, openings }));
  }
});

test('JSON that says two things, or too much', async () => {
  const [rootKey, key] = [new Key(), new Key()];
  const statement = statementOf(Buffer.from(partsOfProof(lab.prove(records.unresolved)).extra.entry, 'base64'));
  statement.predicate.recordedBy = key.id;
  const text = JSON.stringify(statement);
  const nested = (levels) => text.replace('"predicate":{', `"predicate":{"deep":${'['.repeat(levels)}${']'.repeat(levels)},`);
  const cases = [
    text.replace('"predicate":{', '"predicate":{"a":1,"a":2,'), text.replace('"predicate":{', '"predicate":{"a":1,'), `${text} `, ` ${text}`, `${text}{}`, `\ufeff${text}`,
    text.replace('"predicate":{', '"predicate":{"a":1e999,'), text.replace('"predicate":{', '"predicate":{"a":"\\ud800",'), text.replace('"predicate":{', '"predicate":{"a":"\\ud83d\\ude00",'),
    text.replace('"predicate":{', '"predicate":{"a":123456789012345678901234567890,'), text.replace('urn:dateline:relation:v1', 'urn:dateline:relation:v2'),
    text.replace('urn:dateline:relation:v1', 'urn:dateline:constructor:v1'), text.replace('urn:dateline:relation:v1', 'urn:dateline:notice:v1'), nested(29), nested(30), nested(31), nested(32), nested(200),
    '', '[]', 'null', '{}', text.replace('/v1"', '/v0.1"'), text.replace('"predicate":{', '"predicate":{"__proto__":{"about":1},'),
  ];
  for (const one of cases) await compare(one.slice(0, 200), logOf(one, { rootKey, key }));
});

// ---- The log's own files

function serve(dir) {
  const server = createServer((request, response) => {
    const path = join(dir, decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    if (!existsSync(path)) response.writeHead(404).end();
    else response.writeHead(200).end(readFileSync(path));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ base: `http://127.0.0.1:${server.address().port}/records`, close: () => server.close() }));
  });
}

test('a log by its own files', async (t) => {
  const server = await serve(lab.dir);
  t.after(() => server.close());
  const check = (index, more = {}) => page.checkOnline({ ...trust(), base: server.base, index: String(index), ...more });
  for (const [kind, record] of Object.entries(records)) {
    const result = await check(record);
    assert.equal(result.verdict, 'verified', `${kind}: ${result.steps.at(-1).detail}`);
  }
  const erased = await check(records.beforeErasure, { document: lab.read('e.txt') });
  assert.ok(erased.withheld.length > 0 && erased.withheld.every((one) => one.erased.entry === BigInt(records.erasure)));
  assert.equal((await check(1, { document: lab.read('a.txt') })).answer, 'sameBytes');
  assert.equal((await check(1, { document: lab.read('b.txt') })).verdict, 'unverifiable');
  assert.equal((await check(records.relation, { document: lab.read('b.txt') })).verdict, 'invalid');
  const size = Object.keys(records).length;
  for (const index of [size, '99999999999999999999', '-1', 'x', '']) assert.equal((await check(index)).verdict, 'unverifiable', index);
  const other = new Workspace();
  assert.equal((await check(1, { policy: other.policy })).verdict, 'invalid');
  assert.equal((await check(1, { roots: other.roots })).verdict, 'invalid');
  for (const base of ['http://127.0.0.1:1/', `${server.base}/nothing/`, 'file:///etc', 'x y']) {
    assert.equal((await page.checkOnline({ ...trust(), base, index: '1' })).verdict, 'unverifiable', base);
  }
});

test('a log of several tiles, whole and damaged', async (t) => {
  const large = new Workspace();
  mkdirSync(large.path('dispatches'));
  for (let number = 0; number < 600; number++) writeFileSync(large.path(`dispatches/${String(number).padStart(4, '0')}.txt`), story(number));
  large.run('add', 'dispatches', '--yes');
  const server = await serve(large.dir);
  t.after(() => server.close());
  const check = (index, more = {}) => page.checkOnline({ policy: large.policy, roots: large.roots, base: server.base, index: String(index), ...more });
  let progress = [];
  for (const index of [0, 1, 255, 256, 257, 511, 512, 600]) {
    progress = [];
    const result = await check(index, { onProgress: (done, total) => progress.push([done, total]) });
    assert.equal(result.verdict, 'verified', `${index}: ${result.steps.at(-1).detail}`);
    assert.ok(result.steps.some((step) => step.code === 'inclusionMade'));
  }
  assert.deepEqual(progress, [[256n, 601n], [512n, 601n], [601n, 601n]]);
  // A log that has grown since its checkpoint: the full tile in the place of the partial one.
  const before = readFileSync(large.path('records/checkpoint'));
  const two = readFileSync(large.path('records/tile/1/000.p/2'));
  mkdirSync(large.path('more'));
  for (let number = 600; number < 800; number++) writeFileSync(large.path(`more/${number}.txt`), story(number));
  large.run('add', 'more', '--yes');
  const now = readFileSync(large.path('records/checkpoint'));
  mkdirSync(large.path('records/tile/1/000.p'), { recursive: true });
  writeFileSync(large.path('records/tile/1/000.p/2'), two);
  writeFileSync(large.path('records/checkpoint'), before);
  const grown = await check(600);
  assert.equal(grown.verdict, 'verified', grown.steps.at(-1).detail);
  writeFileSync(large.path('records/checkpoint'), now);

  const files = ['checkpoint', 'tile/0/000', 'tile/0/001', 'tile/1/000.p/3', 'tile/entries/000', 'tile/entries/001', 'disclosures/001'];
  for (const name of files) {
    const path = large.path(`records/${name}`);
    const good = readFileSync(path);
    // The middle of the upper tile is the hash over the record's own bundle, which is computed and not read.
    const places = name.startsWith('tile/1') ? [0, good.length - 2] : [0, good.length >> 1, good.length - 2];
    const tampered = places.map((place) => {
      const bytes = Buffer.from(good);
      bytes[place] ^= 1;
      return bytes;
    });
    for (const bytes of [...tampered, good.subarray(0, -1), Buffer.concat([good, Buffer.of(0)]), Buffer.alloc(0), null]) {
      if (bytes === null) rmSync(path);
      else writeFileSync(path, bytes);
      const result = await check(300);
      // A tile of hashes beside the way to the record, or an opening of another record, is not looked at.
      const looked = !['tile/0/000'].includes(name) && !(name === 'disclosures/001' && bytes?.length === good.length);
      if (looked) assert.notEqual(result.verdict, 'verified', `${name} ${bytes?.length}`);
      if (bytes === null && looked) assert.equal(result.verdict, 'unverifiable', name);
    }
    writeFileSync(path, good);
  }
  assert.equal((await check(300)).verdict, 'verified');
  // A statement about keys that is kept from the reader: another entry in its place is noticed.
  const bundle = large.path('records/tile/entries/000');
  const entries = page.entriesOf(new Uint8Array(readFileSync(bundle)), 256n);
  const forged = [entries[1], ...entries.slice(1)].flatMap((entry) => [Buffer.of(entry.length >> 8, entry.length & 255), entry]);
  writeFileSync(bundle, Buffer.concat(forged));
  const result = await check(300);
  assert.deepEqual([result.verdict, result.steps.at(-1).code], ['invalid', 'historyBad']);
});
