//! Signed notes, checkpoints, cosignatures, trust policies and tlog-proofs, as C2SP specifies them. Pure.
//!
//! A note (<https://c2sp.org/signed-note>) is a text, an empty line, and signature lines:
//!
//! ```text
//! This is an example message.
//!
//! — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
//! ```
//!
//! Who may lie here: whoever handed over the note. Its text means nothing before [`Note::open`] or
//! [`Policy::open_checkpoint`] has found a signature of a trusted key. Lines of unknown keys are ignored, so
//! anybody can add, change or drop some without being noticed. Names, origins and extension lines are strangers'
//! words: show them with `{:?}`.
//!
//! | file | what it is |
//! |---|---|
//! | `key`, `key_id` | [`VerifierKey`], [`KeyName`], [`KeyId`], [`SignatureType`] |
//! | `signature`, `sign` | [`NoteSignature`], one line; putting one on a note |
//! | `checkpoint` | [`Checkpoint`], [`Origin`] |
//! | `cosignature` | [`Cosignature`], a witness's timestamped signature |
//! | `policy`, `policy_line` | [`Policy`]: whom to believe |
//! | `open`, `quorum` | [`OpenedCheckpoint`]: what they said; [`QuorumNotReached`]: who did not |
//! | `tlog_proof` | [`TlogProof`], the `.tlog-proof` file |

use std::collections::BTreeMap;

use thiserror::Error;

use crate::base::limits::{NOTE_MAX_BYTES, NOTE_MAX_SIGNATURES};

mod checkpoint;
mod cosignature;
mod key;
mod key_id;
mod open;
mod policy;
mod policy_line;
mod quorum;
mod sign;
mod signature;
#[cfg(test)]
mod test_keys;
mod tlog_proof;

pub use checkpoint::{Checkpoint, CheckpointError, Origin};
pub use cosignature::{Cosignature, CosignatureError};
use key::Check;
pub use key::{KeyError, VerifierKey};
pub use key_id::{KeyId, KeyName, SignatureType};
pub use open::{OpenError, OpenedCheckpoint, VerifiedCosignature};
pub use policy::{Group, Item, Log, Member, Policy, PolicyError, Witness};
pub use policy_line::PolicyLineError;
pub use quorum::{QuorumNotReached, Shortfall};
pub use sign::SignError;
pub use signature::{NoteSignature, SignatureLineError};
pub use tlog_proof::{TlogProof, TlogProofError};

/// A signed note: a text of one or more lines and 1 to [`NOTE_MAX_SIGNATURES`] signature lines, together at
/// most [`NOTE_MAX_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// What is known of a note after the lines of known keys were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedNote<'a> {
    text: &'a str,
    verified: Vec<VerifiedSignature<'a>>,
    unverifiable: Vec<&'a VerifierKey>,
}

/// A signature line that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedSignature<'a> {
    key: &'a VerifierKey,
    time: Option<u64>,
}

/// Why bytes are not a signed note.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoteError {
    /// A larger note than is read.
    #[error("note of {found} bytes, {max} are allowed")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// [`NOTE_MAX_BYTES`].
        max: usize,
    },
    /// Not UTF-8.
    #[error("note is not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// Index of the first bad byte.
        at: usize,
    },
    /// A control character other than newline.
    #[error("note has control character 0x{byte:02x} at byte {at}")]
    ControlCharacter {
        /// The character.
        byte: u8,
        /// Its index.
        at: usize,
    },
    /// No empty line between a text and signatures.
    #[error("note of {found} bytes has no empty line with a text before it")]
    NoEmptyLine {
        /// Bytes of the note.
        found: usize,
    },
    /// The text of a note that is to be made does not end with a newline.
    #[error("note text of {found} bytes does not end with a newline")]
    TextUnterminated {
        /// Bytes of the text.
        found: usize,
    },
    /// The last signature line does not end, or there is none.
    #[error("note ends without a whole signature line: {rest:?}")]
    SignaturesUnterminated {
        /// The beginning of what stands there, at most 80 characters.
        rest: String,
    },
    /// A line after the last empty line is not a signature line.
    #[error("signature line {line} of the note is malformed")]
    SignatureLine {
        /// The line, counted from 1 after the empty line.
        line: usize,
        /// What is wrong with it.
        source: SignatureLineError,
    },
    /// More signature lines than are read.
    #[error("note has {found} signature lines, {max} are allowed")]
    TooManySignatures {
        /// Lines found.
        found: usize,
        /// [`NOTE_MAX_SIGNATURES`].
        max: usize,
    },
}

