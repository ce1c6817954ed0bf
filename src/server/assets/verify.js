// Checks a record of a log in the reader's own browser, or in Node 20: nothing of it is left to the server.
//
// It decides as `dateline check --proof` does, from the same inputs: the document's bytes, a proof file, a policy and root
// keys. Without a proof file it reads the log's own files and makes the proof itself. The document is hashed here and never
// sent anywhere. Its bytes are compared, not its wording: that takes the program.
//
// Three answers: `verified`, `invalid` (checked, and bad), `unverifiable` (could not be checked). What strangers wrote,
// in files, logs and keys, is data: it gets into the page as text only (see `put`).
//
//   bytes, hashes, Ed25519 · JSON · notes and policies · the tree · entries · keys · openings · the two ways · the page

/** Ends a check. `status` is `bad` or `unknown`; `code` is a key of TEXTS. */
export class Finding extends Error {
  constructor(status, code, args = {}) {
    super(say(code, args));
    Object.assign(this, { status, code, args });
  }
}
const bad = (code, args) => { throw new Finding('bad', code, args); };
const unknown = (code, args) => { throw new Finding('unknown', code, args); };

// ---- Limits, as in src/base/limits.rs

const NOTE_MAX_BYTES = 131_072;
const NOTE_MAX_SIGNATURES = 100;
const KEY_NAME_MAX_BYTES = 255;
const PROOF_MAX_HASHES = 63;
const TREE_MAX_SIZE = 2n ** 63n - 1n;
const POLICY_MAX_BYTES = 262_144;
const PROOF_MAX_BYTES = 4 * 1024 * 1024;
const ENTRY_MAX_BYTES = 65_535;
const OPENING_MAX_BYTES = 65_536;
const OPENINGS_FILE_MAX_BYTES = 64 * 1024 * 1024;
const OPENINGS_MAX = 4_096;
const OPENINGS_MAX_CHARS = 8 * 1024 * 1024;
const URL_MAX_BYTES = 2_048;
const JSON_DEPTH_MAX = 32;
const APPROVALS_MAX = 32n;
const FULL = 256n;
const U64 = 2n ** 64n;

// ---- Bytes and their spellings. Each has one: what decodes encodes back to the same.

const encoder = new TextEncoder();
export const utf8 = (text) => encoder.encode(text);
/** Returns the text, or null if the bytes are not UTF-8. A byte order mark is kept, as it is signed or hashed too. */
export function fromUtf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
/** A text with a character for each byte, as `atob` and `btoa` have it. */
function binary(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}
const fromBinary = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));
export const toBase64 = (bytes) => btoa(binary(bytes));
export function fromBase64(text) {
  try {
    const decoded = atob(text);
    return btoa(decoded) === text ? fromBinary(decoded) : null;
  } catch {
    return null;
  }
}
export const toBase64url = (bytes) =>
  toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
export function fromBase64url(text) {
  if (/[+/=]/.test(text)) return null;
  const padded = text.replaceAll('-', '+').replaceAll('_', '/') + '='.repeat((4 - (text.length % 4)) % 4);
  return fromBase64(padded);
}
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
export const fromHex = (text) =>
  /^(?:[0-9a-f]{2})*$/.test(text) ? Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16)) : null;
/** Reads a decimal number without sign, space or leading zero, below 2^64. */
export function fromDecimal(text) {
  if (!/^(?:0|[1-9][0-9]{0,19})$/.test(text)) return null;
  const number = BigInt(text);
  return number < U64 ? number : null;
}
function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);
/** Returns a hash of 32 bytes in base64, or null. */
function fromBase64Hash(text) {
  const hash = fromBase64(text);
  return hash?.length === 32 ? hash : null;
}

/** Returns the browser's cryptography, which it keeps from pages that came over plain HTTP. */
function subtle() {
  return globalThis.crypto?.subtle ?? unknown('noCrypto');
}
export const sha256 = async (bytes) => new Uint8Array(await subtle().digest('SHA-256', bytes));

// ---- Ed25519, by the strict rule
//
// WebCrypto alone accepts signatures that anybody can forge: under a key of small order, or with an R of small order. What
// it does not refuse, or refuses in one browser only, is refused here first.

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
function power(base, exponent) {
  let result = 1n;
  for (base %= P; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % P;
    base = (base * base) % P;
  }
  return result;
}
const D = ((P - 121665n) * power(121666n, P - 2n)) % P;
/** The y of the eight points of small order: of order 4, 1, 2, and 8 twice. x does not matter, nor does another spelling. */
const ORDER_8 = littleEndian(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
const SMALL_ORDER = [0n, 1n, P - 1n, ORDER_8, P - ORDER_8];

function littleEndian(bytes) {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
}

/** Returns why 32 bytes are not a point that may be trusted: `notAPoint`, also for a second spelling of one, or `weak`. */
export function pointFault(bytes) {
  const number = littleEndian(bytes);
  const [sign, y] = [number >> 255n, number & (2n ** 255n - 1n)];
  if (y >= P) return 'notAPoint';
  // x² = u / v, which is a square exactly if u · v is.
  const [u, v] = [(y * y + P - 1n) % P, (D * y * y + 1n) % P];
  if (power(u * v, (P - 1n) / 2n) > 1n || (u === 0n && sign === 1n)) return 'notAPoint';
  return SMALL_ORDER.includes(y) ? 'weak' : null;
}

const imported = new Map();
/** Imports a key once: a log has few. */
async function importKey(bytes) {
  const hex = toHex(bytes);
  if (!imported.has(hex)) {
    const fault = pointFault(bytes);
    if (imported.size > 1000) imported.clear();
    try {
      imported.set(hex, fault ? null : await subtle().importKey('raw', bytes, { name: 'Ed25519' }, false, ['verify']));
    } catch (error) {
      if (error instanceof Finding) throw error;
      unknown('noEd25519');
    }
  }
  return imported.get(hex);
}

/** Returns whether a signature holds by the strict rule. */
export async function verifySignature(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64) return false;
  if (pointFault(signature.subarray(0, 32)) || littleEndian(signature.subarray(32)) >= L) return false;
  const public_ = await importKey(key);
  return public_ !== null && subtle().verify({ name: 'Ed25519' }, public_, signature, message);
}

/** Returns the id that envelopes give a key: SHA-256 of its description, as securesystemslib makes it. */
export async function keyIdOf(hex) {
  return toHex(await sha256(utf8(`{"keytype":"ed25519","keyval":{"public":"${hex}"},"scheme":"ed25519"}`)));
}

// ---- JSON as signed things need it: every member name once, bounded depth, whole numbers kept whole

/**
 * Reads JSON: objects as Map, whole numbers as BigInt, all else as JSON.parse does. Throws on a name that stands twice.
 */
export function parseJson(text) {
  let at = 0;
  const fail = () => { throw new SyntaxError(`not JSON at character ${at}`); };
  const space = () => { while (' \t\n\r'.includes(text[at] || 'x')) at++; };
  const words = { true: true, false: false, null: null };
  const escapes = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

  function string() {
    let out = '';
    let from = ++at;
    let escaped = false;
    for (; text[at] !== '"'; at++) {
      if (!(text.charCodeAt(at) >= 0x20)) fail();
      if (text[at] !== '\\') continue;
      escaped = true;
      out += text.slice(from, at++);
      if (text[at] === 'u') {
        const digits = text.slice(at + 1, at + 5);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) fail();
        out += String.fromCharCode(parseInt(digits, 16));
        at += 4;
      } else {
        out += escapes[text[at]] ?? fail();
      }
      from = at + 1;
    }
    out += text.slice(from, at++);
    if (escaped && /\p{Surrogate}/u.test(out)) fail();
    return out;
  }
  function number() {
    const pattern = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
    pattern.lastIndex = at;
    const [digits, fraction, exponent] = pattern.exec(text) ?? fail();
    at += digits.length;
    const whole = !fraction && !exponent && digits.length <= 20 && digits !== '-0' ? BigInt(digits) : null;
    if (whole !== null && whole >= -(2n ** 63n) && whole < U64) return whole;
    const float = Number(digits);
    return Number.isFinite(float) ? float : fail();
  }
  function value(depth) {
    space();
    if (text[at] === '"') return string();
    if (text[at] === '[') {
      if (depth >= JSON_DEPTH_MAX) fail();
      const items = [];
      at++;
      for (space(); text[at] !== ']'; space()) {
        if (items.length > 0 && text[at++] !== ',') fail();
        items.push(value(depth + 1));
      }
      at++;
      return items;
    }
    if (text[at] === '{') {
      const members = new Map();
      at++;
      for (space(); text[at] !== '}'; space()) {
        if (depth >= JSON_DEPTH_MAX) fail();
        if (members.size > 0 && text[at++] !== ',') fail();
        space();
        if (text[at] !== '"') fail();
        const name = string();
        space();
        if (text[at++] !== ':') fail();
        if (members.has(name)) fail();
        members.set(name, value(depth + 1));
      }
      at++;
      return members;
    }
    for (const [word, meaning] of Object.entries(words)) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    return number();
  }
  const read = value(0);
  space();
  if (at !== text.length) fail();
  return read;
}

