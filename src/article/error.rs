//! Why a document cannot be read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why bytes cannot be read as an article.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ReadError {
    /// No words in it.
    #[error("the document of {size} bytes has no text")]
    Empty {
        /// Bytes of the document.
        size: u64,
    },
    /// Larger than [`crate::base::limits::DOCUMENT_MAX_BYTES`].
    #[error("the document has {size} bytes, more than {limit}")]
    TooLarge {
        /// Bytes of the document.
        size: u64,
        /// Bytes that a document may have.
        limit: u64,
    },
    /// Not text.
    #[error("the document is no text: it looks like {looks_like}")]
    Binary {
        /// What it looks like: `PNG image`.
        looks_like: Cow<'static, str>,
    },
    /// A format that is not read.
    #[error("the document is {format}, which cannot be read: save it as plain text, Markdown or PDF")]
    Unsupported {
        /// The format: `old Office document`.
        format: Cow<'static, str>,
    },
    /// Cut short, or not of its form.
    #[error("the document is a damaged {format} file: {reason}")]
    Damaged {
        /// The format: `PDF`.
        format: Cow<'static, str>,
        /// What is wrong, in words.
        reason: Cow<'static, str>,
    },
    /// Locked by a password.
    #[error("the {format} file is encrypted: remove the password and try again")]
    Encrypted {
        /// The format: `PDF`.
        format: Cow<'static, str>,
    },
    /// Beyond one of [`crate::base::limits`].
    #[error("the {format} file has {what} of more than {limit}")]
    LimitPassed {
        /// The format: `DOCX`.
        format: Cow<'static, str>,
        /// What of it, with its unit: `unpacked bytes`.
        what: Cow<'static, str>,
        /// The limit.
        limit: u64,
    },
    /// The reader took longer than it may.
    #[error("reading the {format} file took more than {seconds} seconds: it was given up")]
    TimedOut {
        /// The format: `HTML`.
        format: Cow<'static, str>,
        /// The limit.
        seconds: u64,
    },
    /// The reader broke down, or took more memory than it may.
    #[error("the reader of the {format} file broke down: {how}")]
    Crashed {
        /// The format: `PDF`.
        format: Cow<'static, str>,
        /// How it ended.
        how: Cow<'static, str>,
    },
    /// The process that reads could not be started.
    #[error("the process that reads {format} files could not be started: {reason}")]
    NoReader {
        /// The format: `PDF`.
        format: Cow<'static, str>,
        /// The system's words.
        reason: Cow<'static, str>,
    },
    /// A file of several documents, where one is asked for.
    #[error("the file is a {format} of several documents")]
    Several {
        /// The format: `feed`.
        format: Cow<'static, str>,
    },
}
