//! One large file on a web server, such as an archive: read in parts where the server gives out parts, else downloaded
//! to a temporary file.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use super::client::{Client, WebError};
use super::{StoreError, Web};

/// Bytes that are asked for at first: enough to tell what it is.
const HEAD_BYTES: u64 = 512;
/// Bytes at the end that are kept: a central directory of a thousand members lies there.
const TAIL_BYTES: u64 = 128 * 1024;
/// Bytes of a part of a download.
const PART_BYTES: u64 = 4 * 1024 * 1024;

/// A file that a server gives out in parts.
#[derive(Debug)]
pub struct RemoteFile {
    web: Web,
    length: u64,
    etag: Option<String>,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Web {
    /// Asks for the beginning of the file at the address; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn head(&self) -> Result<Option<Head>, StoreError> {
        let url = self.address.as_str();
        match self.client.part(url, 0, HEAD_BYTES, None) {
            Ok(part) => Ok(Some(Head { bytes: part.bytes, whole: Some((part.total, part.etag)) })),
            Err(WebError::NoRange) => Ok(Some(Head { bytes: Vec::new(), whole: None })),
            // Not there; or empty, so that there is no part to ask for.
            Err(WebError::Status { status: 404 | 410 | 416 }) => Ok(None),
            Err(error) => Err(self.trouble(error)),
        }
    }

    /// Opens the file for reading in parts.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn in_parts(&self, head: Head) -> Result<Option<RemoteFile>, StoreError> {
        let Some((length, etag)) = head.whole else { return Ok(None) };
        let start = length.saturating_sub(TAIL_BYTES);
        let tail = if start == 0 && length <= head.bytes.len() as u64 {
            head.bytes.clone()
        } else {
            let part = self.client.part(self.address.as_str(), start, length, etag.as_deref());
            part.map_err(|error| self.trouble(error))?.bytes
        };
        Ok(Some(RemoteFile { web: self.clone(), length, etag, head: head.bytes, tail }))
    }

    /// Downloads the file to a temporary one that has no name. `progress` is told the bytes so far.
    ///
    /// # Errors
    /// [`StoreError::Io`]; also where it has more than `limit` bytes.
    pub fn download(&self, limit: u64, progress: &dyn Fn(u64)) -> Result<File, StoreError> {
        let room = |source: io::Error| StoreError::Io {
            op: "make room for",
            path: PathBuf::from(self.address()),
            source,
        };
        let mut file = tempfile::tempfile().map_err(room)?;
        let first = match self.client.part(self.address.as_str(), 0, PART_BYTES, None) {
            Ok(part) => part,
            Err(WebError::NoRange) => return self.download_whole(file, limit, progress),
            Err(error) => return Err(self.trouble(error)),
        };
        let (total, etag) = (first.total, first.etag);
        if total > limit {
            return Err(self.trouble(WebError::TooLong { limit }));
        }
        let mut done = first.bytes.len() as u64;
        file.write_all(&first.bytes).map_err(room)?;
        while done < total {
            progress(done);
            let end = total.min(done + PART_BYTES);
            let part = self.client.part(self.address.as_str(), done, end, etag.as_deref());
            let part = part.map_err(|error| self.trouble(error))?;
            if part.total != total {
                return Err(self.trouble(WebError::NoRange));
            }
            file.write_all(&part.bytes).map_err(room)?;
            done = end;
        }
        Ok(file)
    }

    fn download_whole(&self, file: File, limit: u64, progress: &dyn Fn(u64)) -> Result<File, StoreError> {
        match self.client.copy(self.address.as_str(), file, limit, progress) {
            Ok(file) => Ok(file),
            Err(error) => Err(self.trouble(error)),
        }
    }

    fn trouble(&self, error: WebError) -> StoreError {
        let path = PathBuf::from(self.address());
        StoreError::Io { op: "fetch", path, source: error.into() }
    }
}

/// The beginning of a file.
#[derive(Debug)]
pub struct Head {
    /// The first bytes; none where the server gives out no parts.
    pub bytes: Vec<u8>,
    /// Length and entity tag, where the server gives out parts.
    whole: Option<(u64, Option<String>)>,
}

impl Head {
    /// Returns whether the server gives out parts.
    pub fn has_parts(&self) -> bool {
        self.whole.is_some()
    }
}

impl RemoteFile {
    /// Returns its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the bytes from `first` to before `end`, which must not lie beyond the end.
    ///
    /// # Errors
    /// [`io::Error`] with a [`WebError`] in it; also where the file changed since it was opened.
    pub fn part(&self, first: u64, end: u64) -> io::Result<Vec<u8>> {
        let start = self.length - self.tail.len() as u64;
        let slice = |bytes: &[u8], from: u64| {
            let place = |at: u64| usize::try_from(at.checked_sub(from)?).ok();
            bytes.get(place(first)?..place(end)?).map(<[u8]>::to_vec)
        };
        if let Some(known) = slice(&self.tail, start).or_else(|| slice(&self.head, 0)) {
            return Ok(known);
        }
        let client: &Client = &self.web.client;
        let part = client.part(self.web.address.as_str(), first, end, self.etag.as_deref())?;
        if part.total != self.length || part.bytes.len() as u64 != end - first {
            return Err(WebError::NoRange.into());
        }
        Ok(part.bytes)
    }
}
