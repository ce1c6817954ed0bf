//! Findings in log order, in bounded memory: which of them are kept depends on the log alone, not on how the work was
//! divided.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::report::{Code, FINDINGS_MAX, Finding, Report, Severity, Verdict};

/// The first [`FINDINGS_MAX`] findings by record, those of one record in the order in which they were made; of the others how
/// many there are, and how much they weigh.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Found {
    #[serde(with = "written")]
    kept: Vec<Finding>,
    left_out: u64,
    worst_left_out: Option<Severity>,
}

impl Found {
    /// Adds findings.
    pub(super) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.kept.push(finding);
            if self.kept.len() >= 4 * FINDINGS_MAX {
                self.settle();
            }
        }
    }

    /// Adds what another part of the audit found.
    pub(super) fn append(&mut self, other: Found) {
        self.leave_out(other.left_out, other.worst_left_out);
        self.extend(other.kept);
    }

    /// Counts findings that were made and not kept.
    pub(super) fn leave_out(&mut self, count: u64, worst: Option<Severity>) {
        self.left_out = self.left_out.saturating_add(count);
        self.worst_left_out = self.worst_left_out.max(worst);
    }

    /// Forgets those that are not to be kept. What comes later never comes before the ones that are.
    pub(super) fn settle(&mut self) {
        self.kept.sort_by_key(|finding| finding.record.unwrap_or(u64::MAX));
        let more = self.kept.split_off(self.kept.len().min(FINDINGS_MAX));
        let worst = more.iter().map(|finding| finding.severity).max();
        self.leave_out(more.len() as u64, worst);
    }

    /// Returns how many there are.
    pub(super) fn count(&self) -> u64 {
        self.left_out.saturating_add(self.kept.len() as u64)
    }

    /// Returns those at hand.
    pub(super) fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// Changes those at hand.
    pub(super) fn kept_mut(&mut self) -> impl Iterator<Item = &mut Finding> {
        self.kept.iter_mut()
    }

    /// Moves them into a report.
    pub(super) fn into_report(mut self, report: &mut Report) {
        self.settle();
        for mut finding in self.kept {
            finding.locate(report.size);
            report.push(finding);
        }
        report.findings_left_out = report.findings_left_out.saturating_add(self.left_out);
        if let Some(worst) = self.worst_left_out {
            report.verdict = report.verdict.max(Verdict::of(worst));
        }
    }
}

/// A finding in a file: without what its code says by itself.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Written {
    code: Code,
    severity: Severity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    message: String,
}

impl From<&Finding> for Written {
    fn from(finding: &Finding) -> Self {
        let Finding { code, severity, record, field, path, line, expected, found, message, meaning: _ } =
            finding.clone();
        Written { code, severity, record, field, path, line, expected, found, message }
    }
}

impl From<Written> for Finding {
    fn from(written: Written) -> Self {
        let Written { code, severity, record, field, path, line, expected, found, message } = written;
        let meaning = code.meaning();
        Finding { code, severity, record, field, path, line, expected, found, message, meaning }
    }
}

/// How findings are written to a file and read back.
pub(super) mod written {
    use super::{Deserialize, Deserializer, Finding, Serialize, Serializer, Written};

    pub(in super::super) fn serialize<S: Serializer>(all: &[Finding], to: S) -> Result<S::Ok, S::Error> {
        all.iter().map(Written::from).collect::<Vec<_>>().serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Finding>, D::Error> {
        Ok(Vec::<Written>::deserialize(from)?.into_iter().map(Finding::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finding(code: Code, record: Option<u64>, number: usize) -> Finding {
        let finding = Finding::new(code, format!("{number}"));
        Finding { record, ..finding }
    }

    fn report(found: Found) -> Report {
        let mut report = Report::new();
        found.into_report(&mut report);
        report
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_is_kept_does_not_depend_on_how_it_was_divided(
            records in prop::collection::vec(prop::option::of(0u64..3_000), 0..9_000),
            cuts in prop::collection::vec(0usize..9_000, 0..6),
        ) {
            let codes = [Code::Stray, Code::FileMissing, Code::EntryChanged];
            let all: Vec<Finding> = (0..)
                .zip(&records)
                .map(|(number, record)| finding(codes[number * records.len() % 3], *record, number))
                .collect();
            // By definition: sorted, cut off.
            let mut expected = Report::new();
            let mut sorted = all.clone();
            sorted.sort_by_key(|finding| finding.record.unwrap_or(u64::MAX));
            sorted.into_iter().for_each(|finding| expected.push(finding));
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(all.len())).collect();
            cuts.extend([0, all.len()]);
            cuts.sort_unstable();
            let mut joined = Found::default();
            for cut in cuts.windows(2) {
                let mut part = Found::default();
                part.extend(all[cut[0]..cut[1]].iter().cloned());
                if cut[0] % 2 == 0 {
                    part.settle();
                    let bytes = serde_json::to_vec(&part).unwrap();
                    prop_assert_eq!(&serde_json::from_slice::<Found>(&bytes).unwrap(), &part);
                }
                joined.append(part);
            }
            prop_assert_eq!(report(joined), expected);
        }
    }
}
