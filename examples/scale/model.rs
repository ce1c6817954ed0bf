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
    /// Requests that a commit writes with, beside those for tiles, bundles and openings: the staged bundle, the checkpoint
    /// moved and published.
    pub(crate) writes_of_commit: f64,
    /// Requests that a commit reads with.
    pub(crate) reads_of_commit: f64,
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
    /// Of 10^9 bytes, for a month.
    pub(crate) storage_price: f64,
    /// Of 10^9 bytes that leave.
    pub(crate) egress_price: f64,
}

impl Default for Inputs {
    fn default() -> Self {
        Inputs {
            entry: 2_000.0,
            openings: 1_000.0,
            batch: 100.0,
            writes_of_commit: 3.0,
            reads_of_commit: 3.0,
            audited: 50_000.0,
            read: 100e6,
            listed: 1_000.0,
            part: 100_000.0,
            write_price: 5.0,
            read_price: 0.4,
            storage_price: 0.023,
            egress_price: 0.09,
        }
    }
}

impl Inputs {
    /// The inputs by name.
    pub(crate) fn fields(&mut self) -> [(&'static str, &'static str, &mut f64); 13] {
        [
            ("entry", "bytes of an entry", &mut self.entry),
            ("openings", "bytes of the openings of an entry", &mut self.openings),
            ("batch", "entries of a commit", &mut self.batch),
            (
                "writesOfCommit",
                "writing requests of a commit beside files of the log",
                &mut self.writes_of_commit,
            ),
            ("readsOfCommit", "reading requests of a commit", &mut self.reads_of_commit),
            ("audited", "entries a second that a machine audits", &mut self.audited),
            ("read", "bytes a second that a machine reads", &mut self.read),
            ("listed", "names that a request lists", &mut self.listed),
            ("part", "bytes of a part of an audit", &mut self.part),
            ("writePrice", "money for a million requests that write or list", &mut self.write_price),
            ("readPrice", "money for a million requests that read", &mut self.read_price),
            ("storagePrice", "money for 10^9 bytes for a month", &mut self.storage_price),
            ("egressPrice", "money for 10^9 bytes that leave", &mut self.egress_price),
        ]
    }

    /// Requests that write, while a log of `size` entries gets a million more.
    pub(crate) fn writes_of_million(&self, size: u128) -> f64 {
        let (batch, mut at, mut files, mut commits) = ((self.batch as u128).max(1), size, 0, 0u32);
        while at < size + 1_000_000 {
            let more = batch.min(size + 1_000_000 - at);
            // Openings lie in files as entries do.
            files += tiles_written(at, more) + 2 * bundles_written(at, more);
            at += more;
            commits += 1;
        }
        files as f64 + f64::from(commits) * self.writes_of_commit
    }

    /// Requests that read, meanwhile.
    pub(crate) fn reads_of_million(&self) -> f64 {
        (1e6 / self.batch).ceil() * self.reads_of_commit
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

    /// Money to write a million entries into a log of `size`, and to keep them for a month.
    pub(crate) fn money_of_million(&self, size: u128) -> (f64, f64) {
        let requests =
            self.writes_of_million(size) * self.write_price + self.reads_of_million() * self.read_price;
        (requests / 1e6, self.bytes(1_000_000) / 1e9 * self.storage_price)
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
        "\n| a million records more, by batch | 1 | 10 | 100 | 1,000 |\n|---|---:|---:|---:|---:|\n",
    );
    let of_batch = |batch: f64| Inputs { batch, ..inputs.clone() };
    let mut row = |name: &str, cell: &dyn Fn(Inputs) -> String| {
        let cells = [1.0, 10.0, 100.0, 1_000.0].map(|batch| cell(of_batch(batch)));
        out.push_str(&format!("| {name} | {} |\n", cells.join(" | ")));
    };
    const SIZE: u128 = 1_000_000_000;
    row("requests that write", &|inputs| told(inputs.writes_of_million(SIZE)));
    row("requests that read", &|inputs| told(inputs.reads_of_million()));
    row("requests a record", &|inputs| {
        format!("{:.3}", (inputs.writes_of_million(SIZE) + inputs.reads_of_million()) / 1e6)
    });
    row("money for them", &|inputs| told(inputs.money_of_million(SIZE).0));
    row("money for a month at rest", &|inputs| told(inputs.money_of_million(SIZE).1));
    out
}

/// The most tiles that a proof of an entry reads: of one near the beginning, whose tiles are all full.
fn most_tiles_of_proof(size: u128) -> u128 {
    tiles_of_proof(0, size)
}
