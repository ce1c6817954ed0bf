//! DSSE envelopes (secure-systems-lab/dsse 1.0), narrowed to what every third-party verifier takes.
//!
//! One spelling only, since the envelope's exact bytes are the log entry:
//!
//! ```json
//! {"payload":"eyJf…","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"<64 hex>","sig":"<base64>"}]}
//! ```
//!
//! Standard padded base64, exactly one signature, and `keyid` as securesystemslib makes it. What is signed is not the
//! JSON but [`pae`] of type and payload, so the envelope can be taken apart before anything in it is trusted.

use std::borrow::Cow;

use serde::Deserialize;
use thiserror::Error;

use crate::base::encoding::{self, DecodeError};
use crate::base::{Hash, PublicKey, Signature, limits};

/// The only payload type.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// What stands before, between and after the payload, the key's id and the signature.
const PAYLOAD: &str = r#"{"payload":""#;
const KEY_ID: &str = r#"","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":""#;
const SIG: &str = r#"","sig":""#;
const END: &str = r#""}]}"#;

/// Returns DSSE's pre-authentication encoding: what a signature covers.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {} {} ", payload_type.len(), payload_type, payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// A signed envelope. Its signature holds only once [`Envelope::verify`] says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload: Vec<u8>,
    key_id: Hash,
    signature: Signature,
}

/// The bytes of a payload whose signature was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedPayload<'a>(&'a [u8]);

