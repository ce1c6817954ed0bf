//! ZIP packages, within limits: what is unpacked is counted as it comes out, whatever the headers say.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::article::ReadError;
use crate::base::limits;

/// An opened package.
pub(in crate::article) struct Package<'b> {
    archive: ZipArchive<Cursor<&'b [u8]>>,
    format: &'static str,
    left: u64,
}

impl<'b> Package<'b> {
    /// Opens a package; `format` names it in errors.
    ///
    /// # Errors
    /// [`ReadError::Damaged`], [`ReadError::LimitPassed`] for too many entries.
    pub(in crate::article) fn open(bytes: &'b [u8], format: &'static str) -> Result<Self, ReadError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(format, &error))?;
        if archive.len() > limits::PACKAGE_MAX_ENTRIES {
            let limit = limits::PACKAGE_MAX_ENTRIES as u64;
            return Err(ReadError::LimitPassed { format: format.into(), what: "files in it".into(), limit });
        }
        Ok(Package { archive, format, left: limits::PACKAGE_MAX_BYTES })
    }

    /// Returns the names of the files, in the package's order. They are never used as paths.
    pub(in crate::article) fn names(&self) -> Vec<String> {
        self.archive.file_names().filter_map(Result::ok).map(|name| name.into_owned()).collect()
    }

    /// Unpacks a file; `None` where there is none of this name.
    ///
    /// # Errors
    /// [`ReadError::Encrypted`], [`ReadError::Damaged`], [`ReadError::LimitPassed`].
    pub(in crate::article) fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let format = self.format;
        if self.archive.index_for_name(name).is_none() {
            return Ok(None);
        }
        let file = match self.archive.by_name(name) {
            Ok(file) => file,
            Err(ZipError::UnsupportedArchive(why)) if why == ZipError::PASSWORD_REQUIRED => {
                return Err(ReadError::Encrypted { format: format.into() });
            }
            Err(error) => return Err(damaged(format, &error)),
        };
        let mut bytes = Vec::new();
        let read = file.take(self.left + 1).read_to_end(&mut bytes);
        read.map_err(|error| ReadError::Damaged {
            format: format.into(),
            reason: format!("{name}: {error}").into(),
        })?;
        if bytes.len() as u64 > self.left {
            let limit = limits::PACKAGE_MAX_BYTES;
            return Err(ReadError::LimitPassed {
                format: format.into(),
                what: "unpacked bytes".into(),
                limit,
            });
        }
        self.left -= bytes.len() as u64;
        Ok(Some(bytes))
    }

    /// Unpacks a file that must be there.
    ///
    /// # Errors
    /// As [`Package::read`], and [`ReadError::Damaged`] where it is not.
    pub(in crate::article) fn need(&mut self, name: &str) -> Result<Vec<u8>, ReadError> {
        let absent =
            || ReadError::Damaged { format: self.format.into(), reason: format!("it has no {name}").into() };
        let absent = absent();
        self.read(name)?.ok_or(absent)
    }
}

fn damaged(format: &'static str, error: &ZipError) -> ReadError {
    ReadError::Damaged { format: format.into(), reason: error.to_string().into() }
}

/// Returns the bytes of a ZIP package of these files, for tests.
#[cfg(test)]
pub(in crate::article) fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_stopped_where_it_unpacks() {
        let zeros = vec![0u8; limits::PACKAGE_MAX_BYTES as usize + 1];
        let bytes = packed(&[("a", b"un"), ("bomb", &zeros)]);
        assert!(bytes.len() < 1_000_000);
        let mut package = Package::open(&bytes, "ZIP").unwrap();
        assert_eq!(package.read("a").unwrap().unwrap(), b"un");
        assert_eq!(package.read("b").unwrap(), None);
        assert!(matches!(package.read("bomb"), Err(ReadError::LimitPassed { .. })));
        assert!(matches!(package.need("b"), Err(ReadError::Damaged { .. })));
    }

    #[test]
    fn truncated_packages_are_damaged() {
        let bytes = packed(&[("a", b"un deux trois"), ("b", b"quatre")]);
        for end in 0..bytes.len() {
            let cut = Package::open(&bytes[..end], "ZIP");
            assert!(matches!(cut.map(|_| ()), Err(ReadError::Damaged { .. })), "{end}");
        }
    }

    #[test]
    fn files_are_counted() {
        let names: Vec<String> = (0..=limits::PACKAGE_MAX_ENTRIES).map(|n| n.to_string()).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
        assert!(Package::open(&packed(&files[1..]), "ZIP").is_ok());
        assert!(matches!(Package::open(&packed(&files), "ZIP"), Err(ReadError::LimitPassed { .. })));
    }

    #[test]
    fn a_locked_file_is_told() {
        let mut bytes = packed(&[("a", b"un")]);
        let central = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        bytes[6] |= 1;
        bytes[central + 8] |= 1;
        let mut package = Package::open(&bytes, "ZIP").unwrap();
        assert!(matches!(package.read("a"), Err(ReadError::Encrypted { .. })));
    }

    /// Many names in the list of a package, all for the same bytes: what 42.zip's successors do.
    #[test]
    fn overlapping_files_count_each_time() {
        let zeros = vec![0; 1 << 20];
        let bytes = packed(&[("00", &zeros)]);
        let central = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        let end = bytes.windows(4).position(|four| four == b"PK\x05\x06").unwrap();
        let count = (limits::PACKAGE_MAX_BYTES >> 20) as u16 + 1;
        let mut made = bytes[..central].to_vec();
        for n in 0..count {
            let mut entry = bytes[central..end].to_vec();
            entry[46..48].copy_from_slice(format!("{n:02}").as_bytes());
            made.extend(entry);
        }
        let mut tail = bytes[end..].to_vec();
        tail[8..10].copy_from_slice(&count.to_le_bytes());
        tail[10..12].copy_from_slice(&count.to_le_bytes());
        tail[12..16].copy_from_slice(&((end - central) as u32 * u32::from(count)).to_le_bytes());
        made.extend(tail);
        let mut out = 0;
        let mut stopped = false;
        if let Ok(mut package) = Package::open(&made, "ZIP") {
            for n in 0..count {
                match package.read(&format!("{n:02}")) {
                    Ok(bytes) => out += bytes.unwrap().len() as u64,
                    Err(ReadError::LimitPassed { .. } | ReadError::Damaged { .. }) => stopped = true,
                    Err(error) => panic!("{error}"),
                }
            }
        } else {
            stopped = true;
        }
        assert!(stopped && out <= limits::PACKAGE_MAX_BYTES);
    }

    #[test]
    fn sizes_in_headers_are_not_believed() {
        let zeros = vec![0; 1 << 20];
        let mut bytes = packed(&[("a", &zeros)]);
        let central = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        bytes[central + 24..central + 28].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
        let mut package = Package::open(&bytes, "ZIP").unwrap();
        match package.read("a") {
            Ok(bytes) => assert_eq!(bytes.unwrap(), zeros),
            Err(error) => assert!(matches!(error, ReadError::Damaged { .. }), "{error}"),
        }
    }
}
