//! Files that belong to nothing, and the names of stored originals.

use std::collections::{HashMap, HashSet};

use crate::base::Hash;
use crate::record::layout;
use crate::storage::Listing;
use crate::tlog::{EntryBundle, Tile};

use super::memory;
use super::report::{Code, Finding, Report};

/// Returns whether a file belongs to the log, and not to whoever writes it.
pub(super) fn is_log_file(path: &str) -> bool {
    let local = path.strip_prefix(layout::LOCAL).is_some_and(|rest| rest.starts_with('/'));
    !local
}

/// Returns the digests that stored originals are named by.
pub(super) fn originals_listed(listing: &Listing) -> HashSet<Hash> {
    let names = listing.keys.iter().map(|key| key.as_str()).filter(|name| name.starts_with(layout::CONTENT));
    names.filter_map(|name| Hash::from_hex(name.rsplit('/').next()?).ok()).collect()
}

/// Reports files that belong to nothing. Where there are entries that were not read in full (`unread`), any stored original
/// may be theirs; else it must be one that `original` knows.
pub(super) fn find_strays(
    report: &mut Report,
    listing: &Listing,
    size: u64,
    unread: bool,
    original: impl Fn(&Hash) -> bool,
) {
    let belongs = |path: &str| {
        let tile = path.parse::<Tile>().is_ok_and(|tile| tile.belongs_to(size));
        let bundle = path.parse::<EntryBundle>().is_ok_and(|bundle| bundle.belongs_to(size));
        let openings = path.strip_prefix("disclosures/").and_then(crate::tlog::tile::parse_index_path);
        let content = path.rsplit('/').next().and_then(|name| Hash::from_hex(name).ok());
        tile || bundle
            || openings.is_some_and(|number| number < size.div_ceil(layout::ENTRIES_PER_FILE))
            || content.is_some_and(|hash| path == layout::content_path(&hash) && (unread || original(&hash)))
            || path == layout::CHECKPOINT
            || path.strip_prefix(layout::PENDING).is_some_and(|rest| rest.starts_with('/'))
    };
    let keys = listing.keys.iter().map(|key| key.as_str());
    let strays = keys.filter(|path| is_log_file(path) && !belongs(path));
    let foreign = listing.foreign.iter().map(String::as_str).filter(|path| is_log_file(path));
    for path in strays.chain(foreign) {
        report.push(Finding::new(Code::Stray, format!("{path} belongs to nothing in the log")).path(path));
    }
}

/// Returns the digest of the names of the stored originals of the first `size` entries: those that the later
/// entries are not the first to register. Names that no entry checked here registers count only where a prefix was
/// compared, whose originals they may be, unless a statement that waits (`waiting`) registers them; else they are strays.
pub(super) fn digest_of_originals(
    listing: &Listing,
    originals: &HashMap<Hash, u64>,
    waiting: &HashSet<Hash>,
    size: u64,
    compared: bool,
) -> Hash {
    let names = listing.keys.iter().map(|key| key.as_str()).filter(|name| {
        let digest = name.rsplit('/').next().and_then(|name| Hash::from_hex(name).ok());
        let first = digest.and_then(|digest| originals.get(&digest));
        let of_the_log = compared && digest.is_none_or(|digest| !waiting.contains(&digest));
        name.starts_with(layout::CONTENT) && first.map_or(of_the_log, |first| *first < size)
    });
    let mut chain = memory::CHAIN_START;
    names.for_each(|name| chain = memory::chained(&chain, &Hash::of(name.as_bytes())));
    chain
}
