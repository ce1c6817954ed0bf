//! Members of a ZIP file, by its central directory.

use std::io::{self, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::bytes::{Bytes, Reader};
use super::{ArchiveError, Found, Limits, Members, Place};

/// Bits of the mode of a file that say what it is, and those of a regular one.
const MODE_KIND: u32 = 0o170_000;
const MODE_REGULAR: u32 = 0o100_000;

/// The members of a ZIP file.
pub(super) struct Zip(ZipArchive<Reader>);

impl Members for Zip {
    fn read(&self, place: Place, limit: u64) -> io::Result<Vec<u8>> {
        let number = usize::try_from(place.at).map_err(io::Error::other)?;
        // Costs a few pointers: what was read of the directory is shared.
        let mut archive = self.0.clone();
        let mut bytes = Vec::new();
        archive.by_index(number)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

pub(super) fn open(path: &Path, bytes: Bytes, limits: &Limits) -> Result<(Vec<Found>, Zip), ArchiveError> {
    let failed = |error: ZipError| ArchiveError::Io { path: path.to_owned(), source: error.into() };
    let reader = bytes.reader();
    reader.limit(limits.directory_bytes);
    let budget = reader.clone();
    let archive = ZipArchive::new(reader).map_err(failed)?;
    budget.limit(u64::MAX);
    if archive.len() > limits.members {
        return Err(ArchiveError::Members { path: path.to_owned(), limit: limits.members });
    }
    if archive.has_duplicate_names() {
        // Which one, the library no longer knows.
        return Err(ArchiveError::Twice { path: path.to_owned(), name: None });
    }
    let (mut found, mut total) = (Vec::new(), 0u64);
    for number in 0..archive.len() {
        let member = archive.by_index_data(number).map_err(failed)?;
        let name = String::from_utf8_lossy(member.name_raw()).into_owned();
        if name.ends_with('/') {
            continue;
        }
        let kind = member.unix_mode().map_or(0, |mode| mode & MODE_KIND);
        let regular = matches!(kind, 0 | MODE_REGULAR) && !member.is_symlink() && !member.encrypted();
        total = total.saturating_add(member.size());
        if total > limits.unpacked_bytes {
            return Err(ArchiveError::TooLarge { path: path.to_owned(), limit: limits.unpacked_bytes });
        }
        found.push(Found { name, regular, place: Place { at: number as u64, size: member.size() } });
    }
    Ok((found, Zip(archive)))
}