impl<'a> VerifiedPayload<'a> {
    /// Returns the bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// Why bytes are not an envelope, or an envelope does not hold.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Larger than a log entry may be.
    #[error("the envelope has {size} bytes; {limit} are allowed")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The largest.
        limit: usize,
    },
    /// Not JSON with the members of an envelope and no others.
    #[error("not the JSON of an envelope")]
    Json(#[from] serde_json::Error),
    /// Another payload type.
    #[error("payload type {found:?} is not {PAYLOAD_TYPE}")]
    PayloadType {
        /// The type found.
        found: String,
    },
    /// None, or more than one.
    #[error("the envelope has {found} signatures; exactly one is taken")]
    SignatureCount {
        /// How many.
        found: usize,
    },
    /// A member is not encoded as it must be.
    #[error("member {member} is not encoded as it must be")]
    Encoding {
        /// Which.
        member: &'static str,
        /// What is wrong.
        #[source]
        source: DecodeError,
    },
    /// The same envelope in another spelling: other spacing, other order.
    #[error("the envelope is not spelt as it must be: it differs at byte {at}")]
    Spelling {
        /// The first byte that differs.
        at: usize,
    },
    /// The envelope names another key than the one it is checked under.
    #[error("the envelope names key {found}, not {expected}")]
    KeyId {
        /// Id of the key it is checked under.
        expected: Hash,
        /// The id in it.
        found: Hash,
    },
    /// The signature does not hold.
    #[error("the signature does not hold under key {key_id}")]
    Signature {
        /// Id of the key it was checked under.
        key_id: Hash,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Puts a signature on a payload.
    ///
    /// # Errors
    /// [`EnvelopeError::Signature`] if it does not hold under `key`.
    pub fn seal(payload: Vec<u8>, key: &PublicKey, signature: Signature) -> Result<Self, EnvelopeError> {
        let envelope = Envelope { payload, key_id: key.key_id(), signature };
        envelope.verify(key)?;
        Ok(envelope)
    }

    /// Puts a signature on a payload that its key has just signed.
    pub(crate) fn signed(payload: Vec<u8>, key_id: Hash, signature: Signature) -> Self {
        Envelope { payload, key_id, signature }
    }

    /// Returns the envelope's bytes, in its one spelling.
    pub fn encode(&self) -> Vec<u8> {
        // Written out, as none of the three encodings needs escaping in JSON.
        let mut out = String::with_capacity(self.payload.len() / 3 * 4 + 300);
        out.push_str(PAYLOAD);
        encoding::push_base64(&mut out, &self.payload);
        out.push_str(KEY_ID);
        out.push_str(&self.key_id.to_hex());
        out.push_str(SIG);
        encoding::push_base64(&mut out, &self.signature.0);
        out.push_str(END);
        out.into_bytes()
    }

    /// Reads an envelope. The signature is not checked.
    ///
    /// # Errors
    /// [`EnvelopeError`]; what parses encodes back to the same bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > limits::ENTRY_MAX_BYTES {
            return Err(EnvelopeError::TooLarge { size: bytes.len(), limit: limits::ENTRY_MAX_BYTES });
        }
        if let Some(envelope) = Self::parse_at_once(bytes) {
            return Ok(envelope);
        }
        let wire: Wire = serde_json::from_slice(bytes)?;
        if wire.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::PayloadType { found: wire.payload_type });
        }
        let [signature] = wire.signatures.as_slice() else {
            return Err(EnvelopeError::SignatureCount { found: wire.signatures.len() });
        };
        let member = |member| move |source| EnvelopeError::Encoding { member, source };
        let envelope = Envelope {
            payload: encoding::from_base64(&wire.payload).map_err(member("payload"))?,
            key_id: Hash::from_hex(&signature.keyid).map_err(member("keyid"))?,
            signature: Signature(encoding::from_base64_fixed(&signature.sig).map_err(member("sig"))?),
        };
        let again = envelope.encode();
        if again != bytes {
            let at = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            return Err(EnvelopeError::Spelling { at });
        }
        Ok(envelope)
    }

    /// Reads an envelope in its one spelling by the places of its members; `None` if it is not in it.
    fn parse_at_once(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let rest = text.strip_prefix(PAYLOAD)?;
        let (payload, rest) = rest.split_at_checked(rest.find('"')?)?;
        let (key_id, sig) = rest.strip_prefix(KEY_ID)?.split_at_checked(2 * Hash::BYTES)?;
        let envelope = Envelope {
            payload: encoding::from_base64(payload).ok()?,
            key_id: Hash::from_hex(key_id).ok()?,
            signature: Signature(
                encoding::from_base64_fixed(sig.strip_prefix(SIG)?.strip_suffix(END)?).ok()?,
            ),
        };
        Some(envelope)
    }

    /// Checks the signature under `key` and returns the payload. Costs about 40 µs.
    ///
    /// # Errors
    /// [`EnvelopeError::KeyId`] if it names another key, as securesystemslib asks: so no byte of an envelope can be
    /// changed. [`EnvelopeError::Signature`] if it does not hold.
    pub fn verify(&self, key: &PublicKey) -> Result<VerifiedPayload<'_>, EnvelopeError> {
        if self.key_id != key.key_id() {
            return Err(EnvelopeError::KeyId { expected: key.key_id(), found: self.key_id });
        }
        let held = key.verify(&self.message(), &self.signature);
        held.map_err(|_| EnvelopeError::Signature { key_id: key.key_id() })?;
        Ok(VerifiedPayload(&self.payload))
    }

    /// Returns what the signature is over.
    pub fn message(&self) -> Vec<u8> {
        pae(PAYLOAD_TYPE, &self.payload)
    }

    /// Returns the id that the envelope gives for its key: a hint for finding the key, which nobody signed.
    pub fn key_id(&self) -> Hash {
        self.key_id
    }

    /// Returns the signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Returns the payload before its signature was checked: for finding out under which key to check it.
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SigningKey;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    fn key() -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([7; 32]))
    }

    fn sealed(payload: &[u8]) -> Envelope {
        let signature = key().sign(&pae(PAYLOAD_TYPE, payload));
        Envelope::seal(payload.to_vec(), &key().public(), signature).unwrap()
    }

    #[test]
    fn pae_of_the_protocol_page() {
        let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(pae("http://example.com/HelloWorld", b"hello world"), expected);
    }

    #[test]
    fn other_spellings_are_refused() {
        let good = String::from_utf8(sealed(b"{}").encode()).unwrap();
        Envelope::parse(good.as_bytes()).unwrap();
        let (_, signatures) = good.split_once(r#""signatures":"#).unwrap();
        let one = &signatures[1..signatures.len() - 2];
        let bad = [
            good.replace(',', ", "),
            format!("{good}\n"),
            good.replace("e30=", "e30"),
            good.replace("e30=", "e31="),
            good.replace("vnd.in-toto+json", "json"),
            good.replace("vnd.in-toto+json", r"vnd.in-toto\u002bjson"),
            good.replace(r#""payload":"#, r#""extra":1,"payload":"#),
            good.replace(r#""payload":"#, r#""payload":"e30=","payload":"#),
            good.replace(one, &format!("{one},{one}")),
            good.replace(one, ""),
            good.replace(r#""keyid":""#, r#""keyid":"A"#),
        ];
        for (number, text) in bad.iter().enumerate() {
            assert_ne!(*text, good, "case {number} changes nothing");
            assert!(Envelope::parse(text.as_bytes()).is_err(), "case {number}: {text}");
        }
    }

    #[test]
    fn another_spelling_is_told_by_its_place() {
        let good = String::from_utf8(sealed(b"{}").encode()).unwrap();
        let comma = good.find(',').unwrap();
        for (spelt, place) in [(good.replacen(',', ", ", 1), comma + 1), (format!("{good}\n"), good.len())] {
            let error = Envelope::parse(spelt.as_bytes()).unwrap_err();
            assert!(matches!(error, EnvelopeError::Spelling { at } if at == place), "{error:?}");
        }
    }

    #[test]
    fn size_is_bounded() {
        // 3 bytes of payload are 4 of base64.
        let overhead = sealed(b"").encode().len();
        let largest = (limits::ENTRY_MAX_BYTES - overhead) / 4 * 3;
        assert!(Envelope::parse(&sealed(&vec![b' '; largest]).encode()).is_ok());
        let error = Envelope::parse(&sealed(&vec![b' '; largest + 3]).encode()).unwrap_err();
        assert!(matches!(error, EnvelopeError::TooLarge { .. }));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let good = sealed(br#"{"a":1}"#).encode();
        for at in 0..good.len() * 8 {
            let mut flipped = good.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            let Ok(envelope) = Envelope::parse(&flipped) else { continue };
            assert!(envelope.verify(&key().public()).is_err(), "bit {at}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(payload: Vec<u8>) {
            let envelope = sealed(&payload);
            let bytes = envelope.encode();
            let wire: Wire = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(wire.payload_type, PAYLOAD_TYPE);
            prop_assert_eq!(encoding::from_base64(&wire.payload).unwrap(), payload.clone());
            let parsed = Envelope::parse_at_once(&bytes).unwrap();
            prop_assert_eq!(&parsed, &envelope);
            prop_assert_eq!(parsed.verify(&key().public()).unwrap().as_bytes(), payload.as_slice());
        }
    }
}