/// Why a note is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoteOpenError {
    /// A known key's line does not hold: somebody changed the note.
    #[error("the signature of {name:?} (key id {id}) does not hold")]
    InvalidSignature {
        /// The key's name.
        name: KeyName,
        /// The key's id.
        id: KeyId,
    },
    /// Two different keys were given that no signature line can tell apart.
    #[error("two keys are named {name:?} and have key id {id}")]
    AmbiguousKey {
        /// The name of both.
        name: KeyName,
        /// The id of both.
        id: KeyId,
    },
    /// No line is of a known key that can be checked.
    #[error("none of {lines} signatures is of a known key ({unverifiable} are, but cannot be checked)")]
    NoVerifiedSignature {
        /// Signature lines of the note.
        lines: usize,
        /// Lines of known keys whose type is not verified here.
        unverifiable: usize,
    },
}

impl Note {
    /// Reads a signed note. The text ends at the last empty line. Costs one pass; checks no signature.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_MAX_BYTES {
            return Err(NoteError::TooLarge { found: bytes.len(), max: NOTE_MAX_BYTES });
        }
        let note = std::str::from_utf8(bytes).map_err(|e| NoteError::NotUtf8 { at: e.valid_up_to() })?;
        no_control_characters(note)?;
        let split = note.rfind("\n\n").ok_or(NoteError::NoEmptyLine { found: note.len() })?;
        let (text, rest) = (&note[..=split], &note[split + 2..]);
        let Some(lines) = rest.strip_suffix('\n') else {
            return Err(NoteError::SignaturesUnterminated { rest: rest.chars().take(80).collect() });
        };
        let found = lines.split('\n').count();
        if found > NOTE_MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures { found, max: NOTE_MAX_SIGNATURES });
        }
        let signatures = lines.split('\n').enumerate().map(|(index, line)| {
            NoteSignature::parse(line).map_err(|source| NoteError::SignatureLine { line: index + 1, source })
        });
        Ok(Note { text: text.to_owned(), signatures: signatures.collect::<Result<_, _>>()? })
    }

    /// Returns the note as it is written: exactly the bytes that [`Note::parse`] read.
    pub fn format(&self) -> String {
        let mut note = format!("{}\n", self.text);
        for signature in &self.signatures {
            note.push_str(&format!("{signature}\n"));
        }
        note
    }

    /// Returns the text with its last newline. Not to be believed before the note is opened.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the signature lines, in the order written. Not checked for anything.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Checks every line that names one of `keys` and ignores the others.
    ///
    /// A key that signed twice is checked twice. Costs one Ed25519 verification for each such line.
    ///
    /// # Errors
    /// [`NoteOpenError::InvalidSignature`] if any of those lines does not hold, however many others do;
    /// [`NoteOpenError::NoVerifiedSignature`] if none holds; [`NoteOpenError::AmbiguousKey`] if two different
    /// `keys` have one name and id.
    pub fn open<'a>(
        &'a self,
        keys: impl IntoIterator<Item = &'a VerifierKey>,
    ) -> Result<OpenedNote<'a>, NoteOpenError> {
        let opened = self.check(keys)?;
        if opened.verified.is_empty() {
            return Err(NoteOpenError::NoVerifiedSignature {
                lines: self.signatures.len(),
                unverifiable: opened.unverifiable.len(),
            });
        }
        Ok(opened)
    }

    /// As [`Note::open`], but content if no line is of a known key.
    fn check<'a>(
        &'a self,
        keys: impl IntoIterator<Item = &'a VerifierKey>,
    ) -> Result<OpenedNote<'a>, NoteOpenError> {
        let mut known: BTreeMap<(&KeyName, KeyId), &VerifierKey> = BTreeMap::new();
        for key in keys {
            if known.insert((key.name(), key.id()), key).is_some_and(|other| other != key) {
                return Err(NoteOpenError::AmbiguousKey { name: key.name().clone(), id: key.id() });
            }
        }
        let mut opened = OpenedNote { text: &self.text, verified: Vec::new(), unverifiable: Vec::new() };
        for line in &self.signatures {
            let Some(key) = known.get(&(line.name(), line.key_id())).copied() else { continue };
            match key.check(&self.text, line.bytes()) {
                Check::Valid { time } => opened.verified.push(VerifiedSignature { key, time }),
                Check::Unverifiable => opened.unverifiable.push(key),
                Check::Invalid => {
                    return Err(NoteOpenError::InvalidSignature { name: key.name().clone(), id: key.id() });
                }
            }
        }
        Ok(opened)
    }
}

