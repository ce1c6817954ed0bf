//! Members of a tar file. Its headers are read one by one, and what stretches a name or a size is bounded.

use std::io::{self, Read};
use std::path::Path;

use tar::{Archive, EntryType, PaxExtensions};

use super::bytes::Bytes;
use super::{ArchiveError, Found, Limits, Members, Place};

/// Bytes of a member that only names the next.
const NAMING_MAX_BYTES: u64 = 64 * 1024;
/// Bytes of a name.
const NAME_MAX_BYTES: usize = 4096;

/// The members of a tar file.
pub(super) struct Tar(Bytes);

impl Members for Tar {
    fn read(&self, place: Place, limit: u64) -> io::Result<Vec<u8>> {
        self.0.part(place.at, place.at + place.size.min(limit.saturating_add(1)))
    }
}

pub(super) fn open(path: &Path, bytes: Bytes, limits: &Limits) -> Result<(Vec<Found>, Tar), ArchiveError> {
    let failed = |source: io::Error| ArchiveError::Io { path: path.to_owned(), source };
    let bounded = |total: u64| match limits.unpacked_bytes {
        limit if total > limit => Err(ArchiveError::TooLarge { path: path.to_owned(), limit }),
        _ => Ok(()),
    };
    let mut archive = Archive::new(bytes.reader());
    let (mut found, mut headers, mut total, mut name_bytes) = (Vec::new(), 0usize, 0u64, 0u64);
    // What the members before said of the next one.
    let mut named: Option<Vec<u8>> = None;
    for entry in archive.entries_with_seek().map_err(failed)?.raw(true) {
        let mut entry = entry.map_err(failed)?;
        headers += 1;
        if headers > limits.members {
            return Err(ArchiveError::Members { path: path.to_owned(), limit: limits.members });
        }
        let (kind, size, at) = (entry.header().entry_type(), entry.size(), entry.raw_file_position());
        let cut = |name: &[u8]| ArchiveError::Cut { path: path.to_owned(), name: lossy(name) };
        if at.checked_add(size).is_none_or(|end| end > bytes.length()) {
            return Err(cut(&entry.path_bytes()));
        }
        match kind {
            EntryType::GNULongName
            | EntryType::GNULongLink
            | EntryType::XHeader
            | EntryType::XGlobalHeader => {
                if size > NAMING_MAX_BYTES {
                    return Err(failed(bad("the name of a member is longer than is read")));
                }
                total = total.saturating_add(size);
                bounded(total)?;
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).map_err(failed)?;
                let name = match kind {
                    EntryType::GNULongName => Some(bytes.strip_suffix(b"\0").unwrap_or(&bytes).to_vec()),
                    EntryType::XHeader | EntryType::XGlobalHeader => pax_name(&bytes).map_err(failed)?,
                    _ => None,
                };
                if name.is_some() && kind == EntryType::XGlobalHeader {
                    return Err(failed(bad("all its members are given one name")));
                }
                if name.is_some() && named.is_some() && name != named {
                    return Err(failed(bad("a member is given two names")));
                }
                named = name.or(named);
            }
            // What others may not skip, and read as members.
            kind if size > 0 && !is_file(kind) => {
                let name = lossy(&named.unwrap_or_else(|| entry.path_bytes().into_owned()));
                return Err(failed(bad(format!("its member {name:?} is no file, and has {size} bytes"))));
            }
            EntryType::GNUSparse if entry.header().as_gnu().is_some_and(|gnu| gnu.isextended != [0]) => {
                return Err(failed(bad("a member is sparse")));
            }
            EntryType::Directory => named = None,
            kind => {
                let name = named.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                let regular = is_file(kind);
                // A folder, as old programs wrote it.
                if regular && name.ends_with(b"/") {
                    if size > 0 {
                        return Err(failed(bad(format!("its folder {:?} has {size} bytes", lossy(&name)))));
                    }
                    continue;
                }
                if name.len() > NAME_MAX_BYTES {
                    return Err(failed(bad("the name of a member is longer than is read")));
                }
                let name = lossy(&name);
                name_bytes = name_bytes.saturating_add(name.len() as u64);
                if name_bytes > limits.directory_bytes {
                    return Err(failed(bad("the names of its members are longer than is read, together")));
                }
                total = total.saturating_add(size);
                bounded(total)?;
                found.push(Found { name, regular, place: Place { at, size } });
            }
        }
    }
    Ok((found, Tar(bytes)))
}

fn is_file(kind: EntryType) -> bool {
    matches!(kind, EntryType::Regular | EntryType::Continuous)
}

fn bad(told: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, told.into())
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// Returns the name that an extended header gives to the next member. One that gives another size is refused: only a
/// file above 8 GiB needs that.
fn pax_name(bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut name = None;
    for extension in PaxExtensions::new(bytes) {
        let extension = extension?;
        match extension.key_bytes() {
            b"path" => name = Some(extension.value_bytes().to_vec()),
            b"size" | b"GNU.sparse.major" | b"GNU.sparse.map" | b"GNU.sparse.name" => {
                return Err(bad("a member is sparse, or larger than 8 GiB"));
            }
            _ => {}
        }
    }
    Ok(name)
}
