//! A stored original: does it give the registered text, and do the claims stand in it?

use crate::article::reflow::reflow;
use crate::article::{Evidence, ExtractedText, Format, NUMBERS, REFLOW, ReadOptions, extract_as, numbers};
use crate::base::Hash;
use crate::base::limits::QUOTE_MAX_CHARS;
use crate::record::Registration;
use crate::record::registration::Fingerprint;

use super::entry::Claim;
use super::report::{Code, Finding};

/// Characters of the text that one quotation may span: its words, and all that is between lines.
const QUOTED_MAX_CHARS: usize = 4 * QUOTE_MAX_CHARS;

/// Extracts the text again and holds all that the registration says about it against it. `claims` counts what holds.
/// Findings are without the record.
pub(super) fn check<'e>(
    registration: &Registration,
    bytes: &[u8],
    evidence: impl Iterator<Item = (Claim, &'e Evidence)>,
    claims: &mut u64,
) -> Vec<Finding> {
    let find = |code, field: &str, what: String| Finding::new(code, what).field(field);
    let name = registration.text.extractor.as_str();
    let Some(format) = Format::of_extractor(name) else {
        let what = format!("the text was extracted by {name:?}, which is not known here");
        return vec![find(Code::ExtractorUnknown, "/text/extractor", what)];
    };
    let options = ReadOptions { charset: Some(&registration.text.charset), ..ReadOptions::default() };
    let extract = match extract_as(format, bytes, &options) {
        Ok(extract) => extract,
        Err(error) => return vec![find(Code::TextMismatch, "/text", error.to_string())],
    };
    let text = ExtractedText::new(&extract.text).beside(&extract);
    if text.sha256() != registration.text.sha256 {
        let what = "the stored original does not give the registered text".into();
        let finding = find(Code::TextMismatch, "/text/sha256", what);
        return vec![finding.expected(registration.text.sha256).found(text.sha256())];
    }

    let mut found = Vec::new();
    for (claim, evidence) in evidence.filter(|(_, evidence)| evidence.rule().is_some()) {
        match text.holds(evidence) {
            Ok(()) => *claims += 1,
            Err(error) => found.push(find(Code::EvidenceMismatch, &claim.to_string(), error.to_string())),
        }
    }
    for (number, quote) in registration.quotes.iter().flatten().enumerate() {
        let Some(quote) = quote.opened() else { continue };
        let fits = quote.end.saturating_sub(quote.start) <= QUOTED_MAX_CHARS;
        match text.slice(quote.start, quote.end).filter(|_| fits) {
            Some(slice) if reflow(slice).as_str() == quote.text => *claims += 1,
            _ => {
                let what = format!("the quotation does not stand at {} to {}", quote.start, quote.end);
                found.push(find(Code::EvidenceMismatch, &format!("/quotes/{number}"), what));
            }
        }
    }
    // Paragraphs follow each other: of a text that they covered a thousand times, all would be read a thousand times.
    let mut after = 0;
    for (number, paragraph) in registration.paragraphs.iter().flatten().enumerate() {
        let follows = paragraph.start >= after;
        after = after.max(paragraph.end);
        let slice = text.slice(paragraph.start, paragraph.end).filter(|_| follows);
        let digest = slice.map(|slice| Hash::of(reflow(slice).as_str().as_bytes()));
        if digest != Some(paragraph.reflow_sha256) {
            let what = "not the digest of the paragraph".into();
            let finding = find(Code::DigestMismatch, &format!("/paragraphs/{number}"), what);
            let is = digest.map_or_else(|| "no text".to_owned(), |digest| digest.to_string());
            found.push(finding.expected(paragraph.reflow_sha256).found(is));
        }
    }
    let whole = reflow(text.as_str());
    let reflow_digest = Hash::of(whole.as_str().as_bytes());
    found.extend(differs(
        "/fingerprints/reflow",
        REFLOW,
        reflow_digest,
        Some(&registration.fingerprints.reflow),
    ));
    let numbers_digest = numbers::digest(whole.as_str());
    found.extend(differs("/numbers", NUMBERS, numbers_digest, registration.numbers.as_ref()));
    found
}

/// Compares a fingerprint with what the text gives; one by another algorithm cannot be compared.
fn differs(
    pointer: &str,
    algorithm: &str,
    digest: Hash,
    registered: Option<&Fingerprint>,
) -> Option<Finding> {
    let registered = registered?;
    if registered.algorithm != algorithm {
        let what = format!("the fingerprint is by {}; this is {algorithm}", registered.algorithm);
        return Some(Finding::new(Code::ExtractorUnknown, what).field(pointer));
    }
    let finding = || Finding::new(Code::DigestMismatch, "not the digest of the wording").field(pointer);
    (registered.sha256 != digest).then(|| finding().expected(registered.sha256).found(digest))
}
