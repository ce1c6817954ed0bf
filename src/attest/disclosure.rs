//! Commitments and their openings: SD-JWT disclosures (RFC 9901) over any JSON object.
//!
//! An opening is base64url of a JSON array, `[salt, name, value]` for a member of an object or `[salt, value]` for an
//! element of an array. Its digest, base64url of the SHA-256 of those characters, stands in the payload: in the
//! object's `_sd`, or in the array as `{"...": digest}`. The salt, 128 random bits, is what keeps a first name from
//! being found by trying.
//!
//! ```text
//! ["_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"]
//! WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0
//! X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0
//! ```

use std::borrow::Cow;

use serde_json::{Value, json};
use thiserror::Error;

use crate::base::Hash;
use crate::base::encoding::{from_base64url, to_base64url};
use crate::base::limits::DISCLOSURE_MAX_BYTES;

use super::json::Json;

mod put_back;

pub use put_back::{Opened, Places, apply, put_back};

/// The member that holds an object's commitments.
pub const SD: &str = "_sd";
/// The member that names the digest algorithm.
pub const SD_ALG: &str = "_sd_alg";
/// The only member of an array element that is a commitment.
pub const ELEMENT: &str = "...";

/// One opening. Equal openings have equal spelling, as the spelling is what is digested.
#[derive(Debug, Clone, PartialEq)]
pub struct Disclosure {
    text: String,
    name: Option<String>,
    value: Value,
}

/// Why an opening is none, or does not fit.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum DisclosureError {
    /// Too long.
    #[error("an opening has {size} bytes; {limit} are allowed")]
    TooLarge {
        /// Its size before base64url.
        size: usize,
        /// The largest.
        limit: usize,
    },
    /// Not base64url of JSON.
    #[error("an opening is not base64url of JSON")]
    Encoding {
        /// The first characters of it.
        text: String,
    },
    /// Not an array of a salt, perhaps a name, and a value.
    #[error("opening {digest} is not an array of salt, name and value, or of salt and value")]
    Shape {
        /// Its digest.
        digest: String,
    },
    /// A name that has a meaning of its own.
    #[error("a member may not be named {name:?}")]
    Name {
        /// The name.
        name: String,
    },
    /// The object has such a member already.
    #[error("opening {digest} gives member {name:?} a second time")]
    Clash {
        /// Its digest.
        digest: String,
        /// The name.
        name: String,
    },
    /// A member's opening where an element belongs, or the reverse.
    #[error("opening {digest} is of the wrong kind for where its commitment stands, {pointer}")]
    Kind {
        /// Its digest.
        digest: String,
        /// JSON Pointer to the commitment.
        pointer: String,
    },
    /// A digest stands in more than one place.
    #[error("commitment {digest} stands in more than one place")]
    Repeated {
        /// The digest.
        digest: String,
    },
    /// No commitment has this digest.
    #[error("opening {digest} belongs to no commitment here")]
    Unused {
        /// Its digest.
        digest: String,
    },
    /// Commitments are not written as they must be.
    #[error("the commitments at {pointer} are not written as they must be")]
    Commitments {
        /// JSON Pointer to them.
        pointer: String,
    },
    /// Commitments by another hash.
    #[error("commitments by {found:?} cannot be checked; sha-256 can")]
    Algorithm {
        /// The algorithm's name.
        found: String,
    },
    /// Openings inside openings without end.
    #[error("more than {limit} levels at {pointer}")]
    TooDeep {
        /// The most allowed.
        limit: usize,
        /// JSON Pointer to where it was.
        pointer: String,
    },
}

/// Returns the commitment that stands at a JSON Pointer in what was signed: a digest among `_sd`, or an element's.
pub fn commitment_at<'v>(signed: &'v Value, pointer: &str) -> Option<&'v str> {
    let value = signed.pointer(pointer)?;
    value.as_str().or_else(|| value.get(ELEMENT)?.as_str())
}

impl Disclosure {
    /// Makes the opening of an object's member. `salt` must be random and never used twice.
    ///
    /// # Errors
    /// [`DisclosureError::Name`], [`DisclosureError::TooLarge`].
    pub fn member(salt: [u8; 16], name: &str, value: &Value) -> Result<Self, DisclosureError> {
        check_name(name)?;
        let json = json!([to_base64url(&salt), name, value]).to_string();
        Self::make(&json, Some(name), value)
    }

