//! Readers of strangers' bytes in child processes, with limits of time and memory.
//!
//! A worker is this same program, started with [`ARGUMENT`]: it bounds itself, then answers one request after another on its
//! standard streams. A worker that takes too long is killed, one that dies is replaced; the document it had gets an
//! error, the others go on.
//!
//! ```text
//! request   u32 length, JSON {format, options} ; u64 length, the document
//! answer    u64 length, JSON Result ; for each part of a container: u64 length, its bytes
//! ```
//!
//! It keeps a fault of a parser from taking the program down. It is not a jail: the child may still open files and
//! sockets, as far as its limits and its user let it.

mod pool;
mod worker;

pub use pool::Pool;
pub use worker::serve;

use serde::{Deserialize, Serialize};

use crate::article::{Format, ReadOptions};

/// The argument that makes this program a worker.
pub const ARGUMENT: &str = "__reader";

/// Seconds that one document may take.
pub const SECONDS_MAX: u64 = 5;
/// Seconds that an archive of many documents may take.
pub const ARCHIVE_SECONDS_MAX: u64 = 120;

/// Bytes of memory that a worker may map.
const MEMORY_MAX_BYTES: u64 = 3 * 1024 * 1024 * 1024;
/// Bytes of the stack that readers run on: a parser that recurses breaks down late.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of one request's or answer's JSON.
const JSON_MAX_BYTES: u64 = 512 * 1024 * 1024;

/// What a worker is asked.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    /// The format to read; absent: take the file apart.
    format: Option<Format>,
    file_name: Option<String>,
    media_type: Option<String>,
    charset: Option<String>,
    url: Option<String>,
}

impl Request {
    fn new(format: Option<Format>, options: &ReadOptions<'_>) -> Self {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Request {
            format,
            file_name: own(options.file_name),
            media_type: own(options.media_type),
            charset: own(options.charset),
            url: own(options.url),
        }
    }

    fn options(&self) -> ReadOptions<'_> {
        ReadOptions {
            file_name: self.file_name.as_deref(),
            media_type: self.media_type.as_deref(),
            charset: self.charset.as_deref(),
            url: self.url.as_deref(),
        }
    }
}
