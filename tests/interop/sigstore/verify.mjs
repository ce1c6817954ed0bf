// Checks an exported sigstore bundle with sigstore's own verifier, and that the verifier refuses it once changed.
//
// Usage: node verify.mjs BUNDLE.json PUBLIC.pem

import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bundleFromJSON } from '@sigstore/bundle';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';

const [bundlePath, publicPath] = process.argv.slice(2);
const publicKey = createPublicKey(readFileSync(publicPath));
const json = JSON.parse(readFileSync(bundlePath, 'utf8'));
const hint = json.verificationMaterial.publicKey.hint;

const trustedRoot = {
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [],
};
const findKey = (asked) => {
  if (asked !== hint) throw new Error(`asked for key ${asked}`);
  return { publicKey, validFor: () => true };
};
const verifier = new Verifier(toTrustMaterial(trustedRoot, findKey), {
  ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0, tsaThreshold: 0,
});

verifier.verify(toSignedEntity(bundleFromJSON(json)));

const changed = structuredClone(json);
const payload = Buffer.from(changed.dsseEnvelope.payload, 'base64');
payload[payload.length >> 1] ^= 1;
changed.dsseEnvelope.payload = payload.toString('base64');
let refused = false;
try {
  verifier.verify(toSignedEntity(bundleFromJSON(changed)));
} catch (error) {
  refused = error.code === 'SIGNATURE_ERROR';
}
if (!refused) throw new Error('a changed bundle was not refused');
console.log('sigstore: the exported bundle holds, and a changed one is refused');