impl<'a> OpenedNote<'a> {
    /// Returns the text, with its last newline.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Returns the signatures that hold, in the order of their lines. At least one.
    pub fn verified(&self) -> &[VerifiedSignature<'a>] {
        &self.verified
    }

    /// Returns the keys, in the order of their lines, that are known but of a type that is not verified here.
    /// Whether they signed is not known.
    pub fn unverifiable(&self) -> &[&'a VerifierKey] {
        &self.unverifiable
    }
}

impl<'a> VerifiedSignature<'a> {
    /// Returns the key under which the signature holds.
    pub fn key(&self) -> &'a VerifierKey {
        self.key
    }

    /// Returns when a cosigner says it signed, in seconds since 1970; `None` for a plain signature.
    pub fn time(&self) -> Option<u64> {
        self.time
    }
}

fn no_control_characters(text: &str) -> Result<(), NoteError> {
    match text.bytes().enumerate().find(|&(_, byte)| byte < 0x20 && byte != b'\n') {
        Some((at, byte)) => Err(NoteError::ControlCharacter { byte, at }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // The example of signed-note.md.
    const FOO: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const EXAMPLE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6\
                           TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    // Public test vectors of golang.org/x/mod/sumdb/note.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n";
    const PETER_LINE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg\
                              KvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    const ENOCH_LINE: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01\
                              oOTGwnWLox33WWd1RvMc+QQ=\n";

    fn key(vkey: &str) -> VerifierKey {
        VerifierKey::parse(vkey).unwrap()
    }

    fn parse(note: &str) -> Result<Note, NoteError> {
        Note::parse(note.as_bytes())
    }

    #[test]
    fn the_example_of_the_specification() {
        let (foo, note) = (key(FOO), parse(EXAMPLE).unwrap());
        let opened = note.open([&foo]).unwrap();
        assert_eq!(opened.text(), "This is an example message.\n");
        assert_eq!(opened.verified(), [VerifiedSignature { key: &foo, time: None }]);
        assert_eq!(note.format(), EXAMPLE);
    }

    #[test]
    fn the_text_may_have_empty_lines() {
        // The example at the top of signed-note.md, whose key is not published.
        let text =
            "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n";
        let line = "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMou\
                    FSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
        let note = parse(&format!("{text}\n{line}")).unwrap();
        assert_eq!(note.text(), text);
        assert_eq!(note.signatures()[0].key_id().to_string(), "367ba04b");
        for text in ["\n", "\n\n", "a\n\n", "\na\n", "— a AAAAAAE=\n"] {
            assert_eq!(parse(&format!("{text}\n{line}")).unwrap().text(), text);
        }
    }

    #[test]
    fn known_keys_must_hold_and_unknown_ones_are_ignored() {
        let (peter, enoch) = (key(PETER), key(ENOCH));
        let both = parse(&format!("{TEXT}\n{PETER_LINE}{ENOCH_LINE}")).unwrap();
        let names = |opened: OpenedNote| -> Vec<String> {
            opened.verified().iter().map(|v| v.key().name().to_string()).collect()
        };
        assert_eq!(names(both.open([&peter]).unwrap()), ["PeterNeumann"]);
        assert_eq!(names(both.open([&peter, &peter]).unwrap()), ["PeterNeumann"]);
        assert_eq!(names(both.open([&enoch, &peter]).unwrap()), ["PeterNeumann", "EnochRoot"]);
        let none = NoteOpenError::NoVerifiedSignature { lines: 2, unverifiable: 0 };
        assert_eq!(both.open([]), Err(none));

        let wrong = format!("{TEXT}\n{PETER_LINE}{}", ENOCH_LINE.replace("WWd1RvMc", "WWd1RvMd"));
        let wrong = parse(&wrong).unwrap();
        assert_eq!(names(wrong.open([&peter]).unwrap()), ["PeterNeumann"]);
        let invalid = NoteOpenError::InvalidSignature { name: enoch.name().clone(), id: enoch.id() };
        assert_eq!(wrong.open([&peter, &enoch]), Err(invalid));

        // A good signature under the name of one known key and the id of another is of an unknown key.
        let renamed = parse(&format!("{TEXT}\n{}", PETER_LINE.replace("PeterNeumann", "EnochRoot"))).unwrap();
        assert!(matches!(renamed.open([&peter, &enoch]), Err(NoteOpenError::NoVerifiedSignature { .. })));
    }

    #[test]
    fn a_second_line_of_a_known_key_must_hold_too() {
        let peter = key(PETER);
        let bad = PETER_LINE.replace("x08go/ZJ", "x08go/ZK");
        let twice = parse(&format!("{TEXT}\n{PETER_LINE}{PETER_LINE}")).unwrap();
        assert_eq!(twice.open([&peter]).unwrap().verified().len(), 2);
        let mixed = parse(&format!("{TEXT}\n{PETER_LINE}{bad}")).unwrap();
        assert!(matches!(mixed.open([&peter]), Err(NoteOpenError::InvalidSignature { .. })));
    }

    #[test]
    fn refuses_malformed_notes() {
        let line = PETER_LINE.trim_end();
        for bad in [
            String::new(),
            "\n".to_owned(),
            "\n\n".to_owned(),
            TEXT.to_owned(),
            format!("{TEXT}\n"),
            format!("{TEXT}\n\n"),
            format!("{TEXT}{PETER_LINE}"),
            format!("{TEXT}\n{line}"),
            format!("{TEXT}\n{PETER_LINE}\n"),
            format!("{TEXT}\n{PETER_LINE}Unexpected line.\n"),
            format!("{TEXT}\n{PETER_LINE} \n"),
            format!("{TEXT}\nUnexpected line.\n{PETER_LINE}"),
            format!("\n{PETER_LINE}"),
            PETER_LINE.to_owned(),
            format!("\u{1}{TEXT}\n{PETER_LINE}"),
            format!("{TEXT}\t\n\n{PETER_LINE}"),
            format!("{TEXT}\u{1f}\n\n{PETER_LINE}"),
            format!("{TEXT}\n{line}\r\n"),
            format!("{TEXT}\n{line}\0\n"),
            format!("{TEXT}\n{}", PETER_LINE.replace("PeterNeumann", "Bad Name")),
            format!("{TEXT}\n{}", PETER_LINE.replace("PeterNeumann", "Bad+Name")),
            format!("{TEXT}\n{}", PETER_LINE.replace("PeterNeumann", "")),
            format!("{TEXT}\n{}", PETER_LINE.replace("PeterNeumann", &"n".repeat(256))),
            format!("{TEXT}\n{}", PETER_LINE.replace('=', "")),
            format!("{TEXT}\n{}", PETER_LINE.replace("nAM=", "nAN=")),
        ] {
            assert!(parse(&bad).is_err(), "{bad:?}");
        }
        let mut bytes = format!("?{TEXT}\n{PETER_LINE}").into_bytes();
        assert!(Note::parse(&bytes).is_ok());
        bytes[0] = 0xff;
        assert_eq!(Note::parse(&bytes), Err(NoteError::NotUtf8 { at: 0 }));
    }

    #[test]
    fn says_which_signature_line_is_malformed() {
        for line in [1, 2, 7] {
            let note = parse(&format!("{TEXT}\n{}Unexpected line.\n", PETER_LINE.repeat(line - 1)));
            let message = format!("signature line {line} of the note is malformed");
            assert_eq!(note.unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn signature_lines_have_a_bound() {
        let peter = key(PETER);
        for (count, ok) in [(1, true), (16, true), (100, true), (101, false)] {
            for last in [PETER_LINE, "— unknown AAAAAAE=\n"] {
                let lines = PETER_LINE.repeat(count - 1) + last;
                let note = parse(&format!("{TEXT}\n{lines}"));
                if ok {
                    assert!(count == 1 || note.unwrap().open([&peter]).is_ok());
                } else {
                    assert_eq!(note, Err(NoteError::TooManySignatures { found: 101, max: 100 }));
                }
            }
        }
        // Unknown lines first must not hide a known one.
        let note = format!("{TEXT}\n{}{PETER_LINE}", "— unknown AAAAAAE=\n".repeat(99));
        assert!(parse(&note).unwrap().open([&peter]).is_ok());
    }

    #[test]
    fn bytes_have_a_bound() {
        let rest = NOTE_MAX_BYTES - PETER_LINE.len() - 2;
        let (fits, too_large) = ("x".repeat(rest), "x".repeat(rest + 1));
        assert!(parse(&format!("{fits}\n\n{PETER_LINE}")).is_ok());
        let error = NoteError::TooLarge { found: NOTE_MAX_BYTES + 1, max: NOTE_MAX_BYTES };
        assert_eq!(parse(&format!("{too_large}\n\n{PETER_LINE}")), Err(error));
    }

    #[test]
    fn reports_keys_it_cannot_verify() {
        let peter = key(PETER);
        let ecdsa = format!("ecdsa.example+00000001+{}", crate::base::encoding::to_base64(&[0x02, 1]));
        let ecdsa = key(&ecdsa);
        let note = parse(&format!("{TEXT}\n— ecdsa.example AAAAAQE=\n{PETER_LINE}")).unwrap();
        let opened = note.open([&peter, &ecdsa]).unwrap();
        assert_eq!((opened.verified().len(), opened.unverifiable()), (1, [&ecdsa].as_slice()));
        let none = NoteOpenError::NoVerifiedSignature { lines: 2, unverifiable: 1 };
        assert_eq!(note.open([&ecdsa]), Err(none));

        let twin = key(&format!("ecdsa.example+00000001+{}", crate::base::encoding::to_base64(&[0x02, 2])));
        assert!(matches!(note.open([&ecdsa, &twin]), Err(NoteOpenError::AmbiguousKey { .. })));
    }

    /// What the signed_note crate makes of a note: does it read it, and do Peter and Enoch sign it?
    fn theirs(note: &[u8]) -> (bool, Option<usize>) {
        let known: Vec<Box<dyn signed_note::Verifier>> = [PETER, ENOCH]
            .map(|vkey| Box::new(signed_note::StandardVerifier::new(vkey).unwrap()) as Box<_>)
            .into();
        let Ok(note) = signed_note::Note::from_bytes(note) else { return (false, None) };
        let verified = note.verify(&signed_note::VerifierList::new(known));
        (true, verified.ok().map(|(verified, _)| verified.len()))
    }

    fn ours(note: &[u8]) -> (bool, Option<usize>) {
        let (peter, enoch) = (key(PETER), key(ENOCH));
        let Ok(note) = Note::parse(note) else { return (false, None) };
        let opened = note.open([&peter, &enoch]);
        (true, opened.ok().map(|opened| opened.verified().len()))
    }

    #[test]
    fn agrees_with_signed_note_on_every_bit_flip() {
        let good = format!("{TEXT}\n{PETER_LINE}{ENOCH_LINE}— other AAAAAAE=\n").into_bytes();
        assert_eq!((ours(&good), theirs(&good)), ((true, Some(2)), (true, Some(2))));
        for at in 0..good.len() * 8 {
            let mut note = good.clone();
            note[at / 8] ^= 1 << (at % 8);
            assert_eq!(ours(&note), theirs(&note), "bit {at}");
        }
        for end in 0..good.len() {
            assert_eq!(ours(&good[..end]), theirs(&good[..end]), "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_signed_note_on_shuffled_pieces(pieces in proptest::collection::vec(0usize..9, 0..9)) {
            let parts = [TEXT, "\n", PETER_LINE, ENOCH_LINE, "— other AAAAAAE=\n", "— x\n", " ", "—", "é"];
            let note: String = pieces.iter().map(|&piece| parts[piece]).collect();
            let (mut ours, theirs) = (ours(note.as_bytes()), theirs(note.as_bytes()));
            // They count a key once; we count lines.
            ours.1 = ours.1.map(|lines| lines.min(theirs.1.unwrap_or(0)));
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn comes_back(text in "[a-z —é\n]{0,60}\n", lines in proptest::collection::vec("[a-z日/]{1,9}", 1..5)) {
            let lines: Vec<NoteSignature> = lines
                .iter()
                .map(|name| NoteSignature::new(KeyName::new(name).unwrap(), KeyId([1; 4]), vec![7; name.len()]))
                .collect::<Result<_, _>>()
                .unwrap();
            let note = Note { text, signatures: lines };
            prop_assert_eq!(Note::parse(note.format().as_bytes()), Ok(note));
        }

        #[test]
        fn has_one_spelling(bytes: Vec<u8>, at in 0usize..200) {
            let mut note = EXAMPLE.as_bytes().to_vec();
            let at = at.min(note.len());
            note.splice(at..(at + bytes.len()).min(EXAMPLE.len()), bytes);
            if let Ok(parsed) = Note::parse(&note) { prop_assert_eq!(parsed.format().into_bytes(), note); }
        }
    }
}
