//! What a log of some size is: its files, its bytes, its proofs; and what it costs to write, keep and audit one.
//!
//! What the format fixes is exact. What depends on records and machines is an [`Inputs`], and comes out no better than what
//! goes in.

/// Hashes of a tile, entries of a bundle, entries of a file of openings.
const FULL: u128 = 256;
/// Levels that have tiles.
const LEVELS: u32 = 8;
/// Bytes of a hash.
const HASH: u128 = 32;

/// Hashes on a level of tiles of a log of `size` entries.
fn hashes(size: u128, level: u32) -> u128 {
    size >> (8 * level)
}

/// Hash tiles of a log at rest: every level's full tiles, and its partial one if it has one.
pub(crate) fn tiles(size: u128) -> u128 {
    (0..LEVELS).map(|level| hashes(size, level).div_ceil(FULL)).sum()
}

/// Bytes of all hash tiles.
pub(crate) fn tile_bytes(size: u128) -> u128 {
    (0..LEVELS).map(|level| hashes(size, level) * HASH).sum()
}

/// Entry bundles, and files of openings if every bundle has an opening.
pub(crate) fn bundles(size: u128) -> u128 {
    size.div_ceil(FULL)
}

/// Tiles that appending `more` entries writes, in the widths that they then have.
pub(crate) fn tiles_written(size: u128, more: u128) -> u128 {
    let on_level = |level| {
        let (before, after) = (hashes(size, level), hashes(size + more, level));
        if before == after { 0 } else { after.div_ceil(FULL) - before / FULL }
    };
    (0..LEVELS).map(on_level).sum()
}

/// Bundles that appending `more` entries writes.
pub(crate) fn bundles_written(size: u128, more: u128) -> u128 {
    if more == 0 { 0 } else { (size + more).div_ceil(FULL) - size / FULL }
}

/// Bytes of the tiles that appending `more` entries writes.
fn tile_bytes_written(size: u128, more: u128) -> u128 {
    let on_level = |level| {
        let (before, after) = (hashes(size, level), hashes(size + more, level));
        if before == after { 0 } else { after - before / FULL * FULL }
    };
    (0..LEVELS).map(on_level).sum::<u128>() * HASH
}

/// Requests of one commit in a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Requests {
    /// All of them under a condition.
    pub(crate) writes: u128,
    pub(crate) reads: u128,
    pub(crate) lists: u128,
    pub(crate) removals: u128,
}

/// What one front end that is alone asks of a bucket to append `more` entries with openings, of which `originals` are stored, to a
/// log of `size`.
pub(crate) fn requests_of_commit(size: u128, more: u128, originals: u128) -> Requests {
    // Openings lie in files as entries do.
    let files_of_openings = bundles_written(size, more);
    let is_stale = |level| {
        let before = hashes(size, level);
        !before.is_multiple_of(FULL) && before != hashes(size + more, level)
    };
    Requests {
        // The staged bundle, the checkpoint moved, the checkpoint published.
        writes: 3 + tiles_written(size, more) + bundles_written(size, more) + files_of_openings + originals,
        // The checkpoint before it is moved, and before the next is published; each file of openings while the commit is prepared and
        // before it is changed, and the checkpoint once more with it.
        reads: 2 + 3 * files_of_openings,
        // What others have staged.
        lists: 1,
        // The staged bundle; the partial tiles that have become longer.
        removals: 1 + u128::from((0..LEVELS).any(is_stale)),
    }
}

/// Hashes of the inclusion proof of one entry (RFC 9162, 2.1.3): those beside its way to the root.
pub(crate) fn proof_hashes(index: u128, size: u128) -> u32 {
    let (mut node, mut last, mut count) = (index, size - 1, 0);
    while last > 0 {
        count += u32::from(node % 2 == 1 || node < last);
        node /= 2;
        last /= 2;
    }
    count
}