/** Reads JSON from bytes; undefined if they are none. */
function jsonOf(bytes) {
  const text = fromUtf8(bytes);
  try {
    return text === null ? undefined : parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

// Forms that values must have: functions from a value to whether it has it. Members that are not named are ignored.
// One spelling is taken: the program's JSON library also takes a list for an object and a number for a word, which nothing
// writes.
const isText = (value) => typeof value === 'string';
const isFlag = (value) => typeof value === 'boolean';
const isHash = (value) => isText(value) && /^[0-9a-f]{64}$/.test(value);
const isUint = (bits) => (value) => typeof value === 'bigint' && value >= 0n && value < 1n << BigInt(bits);
const isNumber = isUint(64);
const isWord = (...words) => (value) => words.includes(value);
const isList = (form) => (value) => Array.isArray(value) && value.every(form);
const isObject = (members) => (value) =>
  value instanceof Map && Object.entries(members).every(([name, form]) => form(value.get(name)));
/** A member that may be left out, or null. */
const may = (form) => (value) => value === undefined || value === null || form(value);
/** A member that may be left out. */
const orNone = (form) => (value) => value === undefined || form(value);
function isTime(value) {
  if (!isText(value) || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) return false;
  const time = new Date(value);
  return !Number.isNaN(time.getTime()) && time.toISOString() === value.replace('Z', '.000Z');
}

// ---- Signed notes, vkeys, checkpoints, policies: c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature, tlog-policy

const ED25519 = 1;
const COSIGNATURE = 4;
const ML_DSA_44_COSIGNATURE = 6;
const OTHER_KEY_IDS = [2, 5];

const hasControls = (text) => /[\0-\x09\x0b-\x1f]/.test(text);
const isKeyName = (name) =>
  name !== '' && !/[\p{White_Space}+\0-\x1f]/u.test(name) && utf8(name).length <= KEY_NAME_MAX_BYTES;

/** Reads a vkey, `name+id+key`; null unless it may be trusted. */
export async function parseVkey(text) {
  const [, name, id, base64] = /^([^+]*)\+([^+]*)\+([^]*)$/.exec(text) ?? [];
  const decoded = base64 === undefined ? null : fromBase64(base64);
  if (!decoded?.length || !isKeyName(name) || !/^[0-9a-f]{8}$/.test(id)) return null;
  const [type, bytes] = [decoded[0], decoded.subarray(1)];
  const checked = type === ED25519 || type === COSIGNATURE;
  if (checked ? bytes.length !== 32 || pointFault(bytes) : bytes.length === 0) return null;
  if (type === ML_DSA_44_COSIGNATURE && bytes.length !== 1312) return null;
  if (!OTHER_KEY_IDS.includes(type)) {
    const expected = await sha256(join(utf8(`${name}\n`), decoded));
    if (toHex(expected.subarray(0, 4)) !== id) return null;
  }
  return { name, id, type, bytes, hex: toHex(bytes), checked };
}

/** Reads a policy; throws a Finding with the line at which it is none. `text` may be text or bytes. */
export async function parsePolicy(text) {
  const octets = typeof text === 'string' ? utf8(text) : text;
  const fail = (line) => unknown('policyLine', { line });
  if (octets.length > POLICY_MAX_BYTES) fail(1);
  // Names are octets and need not be UTF-8.
  const lines = binary(octets).split('\n');
  if (lines.pop() !== '') fail(lines.length + 1);
  const policy = { logs: [], witnesses: [], groups: [], quorum: undefined };
  const [names, grouped, byId] = [new Map(), new Set(), new Map()];
  for (const [at, octetsOfLine] of lines.entries()) {
    const line = at + 1;
    if (/[\0-\x08\x0b-\x1f\x7f]/.test(octetsOfLine)) fail(line);
    const items = octetsOfLine.split(/[ \t]+/).filter((item) => item !== '');
    if (items.length === 0 || items[0].startsWith('#')) continue;
    const define = (name, member) => (name === 'none' || names.has(name) ? fail(line) : names.set(name, member));
    const find = (name) => names.get(name) ?? fail(line);
    const take = async (vkey, list, allowed, url) => {
      const key = await parseVkey(fromUtf8(fromBinary(vkey)) ?? fail(line));
      if (!key || !allowed(key.type) || url?.startsWith('#')) fail(line);
      if (list.some((other) => other.key.hex === key.hex)) fail(line);
      const known = byId.get(`${key.name}+${key.id}`);
      if (known && (known.hex !== key.hex || known.type !== key.type)) fail(line);
      byId.set(`${key.name}+${key.id}`, key);
      return key;
    };
    const [keyword, first, second, ...rest] = items;
    if (keyword === 'log' && items.length >= 2 && items.length <= 3) {
      policy.logs.push({ key: await take(first, policy.logs, (type) => type !== COSIGNATURE, second) });
    } else if (keyword === 'witness' && items.length >= 3 && items.length <= 4) {
      const allowed = (type) => type === COSIGNATURE || type === ML_DSA_44_COSIGNATURE;
      const witness = { name: first, key: await take(second, policy.witnesses, allowed, rest[0]) };
      define(first, witness);
      policy.witnesses.push(witness);
    } else if (keyword === 'group' && items.length >= 4) {
      const all = BigInt(rest.length);
      const count = (second === 'any' ? 1n : second === 'all' ? all : fromDecimal(second)) ?? 0n;
      if (count < 1n || count > all) fail(line);
      const members = rest.map((name) => (grouped.has(name) ? fail(line) : (grouped.add(name), find(name))));
      const group = { name: first, threshold: Number(count), members };
      define(first, group);
      policy.groups.push(group);
    } else if (keyword === 'quorum' && items.length === 2 && policy.quorum === undefined) {
      policy.quorum = first === 'none' ? null : find(first);
    } else {
      fail(line);
    }
  }
  if (policy.quorum === undefined) unknown('policyQuorum');
  return policy;
}

/** Reads OpenSSH public keys, one a line; empty lines and lines that begin with # are passed over. */
export async function parseRoots(text) {
  const roots = new Map();
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const [algorithm, base64] = line.trim().split(/[ \t]+/);
    if (algorithm === '' || algorithm.startsWith('#')) continue;
    const blob = fromBase64(base64 ?? '') ?? [];
    const head = join([0, 0, 0, 11], utf8('ssh-ed25519'), [0, 0, 0, 32]);
    const is = algorithm === 'ssh-ed25519' && blob.length === head.length + 32;
    if (!is || !same(blob.subarray(0, head.length), head)) unknown('rootsLine', { line: at + 1 });
    const bytes = blob.subarray(head.length);
    if (pointFault(bytes)) unknown('rootWeak', { line: at + 1 });
    roots.set(await keyIdOf(toHex(bytes)), toHex(bytes));
  }
  if (roots.size === 0) unknown('rootsNone');
  return roots;
}

/** Takes a signed note apart; null if it is none. Nothing is checked but the form. */
export function parseNote(bytes) {
  const note = bytes.length > NOTE_MAX_BYTES ? null : fromUtf8(bytes);
  if (note === null || hasControls(note)) return null;
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n') || split + 2 === note.length) return null;
  const text = note.slice(0, split + 1);
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > NOTE_MAX_SIGNATURES) return null;
  const signatures = lines.map((line) => {
    const [, name, base64] = /^— ([^ ]*) ([^]*)$/.exec(line) ?? [];
    const blob = base64 === undefined ? null : fromBase64(base64);
    if (!blob || blob.length < 5 || !isKeyName(name)) return null;
    return { name, id: toHex(blob.subarray(0, 4)), bytes: blob.subarray(4) };
  });
  return signatures.includes(null) ? null : { text, signatures };
}

/** Reads the text of a checkpoint; null if it is none. */
export async function parseCheckpoint(text) {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length < 3 || lines.some((line) => line === '')) return null;
  const [origin, number, base64] = lines;
  const [size, root] = [fromDecimal(number), fromBase64Hash(base64)];
  if (utf8(origin).length > KEY_NAME_MAX_BYTES || size === null || size > TREE_MAX_SIZE || !root) return null;
  if (size === 0n && !same(root, await sha256(new Uint8Array()))) return null;
  return { origin, size, root };
}

/** Returns whether the signature of a known key holds, and the time that a witness gives. */
async function checkLine(key, text, bytes) {
  if (key.type === ED25519) return { holds: await verifySignature(key.bytes, utf8(text), bytes) };
  if (bytes.length !== 72) return { holds: false };
  const time = BigInt(`0x${toHex(bytes.subarray(0, 8))}`);
  const message = utf8(`cosignature/v1\ntime ${time}\n${text}`);
  const holds = time <= TREE_MAX_SIZE && (await verifySignature(key.bytes, message, bytes.subarray(8)));
  return { holds, time };
}

/** Opens a checkpoint under a policy: every line of a key that it knows must hold, and enough witnesses must have signed. */
export async function openCheckpoint(note, policy) {
  const checkpoint = note && (await parseCheckpoint(note.text));
  if (!checkpoint) bad('checkpointForm');
  const { origin } = checkpoint;
  if (!policy.logs.some((log) => log.key.name === origin)) bad('originUnknown', { origin });
  const keys = [...policy.logs, ...policy.witnesses].map(({ key }) => key);
  const [verified, unverifiable] = [[], []];
  for (const line of note.signatures) {
    const key = keys.find((key) => key.name === line.name && key.id === line.id);
    if (!key) continue;
    if (!key.checked) {
      unverifiable.push(key);
      continue;
    }
    const { holds, time } = await checkLine(key, note.text, line.bytes);
    if (!holds) bad(key.type === COSIGNATURE ? 'cosignatureBad' : 'logSignatureBad', { name: key.name });
    verified.push({ key, time });
  }
  const is = (key) => key.name === origin && policy.logs.some((log) => log.key === key);
  if (!verified.some(({ key }) => is(key))) {
    if (unverifiable.some(is)) unknown('logSignatureUnknown', { origin });
    bad('logSignatureMissing', { origin });
  }
  const cosignatures = verified.filter(({ key }) => key.type === COSIGNATURE);
  const met = new Map();
  for (const witness of policy.witnesses) {
    met.set(witness, cosignatures.some(({ key }) => key === witness.key));
  }
  // Groups stand after their members.
  for (const group of policy.groups) {
    met.set(group, group.members.filter((member) => met.get(member)).length >= group.threshold);
  }
  const reached = policy.quorum === null || met.get(policy.quorum);
  return { ...checkpoint, reached, witnesses: cosignatures.length };
}

/** Takes a .tlog-proof file apart (c2sp.org/tlog-proof). */
export function parseProof(bytes) {
  const fail = () => bad('proofForm');
  const text = bytes.length > PROOF_MAX_BYTES ? null : fromUtf8(bytes);
  const split = text?.indexOf('\n\n') ?? -1;
  if (split < 0) fail();
  const lines = text.slice(0, split).split('\n');
  if (lines.shift() !== 'c2sp.org/tlog-proof@v1') fail();
  let extra = new Uint8Array();
  if (lines[0]?.startsWith('extra ')) {
    extra = fromBase64(lines.shift().slice(6));
    if (!extra?.length) fail();
  }
  const line = lines.shift() ?? '';
  const index = line.startsWith('index ') ? fromDecimal(line.slice(6)) : null;
  const hashes = lines.map(fromBase64Hash);
  if (index === null || index >= TREE_MAX_SIZE || hashes.length > PROOF_MAX_HASHES || hashes.includes(null)) fail();
  const note = parseNote(utf8(text.slice(split + 2))) ?? fail();
  return { extra, index, hashes, note };
}

const isBundle = isObject({
  format: (value) => value === 'dateline-proof/1',
  entry: isText,
  openings: isList(isText),
  withheld: orNone(isList(isObject({
    commitment: isText, field: isText, erased: may(isObject({ entry: isNumber, reason: isText })),
  }))),
  keys: isList(isObject({ index: isNumber, entry: isText, proof: isList(isText) })),
});

// ---- The tree: RFC 6962, and tiles (c2sp.org/tlog-tiles)

export const leafHash = (entry) => sha256(join([0], entry));
export const nodeHash = (left, right) => sha256(join([1], left, right));
const bits = (number) => number.toString(2).length;
const log2 = (number) => BigInt(bits(number) - 1);

/** Returns whether the hashes lead from a leaf to the root (RFC 9162, 2.1.3.2). Numbers are BigInt. */
export async function verifyInclusion(hashes, leaf, index, size, root) {
  if (index >= size) return false;
  // One hash for each level where the leaf and the last leaf part, and one for each left sibling above.
  const parts = index ^ (size - 1n);
  const apart = parts === 0n ? 0 : bits(parts);
  const above = (index >> BigInt(apart)).toString(2).replaceAll('0', '').length;
  if (hashes.length !== apart + above) return false;
  let [at, last, hash] = [index, size - 1n, leaf];
  for (const sibling of hashes) {
    hash = (at & 1n) === 1n || at === last ? await nodeHash(sibling, hash) : await nodeHash(hash, sibling);
    [at, last] = [at >> 1n, last >> 1n];
  }
  return same(hash, root);
}

/** The complete subtrees that leaves `start` up to `end` are made of, largest first. */
function* subtreesOf(start, end) {
  while (start < end) {
    const level = log2(end - start);
    yield { level, index: start >> level };
    start += 1n << level;
  }
}

/** Returns the root over leaves `start` up to `end`; `hashOf` gives the root of a complete subtree. */
export async function rootOf(start, end, hashOf) {
  const hashes = [];
  for (const { level, index } of subtreesOf(start, end)) hashes.push(await hashOf(level, index));
  let root = hashes.pop() ?? (await sha256(new Uint8Array()));
  while (hashes.length > 0) root = await nodeHash(hashes.pop(), root);
  return root;
}

/** Makes the inclusion proof of a leaf. */
export async function proveInclusion(index, size, hashOf) {
  const siblings = [];
  let [start, end] = [0n, size];
  while (end - start > 1n) {
    const middle = start + (1n << log2(end - start - 1n));
    if (index < middle) {
      siblings.push([middle, end]);
      end = middle;
    } else {
      siblings.push([start, middle]);
      start = middle;
    }
  }
  const hashes = [];
  for (const [from, to] of siblings.reverse()) hashes.push(await rootOf(from, to, hashOf));
  return hashes;
}

/** Returns the path of an index in groups of three digits: 1234067 is `x001/x234/067`. */
export function indexPath(index) {
  let path = String(index % 1000n).padStart(3, '0');
  for (let rest = index / 1000n; rest > 0n; rest /= 1000n) path = `x${String(rest % 1000n).padStart(3, '0')}/${path}`;
  return path;
}

