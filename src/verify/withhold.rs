//! Leaving openings out of a proof: a field that whoever gets the proof is not to read.
//!
//! The commitment stays in the entry, which is signed; without its opening it says nothing. The proof names what was
//! left out, so that it is told from what was lost.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::attest::Disclosure;
use crate::attest::disclosure::{self, DisclosureError, ELEMENT, SD};
use crate::record::ErasureReason;

/// A commitment whose opening was left out on purpose, as whoever made the proof says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// JSON Pointer to the commitment in the predicate.
    pub commitment: String,
    /// JSON Pointer to where what it opens to would stand; of an opening that was erased, to the commitment.
    pub field: String,
    /// Which statement in the log says that it was erased, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<ErasedBy>,
}

/// An erasure, as whoever made the proof found it in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedBy {
    /// Index of the statement.
    pub entry: u64,
    /// On what ground.
    pub reason: ErasureReason,
}

/// Why nothing is withheld.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum WithholdError {
    /// The openings cannot be read or do not fit.
    #[error("the record's openings do not fit")]
    Openings(#[from] DisclosureError),
    /// The field stands in the clear, in the signed entry.
    #[error("{field:?} stands in the clear in the signed record and cannot be withheld; {can}")]
    InTheClear {
        /// What was asked for.
        field: String,
        /// What can be withheld.
        can: String,
    },
    /// There is no such field, or its opening is not at hand.
    #[error("the record commits to no {field:?} whose opening is at hand; {can}")]
    Unknown {
        /// What was asked for.
        field: String,
        /// What can be withheld.
        can: String,
    },
}

/// Members of a registration that hold words of the document.
const WORDS: [&str; 3] = ["claimedOrigins", "bylines", "quotes"];
/// Members that hold digests of a few words each: whoever guesses the words can tell whether he is right, so these are left out
/// with any of them.
const DIGESTS: [&str; 2] = ["/paragraphs", "/numbers"];

/// A commitment in a predicate, with its opening.
struct Commitment {
    at: String,
    field: String,
    opening: usize,
}

/// Takes the openings of `fields` out of `openings`: each a name or a JSON Pointer, of one field or of all below it.
/// Returns those that stay, and what was withheld.
pub fn withhold(
    predicate: &Value,
    openings: &[String],
    fields: &[String],
) -> Result<(Vec<String>, Vec<Withheld>), WithholdError> {
    let parsed: Vec<Disclosure> =
        openings.iter().map(|text| Disclosure::parse(text)).collect::<Result<_, _>>()?;
    // Bounds the depth of openings inside openings too.
    disclosure::apply(predicate, &parsed)?;
    let by_digest = parsed.iter().enumerate().map(|(place, opening)| (opening.digest(), place)).collect();
    let mut finder = Finder { openings: &parsed, by_digest, found: Vec::new() };
    finder.look(predicate, "", "");
    let found = finder.found;
    let mut out = BTreeSet::new();
    for field in fields {
        let pointer = if field.starts_with('/') { field.clone() } else { format!("/{field}") };
        let below = format!("{pointer}/");
        let asked = |one: &&Commitment| one.field == pointer || one.field.starts_with(&below);
        let chosen: Vec<usize> = found.iter().filter(asked).map(|one| one.opening).collect();
        if chosen.is_empty() || pointer == "/" {
            let (field, can) = (field.clone(), can_be_withheld(&found));
            return Err(match predicate.pointer(&pointer) {
                Some(value) if !has_commitment(value) => WithholdError::InTheClear { field, can },
                _ => WithholdError::Unknown { field, can },
            });
        }
        out.extend(chosen);
    }
    let words = |one: &Commitment| WORDS.iter().any(|name| one.field.starts_with(&format!("/{name}/")));
    if found.iter().any(|one| out.contains(&one.opening) && words(one)) {
        let digests = found.iter().filter(|one| DIGESTS.contains(&one.field.as_str()));
        out.extend(digests.map(|one| one.opening));
    }
    let left_out: Vec<&Commitment> = found.iter().filter(|one| out.contains(&one.opening)).collect();
    // What stands inside another that is left out has no place of its own any more.
    let inside =
        |one: &Commitment| left_out.iter().any(|outer| one.at.starts_with(&format!("{}/", outer.at)));
    let withheld = left_out.iter().filter(|one| !inside(one)).map(|one| Withheld {
        commitment: one.at.clone(),
        field: one.field.clone(),
        erased: None,
    });
    let withheld = withheld.collect();
    let kept = openings.iter().enumerate().filter(|(place, _)| !out.contains(place));
    Ok((kept.map(|(_, text)| text.clone()).collect(), withheld))
}

/// Returns whether a value is a commitment, or a list of some.
fn has_commitment(value: &Value) -> bool {
    let items = value.as_array().into_iter().flatten();
    value.get(ELEMENT).is_some() || items.into_iter().any(|item| item.get(ELEMENT).is_some())
}

/// Names what can be withheld: `bylines (2), note, paragraphs`.
fn can_be_withheld(found: &[Commitment]) -> String {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for one in found {
        let name = one.field.split('/').nth(1).unwrap_or_default();
        *names.entry(name).or_default() += 1;
    }
    if names.is_empty() {
        return "nothing in it can be withheld".into();
    }
    let name = |(name, count): (&&str, &usize)| match count {
        1 => (*name).to_owned(),
        count => format!("{name} ({count})"),
    };
    let names: Vec<String> = names.iter().map(name).collect();
    format!("what can be withheld: {}", names.join(", "))
}