/// Hashes of the longest inclusion proof.
pub(crate) fn longest_proof(size: u128) -> u32 {
    if size < 2 { 0 } else { 128 - (size - 1).leading_zeros() }
}

/// Tiles that whoever proves an entry reads, and shows to be the log's: all partial ones, and the full ones above the entry.
pub(crate) fn tiles_of_proof(index: u128, size: u128) -> u128 {
    let partial = (0..LEVELS).filter(|level| !hashes(size, *level).is_multiple_of(FULL)).count() as u128;
    let full = |level: &u32| (hashes(index, *level) / FULL + 1) * FULL <= hashes(size, *level);
    partial + (0..LEVELS).filter(full).count() as u128
}

/// What records, machines and prices are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inputs {
    /// Bytes of an entry.
    pub(crate) entry: f64,
    /// Bytes of the openings of an entry.
    pub(crate) openings: f64,
    /// Entries of one commit.
    pub(crate) batch: f64,
    /// Originals that are stored, of an entry.
    pub(crate) stored: f64,
    /// Bytes of an original.
    pub(crate) original: f64,
    /// How many times as many requests write or list, and read, where several front ends are at it, as of one that is alone.
    pub(crate) contended_writes: f64,
    pub(crate) contended_reads: f64,
    /// Entries that a machine audits in a second.
    pub(crate) audited: f64,
    /// Bytes that a machine reads in a second.
    pub(crate) read: f64,
    /// Names that one request lists.
    pub(crate) listed: f64,
    /// Bytes of a part of an audit.
    pub(crate) part: f64,
    /// Of a million requests that write or list.
    pub(crate) write_price: f64,
    /// Of a million requests that read.
    pub(crate) read_price: f64,
    /// Of a million requests that remove.
    pub(crate) removal_price: f64,
    /// Of 10^9 bytes, for a month.
    pub(crate) storage_price: f64,
    /// Of 10^9 bytes that leave.
    pub(crate) egress_price: f64,
}

/// What it takes to append a million entries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Million {
    pub(crate) writes: f64,
    pub(crate) reads: f64,
    pub(crate) lists: f64,
    pub(crate) removals: f64,
    pub(crate) sent: f64,
}

impl Default for Inputs {
    fn default() -> Self {
        Inputs {
            entry: 2_000.0,
            openings: 1_000.0,
            batch: 100.0,
            stored: 1.0,
            original: 10_000.0,
            contended_writes: 1.0,
            contended_reads: 1.0,
            audited: 50_000.0,
            read: 100e6,
            listed: 1_000.0,
            part: 100_000.0,
            write_price: 5.0,
            read_price: 0.4,
            removal_price: 0.0,
            storage_price: 0.023,
            egress_price: 0.09,
        }
    }
}

impl Inputs {
    /// The inputs by name.
    pub(crate) fn fields(&mut self) -> [(&'static str, &'static str, &mut f64); 16] {
        [
            ("entry", "bytes of an entry", &mut self.entry),
            ("openings", "bytes of the openings of an entry", &mut self.openings),
            ("batch", "entries of a commit", &mut self.batch),
            ("stored", "originals that are stored, of an entry", &mut self.stored),
            ("original", "bytes of an original", &mut self.original),
            (
                "contendedWrites",
                "times as many requests that write or list as of one front end alone",
                &mut self.contended_writes,
            ),
            ("contendedReads", "and that read", &mut self.contended_reads),
            ("audited", "entries a second that a machine audits", &mut self.audited),
            ("read", "bytes a second that a machine reads", &mut self.read),
            ("listed", "names that a request lists", &mut self.listed),
            ("part", "bytes of a part of an audit", &mut self.part),
            ("writePrice", "money for a million requests that write or list", &mut self.write_price),
            ("readPrice", "money for a million requests that read", &mut self.read_price),
            ("removalPrice", "money for a million requests that remove", &mut self.removal_price),
            ("storagePrice", "money for 10^9 bytes for a month", &mut self.storage_price),
            ("egressPrice", "money for 10^9 bytes that leave", &mut self.egress_price),
        ]
    }

