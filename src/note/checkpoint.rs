//! Checkpoints, the text of a log's signed notes: <https://c2sp.org/tlog-checkpoint>.
//!
//! ```text
//! example.com/behind-the-sofa
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//! ```
//!
//! Origin, tree size, root hash; then, from some logs, extension lines, which no monitor checks: they are read
//! and written back, and this project adds none. A checkpoint read here is what somebody said; only
//! [`Policy::open_checkpoint`](super::Policy::open_checkpoint) gives one that a log has signed.

use std::fmt;

use thiserror::Error;

use super::key_id::KeyName;
use crate::base::Hash;
use crate::base::encoding::{self, DecodeError};
use crate::base::limits::{KEY_NAME_MAX_BYTES, TREE_MAX_SIZE};

/// The identity of a log: 1 to [`KEY_NAME_MAX_BYTES`] bytes on one line, without control characters below
/// U+0020. Unlike a key name it may hold spaces and `+`; it need not be a URL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

/// The state of a log: its origin, how many leaves its tree has, and the root hash over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: Origin,
    size: u64,
    root_hash: Hash,
    extensions: Vec<String>,
}

/// Why a text is not a checkpoint, or values do not make one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The origin is empty or has a control character.
    #[error("origin {origin:?} is empty or has a control character")]
    OriginForm {
        /// The beginning of the origin, at most 80 characters.
        origin: String,
    },
    /// A longer origin than is kept.
    #[error("origin of {found} bytes, {max} are allowed")]
    OriginTooLong {
        /// Bytes found.
        found: usize,
        /// [`KEY_NAME_MAX_BYTES`].
        max: usize,
    },
    /// Fewer than three lines.
    #[error("a checkpoint has at least 3 lines, found {found}")]
    TooFewLines {
        /// Lines found.
        found: usize,
    },
    /// The last line does not end.
    #[error("checkpoint line {line} has no newline")]
    Unterminated {
        /// The line, counted from 1.
        line: usize,
    },
    /// The tree size is not a canonical decimal number.
    #[error("tree size is not a number")]
    Size(#[source] DecodeError),
    /// A tree larger than any can be.
    #[error("tree size {found} is above {max}")]
    SizeTooLarge {
        /// Leaves found.
        found: u64,
        /// [`TREE_MAX_SIZE`].
        max: u64,
    },
    /// The root hash is not 32 bytes of base64.
    #[error("root hash is not base64 of 32 bytes")]
    RootHash(#[source] DecodeError),
    /// The tree has no leaves, but the root hash is not SHA-256 of nothing.
    #[error("root hash of an empty tree is {}, found {}", expected.to_base64(), found.to_base64())]
    EmptyTreeRootHash {
        /// SHA-256 of nothing.
        expected: Hash,
        /// The hash found.
        found: Hash,
    },
    /// An extension line is empty or has a control character.
    #[error("extension on line {line} is empty or has a control character: {extension:?}")]
    Extension {
        /// The line, counted from 1.
        line: usize,
        /// The beginning of the line, at most 80 characters.
        extension: String,
    },
}

impl Origin {
    /// Reads an origin.
    ///
    /// # Errors
    /// [`CheckpointError::OriginForm`], [`CheckpointError::OriginTooLong`].
    pub fn new(origin: &str) -> Result<Self, CheckpointError> {
        if !is_line(origin) {
            return Err(CheckpointError::OriginForm { origin: origin.chars().take(80).collect() });
        }
        if origin.len() > KEY_NAME_MAX_BYTES {
            return Err(CheckpointError::OriginTooLong { found: origin.len(), max: KEY_NAME_MAX_BYTES });
        }
        Ok(Origin(origin.to_owned()))
    }

    /// Returns the origin.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A log's key should be named by its origin. Every key name is an origin, but not the other way round.
impl From<&KeyName> for Origin {
    fn from(name: &KeyName) -> Self {
        Origin(name.as_str().to_owned())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The origin in quotes, with everything escaped that a terminal might obey.
impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Checkpoint {
    /// Makes a checkpoint without extension lines; `size` is the number of leaves, 0 to [`TREE_MAX_SIZE`].
    ///
    /// # Errors
    /// [`CheckpointError::SizeTooLarge`]; [`CheckpointError::EmptyTreeRootHash`] if `size` is 0 and `root_hash`
    /// is not SHA-256 of nothing.
    pub fn new(origin: Origin, size: u64, root_hash: Hash) -> Result<Self, CheckpointError> {
        if size > TREE_MAX_SIZE {
            return Err(CheckpointError::SizeTooLarge { found: size, max: TREE_MAX_SIZE });
        }
        let empty = Hash::of(b"");
        if size == 0 && root_hash != empty {
            return Err(CheckpointError::EmptyTreeRootHash { expected: empty, found: root_hash });
        }
        Ok(Checkpoint { origin, size, root_hash, extensions: Vec::new() })
    }

    /// Reads a note text.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines: Vec<&str> = text.split('\n').collect();
        if lines.pop() != Some("") {
            return Err(CheckpointError::Unterminated { line: lines.len() + 1 });
        }
        let &[origin, size, root_hash, ref extensions @ ..] = lines.as_slice() else {
            return Err(CheckpointError::TooFewLines { found: lines.len() });
        };
        let origin = Origin::new(origin)?;
        let size = encoding::from_decimal(size).map_err(CheckpointError::Size)?;
        let root_hash = Hash::from_base64(root_hash).map_err(CheckpointError::RootHash)?;
        let mut checkpoint = Self::new(origin, size, root_hash)?;
        for (number, extension) in extensions.iter().enumerate() {
            if !is_line(extension) {
                let extension = extension.chars().take(80).collect();
                return Err(CheckpointError::Extension { line: number + 4, extension });
            }
            checkpoint.extensions.push((*extension).to_owned());
        }
        Ok(checkpoint)
    }

    /// Returns the note text: every line with its newline.
    pub fn format(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root_hash.to_base64());
        for extension in &self.extensions {
            text.push_str(extension);
            text.push('\n');
        }
        text
    }

    /// Returns the log's origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the number of leaves, 0 to [`TREE_MAX_SIZE`].
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the RFC 6962 root hash over the leaves.
    pub fn root_hash(&self) -> Hash {
        self.root_hash
    }

    /// Returns the extension lines, without newlines. Nothing is known of what they mean.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

/// Whether the text can be one line of a note text that is not the empty line.
fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.bytes().any(|byte| byte < 0x20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    const EMPTY: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn the_example_of_the_specification() {
        let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let checkpoint = Checkpoint::parse(&text).unwrap();
        assert_eq!(checkpoint.origin().as_str(), "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size(), 20_852_163);
        assert_eq!(checkpoint.root_hash().to_base64(), ROOT);
        assert_eq!(checkpoint.extensions(), [] as [String; 0]);
        assert_eq!(checkpoint.format(), text);
    }

    #[test]
    fn reads_what_others_write() {
        for text in [
            format!("go.sum database tree\n30055305\n{ROOT}\n"),
            format!("a+b\n1\n{ROOT}\nextension\n— another one\n"),
            format!("empty\n0\n{EMPTY}\n"),
            format!("é\n{TREE_MAX_SIZE}\n{ROOT}\n"),
            format!("{}\n1\n{ROOT}\n", "o".repeat(KEY_NAME_MAX_BYTES)),
        ] {
            assert_eq!(Checkpoint::parse(&text).unwrap().format(), text);
        }
        let extended = Checkpoint::parse(&format!("o\n1\n{ROOT}\nextension\n— another one\n")).unwrap();
        assert_eq!(extended.extensions(), ["extension", "— another one"]);
    }

    #[test]
    fn refuses_bad_texts() {
        let short = &ROOT[4..];
        for bad in [
            String::new(),
            "\n".to_owned(),
            "o\n".to_owned(),
            "o\n1\n".to_owned(),
            format!("o\n1\n{ROOT}"),
            format!("o\n1\n{ROOT}\n\n"),
            format!("o\n1\n{ROOT}\nx\n\ny\n"),
            format!("o\n1\n{ROOT}\nx"),
            format!("\no\n1\n{ROOT}\n"),
            format!("\n1\n{ROOT}\n"),
            format!("o\n\n{ROOT}\n"),
            format!("o\n01\n{ROOT}\n"),
            format!("o\n+1\n{ROOT}\n"),
            format!("o\n-1\n{ROOT}\n"),
            format!("o\n1 \n{ROOT}\n"),
            format!("o\n 1\n{ROOT}\n"),
            format!("o\n0x1\n{ROOT}\n"),
            format!("o\n00\n{EMPTY}\n"),
            format!("o\n0\n{ROOT}\n"),
            format!("o\n{}\n{ROOT}\n", TREE_MAX_SIZE + 1),
            format!("o\n18446744073709551616\n{ROOT}\n"),
            format!("o\n1\n{short}\n"),
            format!("o\n1\nAAAA{ROOT}\n"),
            format!("o\n1\n{ROOT} \n"),
            format!("o\n1\n{}\n", ROOT.replace("I=", "J=")),
            format!("o\r\n1\r\n{ROOT}\r\n"),
            format!("o\u{1}\n1\n{ROOT}\n"),
            format!("o\n1\n{ROOT}\nx\ty\n"),
            format!("{}\n1\n{ROOT}\n", "o".repeat(KEY_NAME_MAX_BYTES + 1)),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let origin = Origin::new("o").unwrap();
        let found = Hash::of(b"x");
        assert_eq!(
            Checkpoint::new(origin.clone(), 0, found),
            Err(CheckpointError::EmptyTreeRootHash { expected: Hash::of(b""), found })
        );
        assert_eq!(
            Checkpoint::new(origin, TREE_MAX_SIZE + 1, found),
            Err(CheckpointError::SizeTooLarge { found: 1 << 63, max: TREE_MAX_SIZE })
        );
        assert_eq!(
            Checkpoint::parse(&format!("o\n1\n{ROOT}\nx\n\n")),
            Err(CheckpointError::Extension { line: 5, extension: String::new() })
        );
        assert_eq!(Checkpoint::parse("o\n1"), Err(CheckpointError::Unterminated { line: 2 }));
    }

    proptest! {
        #[test]
        fn comes_back(
            origin in "[a-z +é日./]{1,30}",
            size in 1..=TREE_MAX_SIZE,
            root: [u8; 32],
            extensions in proptest::collection::vec("[a-z —=]{1,9}", 0..4),
        ) {
            let mut made = Checkpoint::new(Origin::new(&origin).unwrap(), size, Hash(root)).unwrap();
            made.extensions = extensions;
            prop_assert_eq!(Checkpoint::parse(&made.format()), Ok(made));
        }

        #[test]
        fn has_one_spelling(at in 0usize..60, byte in 0u8..0x80) {
            let mut text = format!("o\n1234\n{ROOT}\nextension\n").into_bytes();
            let at = at % text.len();
            text[at] = byte;
            let text = String::from_utf8(text).unwrap();
            if let Ok(parsed) = Checkpoint::parse(&text) { prop_assert_eq!(parsed.format(), text); }
        }
    }
}
