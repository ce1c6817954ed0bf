//! The `.tlog-proof` file: that an entry is in a log, in one file. <https://c2sp.org/tlog-proof>
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
//! index 73894
//! gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
//!
//! example.com/fancylog
//! 109482
//! sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=
//!
//! — example.com/fancylog hI2DJw…
//! ```
//!
//! Nothing in the file is to be believed as it stands. [`TlogProof::open`] gives the checkpoint; that the entry
//! is in the checkpoint's tree follows only from index, hashes, the checkpoint's size and root hash, and the
//! leaf hash that the caller computes. Nothing at all vouches for the extra data.

use thiserror::Error;

use super::open::{OpenError, OpenedCheckpoint};
use super::{Note, NoteError, Policy};
use crate::base::Hash;
use crate::base::encoding::{self, DecodeError};
use crate::base::limits::{PROOF_MAX_HASHES, TLOG_PROOF_MAX_BYTES, TREE_MAX_SIZE};

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof as read. At most [`TLOG_PROOF_MAX_BYTES`] when written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    extra: Vec<u8>,
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: Note,
}

/// Why bytes are not a tlog-proof, or values do not make one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TlogProofError {
    /// A larger file than is read.
    #[error("tlog-proof of {found} bytes, {max} are allowed")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// [`TLOG_PROOF_MAX_BYTES`].
        max: usize,
    },
    /// Not UTF-8.
    #[error("tlog-proof is not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// Index of the first bad byte.
        at: usize,
    },
    /// Another format, or another version of this one.
    #[error("first line is {found:?}, not {HEADER:?}")]
    Header {
        /// The beginning of the first line, at most 80 characters.
        found: String,
    },
    /// No empty line before the checkpoint.
    #[error("tlog-proof of {found} bytes has no empty line before a checkpoint")]
    NoEmptyLine {
        /// Bytes of the file.
        found: usize,
    },
    /// The extra data are not base64, or are empty, which is said by leaving the line out.
    #[error("extra data on line {line} are empty or not base64")]
    Extra {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong; `None` if there are none.
        source: Option<DecodeError>,
    },
    /// The line that should give the index gives something else.
    #[error("line {line} is {found:?}, not an index")]
    Index {
        /// The line, counted from 1.
        line: usize,
        /// The beginning of the line, at most 80 characters.
        found: String,
    },
    /// An index that no tree has.
    #[error("index {found} is not below {max}")]
    IndexTooLarge {
        /// The index found.
        found: u64,
        /// [`TREE_MAX_SIZE`].
        max: u64,
    },
    /// A line of the proof is not a hash.
    #[error("line {line} is not a hash")]
    Hash {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// More hashes than any tree has levels.
    #[error("proof of {found} hashes, {max} are allowed")]
    TooManyHashes {
        /// Hashes found.
        found: usize,
        /// [`PROOF_MAX_HASHES`].
        max: usize,
    },
    /// What follows the empty line is not a signed note.
    #[error("the checkpoint of the tlog-proof is not a signed note")]
    Checkpoint(#[from] NoteError),
}

impl TlogProof {
    /// Joins the parts: `extra` data of the application, empty if there are none; the entry's `index`, below
    /// [`TREE_MAX_SIZE`]; the `hashes` of its inclusion proof, from the leaf's sibling up, at most
    /// [`PROOF_MAX_HASHES`]; and the signed checkpoint.
    ///
    /// # Errors
    /// [`TlogProofError::IndexTooLarge`], [`TlogProofError::TooManyHashes`], [`TlogProofError::TooLarge`].
    pub fn new(
        extra: Vec<u8>,
        index: u64,
        hashes: Vec<Hash>,
        checkpoint: Note,
    ) -> Result<Self, TlogProofError> {
        if index >= TREE_MAX_SIZE {
            return Err(TlogProofError::IndexTooLarge { found: index, max: TREE_MAX_SIZE });
        }
        if hashes.len() > PROOF_MAX_HASHES {
            return Err(TlogProofError::TooManyHashes { found: hashes.len(), max: PROOF_MAX_HASHES });
        }
        let proof = TlogProof { extra, index, hashes, checkpoint };
        let found = proof.format().len();
        if found > TLOG_PROOF_MAX_BYTES {
            return Err(TlogProofError::TooLarge { found, max: TLOG_PROOF_MAX_BYTES });
        }
        Ok(proof)
    }

    /// Reads a file. Checks no signature and no hash.
    ///
    /// # Errors
    /// [`TlogProofError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        if bytes.len() > TLOG_PROOF_MAX_BYTES {
            return Err(TlogProofError::TooLarge { found: bytes.len(), max: TLOG_PROOF_MAX_BYTES });
        }
        let text = std::str::from_utf8(bytes).map_err(|e| TlogProofError::NotUtf8 { at: e.valid_up_to() })?;
        let head = |line: &str| line.chars().take(80).collect();
        let (header, _) = text.split_once('\n').unwrap_or((text, ""));
        if header != HEADER {
            return Err(TlogProofError::Header { found: head(header) });
        }
        let (proof, checkpoint) =
            text.split_once("\n\n").ok_or(TlogProofError::NoEmptyLine { found: text.len() })?;
        let mut lines = proof.split('\n').zip(1..).skip(1).peekable();
        let mut extra = Vec::new();
        if let Some((base64, line)) =
            lines.peek().and_then(|(text, n)| Some((text.strip_prefix("extra ")?, *n)))
        {
            extra = encoding::from_base64(base64)
                .map_err(|source| TlogProofError::Extra { line, source: Some(source) })?;
            if extra.is_empty() {
                return Err(TlogProofError::Extra { line, source: None });
            }
            lines.next();
        }
        let (index, line) = lines.next().unwrap_or(("", 2));
        let number = index.strip_prefix("index ").and_then(|number| encoding::from_decimal(number).ok());
        let index = number.ok_or_else(|| TlogProofError::Index { line, found: head(index) })?;
        let found = lines.clone().count();
        if found > PROOF_MAX_HASHES {
            return Err(TlogProofError::TooManyHashes { found, max: PROOF_MAX_HASHES });
        }
        let hashes = lines.map(|(text, line)| {
            Hash::from_base64(text).map_err(|source| TlogProofError::Hash { line, source })
        });
        let hashes = hashes.collect::<Result<_, _>>()?;
        Self::new(extra, index, hashes, Note::parse(checkpoint.as_bytes())?)
    }

    /// Returns the file, exactly as [`TlogProof::parse`] read it.
    pub fn format(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if !self.extra.is_empty() {
            text.push_str(&format!("extra {}\n", encoding::to_base64(&self.extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.hashes {
            text.push_str(&hash.to_base64());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint.format());
        text
    }

    /// Opens the checkpoint. Says nothing of the entry: its inclusion is for the caller to check.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, policy: &Policy) -> Result<OpenedCheckpoint, OpenError> {
        policy.open_note(&self.checkpoint)
    }

    /// Returns the extra data; empty if there are none. Nothing vouches for them.
    pub fn extra(&self) -> &[u8] {
        &self.extra
    }

    /// Returns the index of the entry, counted from 0. Not compared with the tree size.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Returns the hashes, from the leaf's sibling up to the root's child.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Returns the note of the checkpoint, unopened.
    pub fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_keys::{log, signing_key};
    use super::super::{Checkpoint, Origin, VerifierKey};
    use super::*;
    use crate::base::limits::NOTE_MAX_BYTES;
    use proptest::prelude::*;

    const HASH: &str = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=";

    fn key() -> VerifierKey {
        VerifierKey::parse(&log("example.com/fancylog", 1)).unwrap()
    }

    /// A checkpoint of 109482 leaves, signed.
    fn checkpoint() -> Note {
        let root_hash = Hash::from_base64("sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=").unwrap();
        let origin = Origin::new("example.com/fancylog").unwrap();
        let text = Checkpoint::new(origin, 109_482, root_hash).unwrap().format();
        Note::signed(&text, &key(), &signing_key(1).sign(text.as_bytes())).unwrap()
    }

    fn parse(text: &str) -> Result<TlogProof, TlogProofError> {
        TlogProof::parse(text.as_bytes())
    }

    #[test]
    fn reads_writes_and_opens() {
        let note = checkpoint().format();
        let text = format!("{HEADER}\nextra YWdl\nindex 73894\n{HASH}\n{HASH}\n\n{note}");
        let proof = parse(&text).unwrap();
        assert_eq!((proof.extra(), proof.index(), proof.hashes().len()), (b"age".as_slice(), 73_894, 2));
        assert_eq!(proof.checkpoint().format(), note);
        assert_eq!(proof.format(), text);
        let opened = proof.open(&Policy::of_log(key()).unwrap()).unwrap();
        assert_eq!(opened.checkpoint().size(), 109_482);

        let least = format!("{HEADER}\nindex 0\n\n{note}");
        assert_eq!(parse(&least).unwrap(), TlogProof::new(Vec::new(), 0, Vec::new(), checkpoint()).unwrap());
        assert_eq!(parse(&least).unwrap().format(), least);
    }

    #[test]
    fn refuses_bad_files() {
        let note = checkpoint().format();
        for (text, expected) in [
            (String::new(), "first line"),
            (HEADER.to_owned(), "no empty line"),
            (format!("{HEADER} \nindex 0\n\n{note}"), "first line"),
            (format!("c2sp.org/tlog-proof@v2\nindex 0\n\n{note}"), "first line"),
            (format!("\n{HEADER}\nindex 0\n\n{note}"), "first line"),
            (format!("\u{feff}{HEADER}\nindex 0\n\n{note}"), "first line"),
            (format!("{HEADER}\r\nindex 0\r\n\r\n{note}"), "first line"),
            (format!("{HEADER}\n\n{note}"), "not an index"),
            (format!("{HEADER}\nextra YWdl\n\n{note}"), "not an index"),
            (format!("{HEADER}\nextra\nindex 0\n\n{note}"), "not an index"),
            (format!("{HEADER}\nextra \nindex 0\n\n{note}"), "extra data on line 2"),
            (format!("{HEADER}\nextra YWd\nindex 0\n\n{note}"), "extra data on line 2"),
            (format!("{HEADER}\nextra YWdl \nindex 0\n\n{note}"), "extra data on line 2"),
            (format!("{HEADER}\nextra  YWdl\nindex 0\n\n{note}"), "extra data on line 2"),
            (format!("{HEADER}\nextra YWdl\nextra YWdl\nindex 0\n\n{note}"), "line 3 is"),
            (format!("{HEADER}\nindex 0\nextra YWdl\n\n{note}"), "line 3 is not a hash"),
            (format!("{HEADER}\nindex\n\n{note}"), "not an index"),
            (format!("{HEADER}\nindex \n\n{note}"), "not an index"),
            (format!("{HEADER}\nindex 00\n\n{note}"), "not an index"),
            (format!("{HEADER}\nindex 01\n\n{note}"), "not an index"),
            (format!("{HEADER}\nindex -1\n\n{note}"), "not an index"),
            (format!("{HEADER}\nindex 1 \n\n{note}"), "not an index"),
            (format!("{HEADER}\nIndex 1\n\n{note}"), "not an index"),
            (format!("{HEADER}\nindex 18446744073709551616\n\n{note}"), "not an index"),
            (format!("{HEADER}\nindex {TREE_MAX_SIZE}\n\n{note}"), "is not below"),
            (format!("{HEADER}\nindex 0\n{}\n\n{note}", &HASH[4..]), "line 3 is not a hash"),
            (format!("{HEADER}\nindex 0\n{HASH}\n{HASH}=\n\n{note}"), "line 4 is not a hash"),
            (format!("{HEADER}\nindex 0\n{HASH}\n{note}"), "line 4 is not a hash"),
            (format!("{HEADER}\nindex 0\n\n"), "not a signed note"),
            (format!("{HEADER}\nindex 0\n\n{note}\n"), "not a signed note"),
            (format!("{HEADER}\nindex 0\n\n{}", note.trim_end()), "not a signed note"),
        ] {
            let error = parse(&text).map_err(|error| error.to_string());
            assert!(error.clone().is_err_and(|error| error.contains(expected)), "{text:?}: {error:?}");
        }
        // An empty line more gives the note an empty first line: a note, but not of a checkpoint.
        let shifted = parse(&format!("{HEADER}\nindex 0\n\n\n{note}")).unwrap();
        assert!(matches!(shifted.open(&Policy::of_log(key()).unwrap()), Err(OpenError::Checkpoint(_))));
        assert_eq!(TlogProof::parse(b"\xff"), Err(TlogProofError::NotUtf8 { at: 0 }));
    }

    #[test]
    fn has_bounds() {
        let note = checkpoint();
        let hashes = |count| format!("{HASH}\n").repeat(count);
        assert!(parse(&format!("{HEADER}\nindex 0\n{}\n{}", hashes(63), note.format())).is_ok());
        let too_many = TlogProofError::TooManyHashes { found: 64, max: 63 };
        let text = format!("{HEADER}\nindex 0\n{}\n{}", hashes(64), note.format());
        assert_eq!(parse(&text), Err(too_many.clone()));
        let many = vec![Hash([0; 32]); 64];
        assert_eq!(TlogProof::new(Vec::new(), 0, many, note.clone()), Err(too_many));
        assert!(TlogProof::new(Vec::new(), TREE_MAX_SIZE - 1, Vec::new(), note.clone()).is_ok());
        let error = TlogProofError::IndexTooLarge { found: TREE_MAX_SIZE, max: TREE_MAX_SIZE };
        assert_eq!(TlogProof::new(Vec::new(), TREE_MAX_SIZE, Vec::new(), note.clone()), Err(error));

        // Base64 grows by four characters for three bytes, so the file is filled up to three short of the bound.
        let rest = TLOG_PROOF_MAX_BYTES - format!("{HEADER}\nextra \nindex 0\n\n{}", note.format()).len();
        let fits = TlogProof::new(vec![1; rest / 4 * 3], 0, Vec::new(), note.clone()).unwrap();
        assert_eq!(parse(&fits.format()), Ok(fits));
        let too_large = TlogProof::new(vec![1; rest / 4 * 3 + 1], 0, Vec::new(), note);
        assert!(matches!(too_large, Err(TlogProofError::TooLarge { .. })));
        let error = TlogProofError::TooLarge { found: TLOG_PROOF_MAX_BYTES + 1, max: TLOG_PROOF_MAX_BYTES };
        assert_eq!(TlogProof::parse(&vec![b'x'; TLOG_PROOF_MAX_BYTES + 1]), Err(error));
        let header = TlogProof::parse(&vec![b'x'; TLOG_PROOF_MAX_BYTES]);
        assert!(matches!(header, Err(TlogProofError::Header { .. })));

        let large = format!("{HEADER}\nindex 0\n\n{}\n\n— a AAAAAAE=\n", "x".repeat(NOTE_MAX_BYTES));
        assert!(matches!(parse(&large), Err(TlogProofError::Checkpoint(NoteError::TooLarge { .. }))));
    }

    #[test]
    fn every_bit_of_the_checkpoint_counts() {
        let policy = Policy::of_log(key()).unwrap();
        let proof = TlogProof::new(b"x".to_vec(), 5, vec![Hash([1; 32])], checkpoint()).unwrap();
        let good = proof.format();
        let head = good.len() - checkpoint().format().len();
        for at in 0..good.len() * 8 {
            let mut changed = good.clone().into_bytes();
            changed[at / 8] ^= 1 << (at % 8);
            let Ok(changed) = TlogProof::parse(&changed) else { continue };
            assert_ne!(changed, proof, "bit {at}");
            assert!(at / 8 < head || changed.open(&policy).is_err(), "bit {at}");
        }
    }

    proptest! {
        #[test]
        fn comes_back(extra: Vec<u8>, index in 0..TREE_MAX_SIZE, hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..64)) {
            let hashes = hashes.into_iter().map(Hash).collect();
            let proof = TlogProof::new(extra, index, hashes, checkpoint()).unwrap();
            prop_assert_eq!(parse(&proof.format()), Ok(proof));
        }

        #[test]
        fn has_one_spelling(octets: Vec<u8>, at in 0usize..200) {
            let mut text = format!("{HEADER}\nextra YWdl\nindex 5\n{HASH}\n\n{}", checkpoint().format()).into_bytes();
            text.splice(at..(at + octets.len().min(3)).min(text.len()), octets);
            if let Ok(parsed) = TlogProof::parse(&text) { prop_assert_eq!(parsed.format().into_bytes(), text); }
        }
    }
}