    /// Requests while a log of `size` entries gets a million more: those that write, read, list, remove; and the bytes sent.
    pub(crate) fn million(&self, size: u128) -> Million {
        let batch = (self.batch as u128).max(1);
        let (mut at, mut all, mut sent) = (size, Requests::default(), 0.0);
        while at < size + 1_000_000 {
            let more = batch.min(size + 1_000_000 - at);
            let Requests { writes, reads, lists, removals } = requests_of_commit(at, more, 0);
            all.writes += writes;
            all.reads += reads;
            all.lists += lists;
            all.removals += removals;
            sent += self.sent(at, more);
            at += more;
        }
        let originals = 1e6 * self.stored;
        Million {
            // An original is written once, by whoever wins.
            writes: all.writes as f64 * self.contended_writes + originals,
            reads: all.reads as f64 * self.contended_reads,
            lists: all.lists as f64 * self.contended_writes,
            removals: all.removals as f64,
            sent,
        }
    }

    /// Bytes that one commit sends: what is new of the log twice, as it is staged first, and files of openings whole.
    pub(crate) fn sent(&self, size: u128, more: u128) -> f64 {
        let in_files = (size + more - size / FULL * FULL) as f64;
        let fixed = in_files * (self.entry + 2.0) + tile_bytes_written(size, more) as f64;
        2.0 * (fixed + more as f64 * self.stored * self.original) + (more as f64 + in_files) * self.openings
    }

    /// Bytes at rest.
    pub(crate) fn bytes(&self, size: u128) -> f64 {
        // Two bytes of length before each entry.
        size as f64 * (self.entry + 2.0 + self.openings) + tile_bytes(size) as f64
    }

    /// Files at rest: tiles, bundles, openings, the checkpoint.
    pub(crate) fn files(&self, size: u128) -> u128 {
        tiles(size) + 2 * bundles(size) + 1
    }

    /// Money to write a million entries into a log of `size`, and to keep them and their originals for a month.
    pub(crate) fn money_of_million(&self, size: u128) -> (f64, f64) {
        let Million { writes, reads, lists, removals, .. } = self.million(size);
        let requests = (writes + lists) * self.write_price + reads * self.read_price;
        let bytes = self.bytes(1_000_000) + 1e6 * self.stored * self.original;
        ((requests + removals * self.removal_price) / 1e6, bytes / 1e9 * self.storage_price)
    }

    /// Seconds that one run of an audit takes on `machines`, and the share of them that whoever combines the parts takes.
    pub(crate) fn audit(&self, size: u128, machines: u128) -> (f64, f64) {
        let (entries, bytes) = (size as f64 / machines as f64, self.bytes(size) / machines as f64);
        let shares = (entries / self.audited).max(bytes / self.read);
        // The names of all files are listed, once, and the parts read.
        let combine = if machines > 1 { machines as f64 * self.part / self.read } else { 0.0 };
        (shares + combine, combine)
    }

    /// Money for the requests of an audit, and for its bytes where they leave.
    pub(crate) fn money_of_audit(&self, size: u128) -> (f64, f64) {
        let files = self.files(size) as f64;
        let requests = files * self.read_price + files / self.listed * self.write_price;
        (requests / 1e6, self.bytes(size) / 1e9 * self.egress_price)
    }
}

/// A number as people read it, with three digits.
pub(crate) fn told(number: f64) -> String {
    let units = [(1e15, "·10^15"), (1e12, "·10^12"), (1e9, "·10^9"), (1e6, "·10^6")];
    let (by, unit) = units.into_iter().find(|(by, _)| number >= *by).unwrap_or((1.0, ""));
    let scaled = number / by;
    let digits = if scaled >= 100.0 || (scaled.fract() == 0.0 && unit.is_empty()) { 0 } else { 2 };
    format!("{scaled:.digits$}{unit}")
}

