// What the tests of the page share: workspaces made by the real program, and logs made here, which may say what no
// program of this project would write.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as page from '../../src/server/assets/verify.js';

export const binary = process.env.DATELINE_BIN;
export const shared = process.env.DATELINE_SHARED;

/** A folder that is gone after the tests. */
export function folder() {
  const dir = mkdtempSync(join(tmpdir(), 'dateline-web-'));
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export const story = (number) =>
  `Port-Clair. La séance numéro ${number} a été levée à midi.\n\n«Nous reprendrons demain», a déclaré la présidente.\n` +
  'Aïssata Diarra\nSource : Ministère de la Pêche\n';

/** A workspace of the real program, with a log whose one signer may say everything. */
export class Workspace {
  constructor(origin = 'web.example.org/log') {
    this.dir = folder();
    const roles = ['editor', 'assessor', 'data-officer'].flatMap((role) => ['--signer-role', role]);
    this.run('init', '--no-passphrase', '--log-origin', origin, ...roles);
  }

  environment() {
    return { ...process.env, XDG_CONFIG_HOME: join(this.dir, 'x'), XDG_STATE_HOME: join(this.dir, 's') };
  }

  run(...args) {
    const options = { cwd: this.dir, env: this.environment(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
    for (let tries = 1; ; tries++) {
      try {
        return execFileSync(binary, args, options);
      } catch (error) {
        // A server that has just registered something may hold the log's lock a moment longer.
        if (error.status !== 11 || tries === 50) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      }
    }
  }

  path(name) {
    return join(this.dir, name);
  }

  write(name, content) {
    writeFileSync(this.path(name), content);
    return name;
  }

  read(name) {
    return new Uint8Array(readFileSync(this.path(name)));
  }

  prove(record, ...args) {
    const name = `${record}-${args.length}-${Math.random()}.tlog-proof`;
    this.run('prove', String(record), ...args, '-o', name);
    return readFileSync(this.path(name));
  }

  get policy() {
    return readFileSync(this.path('keys/policy'), 'utf8');
  }

  get roots() {
    const files = readdirSync(this.path('keys/roots')).sort();
    return files.map((name) => readFileSync(this.path(`keys/roots/${name}`), 'utf8')).join('');
  }
}

const VERDICTS = { 0: 'verified', 1: 'invalid', 3: 'unverifiable' };
let work;

/** What the program says of a proof: the verdict, and what it prints as JSON. */
export function checkByProgram({ document, proof, policy, roots }) {
  work ??= folder();
  const write = (name, bytes) => {
    writeFileSync(join(work, name), bytes);
    return join(work, name);
  };
  const args = ['check', '--format', 'json', '--proof', write('proof', proof), '--policy', write('policy', policy)];
  for (const [at, root] of roots.trim().split('\n').entries()) args.push('--root', write(`root${at}.pub`, `${root}\n`));
  if (document) args.push(write('document', document));
  const { status, stdout, stderr } = spawnSync(binary, args, { cwd: work, encoding: 'utf8' });
  if (!(status in VERDICTS)) throw new Error(`the program ended with ${status}: ${stderr}`);
  return { verdict: VERDICTS[status], json: status === 0 ? JSON.parse(stdout) : null, told: stderr };
}

/** What the page says of it. */
export async function checkByPage({ document, proof, policy, roots }) {
  const result = await page.checkProof({ document, proof: new Uint8Array(proof), policy, roots });
  if (result.error) throw result.error;
  return result;
}

// ---- Logs made here

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** An Ed25519 key pair. */
export class Key {
  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.bytes = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    this.hex = this.bytes.toString('hex');
    this.id = sha256(`{"keytype":"ed25519","keyval":{"public":"${this.hex}"},"scheme":"ed25519"}`).toString('hex');
    this.sign = (message) => sign(null, message, privateKey);
  }

  vkey(name, type = 1) {
    const typed = Buffer.concat([Buffer.from([type]), this.bytes]);
    return `${name}+${sha256(`${name}\n`, typed).subarray(0, 4).toString('hex')}+${typed.toString('base64')}`;
  }

  line(name, message, type = 1, before = Buffer.alloc(0)) {
    const id = Buffer.from(this.vkey(name, type).split('+')[1], 'hex');
    return `— ${name} ${Buffer.concat([id, before, this.sign(message)]).toString('base64')}\n`;
  }

  cosign(name, text, time = 1_700_000_000) {
    const seconds = Buffer.alloc(8);
    seconds.writeBigUInt64BE(BigInt(time));
    return this.line(name, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), 4, seconds);
  }

  openssh() {
    const head = Buffer.from('0000000b7373682d6564323535313900000020', 'hex');
    return `ssh-ed25519 ${Buffer.concat([head, this.bytes]).toString('base64')} a test\n`;
  }
}

/** Returns the bytes of an entry that says `statement`, an object or a text, signed by `key`. */
export function entryOf(statement, key, changes = {}) {
  const payload = Buffer.from(typeof statement === 'string' ? statement : JSON.stringify(statement));
  const signature = key.sign(Buffer.from(page.pae(new Uint8Array(payload))));
  const { keyid = key.id, sig = signature.toString('base64') } = changes;
  return Buffer.from(
    `{"payload":"${payload.toString('base64')}","payloadType":"application/vnd.in-toto+json",` +
      `"signatures":[{"keyid":"${keyid}","sig":"${sig}"}]}`,
  );
}

export const keyStatement = (action, key, by, more = {}) => ({
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'key', digest: { sha256: key.id } }],
  predicateType: 'urn:dateline:key:v1',
  predicate: {
    action, key: { keyType: 'ed25519', public: key.hex }, recordedBy: by.id, recordedAt: '2026-11-23T09:30:00Z', ...more,
  },
});