struct Finder<'a> {
    openings: &'a [Disclosure],
    by_digest: BTreeMap<String, usize>,
    found: Vec<Commitment>,
}

impl Finder<'_> {
    /// `at` is where the value stands in the predicate as signed, `field` where it stands once opened. The depth is
    /// bounded, and an opening stands in one place.
    fn look(&mut self, value: &Value, at: &str, field: &str) {
        match value {
            Value::Object(members) => {
                for (name, value) in members.iter().filter(|(name, _)| *name != SD) {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    self.look(value, &format!("{at}/{name}"), &format!("{field}/{name}"));
                }
                let commitments = members.get(SD).and_then(Value::as_array);
                for (number, digest) in commitments.into_iter().flatten().enumerate() {
                    self.meet(digest, format!("{at}/{SD}/{number}"), field, None);
                }
            }
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    let (at, field) = (format!("{at}/{number}"), format!("{field}/{number}"));
                    match item.get(ELEMENT) {
                        Some(digest) => self.meet(digest, at, "", Some(field)),
                        None => self.look(item, &at, &field),
                    }
                }
            }
            _ => {}
        }
    }

    /// A commitment: of the array's element that stands at `element`, else of a member of `parent`.
    fn meet(&mut self, digest: &Value, at: String, parent: &str, element: Option<String>) {
        // Taken out, so that it is met once, whatever the predicate says.
        let Some(opening) = digest.as_str().and_then(|digest| self.by_digest.remove(digest)) else { return };
        let disclosure = &self.openings[opening];
        let name = disclosure.name().map(|name| name.replace('~', "~0").replace('/', "~1"));
        let Some(field) = element.or_else(|| Some(format!("{parent}/{}", name?))) else { return };
        self.found.push(Commitment { at: at.clone(), field: field.clone(), opening });
        self.look(disclosure.value(), &at, &field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attest::disclosure::apply;
    use serde_json::json;

    fn text(opening: &Disclosure) -> String {
        opening.as_str().to_owned()
    }

    #[test]
    fn one_field_all_below_it_and_what_stands_inside() {
        let inner = Disclosure::element([1; 16], &json!("Naby")).unwrap();
        let names = Disclosure::member([2; 16], "names", &json!([{ELEMENT: inner.digest()}, "AFP"])).unwrap();
        let note = Disclosure::member([3; 16], "a/b", &json!("off the record")).unwrap();
        let first = Disclosure::element([4; 16], &json!("x")).unwrap();
        let predicate = json!({
            "title": "t", "list": [{ELEMENT: first.digest()}, {ELEMENT: "u".repeat(43)}],
            SD: [names.digest(), note.digest()],
        });
        let all: Vec<String> = [&inner, &names, &note, &first].map(text).into();
        let left = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|field| (*field).into()).collect();
            let (kept, withheld) = withhold(&predicate, &all, &fields)?;
            let parsed: Vec<Disclosure> = kept.iter().map(|text| Disclosure::parse(text).unwrap()).collect();
            let closed = apply(&predicate, &parsed).unwrap().withheld;
            for one in &withheld {
                assert!(closed.contains(&one.commitment), "{} of {closed:?}", one.commitment);
            }
            let fields: Vec<String> = withheld.into_iter().map(|one| one.field).collect();
            Ok::<_, WithholdError>((kept.len(), fields.join(" ")))
        };
        assert_eq!(left(&[]).unwrap(), (4, String::new()));
        assert_eq!(left(&["names"]).unwrap(), (2, "/names".into()));
        assert_eq!(left(&["/names/0"]).unwrap(), (3, "/names/0".into()));
        assert_eq!(left(&["/names/0", "names"]).unwrap(), (2, "/names".into()));
        assert_eq!(left(&["/a~1b", "list"]).unwrap(), (2, "/list/0 /a~1b".into()));
        assert!(matches!(left(&["title"]), Err(WithholdError::InTheClear { .. })));

        // Digests of short texts give away the words that they are of.
        let by = Disclosure::element([5; 16], &json!({"asPrinted": "Naby"})).unwrap();
        let [paragraphs, note] =
            ["paragraphs", "note"].map(|name| Disclosure::member([6; 16], name, &json!([name])).unwrap());
        let predicate =
            json!({"bylines": [{ELEMENT: by.digest()}], SD: [paragraphs.digest(), note.digest()]});
        let all: Vec<String> = [&by, &paragraphs, &note].map(text).into();
        let left_out = |field: &str| {
            let (_, withheld) = withhold(&predicate, &all, &[field.to_owned()]).unwrap();
            withheld.into_iter().map(|one| one.field).collect::<Vec<_>>()
        };
        assert_eq!(left_out("bylines"), ["/bylines/0", "/paragraphs"]);
        assert_eq!(left_out("note"), ["/note"]);
        for unknown in ["", "/", "nam", "names/0/x", "/list/1", "/_sd/0", "list/0/"] {
            let error = left(&[unknown]).unwrap_err();
            let told = error.to_string();
            assert!(told.contains("a~1b, list, names (2)"), "{unknown}: {told}");
            // A commitment stands in the clear; what it is to does not.
            assert_eq!(matches!(error, WithholdError::InTheClear { .. }), unknown == "/_sd/0", "{unknown}");
        }
    }
}