/** Returns how many hashes tile `index` of `level` has in a tree of `size` leaves. */
function tileWidth(level, index, size) {
  const rest = (size >> (8n * level)) - index * FULL;
  return rest < 0n ? 0n : rest < FULL ? rest : FULL;
}

const tilePath = (kind, index, width) => `tile/${kind}/${indexPath(index)}${width === FULL ? '' : `.p/${width}`}`;

/** Takes a bundle of entries apart; null unless it is exactly `width` entries. */
export function entriesOf(bytes, width) {
  const entries = [];
  let at = 0;
  for (let entry = 0n; entry < width; entry++) {
    const size = at + 2 <= bytes.length ? bytes[at] * 256 + bytes[at + 1] : NaN;
    if (!(at + 2 + size <= bytes.length)) return null;
    entries.push(bytes.subarray(at + 2, at + 2 + size));
    at += 2 + size;
  }
  return at === bytes.length ? entries : null;
}

// ---- Entries: a DSSE envelope with an in-toto statement, of a kind

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** What a DSSE signature covers. */
export const pae = (payload) => join(utf8(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `), payload);

/** Reads an envelope in its one spelling; null for any other. */
export function parseEnvelope(bytes) {
  const text = bytes.length > ENTRY_MAX_BYTES ? null : fromUtf8(bytes);
  const form =
    /^\{"payload":"([A-Za-z0-9+/=]*)","payloadType":"application\/vnd\.in-toto\+json","signatures":\[\{"keyid":"([0-9a-f]{64})","sig":"([A-Za-z0-9+/=]{88})"\}\]\}$/;
  const [, payload, keyId, sig] = (text && form.exec(text)) || [];
  if (keyId === undefined) return null;
  const [decoded, signature] = [fromBase64(payload), fromBase64(sig)];
  return decoded && signature?.length === 64 ? { payload: decoded, keyId, signature } : null;
}

const isPerson = isWord('person');
const isSelector = (value) =>
  isObject({
    type: isWord('TextPositionSelector', 'TextQuoteSelector', 'DeclaredSelector'),
    start: may(isNumber), end: may(isNumber), unit: may(isText), of: may(isText), exact: may(isText),
    prefix: may(isText), suffix: may(isText), source: may(isText), path: may(isText),
  })(value) &&
  {
    TextPositionSelector: ['start', 'end', 'unit', 'of'],
    TextQuoteSelector: ['exact'],
    DeclaredSelector: ['source', 'path', 'exact'],
  }[value.get('type')].every((name) => value.get(name) != null);
const isEvidence = (value) =>
  isObject({
    rule: may(isText), ruleset: may(isText), scope: may(isWord('head', 'tail', 'field', 'body')),
    strength: may(isWord('hint', 'weak', 'strong', 'stated')), selector: may(isList(isSelector)),
    agrees: orNone(isList(isText)), statedBy: may(isPerson),
  })(value) &&
  (value.get('statedBy') != null ||
    ['rule', 'ruleset', 'scope', 'strength', 'selector'].every((name) => value.get(name) != null));
const isTextClaim = isObject({ value: isText, evidence: isEvidence });
const isFingerprint = isObject({ algorithm: isText, sha256: isHash });
const ORIGIN_KINDS = ['government', 'agency', 'outlet', 'company', 'ngo', 'igo', 'military', 'person', 'unknown'];
const ORIGIN_ROLES = [
  'origin', 'wireCarriage', 'contribution', 'distribution', 'translationOf', 'photoOnly', 'dataSource', 'mention',
];
const isOrigin = isObject({
  id: isText, asPrinted: isText, lang: may(isText),
  org: isObject({
    label: isText, kind: isWord(...ORIGIN_KINDS), id: may(isText), wikidata: may(isText), domain: may(isText),
  }),
  role: isWord(...ORIGIN_ROLES), extent: isWord('unknown', 'whole', 'part'), cue: may(isText), evidence: isEvidence,
});
const isByline = isObject({
  asPrinted: isText, kind: isWord('person', 'organisation', 'desk', 'initials', 'pseudonym', 'unknown'),
  role: isWord('author', 'translator', 'adapter', 'editor', 'photographer'), cue: may(isText), evidence: isEvidence,
});
const isQuotation = isObject({ text: isText, marks: isText, start: isNumber, end: isNumber, reflowSha256: isHash });
/** In the clear, or a commitment `{"...": digest}`. */
const orCommitted = (form) => (value) =>
  value instanceof Map && value.has('...') ? isText(value.get('...')) : form(value);
const WARNINGS = {
  undecodable: { count: isNumber }, invisible: { count: isNumber }, softWrapsJoined: { count: isNumber },
  hyphenBreaksJoined: { count: isNumber, at: isList(isNumber) }, claimsDropped: { field: isText, count: isNumber },
  claimsTooLong: { count: isNumber, limit: isNumber }, quotesDropped: { count: isNumber },
  paragraphsDropped: { count: isNumber }, markdownTooLarge: { size: isNumber, limit: isNumber },
  noTextLayer: { pages: isNumber }, textNotRecoverable: { chars: isNumber }, invisibleTextLayer: {},
  readBySecondReader: {}, repeatedLinesDropped: { count: isNumber },
  glyphsLeftOut: { outside: isNumber, slanted: isNumber },
  leftOut: { deleted: isNumber, hidden: isNumber, comments: isNumber },
  pageSimplified: { flattened: isNumber, cut: isFlag }, notReadWhole: { chars: isNumber, limit: isNumber },
};
const isWarning = (value) =>
  isObject({ kind: isWord(...Object.keys(WARNINGS)) })(value) && isObject(WARNINGS[value.get('kind')])(value);
const SIGNED = { recordedBy: isHash, recordedAt: isTime };
const isRecordRef = isObject({ record: isNumber, original: isHash });
const isTarget = (value) =>
  value instanceof Map && value.size === 1 &&
  (isRecordRef(value.get('record')) ||
    isObject({ text: may(isText), url: may(isText), org: may(isText) })(value.get('unresolved')));

/** What a statement of each kind holds: the names of its subjects, the roles that may make it, and its form. */
export const KINDS = {
  registration: {
    subjects: ['original', 'text'],
    by: ['editor', 'ingest'],
    form: isObject({
      documentId: isText, kind: isWord('article', 'wire', 'pressRelease', 'other'),
      title: orNone(isList(isObject({ value: isText, lang: may(isText), evidence: isEvidence }))),
      language: may(isObject({ tag: isText, source: isWord('declared', 'detected', 'stated') })),
      dateline: may(isObject({ asPrinted: isText, place: may(isText), date: may(isText), evidence: isEvidence })),
      publisher: may(isTextClaim), publishedAt: may(isTextClaim), claimedOrigins: isList(orCommitted(isOrigin)),
      bylines: isList(orCommitted(isByline)), quotes: may(isList(orCommitted(isQuotation))),
      urls: orNone(isList(isObject({ href: isText, rel: isText }))),
      delivery: may(isObject({
        url: may(isText), capturedAt: may(isText),
        relation: may(isWord('message', 'mail', 'attachment', 'entry', 'capture')), partOf: may(isHash),
        http: may(isObject({
          requested: isText, status: isUint(16), redirects: orNone(isList(isText)), headersSha256: isHash,
        })),
      })),
      mediaType: isText, bytes: isNumber, originalStored: isFlag,
      text: isObject({ sha256: isHash, extractor: isText, charset: isText, warnings: orNone(isList(isWarning)) }),
      fingerprints: isObject({ reflow: isFingerprint }), ruleset: isObject({ name: isText, sha256: isHash }),
      numbers: may(isFingerprint),
      paragraphs: may(isList(isObject({ start: isNumber, end: isNumber, reflowSha256: isHash }))),
      note: may(isText), ...SIGNED,
    }),
  },
  key: {
    subjects: ['key'],
    by: ['root'],
    form: isObject({
      action: isWord('enrol', 'rotate', 'revoke', 'retire', 'requireApprovals'),
      key: isObject({ keyType: isText, public: isText }), roles: orNone(isList(isText)), replaces: may(isHash),
      approvals: may(isUint(32)), name: may(isText), ...SIGNED,
    }),
  },
  relation: {
    subjects: ['original'],
    by: ['editor', 'ingest', 'assessor'],
    form: isObject({
      about: isRecordRef, relation: isText, target: isTarget, assertedBy: isText, quote: may(isText), ...SIGNED,
    }),
  },
  assessment: {
    subjects: ['original'],
    by: ['assessor'],
    form: isObject({
      about: isRecordRef, claim: isText, state: isText, method: may(isText),
      evidence: orNone(isList(isObject({ record: may(isRecordRef), url: may(isText), sha256: may(isHash) }))),
      confidence: may(isText), note: may(isText), ...SIGNED,
    }),
  },
  notice: {
    subjects: ['original'],
    by: ['editor'],
    form: isObject({
      about: isRecordRef, notice: isText, replacedBy: may(isRecordRef), until: may(isTime), url: may(isText),
      note: may(isText), ...SIGNED,
    }),
  },
  confirmation: {
    subjects: ['original'],
    by: ['editor', 'assessor'],
    form: isObject({
      about: isRecordRef, claim: isText, verdict: isText, value: may(isText), note: may(isText), ...SIGNED,
    }),
  },
  observation: {
    subjects: ['original'],
    by: ['editor', 'ingest'],
    form: isObject({
      about: isRecordRef, url: isText, observed: isText, original: may(isHash), reflow: may(isHash),
      location: may(isText), status: may(isUint(16)), ...SIGNED,
    }),
  },
  erasure: {
    subjects: ['commitments'],
    by: ['dataOfficer'],
    form: isObject({
      entry: isNumber, commitments: isList(isText), original: may(isHash), reason: isText, ...SIGNED,
    }),
  },
  sealed: {
    subjects: ['sealed'],
    by: ['editor', 'ingest'],
    form: isObject({
      document: may(isObject({ original: isHash, text: isHash, reflow: isHash })), ...SIGNED,
    }),
  },
};

/** A digest beside SHA-256 would let two programs take two documents for the same subject. */
const isSubject = isObject({
  name: isText,
  digest: (value) => value instanceof Map && value.size === 1 && isHash(value.get('sha256')),
});

/** Takes an entry apart and checks its form; null if it is no record. `kind` is null for one that is not known here. */
export function parseEntry(bytes) {
  const envelope = parseEnvelope(bytes);
  const statement = envelope && jsonOf(envelope.payload);
  const is = isObject({ subject: isList(isSubject), predicateType: isText })(statement ?? null);
  if (!is || statement.get('_type') !== 'https://in-toto.io/Statement/v1') return null;
  const subjects = statement.get('subject');
  if (!statement.has('predicate') || subjects.length === 0) return null;
  const [, kind = null] = /^urn:dateline:([a-z]+):v1$/.exec(statement.get('predicateType')) ?? [];
  const entry = {
    envelope, kind: Object.hasOwn(KINDS, kind) ? kind : null, predicateType: statement.get('predicateType'),
    subject: subjects[0].get('digest').get('sha256'), text: subjects[1]?.get('digest').get('sha256'),
    predicate: statement.get('predicate'),
  };
  if (entry.kind === null) return entry;
  const names = subjects.map((subject) => subject.get('name'));
  const { subjects: expected, form } = KINDS[entry.kind];
  const fits = names.length === expected.length && names.every((name, at) => name === expected[at]);
  return fits && form(entry.predicate) ? entry : null;
}

/** Returns the member in which a statement contradicts itself or the rules of its kind, as a JSON Pointer; null if in none. */
export async function faultOf(entry) {
  const { kind, predicate, subject } = entry;
  const get = (name) => predicate.get(name) ?? null;
  const hashOfText = async (text) => toHex(await sha256(utf8(text)));
  if (kind === null) return null;
  if (get('recordedBy') !== entry.envelope.keyId) return '/recordedBy';
  if (kind === 'registration' && predicate.get('text').get('sha256') !== entry.text) return '/text/sha256';
  if (kind === 'key') {
    const hex = predicate.get('key').get('public');
    const is = isHash(hex) && !pointFault(fromHex(hex)) && (await keyIdOf(hex)) === subject;
    return is ? null : '/key';
  }
  if (kind === 'sealed') {
    const commitments = predicate.get('_sd');
    const is = Array.isArray(commitments) && commitments.length === 1 && isText(commitments[0]);
    return is && (await hashOfText(commitments[0])) === subject ? null : '/_sd';
  }
  if (kind === 'erasure') {
    const [commitments, original] = [predicate.get('commitments'), get('original')];
    const list = [...commitments, ...(original === null ? [] : [original])].map((line) => `${line}\n`).join('');
    if ((await hashOfText(list)) !== subject) return '/commitments';
    const ascend = commitments.every((one, at) => at === 0 || commitments[at - 1] < one);
    const are = commitments.every((one) => fromBase64url(one)?.length === 32) && ascend;
    return are && list !== '' ? null : '/commitments';
  }
  const about = get('about');
  if (about !== null && about.get('original') !== subject) return '/about/original';
  const isAbout = (reference) =>
    reference?.get('record') === about.get('record') && reference.get('original') === about.get('original');
  if (kind === 'relation') {
    const [record, unresolved] = ['record', 'unresolved'].map((name) => predicate.get('target').get(name));
    const named = unresolved && ['text', 'url', 'org'].some((name) => unresolved.get(name) != null);
    return isAbout(record) || (unresolved && !named) ? '/target' : null;
  }
  if (kind === 'assessment') {
    const [state, method] = [get('state'), get('method')];
    const verifies = ['originSignature', 'originPublication', 'archiveMatch', 'wireFeedMatch', 'directContact'];
    if (method === null) return state === 'withdrawn' ? null : '/method';
    return state === 'verified' && !verifies.includes(method) ? '/method' : null;
  }
  if (kind === 'notice') {
    if ((get('notice') === 'embargo') !== (get('until') !== null)) return '/until';
    return isAbout(get('replacedBy')) ? '/replacedBy' : null;
  }
  if (kind === 'confirmation') {
    return ['confirmed', 'rejected'].includes(get('verdict')) && get('value') !== null ? '/value' : null;
  }
  if (kind === 'observation') {
    const [observed, original, length] = [get('observed'), get('original'), utf8(get('url')).length];
    const unchanged = original === null ? null : original === about.get('original');
    if (length === 0 || length > URL_MAX_BYTES) return '/url';
    if (observed === 'unchanged' && unchanged === false) return '/original';
    if (['reflowed', 'changed'].includes(observed) && unchanged !== false) return '/original';
    return observed === 'moved' && get('location') === null ? '/location' : null;
  }
  return null;
}

// ---- Keys: who may sign, by log index; statements about keys folded in log order (src/record/state.rs)

export class Keys {
  /** The keys of an empty log under `roots`, a Map from key id to public key in hexadecimal. */
  constructor(roots) {
    this.anchors = new Map([...roots].map(([id, hex]) => [id, { hex, ended: null }]));
    this.enrolled = new Map();
    this.needed = 1n;
    this.proposals = new Map();
    this.size = 0n;
  }

  isRootInForce(id) {
    const [anchor, key] = [this.anchors.get(id), this.enrolled.get(id)];
    return anchor?.ended === null || (key?.ended === null && key.roles.includes('root'));
  }

  rootsInForce() {
    return new Set([...this.anchors.keys(), ...this.enrolled.keys()].filter((id) => this.isRootInForce(id))).size;
  }

  /** Returns the public key under which the next entry must be signed; throws if its holder may not make such a statement. */
  authorise(id, kind, index = this.size) {
    // Whoever may register may say what is not known here: its signature at least is checked.
    const says = kind ?? 'registration';
    const anchor = says === 'key' ? this.anchors.get(id) : undefined;
    const key = anchor ?? this.enrolled.get(id);
    if (!key) bad('signerNotEnrolled', { key: id, index });
    if (key.ended !== null) bad('signerEnded', { key: id, index, entry: key.ended });
    if (!anchor && !key.roles.some((role) => KINDS[says].by.includes(role))) bad('signerNotAllowed', { key: id, kind: says });
    return key.hex;
  }

  /** Finds the signer of the next entry, checks its signature, and folds it; throws if anything of it does not hold. */
  async fold(entry) {
    const { envelope } = entry;
    const index = this.size++;
    const hex = this.authorise(envelope.keyId, entry.kind, index);
    const holds = await verifySignature(fromHex(hex), pae(envelope.payload), envelope.signature);
    if (!holds) bad('signatureBad', { key: envelope.keyId, index });
    if (entry.kind === 'key') await this.apply(entry.predicate, envelope.keyId, index);
    return envelope.keyId;
  }

  /** Passes over entries up to `index`, of which nothing is known; returns whether it is not behind already. */
  skipTo(index) {
    const ahead = this.size <= index;
    if (ahead) this.size = index;
    return ahead;
  }

  async apply(statement, signer, index) {
    const cannot = () => bad('keyStatementBad', { index });
    const get = (name) => statement.get(name) ?? null;
    const hex = get('key').get('public');
    if (get('key').get('keyType') !== 'ed25519' || !isHash(hex) || pointFault(fromHex(hex))) cannot();
    const id = await keyIdOf(hex);
    const [action, roles, replaces, approvals] = [get('action'), get('roles') ?? [], get('replaces'), get('approvals')];
    const isRoot = roles.includes('root');
    if ((action === 'requireApprovals') !== (approvals !== null)) cannot();
    if (approvals !== null && (approvals < 1n || approvals > APPROVALS_MAX)) cannot();
    if ((action === 'rotate') !== (replaces !== null) || replaces === id) cannot();
    const enrols = action === 'enrol' || action === 'rotate';
    const ends = { rotate: replaces, revoke: id, retire: id }[action] ?? null;
    let left = this.rootsInForce();
    if (enrols) {
      if ((isRoot && roles.length > 1) || this.enrolled.has(id)) cannot();
      // It could never sign, and would be counted.
      if ((this.anchors.get(id)?.ended ?? null) !== null) cannot();
      left += isRoot && !this.isRootInForce(id) ? 1 : 0;
    }
    if (ends !== null) {
      const root = this.isRootInForce(ends);
      if (!root && this.enrolled.get(ends)?.ended !== null) cannot();
      left -= root ? 1 : 0;
    }
    if (BigInt(left) < (approvals ?? this.needed)) cannot();
    // Each root key asks for approvals in its own name: that is no difference.
    const proposal = JSON.stringify([action, action === 'requireApprovals' ? null : id, roles, replaces, String(approvals)]);
    const by = new Set([...(this.proposals.get(proposal) ?? [])].filter((root) => this.isRootInForce(root)));
    if (by.has(signer)) cannot();
    by.add(signer);
    this.proposals.set(proposal, by);
    if (BigInt(by.size) < this.needed) return;
    this.proposals.delete(proposal);
    // A key may be trusted from outside and enrolled as well: both end.
    for (const key of ends === null ? [] : [this.anchors.get(ends), this.enrolled.get(ends)]) {
      if (key) key.ended ??= index;
    }
    if (enrols) this.enrolled.set(id, { hex, roles, ended: null });
    this.needed = approvals ?? this.needed;
  }
}

// ---- Openings of commitments: SD-JWT disclosures, RFC 9901

const DIGEST_CHARS = 43;
const POINTER_MAX_BYTES = 1024;
const RESERVED = ['_sd', '_sd_alg', '...'];

/** Takes an opening apart; null if it is none. */
async function parseOpening(text) {
  const bytes = fromBase64url(text);
  const items = bytes && bytes.length <= OPENING_MAX_BYTES ? jsonOf(bytes) : null;
  if (!Array.isArray(items) || items.length < 2 || items.length > 3 || !isText(items[0])) return null;
  const name = items.length === 3 ? items[1] : null;
  if (items.length === 3 && (!isText(name) || RESERVED.includes(name))) return null;
  return { digest: toBase64url(await sha256(utf8(text))), name, value: items.at(-1) };
}

/**
 * Puts openings back where their commitments stand (RFC 9901, 7.1). Returns the predicate as far as it is disclosed, and
 * the commitments that stay closed, each as [JSON Pointer, digest]; null if an opening has no place there.
 */
export async function putBack(predicate, openings) {
  if (predicate instanceof Map && predicate.has('_sd_alg') && predicate.get('_sd_alg') !== 'sha-256') return null;
  const places = new Map();
  for (const text of openings) {
    const opening = await parseOpening(text);
    if (!opening || places.has(opening.digest)) return null;
    places.set(opening.digest, { opening, seen: false });
  }
  const closed = [];
  const no = () => { throw new SyntaxError('the openings do not fit'); };
  const meet = (digest, at) => {
    if (!isText(digest) || utf8(digest).length !== DIGEST_CHARS) no();
    const place = places.get(digest) ?? { opening: null, seen: false };
    if (place.seen) no();
    place.seen = true;
    places.set(digest, place);
    if (place.opening === null) {
      if (utf8(at).length > POINTER_MAX_BYTES) no();
      closed.push([at, digest]);
    }
    return place.opening;
  };
  const open = (value, at, depth) => {
    if (depth > JSON_DEPTH_MAX) no();
    if (Array.isArray(value)) {
      return value.map((item, number) => {
        const here = `${at}/${number}`;
        if (!(item instanceof Map && item.has('...'))) return open(item, here, depth + 1);
        const opening = item.size === 1 ? meet(item.get('...'), here) : no();
        if (opening === null) return item;
        return opening.name === null ? open(opening.value, here, depth + 1) : no();
      });
    }
    if (!(value instanceof Map)) return value;
    const opened = new Map();
    for (const [name, member] of value) {
      if (name === '...') no();
      const pointer = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      if (name !== '_sd') opened.set(name, open(member, pointer, depth + 1));
    }
    const commitments = value.has('_sd') ? value.get('_sd') : [];
    if (!Array.isArray(commitments)) no();
    for (const [number, digest] of commitments.entries()) {
      const here = `${at}/_sd/${number}`;
      const opening = meet(digest, here);
      if (opening === null) continue;
      if (opening.name === null || opened.has(opening.name)) no();
      opened.set(opening.name, open(opening.value, here, depth + 1));
    }
    return opened;
  };
  try {
    const value = open(predicate, '', 0);
    if ([...places.values()].some((place) => !place.seen)) return null;
    if (value instanceof Map) value.delete('_sd_alg');
    return { value, closed };
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Reads the openings of entry `index` from file `disclosures/N`; null if it is not such a file. */
export function openingsOf(bytes, index) {
  const text = bytes.length > OPENINGS_FILE_MAX_BYTES ? null : fromUtf8(bytes);
  if (text === '') return [];
  if (!text?.endsWith('\n')) return null;
  const first = index - (index % FULL);
  const openings = [];
  let [before, count, chars] = [first, 0, 0];
  for (const line of text.slice(0, -1).split('\n')) {
    const space = line.indexOf(' ');
    const [entry, opening] = [fromDecimal(line.slice(0, Math.max(space, 0))), line.slice(space + 1)];
    const size = fromBase64url(opening)?.length ?? 0;
    if (entry === null || entry < before || entry >= first + FULL || size === 0 || size > OPENING_MAX_BYTES) return null;
    [count, chars] = entry === before ? [count + 1, chars + opening.length] : [1, opening.length];
    if (count > OPENINGS_MAX || chars > OPENINGS_MAX_CHARS) return null;
    before = entry;
    if (entry === index) openings.push(opening);
  }
  return openings;
}

// ---- The two ways of checking

/** One check: its steps as they are done, and what came of it. */
class Run {
  constructor(onStep) {
    this.onStep = onStep ?? (() => {});
    this.result = { verdict: 'unverifiable', steps: [], withheld: [], missing: [], establishes: [], notChecked: [] };
  }

  note(name, status, code, args = {}) {
    const step = { name, status, code, args, detail: say(code, args) };
    this.result.steps.push(step);
    this.onStep(step);
  }

  /** Does a step. `work` returns what it found, and the code and args of its sentence. */
  async step(name, work) {
    try {
      const [found, code, args] = await work();
      this.note(name, 'ok', code, args);
      return found;
    } catch (error) {
      const known = error instanceof Finding;
      this.note(name, known ? error.status : 'unknown', known ? error.code : 'internal', known ? error.args : {});
      throw error;
    }
  }

  /** Runs a check to its end; the first thing that does not hold, or cannot be checked, decides. */
  async end(work) {
    const { result } = this;
    const found = new Set();
    try {
      await work();
    } catch (error) {
      // Verified is only what was gone through to the end.
      found.add(error instanceof Finding ? error.status : 'unknown');
      if (!(error instanceof Finding)) result.error = error;
    }
    for (const step of result.steps) found.add(step.status);
    result.verdict = found.has('bad') ? 'invalid' : found.has('unknown') ? 'unverifiable' : 'verified';
    return result;
  }
}

const readTrust = async (run, { policy, roots }) => ({
  policy: await run.step('policy', async () => {
    const parsed = await parsePolicy(policy);
    return [parsed, 'policyRead', { logs: parsed.logs.map(({ key }) => key.name).join(', ') || '–' }];
  }),
  roots: await run.step('roots', async () => {
    const parsed = await parseRoots(roots);
    return [parsed, 'rootsRead', { count: parsed.size }];
  }),
});

const hashDocument = (run, document) =>
  document &&
  run.step('file', async () => {
    const hash = toHex(await sha256(document));
    return [hash, 'fileHashed', { hash }];
  });

/** Opens the checkpoint in two steps, so that what the log signed is told from what witnesses did. */
async function openInSteps(run, note, policy) {
  const opened = await run.step('checkpoint', async () => {
    const opened = await openCheckpoint(note, policy);
    return [opened, 'checkpointSigned', { origin: opened.origin, size: opened.size }];
  });
  await run.step('witnesses', async () => {
    if (!opened.reached) unknown('quorumMissing', { count: opened.witnesses });
    return [null, policy.quorum === null ? 'witnessesNone' : 'quorumReached', { count: opened.witnesses }];
  });
  const { origin, size, root, witnesses } = opened;
  run.result.log = origin;
  run.result.checkpoint = { size, rootHash: toHex(root) };
  run.result.witnesses = witnesses;
  return opened;
}

/** Returns an entry whose bytes are proven to be in the log. */
async function includedEntry(opened, index, bytes, hashes) {
  const there = hashes && (await verifyInclusion(hashes, await leafHash(bytes), index, opened.size, opened.root));
  if (!there) bad('inclusionBad', { index });
  return parseEntry(bytes) ?? bad('entryForm', { index });
}

/** Checks what a statement of known signer says: its rules, and the openings at hand. Returns what it says, and what stays closed. */
async function checkSayings(run, entry, index, openings, isAccountedFor) {
  if (entry.kind === null) await run.step('statement', () => unknown('kindUnknown', { type: entry.predicateType }));
  await run.step('statement', async () => {
    const field = await faultOf(entry);
    return field === null ? [null, 'statementFits', { kind: entry.kind }] : bad('statementFault', { field });
  });
  const opened = await putBack(entry.predicate, openings);
  const fits = opened && (entry.kind !== 'registration' || KINDS.registration.form(opened.value));
  const { missing, withheld } = fits ? await isAccountedFor(opened.closed) : { missing: [], withheld: [] };
  // What is sealed is closed until somebody reveals it.
  const lost = entry.kind === 'sealed' ? [] : missing;
  if (!fits || withheld === null) await run.step('openings', () => bad('openingsBad', { index }));
  const args = { count: openings.length, missing: lost.length, withheld: withheld.length };
  if (lost.length > 0) run.note('openings', 'unknown', 'openingsMissing', args);
  else run.note('openings', 'ok', withheld.length > 0 ? 'openingsWithheld' : 'openingsFit', args);
  Object.assign(run.result, { withheld, missing: lost });
  return opened.value;
}

/** Compares the document, and says what is established and what not: in the words of `dateline check`. */
async function conclude(run, entry, index, document, said, online) {
  const { result } = run;
  const isOfAKey = entry.kind === 'key';
  const registers = entry.kind === 'registration';
  Object.assign(result, { record: index, kind: entry.kind, original: isOfAKey ? null : entry.subject });
  result.view = viewOf(entry, said, result.missing);
  if (document) {
    await run.step('document', async () => {
      if (isOfAKey) bad('aboutAKey', { index });
      if (document === entry.subject) return [null, registers ? 'sameBytes' : 'sameBytesAbout', { index, log: result.log }];
      // Other bytes may have the same wording, which only a registration tells, and only the program finds out.
      const args = { index, hash: entry.subject };
      return registers ? unknown('otherBytes', args) : bad('otherDocument', args);
    });
    result.answer = 'sameBytes';
  } else {
    result.answer = null;
  }
  result.establishes.push(sentence(isOfAKey ? 'establishesKey' : 'establishesRecord'));
  if (registers) result.establishes.push(sentence('establishesNot'));
  if (!online) result.notChecked.push(sentence(isOfAKey ? 'uncheckedKey' : 'uncheckedRevoked'));
  if (!isOfAKey) result.notChecked.push(sentence('uncheckedSince'));
  if (!isOfAKey && !document) result.notChecked.push(sentence('uncheckedDocument'));
  if (!isOfAKey && !registers) result.notChecked.push(sentence('uncheckedReferences'));
  for (const field of result.missing) result.notChecked.push(sentence(online ? 'uncheckedLost' : 'uncheckedMissing', { field }));
}

const sentence = (code, args = {}) => ({ code, args, text: say(code, args) });

/**
 * Checks a document against a proof file. `document` and `proof` are Uint8Array, the first may be left out; `policy` and
 * `roots` are texts. `onStep` is called after each step. Never throws for what strangers wrote.
 */
export function checkProof({ document, proof, policy, roots, onStep }) {
  const run = new Run(onStep);
  return run.end(async () => {
    const trust = await readTrust(run, { policy, roots });
    const hash = await hashDocument(run, document);
    const { parsed, bundle } = await run.step('proof', async () => {
      const parsed = parseProof(proof);
      const bundle = jsonOf(parsed.extra);
      if (!isBundle(bundle)) unknown('proofExtra');
      return [{ parsed, bundle }, 'proofRead', { index: parsed.index }];
    });
    const opened = await openInSteps(run, parsed.note, trust.policy);
    const { index } = parsed;
    const entry = await run.step('inclusion', async () => {
      const bytes = fromBase64(bundle.get('entry')) ?? bad('proofDamaged');
      return [await includedEntry(opened, index, bytes, parsed.hashes), 'inclusionHolds', { index, size: opened.size }];
    });
    const keys = await run.step('keys', async () => {
      const keys = new Keys(trust.roots);
      for (const key of bundle.get('keys')) {
        const at = key.get('index');
        const hashes = key.get('proof').map(fromBase64Hash);
        const bytes = fromBase64(key.get('entry'));
        if (hashes.includes(null) || !bytes) bad('proofDamaged');
        const statement = await includedEntry(opened, at, bytes, hashes);
        if (at >= index || statement.kind !== 'key' || !keys.skipTo(at)) bad('keyMisplaced', { index: at });
        await keys.fold(statement);
        const field = await faultOf(statement);
        if (field !== null) bad('statementFault', { field });
      }
      if (!keys.skipTo(index)) bad('keyMisplaced', { index });
      return [keys, 'keysFolded', { count: bundle.get('keys').length }];
    });
    run.result.signer = await run.step('signature', async () => {
      const signer = await keys.fold(entry);
      return [signer, 'signatureHolds', { key: signer }];
    });
    const said = await checkSayings(run, entry, index, bundle.get('openings'), async (closed) => {
      const withheld = (bundle.get('withheld') ?? []).map((one) => {
        const erased = one.get('erased');
        return {
          commitment: one.get('commitment'), field: one.get('field'),
          erased: erased ? { entry: erased.get('entry'), reason: erased.get('reason') } : null,
        };
      });
      const pointers = closed.map(([pointer]) => pointer);
      const named = new Set(withheld.map((one) => one.commitment));
      const fits = withheld.every((one) => pointers.includes(one.commitment));
      return { missing: pointers.filter((pointer) => !named.has(pointer)), withheld: fits ? withheld : null };
    });
    await conclude(run, entry, index, hash, said, false);
  });
}

/** Reads a stream to its end, but no more than `max` bytes of it. */
async function readBounded(stream, max) {
  const parts = [];
  let size = 0;
  for (const reader = stream?.getReader(); reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > max) {
      await reader.cancel();
      throw new RangeError('too large');
    }
    parts.push(value);
  }
  return join(...parts);
}

/** The files of a log below an address. */
class Files {
  constructor(base, fetcher) {
    const given = String(base).trim();
    try {
      this.base = new URL(given.endsWith('/') ? given : `${given}/`, globalThis.location?.href);
    } catch {
      unknown('addressBad');
    }
    if (!['http:', 'https:'].includes(this.base.protocol)) unknown('addressBad');
    this.fetcher = fetcher ?? globalThis.fetch.bind(globalThis);
    this.tiles = new Map();
  }

  /** Returns a file's bytes; null if there is none. */
  async get(path, max) {
    try {
      const response = await this.fetcher(new URL(path, this.base), { credentials: 'omit', cache: 'no-cache' });
      if (response.status === 404 || response.status === 410) return null;
      if (response.ok) return await readBounded(response.body, max);
    } catch {
      // Told below, whatever it was.
    }
    return unknown('fetchFailed', { path });
  }

  /** Returns a tile, or a bundle, in the width that a tree of `size` has it; of a log that has grown, the beginning of the full one. */
  async tile(kind, index, width, max) {
    const [path, full] = [tilePath(kind, index, width), tilePath(kind, index, FULL)];
    const partial = await this.get(path, max);
    if (partial !== null || path === full) return { bytes: partial ?? unknown('fileMissing', { path }), width };
    return { bytes: (await this.get(full, max)) ?? unknown('fileMissing', { path }), width: FULL };
  }

  /** Returns the root of a complete subtree, from tiles. */
  async hash(level, index, size) {
    const tileLevel = level / 8n;
    const within = level % 8n;
    const first = index << within;
    const place = first / FULL;
    const name = `${tileLevel}/${place}`;
    if (!this.tiles.has(name)) {
      const width = tileWidth(tileLevel, place, size);
      const { bytes, width: found } = await this.tile(String(tileLevel), place, width, 8192);
      if (BigInt(bytes.length) !== 32n * found) bad('tileForm', { path: tilePath(String(tileLevel), place, found) });
      if (this.tiles.size > 10_000) this.tiles.clear();
      this.tiles.set(name, bytes);
    }
    const at = Number(first % FULL) * 32;
    const hashes = this.tiles.get(name).subarray(at, at + (32 << Number(within)));
    return foldHashes(hashes, within, 0n);
  }

  /** Returns the entries of bundle `place`. */
  async bundle(place, size) {
    const width = tileWidth(0n, place, size);
    const { bytes, width: found } = await this.tile('entries', place, width, 256 * (ENTRY_MAX_BYTES + 2));
    const entries = entriesOf(bytes, found) ?? bad('bundleForm', { path: tilePath('entries', place, found) });
    return entries.slice(0, Number(width));
  }
}

/** Returns the root over 2^level neighbouring hashes. */
async function foldHashes(hashes, level, index) {
  const count = 1 << Number(level);
  const from = Number(index) * count;
  let row = Array.from({ length: count }, (_, at) => hashes.subarray((from + at) * 32, (from + at + 1) * 32));
  while (row.length > 1) {
    row = await Promise.all(row.filter((_, at) => at % 2 === 0).map((left, at) => nodeHash(left, row[2 * at + 1])));
  }
  return row[0];
}

/**
 * Reads the entries of a log in order and folds the keys, keeping of each bundle only its hashes: so that at the end all
 * that was read is known to be what the checkpoint signs.
 */
class History {
  constructor(files, opened, roots, onProgress) {
    Object.assign(this, { files, opened, keys: new Keys(roots), bundles: [], read: 0n, onProgress: onProgress ?? (() => {}) });
  }

  /**
   * Reads on through the bundle that holds entry `last`. `meet` gets each entry that `matters`, and its signer or why he may
   * not have signed. Of others, only statements about keys are looked at.
   */
  async readThrough(last, matters, meet) {
    const { size } = this.opened;
    const end = (last / FULL + 1n) * FULL;
    while (this.read < (end < size ? end : size)) {
      const entries = await this.files.bundle(this.read / FULL, size);
      const leaves = await Promise.all(entries.map(leafHash));
      for (const bytes of entries) {
        const index = this.read++;
        // An entry that is no record, or whose signer may not have made it, changes nothing.
        const entry = parseEntry(bytes);
        if (!entry || !(entry.kind === 'key' || matters(index, entry))) continue;
        this.keys.skipTo(index);
        let signer;
        try {
          signer = { id: await this.keys.fold(entry) };
        } catch (error) {
          if (!(error instanceof Finding) || error.status !== 'bad') throw error;
          signer = { fault: error };
        }
        if (matters(index, entry)) await meet(index, entry, signer);
      }
      this.bundles.push(join(...leaves));
      this.onProgress(this.read, size);
    }
    const found = await rootOf(0n, size, (level, index) => this.hash(level, index));
    if (!same(found, this.opened.root)) bad('historyBad');
  }

  /** Returns the root of a complete subtree: of entries that were read from them, of others from tiles. */
  async hash(level, index) {
    const first = index << level;
    if (first >= this.read) return this.files.hash(level, index, this.opened.size);
    if (level > 8n) return nodeHash(await this.hash(level - 1n, 2n * index), await this.hash(level - 1n, 2n * index + 1n));
    const leaves = this.bundles[Number(first / FULL)];
    return foldHashes(leaves, level, (first % FULL) >> level);
  }
}

/**
 * Checks record `index` of the log whose files lie below `base`, without a proof file. `onProgress` is told how many
 * entries of how many were read. All else as in `checkProof`.
 */
export function checkOnline({ base, index: asked, document, policy, roots, onStep, onProgress, fetcher }) {
  const run = new Run(onStep);
  return run.end(async () => {
    const trust = await readTrust(run, { policy, roots });
    const hash = await hashDocument(run, document);
    const index = fromDecimal(String(asked).trim());
    const { files, note } = await run.step('fetch', async () => {
      if (index === null) unknown('indexBad');
      const files = new Files(base, fetcher);
      const bytes = (await files.get('checkpoint', NOTE_MAX_BYTES)) ?? unknown('fileMissing', { path: 'checkpoint' });
      return [{ files, note: parseNote(bytes) }, 'checkpointFetched', { log: files.base.href }];
    });
    const opened = await openInSteps(run, note, trust.policy);
    const { size } = opened;
    const bytes = await run.step('inclusion', async () => {
      if (index >= size) unknown('indexBeyond', { index, size });
      const entry = (await files.bundle(index / FULL, size))[Number(index % FULL)];
      const hashes = await proveInclusion(index, size, (level, at) => files.hash(level, at, size));
      await includedEntry(opened, index, entry, hashes);
      return [entry, 'inclusionMade', { index, size }];
    });
    const entry = parseEntry(bytes);
    const history = new History(files, opened, trust.roots, onProgress);
    let signer = null;
    const erased = new Map();
    const matters = (at, one) => at === index || (one.kind === 'erasure' && one.predicate.get('entry') === index);
    const meet = async (at, one, by) => {
      if (at === index) signer = by;
      if (one.kind !== 'erasure' || by.fault || (await faultOf(one)) !== null) return;
      const erasure = { entry: at, reason: one.predicate.get('reason') };
      for (const digest of one.predicate.get('commitments')) erased.set(digest, erasure);
    };
    await run.step('keys', async () => {
      await history.readThrough(index, matters, meet);
      return [null, 'historyRead', { count: history.read }];
    });
    run.result.signer = await run.step('signature', async () => {
      if (signer.fault) throw signer.fault;
      return [signer.id, 'signatureHolds', { key: signer.id }];
    });
    const path = `disclosures/${indexPath(index / FULL)}`;
    const openings = await run.step('disclosures', async () => {
      const file = await files.get(path, OPENINGS_FILE_MAX_BYTES);
      const openings = file === null ? [] : (openingsOf(file, index) ?? bad('openingsForm', { path }));
      return [openings, 'openingsFetched', { count: openings.length, path }];
    });
    const said = await checkSayings(run, entry, index, openings, async (closed) => {
      // Whether they were erased stands in the entries after this one.
      if (closed.length > 0 && entry.kind !== 'sealed') {
        await run.step('erasures', async () => {
          await history.readThrough(size - 1n, matters, meet);
          return [null, 'historyRead', { count: history.read }];
        });
      }
      const withheld = closed.filter(([, digest]) => erased.has(digest));
      return {
        missing: closed.filter(([, digest]) => !erased.has(digest)).map(([pointer]) => pointer),
        withheld: withheld.map(([pointer, digest]) => ({ commitment: pointer, field: pointer, erased: erased.get(digest) })),
      };
    });
    await conclude(run, entry, index, hash, said, true);
  });
}

/** Returns what a record says, a list of { label, value, note }; labels and notes are codes, values a stranger's words. */
function viewOf(entry, said, missing) {
  if (entry.kind !== 'registration') {
    const plain = (value) => JSON.stringify(value, (_, one) =>
      one instanceof Map ? Object.fromEntries(one) : typeof one === 'bigint' ? String(one) : one);
    return [...entry.predicate]
      .filter(([name]) => !name.startsWith('_sd'))
      .map(([name, value]) => ({ name, value: isText(value) ? value : plain(value) }));
  }
  const view = [];
  const add = (label, value, note) => view.push({ label, value, note });
  const claims = (name) => said.get(name) ?? [];
  add('title', claims('title')[0]?.get('value') ?? null);
  add('language', said.get('language')?.get('tag') ?? null);
  for (const name of ['publisher', 'publishedAt']) if (said.get(name)) add(name, said.get(name).get('value'));
  if (said.get('dateline')) add('dateline', said.get('dateline').get('asPrinted'));
  for (const [label, name] of [['origin', 'claimedOrigins'], ['byline', 'bylines']]) {
    if (claims(name).length === 0) add(label, null);
    for (const [at, claim] of claims(name).entries()) {
      if (!claim.has('...')) add(label, claim.get('asPrinted'), label === 'origin' ? 'claimedOnly' : undefined);
      else add(label, null, missing.includes(`/${name}/${at}`) ? 'notAtHand' : 'closed');
    }
  }
  if (said.get('note') != null) add('note', said.get('note'));
  return view;
}

// ---- What it says, in the reader's language. {name} stands for a value.

export const TEXTS = {
  en: {
    // The page
    pageTitle: 'Check a record yourself',
    pageIntro: 'Your browser does the checking, on your machine. The document is hashed here and never uploaded.',
    languageName: 'Language',
    skip: 'Skip to the content',
    navLog: 'Log', navSearch: 'Records', navRegister: 'Register', navVerify: 'Verify', navState: 'State',
    establishesTitle: 'What a check establishes',
    establishesText: 'That the log signed this record, and that its signer was enrolled when it was made.',
    doesNotTitle: 'What it does not',
    doesNotText: 'That a named origin produced a document, nor that what a document says is true.',
    filesLegend: '1. What to check',
    dropHere: 'Drop the document and its proof file here, or choose them below.',
    documentLabel: 'Document',
    documentHint: 'Exactly the file that was registered. Its bytes are compared; the same wording in other bytes is found by the program “dateline check”.',
    proofLabel: 'Proof file (.tlog-proof)',
    onlineSummary: 'No proof file? Read the log itself',
    onlineHint: 'The entries before the record are read to know which keys could sign, and all of them if something in it was erased. This can take a while with a large log.',
    indexLabel: 'Record number',
    logLabel: 'Address of the log',
    trustLegend: '2. Whom you trust',
    trustHint: 'The policy names the log’s key and its witnesses; root keys say who may sign. Everything rests on these.',
    trustServed: 'These were filled in from the server that also gave you this page. Keys from the same server prove less: paste your own, which you got another way.',
    policyLabel: 'Policy',
    rootsLabel: 'Root keys, one a line',
    checkButton: 'Check',
    checking: 'Checking…',
    resultHeading: 'Result',
    stepsHeading: 'What was done',
    recordHeading: 'What the record says',
    meansHeading: 'What this means',
    nothingGiven: 'Choose a proof file, or give a record number and the address of its log.',
    progress: 'entries read: {done} of {total}',
    // Verdicts
    verified: 'Verified',
    invalid: 'Invalid',
    unverifiable: 'Could not be verified',
    verdictSameBytes: 'These bytes were registered as record {index} of {log}.',
    verdictAbout: 'Record {index} of {log} is a statement ({kind}) about the document with these bytes.',
    verdictRecord: 'Record {index} of {log} is in the log ({kind}). No document was compared.',
    verdictInvalid: 'It was checked, and it does not hold. Do not rely on it.',
    verdictUnverifiable: 'This is not a yes and not a no: something that the answer needs could not be checked.',
    // Steps
    step_file: 'Document', step_policy: 'Policy', step_roots: 'Root keys', step_proof: 'Proof file',
    step_fetch: 'Log', step_checkpoint: 'Checkpoint', step_witnesses: 'Witnesses', step_inclusion: 'Inclusion',
    step_keys: 'Keys', step_signature: 'Signature', step_statement: 'Statement', step_openings: 'Openings',
    step_disclosures: 'Openings', step_erasures: 'Erasures', step_document: 'Comparison',
    ok: 'holds', bad: 'does not hold', unknown: 'could not be checked',
    // Details
    fileHashed: 'SHA-256 {hash}',
    policyRead: 'read; log {logs}',
    rootsRead: 'root keys read: {count}',
    proofRead: 'read; it speaks of record {index}',
    checkpointFetched: 'fetched from {log}',
    checkpointSigned: 'signed by the log {origin}, of {size} entries',
    witnessesNone: 'the policy asks for none; signed: {count}',
    quorumReached: 'as many as the policy asks for; signed: {count}',
    inclusionHolds: 'entry {index} is among the {size} entries that the checkpoint signs',
    inclusionMade: 'proven from the log’s tiles: entry {index} is among the {size} entries that the checkpoint signs',
    keysFolded: 'statements about keys, in the log and signed by root keys: {count}',
    historyRead: 'entries read, all as the checkpoint signs them: {count}',
    signatureHolds: 'signed by key {key}, which was enrolled and may make such a statement',
    statementFits: 'a {kind} statement that keeps the rules of its kind',
    openingsFetched: 'fetched from {path}: {count}',
    openingsFit: 'openings that match their commitments: {count}; none is missing',
    openingsWithheld: 'openings that match their commitments: {count}; withheld on purpose: {withheld}',
    sameBytes: 'the same bytes as registered in record {index} of {log}',
    sameBytesAbout: 'the document with these bytes is the one that record {index} of {log} is about',
    // Bad
    checkpointForm: 'this is not a signed checkpoint',
    originUnknown: 'no log of the policy has the origin {origin}',
    logSignatureBad: 'the signature of the log {name} does not hold',
    logSignatureMissing: 'it is not signed by the log {origin} with a key of the policy',
    cosignatureBad: 'the cosignature of the witness {name} does not hold',
    proofForm: 'not a .tlog-proof file, or a damaged one',
    proofDamaged: 'the proof’s extra line is damaged',
    inclusionBad: 'entry {index} is not in the log that the checkpoint signs',
    entryForm: 'entry {index} is not a record',
    tileForm: '{path} is not a tile of the right size',
    bundleForm: '{path} is not a bundle of entries',
    historyBad: 'the entries and tiles of this log are not those that its checkpoint signs',
    keyMisplaced: 'entry {index} is no statement about keys from before the record',
    keyStatementBad: 'the statement about keys in entry {index} cannot stand',
    signerNotEnrolled: 'key {key} was not enrolled when entry {index} was made',
    signerEnded: 'key {key} was ended by entry {entry}, before entry {index} was made',
    signerNotAllowed: 'key {key} may not make a {kind} statement',
    signatureBad: 'the signature of entry {index} does not hold under key {key}',
    statementFault: 'the statement contradicts itself or the rules of its kind at {field}',
    openingsBad: 'the openings do not fit record {index}',
    openingsForm: '{path} is not a file of openings',
    aboutAKey: 'record {index} is about a key, not about a document: leave the document out',
    otherDocument: 'the document is not the one that record {index} is about, which has SHA-256 {hash}',
    // Could not be checked
    noCrypto: 'this browser gives no cryptography to this page: open it over HTTPS, or saved on your disk',
    noEd25519: 'this browser cannot check Ed25519 signatures: take a newer one',
    internal: 'something unexpected went wrong in this page',
    policyLine: 'the policy cannot be understood at line {line}',
    policyQuorum: 'the policy does not say how many witnesses it takes (a quorum line)',
    rootsNone: 'no root key is given',
    rootsLine: 'line {line} is not an OpenSSH public key of type ssh-ed25519',
    rootWeak: 'the root key on line {line} is weak, or no key',
    proofExtra: 'it carries no record that can be read here',
    logSignatureUnknown: 'the log {origin} signs in a way that cannot be checked here',
    quorumMissing: 'not as many witnesses as the policy asks for; signed: {count}',
    kindUnknown: 'the record is of type {type}, which is not known here',
    openingsMissing: 'openings that match their commitments: {count}; not at hand, and nobody says why: {missing}',
    otherBytes: 'NOT the bytes that were registered in record {index}, which have SHA-256 {hash}. Whether the wording is the same cannot be told here: use “dateline check”',
    addressBad: 'this is not an http or https address',
    indexBad: 'this is not a record number',
    indexBeyond: 'there is no record {index}: the log has {size} entries',
    fetchFailed: '{path} could not be fetched. A page may fetch only from its own server, or from one that allows it',
    fileMissing: '{path} is not there. If the log has just grown, check again',
    // What it establishes
    notChecked: 'Not checked:',
    establishesRecord: 'This establishes that the record is in the log, signed by a key that a root key enrolled before it.',
    establishesKey: 'This establishes that the record is in the log, signed by a root key.',
    establishesNot: 'It does not establish that the named origin produced the document, nor that it is true.',
    uncheckedRevoked: "whether the signer's key was revoked before, or needed more root keys: that takes the log",
    uncheckedKey: 'what became of that key before and since: that takes the log',
    uncheckedSince: 'what was said of the record since, a retraction say: that takes the log',
    uncheckedDocument: 'which document it is about: none was given',
    uncheckedReferences: 'whether the records that it points to are what it says: that takes the log',
    uncheckedMissing: 'what is committed at {field}: its opening is not in the proof, and nobody says that it was withheld',
    uncheckedLost: 'what is committed at {field}: its opening is not there, and nobody says that it was erased',
    // What the record says
    title: 'Title', language: 'Language', publisher: 'Publisher', publishedAt: 'Published', dateline: 'Dateline',
    origin: 'Origin', byline: 'Byline', note: 'Note',
    noneFound: 'none found', claimedOnly: 'claimed, not verified', closed: 'WITHHELD', notAtHand: 'NOT AT HAND',
    withheldOne: 'WITHHELD: {field}, left out of the proof on purpose',
    erasedOne: 'WITHHELD: {field} (erased, entry {entry}, reason {reason})',
    missingOne: 'NOT AT HAND: the opening of {field}',
    signerLine: 'Signer {key}', checkpointLine: 'Checkpoint: {size} entries, {witnesses} witnesses',
  },
  fr: {
    pageTitle: 'Vérifier soi-même une notice',
    pageIntro: 'C’est votre navigateur qui vérifie, sur votre machine. Le document y est haché et n’est jamais envoyé.',
    languageName: 'Langue',
    skip: 'Aller au contenu',
    navLog: 'Journal', navSearch: 'Notices', navRegister: 'Enregistrer', navVerify: 'Vérifier', navState: 'État',
    establishesTitle: 'Ce qu’une vérification établit',
    establishesText: 'Que le journal a signé cette notice, et que son signataire était inscrit quand elle a été faite.',
    doesNotTitle: 'Ce qu’elle n’établit pas',
    doesNotText: 'Qu’une origine nommée ait produit un document, ni que ce qu’il dit soit vrai.',
    filesLegend: '1. Ce qu’il faut vérifier',
    dropHere: 'Déposez ici le document et son fichier de preuve, ou choisissez-les ci-dessous.',
    documentLabel: 'Document',
    documentHint: 'Exactement le fichier enregistré. Ce sont ses octets qui sont comparés ; le même texte sous d’autres octets se trouve avec le programme « dateline check ».',
    proofLabel: 'Fichier de preuve (.tlog-proof)',
    onlineSummary: 'Pas de fichier de preuve ? Lire le journal lui-même',
    onlineHint: 'Les entrées antérieures à la notice sont lues pour savoir quelles clés pouvaient signer, et toutes si quelque chose en a été effacé. Avec un grand journal, cela peut durer.',
    indexLabel: 'Numéro de la notice',
    logLabel: 'Adresse du journal',
    trustLegend: '2. À qui vous faites confiance',
    trustHint: 'La politique nomme la clé du journal et ses témoins ; les clés racines disent qui peut signer. Tout repose sur elles.',
    trustServed: 'Remplies par le serveur qui vous a aussi donné cette page. Des clés venues du même serveur prouvent moins : collez les vôtres, obtenues autrement.',
    policyLabel: 'Politique',
    rootsLabel: 'Clés racines, une par ligne',
    checkButton: 'Vérifier',
    checking: 'Vérification…',
    resultHeading: 'Résultat',
    stepsHeading: 'Ce qui a été fait',
    recordHeading: 'Ce que dit la notice',
    meansHeading: 'Ce que cela signifie',
    nothingGiven: 'Choisissez un fichier de preuve, ou donnez un numéro de notice et l’adresse de son journal.',
    progress: 'entrées lues : {done} sur {total}',
    verified: 'Vérifié',
    invalid: 'Non valable',
    unverifiable: 'N’a pas pu être vérifié',
    verdictSameBytes: 'Ces octets ont été enregistrés comme notice {index} de {log}.',
    verdictAbout: 'La notice {index} de {log} est une déclaration ({kind}) sur le document qui a ces octets.',
    verdictRecord: 'La notice {index} de {log} est dans le journal ({kind}). Aucun document n’a été comparé.',
    verdictInvalid: 'La vérification a été faite, et cela ne tient pas. Ne vous y fiez pas.',
    verdictUnverifiable: 'Ce n’est ni un oui ni un non : un élément nécessaire à la réponse n’a pas pu être vérifié.',
    step_file: 'Document', step_policy: 'Politique', step_roots: 'Clés racines', step_proof: 'Fichier de preuve',
    step_fetch: 'Journal', step_checkpoint: 'Point de contrôle', step_witnesses: 'Témoins', step_inclusion: 'Inclusion',
    step_keys: 'Clés', step_signature: 'Signature', step_statement: 'Déclaration', step_openings: 'Ouvertures',
    step_disclosures: 'Ouvertures', step_erasures: 'Effacements', step_document: 'Comparaison',
    ok: 'tient', bad: 'ne tient pas', unknown: 'n’a pas pu être vérifié',
    fileHashed: 'SHA-256 {hash}',
    policyRead: 'lue ; journal {logs}',
    rootsRead: 'clés racines lues : {count}',
    proofRead: 'lu ; il parle de la notice {index}',
    checkpointFetched: 'obtenu de {log}',
    checkpointSigned: 'signé par le journal {origin}, de {size} entrées',
    witnessesNone: 'la politique n’en demande aucun ; ont signé : {count}',
    quorumReached: 'autant que la politique en demande ; ont signé : {count}',
    inclusionHolds: 'l’entrée {index} est parmi les {size} entrées que signe le point de contrôle',
    inclusionMade: 'prouvée par les tuiles du journal : l’entrée {index} est parmi les {size} entrées que signe le point de contrôle',
    keysFolded: 'déclarations sur des clés, dans le journal et signées par des clés racines : {count}',
    historyRead: 'entrées lues, toutes telles que le point de contrôle les signe : {count}',
    signatureHolds: 'signée par la clé {key}, qui était inscrite et peut faire une telle déclaration',
    statementFits: 'une déclaration ({kind}) qui suit les règles de son genre',
    openingsFetched: 'obtenues de {path} : {count}',
    openingsFit: 'ouvertures qui correspondent à leurs engagements : {count} ; aucune ne manque',
    openingsWithheld: 'ouvertures qui correspondent à leurs engagements : {count} ; retenues à dessein : {withheld}',
    sameBytes: 'les mêmes octets que ceux enregistrés dans la notice {index} de {log}',
    sameBytesAbout: 'le document qui a ces octets est celui dont parle la notice {index} de {log}',
    checkpointForm: 'ce n’est pas un point de contrôle signé',
    originUnknown: 'aucun journal de la politique n’a l’origine {origin}',
    logSignatureBad: 'la signature du journal {name} ne tient pas',
    logSignatureMissing: 'il n’est pas signé par le journal {origin} avec une clé de la politique',
    cosignatureBad: 'la cosignature du témoin {name} ne tient pas',
    proofForm: 'ce n’est pas un fichier .tlog-proof, ou il est abîmé',
    proofDamaged: 'la ligne « extra » de la preuve est abîmée',
    inclusionBad: 'l’entrée {index} n’est pas dans le journal que signe le point de contrôle',
    entryForm: 'l’entrée {index} n’est pas une notice',
    tileForm: '{path} n’est pas une tuile de la bonne taille',
    bundleForm: '{path} n’est pas un paquet d’entrées',
    historyBad: 'les entrées et les tuiles de ce journal ne sont pas celles que signe son point de contrôle',
    keyMisplaced: 'l’entrée {index} n’est pas une déclaration sur des clés antérieure à la notice',
    keyStatementBad: 'la déclaration sur des clés de l’entrée {index} ne peut pas tenir',
    signerNotEnrolled: 'la clé {key} n’était pas inscrite quand l’entrée {index} a été faite',
    signerEnded: 'l’entrée {entry} a mis fin à la clé {key} avant que l’entrée {index} soit faite',
    signerNotAllowed: 'la clé {key} ne peut pas faire une déclaration de genre {kind}',
    signatureBad: 'la signature de l’entrée {index} ne tient pas avec la clé {key}',
    statementFault: 'la déclaration se contredit, ou enfreint les règles de son genre, à {field}',
    openingsBad: 'les ouvertures ne vont pas avec la notice {index}',
    openingsForm: '{path} n’est pas un fichier d’ouvertures',
    aboutAKey: 'la notice {index} porte sur une clé, non sur un document : retirez le document',
    otherDocument: 'le document n’est pas celui dont parle la notice {index}, qui a le SHA-256 {hash}',
    noCrypto: 'ce navigateur ne donne pas de cryptographie à cette page : ouvrez-la en HTTPS, ou enregistrée sur votre disque',
    noEd25519: 'ce navigateur ne sait pas vérifier les signatures Ed25519 : prenez-en un plus récent',
    internal: 'une erreur inattendue s’est produite dans cette page',
    policyLine: 'la politique ne se comprend pas à la ligne {line}',
    policyQuorum: 'la politique ne dit pas combien de témoins il faut (une ligne « quorum »)',
    rootsNone: 'aucune clé racine n’est donnée',
    rootsLine: 'la ligne {line} n’est pas une clé publique OpenSSH de type ssh-ed25519',
    rootWeak: 'la clé racine de la ligne {line} est faible, ou n’en est pas une',
    proofExtra: 'il ne porte pas de notice lisible ici',
    logSignatureUnknown: 'le journal {origin} signe d’une façon qui ne peut pas être vérifiée ici',
    quorumMissing: 'moins de témoins que la politique n’en demande ; ont signé : {count}',
    kindUnknown: 'la notice est de type {type}, inconnu ici',
    openingsMissing: 'ouvertures qui correspondent à leurs engagements : {count} ; pas là, sans que personne dise pourquoi : {missing}',
    otherBytes: 'Ce ne sont PAS les octets enregistrés dans la notice {index}, qui ont le SHA-256 {hash}. Si le texte est le même ne peut se dire ici : utilisez « dateline check »',
    addressBad: 'ce n’est pas une adresse http ou https',
    indexBad: 'ce n’est pas un numéro de notice',
    indexBeyond: 'il n’y a pas de notice {index} : le journal a {size} entrées',
    fetchFailed: '{path} n’a pas pu être obtenu. Une page ne peut lire que son propre serveur, ou un serveur qui l’y autorise',
    fileMissing: '{path} n’y est pas. Si le journal vient de croître, vérifiez à nouveau',
    notChecked: 'Non vérifié :',
    establishesRecord: 'Cela établit que la notice est dans le journal, signée par une clé qu’une clé racine avait inscrite avant.',
    establishesKey: 'Cela établit que la notice est dans le journal, signée par une clé racine.',
    establishesNot: 'Cela n’établit pas que l’origine nommée a produit le document, ni qu’il dit vrai.',
    uncheckedRevoked: 'si la clé du signataire avait été révoquée avant, ou demandait plus de clés racines : il y faut le journal',
    uncheckedKey: 'ce qu’il est advenu de cette clé avant et depuis : il y faut le journal',
    uncheckedSince: 'ce qui a été dit de la notice depuis, une rétractation par exemple : il y faut le journal',
    uncheckedDocument: 'sur quel document elle porte : aucun n’a été donné',
    uncheckedReferences: 'si les notices auxquelles elle renvoie sont ce qu’elle dit : il y faut le journal',
    uncheckedMissing: 'ce qui est engagé à {field} : son ouverture n’est pas dans la preuve, et personne ne dit qu’elle a été retenue',
    uncheckedLost: 'ce qui est engagé à {field} : son ouverture n’est pas là, et personne ne dit qu’elle a été effacée',
    title: 'Titre', language: 'Langue', publisher: 'Éditeur', publishedAt: 'Publié', dateline: 'Lieu et date',
    origin: 'Origine', byline: 'Auteur', note: 'Note',
    noneFound: 'non trouvé', claimedOnly: 'affirmé, non vérifié', closed: 'RETENU', notAtHand: 'PAS LÀ',
    withheldOne: 'RETENU : {field}, laissé hors de la preuve à dessein',
    erasedOne: 'RETENU : {field} (effacé, entrée {entry}, motif {reason})',
    missingOne: 'PAS LÀ : l’ouverture de {field}',
    signerLine: 'Signataire {key}', checkpointLine: 'Point de contrôle : entrées {size}, témoins {witnesses}',
  },
};

const SHOWN_MAX_CHARS = 300;
const HARMFUL =
  /[\p{Cc}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;
/** Returns a stranger's words as they may be shown: characters that hide or reorder others made visible, and cut. */
export function visible(value) {
  const all = [...String(value)];
  const cut = all.length > SHOWN_MAX_CHARS ? `${all.slice(0, SHOWN_MAX_CHARS - 1).join('')}…` : all.join('');
  return cut.replace(HARMFUL, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
}

/** Returns a text in parts: strings of this page, and { value } of strangers. */
function partsOf(code, args, language) {
  const text = (TEXTS[language] ?? TEXTS.en)[code] ?? code;
  return text.split(/\{(\w+)\}/).map((part, at) => (at % 2 === 0 ? part : { value: visible(args[part] ?? '') }));
}

/** Returns a text as one string. */
export function say(code, args = {}, language = 'en') {
  return partsOf(code, args, language).map((part) => (typeof part === 'string' ? part : part.value)).join('');
}

// ---- The page. Nothing below is used by tests in Node.

function startPage(document) {
  const find = (id) => document.getElementById(id);
  const served = location.protocol.startsWith('http');
  // The server knows which language was chosen on its other pages.
  const wanted = document.documentElement.dataset.chosen ?? navigator.language ?? '';
  let language = wanted.toLowerCase().startsWith('fr') ? 'fr' : 'en';
  let last = null;

  /** Puts a text into an element; what strangers wrote is isolated, so that its direction does not reorder the rest. */
  const put = (element, code, args = {}) => {
    element.replaceChildren(...partsOf(code, args, language).map((part) => {
      if (typeof part === 'string') return document.createTextNode(part);
      return make('bdi', part.value);
    }));
    return element;
  };
  const make = (name, text = '', className = '') => {
    const element = document.createElement(name);
    element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const item = (name, code, args) => put(make(name), code, args);

  function translate() {
    document.documentElement.lang = language;
    document.title = say('pageTitle', {}, language);
    for (const element of document.querySelectorAll('[data-text]')) put(element, element.dataset.text);
    for (const button of document.querySelectorAll('[data-language]')) {
      button.setAttribute('aria-pressed', String(button.dataset.language === language));
    }
    if (last) show(last);
  }

  function showStep(step) {
    const row = make('li', '', `step ${step.status}`);
    row.append(item('strong', `step_${step.name}`), ' ', put(make('span', '', 'status'), step.status), ' ');
    row.append(put(make('span', '', 'detail'), step.code, step.args));
    find('steps').append(row);
  }

  function show(result) {
    last = result;
    find('steps').replaceChildren();
    for (const step of result.steps) showStep(step);
    const verdict = find('verdict');
    verdict.className = `notice ${result.verdict}`;
    const sentences = {
      verified: result.answer === null ? 'verdictRecord' : result.kind === 'registration' ? 'verdictSameBytes' : 'verdictAbout',
      invalid: 'verdictInvalid',
      unverifiable: 'verdictUnverifiable',
    };
    const args = { index: result.record, log: result.log, kind: result.kind };
    verdict.replaceChildren(item('strong', result.verdict), ' ', item('span', sentences[result.verdict], args));
    const wrong = result.steps.findLast((step) => step.status !== 'ok');
    if (wrong) {
      const why = make('p');
      why.append(item('strong', `step_${wrong.name}`), ' ', put(make('span'), wrong.code, wrong.args));
      verdict.append(why);
    }
    const record = find('record');
    record.replaceChildren();
    find('record-part').hidden = !result.view;
    for (const { label, name, value, note } of result.view ?? []) {
      const definition = make('dd');
      if (value != null) definition.append(make('bdi', visible(value)));
      if (note) definition.append(value == null ? '' : ' ', item('em', note));
      else if (value == null) definition.append(item('em', 'noneFound'));
      record.append(label ? item('dt', label) : make('dt', visible(name)), definition);
    }
    const means = find('means');
    means.replaceChildren();
    if (result.verdict !== 'invalid') {
      for (const { code, args } of result.establishes) means.append(item('li', code, args));
      for (const { code, args } of result.notChecked) {
        const row = make('li');
        row.append(item('em', 'notChecked'), ' ', item('span', code, args));
        means.append(row);
      }
    }
    for (const one of result.withheld) {
      means.append(one.erased ? item('li', 'erasedOne', { field: one.field, ...one.erased }) : item('li', 'withheldOne', one));
    }
    for (const field of result.missing) means.append(item('li', 'missingOne', { field }));
    if (result.signer) means.append(item('li', 'signerLine', { key: result.signer }));
    if (result.checkpoint) {
      means.append(item('li', 'checkpointLine', { size: result.checkpoint.size, witnesses: result.witnesses }));
    }
    find('means-part').hidden = means.children.length === 0;
  }

  /** Gives a file to one of the inputs, by what it begins with. */
  async function receive(files) {
    for (const file of files) {
      const head = fromUtf8(new Uint8Array(await file.slice(0, 22).arrayBuffer())) ?? '';
      const given = new DataTransfer();
      given.items.add(file);
      find(head.startsWith('c2sp.org/tlog-proof@v') ? 'proof' : 'document').files = given.files;
    }
  }

  async function bytesOf(input) {
    const [file] = find(input).files;
    return file ? new Uint8Array(await file.arrayBuffer()) : undefined;
  }

  async function check() {
    const [index, base] = [find('index').value.trim(), find('log').value.trim()];
    const proof = await bytesOf('proof');
    find('result').hidden = false;
    find('steps').replaceChildren();
    find('record-part').hidden = true;
    find('means-part').hidden = true;
    last = null;
    const verdict = find('verdict');
    verdict.className = 'notice';
    if (!proof && !(index && base)) {
      put(verdict, 'nothingGiven');
      return;
    }
    put(verdict, 'checking');
    // What was pasted seldom ends with a line break, which a policy must.
    const policy = find('policy').value.replace(/\n*$/, '\n');
    const common = { document: await bytesOf('document'), policy, roots: find('roots').value, onStep: showStep };
    const onProgress = (done, total) => put(find('progress'), 'progress', { done, total });
    const button = find('check');
    button.disabled = true;
    try {
      show(proof ? await checkProof({ ...common, proof }) : await checkOnline({ ...common, base, index, onProgress }));
    } finally {
      button.disabled = false;
      find('progress').textContent = '';
    }
    find('result').focus();
  }

  find('form').addEventListener('submit', (event) => {
    event.preventDefault();
    check();
  });
  for (const button of document.querySelectorAll('[data-language]')) {
    button.addEventListener('click', () => {
      language = button.dataset.language;
      if (served) document.cookie = `dateline-language=${language}; path=/; max-age=31536000; samesite=lax`;
      translate();
    });
  }
  const zone = find('drop');
  // A file dropped beside the zone would otherwise take the place of the page.
  for (const type of ['dragover', 'drop']) document.addEventListener(type, (event) => event.preventDefault());
  zone.addEventListener('dragover', () => zone.classList.add('over'));
  zone.addEventListener('dragleave', () => zone.classList.remove('over'));
  zone.addEventListener('drop', (event) => {
    zone.classList.remove('over');
    receive(event.dataTransfer.files);
  });

  /** Fills in what the server of this page gives. */
  async function prefill() {
    const asked = new URL(location.href).searchParams;
    find('index').value = asked.get('record') ?? '';
    find('log').value = asked.get('log') ? new URL(asked.get('log'), location.href).href : '';
    if (find('index').value) find('online').open = true;
    if (!served) return;
    for (const name of ['policy', 'roots']) {
      const response = await fetch(`./${name}`).catch(() => null);
      if (!response?.ok || find(name).value) continue;
      find(name).value = await response.text();
      find('served').hidden = false;
    }
  }
  // Saved to disk, it leads nowhere.
  if (!served) {
    find('parts').hidden = true;
    find('mark').removeAttribute('href');
  }
  translate();
  prefill();
}

if (typeof document !== 'undefined' && document.getElementById('form')) startPage(document);
