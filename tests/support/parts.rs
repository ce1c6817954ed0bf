//! An audit in parts, beside the same in one run.

use dateline::storage::Store;
use dateline::verify::{
    Audited, CombineError, KnownKeys, Part, Range, RangeError, Report, Trust, audit_range, audit_since,
    combine,
};

/// The parts of a log that is cut at these entries, each written and read back.
pub(crate) fn parts(store: &dyn Store, trust: &Trust, cuts: &[u64]) -> Result<Vec<Part>, RangeError> {
    let part = |cut: &[u64]| {
        let part = audit_range(store, trust, Range::Entries(cut[0], cut[1]), KnownKeys::Sought, &|_, _| {})?;
        let bytes = part.format();
        let read = Part::parse(&bytes).unwrap();
        assert_eq!((&read, read.format()), (&part, bytes));
        Ok(read)
    };
    cuts.windows(2).map(part).collect()
}

pub(crate) fn combined(store: &dyn Store, trust: &Trust, parts: Vec<Part>) -> Result<Audited, CombineError> {
    let named = (0..).zip(parts).map(|(number, part)| Ok((format!("part {number}"), part)));
    combine::<CombineError>(store, trust, None, named)
}

/// Fails unless the parts of the log say what one run says: wherever it is cut. `report` is that of one run.
pub(crate) fn agree(name: &str, store: &dyn Store, trust: &Trust, report: &Report, cuts: &[u64]) {
    let parts = match parts(store, trust, cuts) {
        Ok(parts) => parts,
        // Where there is nothing to divide, one run says what there is.
        Err(RangeError::Checkpoint(finding)) => {
            assert!(report.findings.contains(&finding), "{name}: {finding:?}");
            return;
        }
        Err(RangeError::Lost { from }) => {
            let told = format!("the entries from {} on", report.size);
            assert!(!report.not_checked.is_empty() && !report.not_checked.contains(&told), "{name}: {from}");
            return;
        }
        Err(RangeError::Range { size: 0, .. }) => return,
        Err(error) => panic!("{name}: {error}"),
    };
    let together = combined(store, trust, parts).unwrap_or_else(|error| panic!("{name}: {error}"));
    let json = |report: &Report| serde_json::to_string_pretty(report).unwrap();
    assert_eq!(json(&together.report), json(report), "{name}, cut at {cuts:?}");
    let whole = audit_since(store, trust, None, &|_, _| {}).unwrap();
    assert_eq!(together.log, whole.log, "{name}");
    let checkpoint = |audited: &Audited| audited.memory.as_ref().map(|memory| memory.checkpoint().to_owned());
    assert_eq!(checkpoint(&together), checkpoint(&whole), "{name}");
}
