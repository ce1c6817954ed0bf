//! in-toto Statement v1: a predicate about subjects that are known by their digests.
//!
//! ```json
//! {"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"original","digest":{"sha256":"<64 hex>"}}],
//!  "predicateType":"urn:dateline:registration:v1","predicate":{}}
//! ```
//!
//! A digest set holds one representation of one thing, here always SHA-256 alone: verifiers disagree on whether all
//! digests of a set must match or any. Members that are not known are ignored, as in-toto asks of consumers.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::base::Hash;

use super::json::Json;

/// The only statement type.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name within the statement.
    pub name: String,
    /// Its digest.
    pub digest: DigestSet,
}

/// The digest of a subject. One beside it would let two verifiers take two documents for the same subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestSet {
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: Hash,
}

/// A statement; `P` is how its predicate is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<P = Value> {
    /// What it is about.
    pub subject: Vec<Subject>,
    /// What kind of thing it says.
    pub predicate_type: String,
    /// What it says.
    pub predicate: P,
}

/// Why bytes are not a statement.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Not JSON, or not with the members of a statement.
    #[error("not the JSON of a statement")]
    Json(#[from] serde_json::Error),
    /// Another statement type.
    #[error("statement type {found:?} is not {STATEMENT_TYPE}")]
    Type {
        /// The type found.
        found: String,
    },
    /// It is about nothing.
    #[error("the statement of type {predicate_type:?} has no subject")]
    NoSubject {
        /// What kind of thing it says.
        predicate_type: String,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(rename = "_type")]
    statement_type: &'static str,
    subject: &'a [Subject],
    predicate_type: &'a str,
    predicate: &'a Value,
}

impl Statement {
    /// Returns the JSON that is signed.
    pub fn encode(&self) -> Vec<u8> {
        let Statement { subject, predicate_type, predicate } = self;
        let wire = Wire { statement_type: STATEMENT_TYPE, subject, predicate_type, predicate };
        serde_json::to_vec(&wire).expect("internal error: a statement does not make JSON")
    }

    /// Reads a statement.
    ///
    /// # Errors
    /// [`StatementError`], also for a member name that stands twice anywhere in it.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let Statement { subject, predicate_type, predicate } = Statement::read(bytes)?;
        Ok(Statement { subject, predicate_type, predicate: predicate.into() })
    }
}

impl<'a> Statement<Json<'a>> {
    /// As [`Statement::parse`], with a predicate that borrows from `bytes`.
    ///
    /// # Errors
    /// As [`Statement::parse`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, StatementError> {
        let Json::Object(mut members) = Json::parse(bytes)? else {
            return Err(serde_json::Error::custom("a statement is an object").into());
        };
        let statement_type = String::deserialize(&take(&mut members, "_type")?)?;
        if statement_type != STATEMENT_TYPE {
            return Err(StatementError::Type { found: statement_type });
        }
        let subject = Vec::<Subject>::deserialize(&take(&mut members, "subject")?)?;
        let predicate_type = String::deserialize(&take(&mut members, "predicateType")?)?;
        let predicate = take(&mut members, "predicate")?;
        if subject.is_empty() {
            return Err(StatementError::NoSubject { predicate_type });
        }
        Ok(Statement { subject, predicate_type, predicate })
    }

    /// Returns the rest.
    pub fn without_predicate(self) -> Statement<()> {
        Statement { subject: self.subject, predicate_type: self.predicate_type, predicate: () }
    }
}

/// Takes a member out of an object that must have it.
fn take<'a>(
    members: &mut Vec<(Cow<'a, str>, Json<'a>)>,
    name: &'static str,
) -> Result<Json<'a>, serde_json::Error> {
    let place = members.iter().position(|(member, _)| member == name);
    let place = place.ok_or_else(|| serde_json::Error::missing_field(name))?;
    Ok(members.swap_remove(place).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn example() -> Statement {
        Statement {
            subject: vec![Subject {
                name: "original".into(),
                digest: DigestSet { sha256: Hash::of(b"abc") },
            }],
            predicate_type: "urn:example:v1".into(),
            predicate: json!({"a": [1, "é"]}),
        }
    }

    #[test]
    fn reads_what_it_writes() {
        let bytes = example().encode();
        assert!(
            bytes
                .starts_with(br#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"original","#)
        );
        assert_eq!(Statement::parse(&bytes).unwrap(), example());
    }

    #[test]
    fn unknown_members_are_ignored_and_doubled_ones_are_not() {
        let text = String::from_utf8(example().encode()).unwrap();
        let more = text.replace(r#""predicateType""#, r#""mediaType":"x","predicateType""#);
        assert_eq!(Statement::parse(more.as_bytes()).unwrap(), example());
        for bad in [
            text.replace("Statement/v1", "Statement/v0.1"),
            text.replace(r#""a":"#, r#""a":0,"a":"#),
            text.replace(r#""sha256""#, r#""sha512""#),
            text.replace(r#""sha256""#, r#""sha512":"00","sha256""#),
            text.replace(r#""subject":[{"#, r#""subject":[],"was":[{"#),
            text.replace("predicateType", "predicate_type"),
        ] {
            assert_ne!(bad, text);
            assert!(Statement::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
