//! A sigstore bundle, version 0.3, around a record's envelope: for verifiers that know no other wrapping of DSSE.
//!
//! The envelope is the log entry, byte for byte the same payload and signature. The key is named by its id in
//! `publicKey.hint` and must come to the verifier by another way. There is no entry of sigstore's own log in it.

use serde_json::{Value, json};

use crate::attest::Envelope;
use crate::attest::dsse::PAYLOAD_TYPE;
use crate::base::encoding::to_base64;

/// The media type of such a bundle.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// Returns the bundle as JSON.
pub fn sigstore_bundle(envelope: &Envelope) -> Value {
    let key_id = envelope.key_id().to_hex();
    json!({
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {
            "publicKey": { "hint": key_id },
            "tlogEntries": [],
            "timestampVerificationData": { "rfc3161Timestamps": [] },
        },
        "dsseEnvelope": {
            "payload": to_base64(envelope.unverified_payload()),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{ "sig": to_base64(&envelope.signature().0), "keyid": key_id }],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attest::dsse::pae;
    use crate::base::SigningKey;
    use zeroize::Zeroizing;

    #[test]
    fn holds_the_same_payload_and_signature() {
        let key = SigningKey::from_seed(&Zeroizing::new([1; 32]));
        let signature = key.sign(&pae(PAYLOAD_TYPE, b"{}"));
        let envelope = Envelope::seal(b"{}".to_vec(), &key.public(), signature).unwrap();
        let entry: Value = serde_json::from_slice(&envelope.encode()).unwrap();
        let bundle = sigstore_bundle(&envelope);
        assert_eq!(bundle["dsseEnvelope"]["payload"], entry["payload"]);
        assert_eq!(bundle["dsseEnvelope"]["signatures"][0]["sig"], entry["signatures"][0]["sig"]);
        assert_eq!(bundle["verificationMaterial"]["publicKey"]["hint"], entry["signatures"][0]["keyid"]);
    }
}
