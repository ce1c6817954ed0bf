//! Where things lie below `records/`, besides the tiles that `tlog` names.

use crate::base::Hash;
use crate::tlog::tile::index_path;

/// The published checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// The folder of hash tiles and entry bundles.
pub const TILES: &str = "tile";
/// The folder of openings.
pub const DISCLOSURES: &str = "disclosures";
/// The folder of stored originals.
pub const CONTENT: &str = "content/sha256";
/// The folder of signed statements that are not yet in the log.
pub const PENDING: &str = "pending";
/// The folder of what is transient or derived. Not part of the log.
pub const LOCAL: &str = ".local";

/// Entries whose openings lie in one file.
pub const ENTRIES_PER_FILE: u64 = 256;

/// Returns where the openings of entries `number` × 256 to `number` × 256 + 255 lie: `disclosures/x001/067`.
pub fn disclosures_path(number: u64) -> String {
    format!("{DISCLOSURES}/{}", index_path(number))
}

/// Returns where an original lies: `content/sha256/ab/abcd…`, 64 hexadecimal digits below their first two.
pub fn content_path(original: &Hash) -> String {
    let hex = original.to_hex();
    format!("{CONTENT}/{}/{hex}", &hex[..2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(disclosures_path(0), "disclosures/000");
        assert_eq!(disclosures_path(1067), "disclosures/x001/067");
        let hash = Hash::of(b"abc");
        assert_eq!(content_path(&hash), format!("content/sha256/ba/{hash}"));
    }
}