const leafHash = (entry) => sha256(Buffer.from([0]), entry);
const root = (hashes) => {
  if (hashes.length <= 1) return hashes[0] ?? sha256('');
  let left = 1;
  while (left * 2 < hashes.length) left *= 2;
  return sha256(Buffer.from([1]), root(hashes.slice(0, left)), root(hashes.slice(left)));
};
const inclusion = (hashes, index) => {
  if (hashes.length <= 1) return [];
  let left = 1;
  while (left * 2 < hashes.length) left *= 2;
  return index < left
    ? [...inclusion(hashes.slice(0, left), index), root(hashes.slice(left))]
    : [...inclusion(hashes.slice(left), index - left), root(hashes.slice(0, left))];
};

/** A log of `entries`, signed by keys of its own. The tree is computed by recursion, as RFC 6962 defines it. */
export class Log {
  constructor(entries, { rootKey = new Key(), origin = 'forged.example.org/log' } = {}) {
    Object.assign(this, { entries, origin, rootKey, logKey: new Key() });
    this.leaves = entries.map(leafHash);
    this.text = `${origin}\n${entries.length}\n${root(this.leaves).toString('base64')}\n`;
    this.checkpoint = `${this.text}\n${this.logKey.line(origin, Buffer.from(this.text))}`;
    this.policy = `log ${this.logKey.vkey(origin)}\nquorum none\n`;
    this.roots = rootKey.openssh();
  }

  /** Returns a proof file of entry `index`, by the key statements at `keys`. */
  prove(index, { keys = [0], openings = [], more = {}, checkpoint = this.checkpoint } = {}) {
    const hashes = (at) => inclusion(this.leaves, at).map((hash) => hash.toString('base64'));
    const extra = {
      format: 'dateline-proof/1', entry: this.entries[index].toString('base64'), openings,
      keys: keys.map((at) => ({ index: at, entry: this.entries[at].toString('base64'), proof: hashes(at) })), ...more,
    };
    return proofOf(extra, index, hashes(index), checkpoint);
  }

  /** Answers for a web server that has its files. */
  fetcher() {
    const width = this.entries.length;
    const bundle = Buffer.concat(this.entries.flatMap((entry) => {
      const size = Buffer.alloc(2);
      size.writeUInt16BE(entry.length);
      return [size, entry];
    }));
    const files = {
      '/checkpoint': this.checkpoint,
      [`/tile/0/000.p/${width}`]: Buffer.concat(this.leaves),
      [`/tile/entries/000.p/${width}`]: bundle,
    };
    return async ({ pathname }) =>
      pathname in files ? new Response(files[pathname]) : new Response('', { status: 404 });
  }
}

/** Returns a proof file; `extra` is an object or a text. */
export function proofOf(extra, index, hashes, checkpoint) {
  const text = Buffer.from(typeof extra === 'string' ? extra : JSON.stringify(extra)).toString('base64');
  return Buffer.from(['c2sp.org/tlog-proof@v1', `extra ${text}`, `index ${index}`, ...hashes, '', checkpoint].join('\n'));
}

/** Takes a proof file apart. */
export function partsOfProof(proof) {
  const text = proof.toString();
  const split = text.indexOf('\n\n');
  const [, extra, index, ...hashes] = text.slice(0, split).split('\n');
  return {
    extra: JSON.parse(Buffer.from(extra.slice(6), 'base64')), index: Number(index.slice(6)), hashes,
    checkpoint: text.slice(split + 2),
  };
}

/** Returns the statement that an entry makes. */
export const statementOf = (entry) => JSON.parse(Buffer.from(JSON.parse(entry).payload, 'base64'));

/** Every value inside a JSON value, as the list of names and places that lead to it. */
export function* pathsOf(value, path = []) {
  if (path.length > 0) yield path;
  if (value === null || typeof value !== 'object') return;
  for (const [name, inner] of Object.entries(value)) yield* pathsOf(inner, [...path, name]);
}

export const at = (value, path) => path.reduce((inner, name) => inner[name], value);

/** Returns a copy in which `change` was done to the member `name` of what holds it. */
export function changed(value, path, change) {
  const copy = structuredClone(value);
  change(at(copy, path.slice(0, -1)), path.at(-1));
  return copy;
}
