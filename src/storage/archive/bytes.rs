//! An archive's bytes by offset, wherever they are, for any number of readers at once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::RemoteFile;

/// Bytes that a reader asks for at first: a request takes as long for few as for many. Whoever reads on gets more at a
/// time.
const BLOCK: u64 = 64 * 1024;
const BLOCK_MAX: u64 = 1024 * 1024;

/// An archive's bytes.
#[derive(Debug, Clone)]
pub(super) struct Bytes {
    source: Arc<Source>,
    length: u64,
}

#[derive(Debug)]
enum Source {
    Local(Mutex<File>),
    Remote(RemoteFile),
}

impl Bytes {
    pub(super) fn local(mut file: File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        Ok(Bytes { source: Arc::new(Source::Local(Mutex::new(file))), length })
    }

    pub(super) fn remote(file: RemoteFile) -> Self {
        let length = file.length();
        Bytes { source: Arc::new(Source::Remote(file)), length }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Returns the bytes from `first` to before `end`, both within the file.
    pub(super) fn part(&self, first: u64, end: u64) -> io::Result<Vec<u8>> {
        match &*self.source {
            Source::Remote(file) => file.part(first, end),
            Source::Local(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(first))?;
                let mut bytes = Vec::new();
                let wanted = end - first;
                let count = (&mut *file).take(wanted).read_to_end(&mut bytes)?;
                let whole = count as u64 == wanted;
                if whole { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
            }
        }
    }

    pub(super) fn reader(&self) -> Reader {
        let budget = Arc::new(AtomicU64::new(u64::MAX));
        Reader { bytes: self.clone(), at: 0, block: Vec::new(), block_at: 0, ahead: BLOCK, budget }
    }
}

/// Reads from an offset on, a block at a time.
#[derive(Debug)]
pub(super) struct Reader {
    bytes: Bytes,
    at: u64,
    block: Vec<u8>,
    block_at: u64,
    /// Bytes that are asked for next.
    ahead: u64,
    /// Bytes that may still be asked for.
    budget: Arc<AtomicU64>,
}

impl Clone for Reader {
    /// The same bytes, with a block of its own.
    fn clone(&self) -> Self {
        let (bytes, budget) = (self.bytes.clone(), Arc::clone(&self.budget));
        Reader { bytes, at: self.at, block: Vec::new(), block_at: 0, ahead: BLOCK, budget }
    }
}

impl Reader {
    /// Lets this reader, and all that are cloned from it, read `bytes` more.
    pub(super) fn limit(&self, bytes: u64) {
        self.budget.store(bytes, Ordering::Relaxed);
    }

    /// Fetches the block that begins where the reader is.
    fn fetch(&mut self) -> io::Result<()> {
        let reads_on = !self.block.is_empty() && self.at == self.block_at + self.block.len() as u64;
        self.ahead = if reads_on { BLOCK_MAX.min(4 * self.ahead) } else { BLOCK };
        let end = self.at.saturating_add(self.ahead).min(self.bytes.length);
        // All of a block counts, however little of it is used.
        let spend = |left: u64| left.checked_sub(end - self.at);
        if self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_err() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its directory is larger than is read"));
        }
        self.block = self.bytes.part(self.at, end)?;
        self.block_at = self.at;
        Ok(())
    }
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.length;
        if out.is_empty() || self.at >= length {
            return Ok(0);
        }
        let inside = self.at >= self.block_at && self.at < self.block_at + self.block.len() as u64;
        if !inside {
            self.fetch()?;
        }
        let from = usize::try_from(self.at - self.block_at).map_err(io::Error::other)?;
        let count = out.len().min(self.block.len() - from);
        out[..count].copy_from_slice(&self.block[from..from + count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.bytes.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the beginning"))?;
        Ok(self.at)
    }
}