/// Bytes as people read them.
pub(crate) fn bytes(number: f64) -> String {
    let units = [(1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let (by, unit) = units.into_iter().find(|(by, _)| number >= *by).unwrap_or((1.0, "B"));
    format!("{:.1} {unit}", number / by)
}

/// Seconds as people read them.
pub(crate) fn time(seconds: f64) -> String {
    let units = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min")];
    let (by, unit) = units.into_iter().find(|(by, _)| seconds >= 2.0 * by).unwrap_or((1.0, "s"));
    format!("{:.1} {unit}", seconds / by)
}

/// The tables that `docs/scale.md` has.
pub(crate) fn tables(inputs: &Inputs) -> String {
    const SIZES: [u128; 4] = [1_000_000, 100_000_000, 1_000_000_000, 1_000_000_000_000];
    let mut out = String::from("| input | value | |\n|---|---:|---|\n");
    for (name, what, value) in inputs.clone().fields() {
        out.push_str(&format!("| `{name}` | {value} | {what} |\n"));
    }
    out.push_str("\n| a log of | 10^6 | 10^8 | 10^9 | 10^12 |\n|---|---:|---:|---:|---:|\n");
    let mut row = |name: &str, cell: &dyn Fn(u128) -> String| {
        out.push_str(&format!("| {name} | {} |\n", SIZES.map(cell).join(" | ")));
    };
    row("hash tiles", &|size| told(tiles(size) as f64));
    row("entry bundles", &|size| told(bundles(size) as f64));
    row("files", &|size| told(inputs.files(size) as f64));
    row("bytes of hash tiles", &|size| bytes(tile_bytes(size) as f64));
    row("bytes", &|size| bytes(inputs.bytes(size)));
    row("hashes of the longest proof", &|size| longest_proof(size).to_string());
    row("hashes of the last entry's proof", &|size| proof_hashes(size - 1, size).to_string());
    row("tiles read for a proof, at most", &|size| most_tiles_of_proof(size).to_string());
    row("a month at rest", &|size| told(inputs.bytes(size) / 1e9 * inputs.storage_price));
    row("an audit, on one machine", &|size| time(inputs.audit(size, 1).0));
    row("an audit, on a hundred", &|size| time(inputs.audit(size, 100).0));
    row("money for its requests", &|size| told(inputs.money_of_audit(size).0));
    row("money for its bytes, where they leave", &|size| told(inputs.money_of_audit(size).1));
    out.push_str(
        "\n| a million records more, by batch | 1 | 16 | 256 | 4,096 |\n|---|---:|---:|---:|---:|\n",
    );
    let of_batch = |batch: f64| Inputs { batch, ..inputs.clone() };
    let mut row = |name: &str, cell: &dyn Fn(Inputs) -> String| {
        let cells = [1.0, 16.0, 256.0, 4_096.0].map(|batch| cell(of_batch(batch)));
        out.push_str(&format!("| {name} | {} |\n", cells.join(" | ")));
    };
    const SIZE: u128 = 1_000_000_000;
    row("requests that write", &|inputs| told(inputs.million(SIZE).writes));
    row("requests that list", &|inputs| told(inputs.million(SIZE).lists));
    row("requests that read", &|inputs| told(inputs.million(SIZE).reads));
    row("requests that remove", &|inputs| told(inputs.million(SIZE).removals));
    row("requests a record", &|inputs| {
        let Million { writes, reads, lists, removals, .. } = inputs.million(SIZE);
        format!("{:.3}", (writes + reads + lists + removals) / 1e6)
    });
    row("bytes sent", &|inputs| bytes(inputs.million(SIZE).sent));
    row("money for them", &|inputs| told(inputs.money_of_million(SIZE).0));
    row("money for a month at rest", &|inputs| told(inputs.money_of_million(SIZE).1));
    out
}

/// The most tiles that a proof of an entry reads: of one near the beginning, whose tiles are all full.
fn most_tiles_of_proof(size: u128) -> u128 {
    tiles_of_proof(0, size)
}