    /// Makes the opening of an array's element. `salt` must be random and never used twice.
    ///
    /// # Errors
    /// [`DisclosureError::TooLarge`].
    pub fn element(salt: [u8; 16], value: &Value) -> Result<Self, DisclosureError> {
        let json = json!([to_base64url(&salt), value]).to_string();
        Self::make(&json, None, value)
    }

    fn make(json: &str, name: Option<&str>, value: &Value) -> Result<Self, DisclosureError> {
        if json.len() > DISCLOSURE_MAX_BYTES {
            return Err(DisclosureError::TooLarge { size: json.len(), limit: DISCLOSURE_MAX_BYTES });
        }
        let (name, value) = (name.map(str::to_owned), value.clone());
        Ok(Disclosure { text: to_base64url(json.as_bytes()), name, value })
    }

    /// Reads an opening. Any spacing of the JSON is taken, as it is part of what is digested.
    ///
    /// # Errors
    /// [`DisclosureError`] for what is no opening.
    pub fn parse(text: &str) -> Result<Self, DisclosureError> {
        let decoded = Decoded::of(text)?;
        let Opening { name, value, .. } = decoded.opening()?;
        Ok(Disclosure { text: text.to_owned(), name: name.map(Cow::into_owned), value: value.into() })
    }

    /// Returns the opening's spelling, which is what is stored and digested.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the opening's spelling alone.
    pub fn into_string(self) -> String {
        self.text
    }

    /// Returns the digest that stands in the payload.
    pub fn digest(&self) -> String {
        digest(&self.text)
    }

    /// Returns the member's name; `None` for an array's element.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns what is disclosed.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

fn digest(text: &str) -> String {
    to_base64url(Hash::of(text.as_bytes()).as_bytes())
}

fn check_name(name: &str) -> Result<(), DisclosureError> {
    match name {
        SD | SD_ALG | ELEMENT => Err(DisclosureError::Name { name: name.into() }),
        _ => Ok(()),
    }
}

/// An opening, taken out of its base64url but not yet apart.
#[derive(Debug, Clone)]
pub struct Decoded<'t> {
    text: &'t str,
    json: Vec<u8>,
}

impl<'t> Decoded<'t> {
    /// Decodes an opening.
    ///
    /// # Errors
    /// [`DisclosureError::TooLarge`], [`DisclosureError::Encoding`].
    pub fn of(text: &'t str) -> Result<Self, DisclosureError> {
        let json = from_base64url(text).map_err(|_| DisclosureError::encoding(text))?;
        if json.len() > DISCLOSURE_MAX_BYTES {
            return Err(DisclosureError::TooLarge { size: json.len(), limit: DISCLOSURE_MAX_BYTES });
        }
        Ok(Decoded { text, json })
    }

    /// Takes it apart. Any spacing of the JSON is taken, as it is part of what is digested.
    ///
    /// # Errors
    /// [`DisclosureError`] for what is no opening.
    pub fn opening(&self) -> Result<Opening<'_>, DisclosureError> {
        let array = Json::parse(&self.json).map_err(|_| DisclosureError::encoding(self.text))?;
        let shape = || DisclosureError::Shape { digest: digest(self.text) };
        let Json::Array(mut items) = array else { return Err(shape()) };
        let value = items.pop().ok_or_else(shape)?;
        let name = match &mut items[..] {
            [Json::String(_)] => None,
            [Json::String(_), Json::String(name)] => {
                check_name(name)?;
                Some(std::mem::take(name))
            }
            _ => return Err(shape()),
        };
        Ok(Opening { digest: digest(self.text), name, value })
    }
}

/// An opening, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening<'a> {
    /// What stands for it in the payload.
    pub digest: String,
    /// The member's name; `None` for an array's element.
    pub name: Option<Cow<'a, str>>,
    /// What is disclosed.
    pub value: Json<'a>,
}

impl DisclosureError {
    fn encoding(text: &str) -> Self {
        DisclosureError::Encoding { text: text.chars().take(40).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::put_back::{DIGEST_CHARS, POINTER_MAX_BYTES};
    use super::*;
    use proptest::prelude::*;

    const MEMBER: &str = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0";

    fn member(salt: u8, name: &str, value: Value) -> Disclosure {
        Disclosure::member([salt; 16], name, &value).unwrap()
    }

    fn element(salt: u8, value: Value) -> Disclosure {
        Disclosure::element([salt; 16], &value).unwrap()
    }

    #[test]
    fn examples_of_rfc_9901() {
        let disclosure = Disclosure::parse(MEMBER).unwrap();
        assert_eq!((disclosure.name(), disclosure.value()), (Some("family_name"), &json!("Möbius")));
        assert_eq!(disclosure.digest(), "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0");
        let text = to_base64url(br#"["lklxF5jMYlGTPUovMNIvCA", "FR"]"#);
        assert_eq!(text, "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0");
        let disclosure = Disclosure::parse(&text).unwrap();
        assert_eq!(disclosure.digest(), "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs");
    }

    #[test]
    fn what_is_no_opening() {
        let of = |text: &str| Disclosure::parse(&to_base64url(text.as_bytes()));
        for bad in
            ["{}", "[]", "[\"s\"]", "[1,\"v\"]", "[\"s\",1,2]", "[\"s\",\"n\",1,2]", "[\"s\",\"v\"", "\"\""]
        {
            assert!(of(bad).is_err(), "{bad}");
        }
        for name in [SD, SD_ALG, ELEMENT] {
            assert!(matches!(of(&format!(r#"["s","{name}",1]"#)), Err(DisclosureError::Name { .. })));
        }
        assert!(of(r#"["s",{"a":1,"a":2}]"#).is_err());
        assert!(Disclosure::parse(&format!("{MEMBER}=")).is_err());
    }

    #[test]
    fn size_is_bounded() {
        let empty = r#"["","x"]"#.len() - 1 + 22;
        let value = |length: usize| Disclosure::element([0; 16], &json!("x".repeat(length)));
        assert!(value(DISCLOSURE_MAX_BYTES - empty).is_ok());
        assert!(matches!(value(DISCLOSURE_MAX_BYTES - empty + 1), Err(DisclosureError::TooLarge { .. })));
    }

    #[test]
    fn opens_members_elements_and_what_is_inside_openings() {
        let inner = element(1, json!("Naby"));
        let names = member(2, "names", json!([{ELEMENT: inner.digest()}, "AFP"]));
        let note = member(3, "note", json!("off the record"));
        let payload = json!({"a": 1, SD: [names.digest(), note.digest()], SD_ALG: "sha-256"});
        let all = apply(&payload, &[inner.clone(), names.clone(), note.clone()]).unwrap();
        assert_eq!(all.value, json!({"a": 1, "names": ["Naby", "AFP"], "note": "off the record"}));
        assert!(all.withheld.is_empty());
        let some = apply(&payload, std::slice::from_ref(&names)).unwrap();
        assert_eq!(some.value, json!({"a": 1, "names": [{ELEMENT: inner.digest()}, "AFP"]}));
        assert_eq!(some.withheld, ["/_sd/0/0", "/_sd/1"]);
        let none = apply(&payload, &[]).unwrap();
        assert_eq!(none.value, json!({"a": 1}));
    }

    #[test]
    fn what_stands_for_nothing_is_bounded() {
        // Neither short digests nor long names below which they stand make work out of a small payload.
        let commitments = |error: DisclosureError| matches!(error, DisclosureError::Commitments { .. });
        let good = "d".repeat(DIGEST_CHARS);
        for bad in [String::new(), "abc".into(), "d".repeat(DIGEST_CHARS - 1), "d".repeat(DIGEST_CHARS + 1)] {
            assert!(commitments(apply(&json!({SD: [bad]}), &[]).unwrap_err()), "{bad}");
            assert!(commitments(apply(&json!({"a": [{ELEMENT: bad}]}), &[]).unwrap_err()), "{bad}");
        }
        let below = |name: &str| apply(&json!({name: {SD: [good]}}), &[]);
        let most = POINTER_MAX_BYTES - "//_sd/0".len();
        assert_eq!(below(&"n".repeat(most)).unwrap().withheld[0].len(), POINTER_MAX_BYTES);
        assert!(commitments(below(&"n".repeat(most + 1)).unwrap_err()));
        assert!(commitments(below(&"~".repeat(most / 2 + 1)).unwrap_err()));
    }

    #[test]
    fn it_is_known_where_commitments_stand() {
        let (item, note) = (element(1, json!(1)), member(2, "note", json!(2)));
        let (i, n) = (item.digest(), note.digest());
        let places = |payload: Value, openings: &[&Disclosure]| {
            let openings = openings.iter().map(|opening| Opening {
                digest: opening.digest(),
                name: opening.name().map(Cow::Borrowed),
                value: opening.value().into(),
            });
            let (_, Places { members, arrays, deeper }) = put_back((&payload).into(), openings).unwrap();
            let owned = |names: Vec<Cow<'_, str>>| names.join(" ");
            (owned(members), owned(arrays), deeper)
        };
        let told = |members: &str, arrays: &str, deeper| (members.to_owned(), arrays.to_owned(), deeper);
        assert_eq!(places(json!({"a": 1}), &[]), told("", "", false));
        assert_eq!(places(json!({SD: [n]}), &[&note]), told("note", "", false));
        assert_eq!(places(json!({SD: [n]}), &[]), told("", "", false));
        assert_eq!(places(json!({"a": [1, {ELEMENT: i}], "b": [2]}), &[&item]), told("", "a", false));
        assert_eq!(places(json!({"a": [{ELEMENT: i}]}), &[]), told("", "a", false));
        for deeper in [json!({"a": {SD: [n]}}), json!({"a": [{"b": 1, SD: [n]}]})] {
            assert_eq!(places(deeper, &[&note]), told("", "", true));
        }
        for deeper in [json!({"a": {"b": [{ELEMENT: i}]}}), json!({"a": [[{ELEMENT: i}]]})] {
            assert_eq!(places(deeper, &[&item]), told("", "", true));
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let note = member(1, "note", json!(1));
        let item = element(2, json!(1));
        let (n, i) = (note.digest(), item.digest());
        let error = |payload: Value, openings: &[&Disclosure]| {
            let openings: Vec<_> = openings.iter().copied().cloned().collect();
            apply(&payload, &openings).unwrap_err()
        };
        assert!(matches!(error(json!({}), &[&note]), DisclosureError::Unused { .. }));
        assert!(matches!(error(json!({SD: [n]}), &[&note, &note]), DisclosureError::Unused { .. }));
        assert!(matches!(error(json!({SD: [n, n]}), &[&note]), DisclosureError::Repeated { .. }));
        assert!(matches!(error(json!({SD: [n, n]}), &[]), DisclosureError::Repeated { .. }));
        assert!(matches!(error(json!({SD: [n], "note": 2}), &[&note]), DisclosureError::Clash { .. }));
        assert!(matches!(error(json!({SD: [i]}), &[&item]), DisclosureError::Kind { .. }));
        assert!(matches!(error(json!({"a": [{ELEMENT: n}]}), &[&note]), DisclosureError::Kind { .. }));
        assert!(matches!(
            error(json!({"a": [{ELEMENT: i, "b": 1}]}), &[]),
            DisclosureError::Commitments { .. }
        ));
        assert!(matches!(error(json!({ELEMENT: i}), &[]), DisclosureError::Commitments { .. }));
        assert!(matches!(error(json!({SD: "x"}), &[]), DisclosureError::Commitments { .. }));
        assert!(matches!(error(json!({SD_ALG: "sha-512"}), &[]), DisclosureError::Algorithm { .. }));
    }

    proptest! {
        #[test]
        fn any_changed_opening_is_noticed(value in ".{0,20}", at in 0usize..1000, bit in 0u8..8) {
            let opening = element(9, json!(value));
            let payload = json!({"a": [{ELEMENT: opening.digest()}]});
            let mut bytes = opening.as_str().as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let changed = String::from_utf8(bytes).ok().and_then(|text| Disclosure::parse(&text).ok());
            if let Some(changed) = changed {
                prop_assert!(apply(&payload, &[changed]).is_err());
            }
        }
    }

    #[test]
    fn levels_are_counted_to_the_limit_and_not_past_it() {
        let nested = |levels: usize| {
            let inner = (0..levels).fold(json!([]), |inner, _| json!([inner]));
            put_back::apply(&json!({ "a": inner }), &[])
        };
        let deepest = crate::attest::json::DEPTH_MAX - 1;
        assert!(nested(deepest).is_ok());
        let refused = nested(deepest + 1).unwrap_err().to_string();
        let pointer = format!("/a{}", "/0".repeat(deepest + 1));
        assert_eq!(refused, format!("more than 32 levels at {pointer}"));
    }

    #[test]
    fn a_commitment_that_is_no_digest_is_named_where_it_stands() {
        let refused = put_back::apply(&json!({ "a": [{ "...": "x" }] }), &[]).unwrap_err();
        assert!(refused.to_string().contains("/a/0"), "{refused}");
    }
}
