//! Putting openings back where their commitments stand, following RFC 9901 section 7.1.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::attest::json::{DEPTH_MAX, Json};

use super::{Disclosure, DisclosureError, ELEMENT, Opening, SD, SD_ALG};

/// A payload with its openings put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened<T = Value> {
    /// The payload with every opened commitment replaced by what it opens to. A member whose opening is not at hand is
    /// left out; an array's element keeps its place, as the commitment that it is (RFC 9901 would leave it out, and so
    /// move those after it).
    pub value: T,
    /// JSON Pointers, into the payload as it was, of the commitments whose opening is not at hand.
    pub withheld: Vec<String>,
}

/// Where in a payload its commitments stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places<'a> {
    /// Names of members of the payload itself that openings gave it.
    pub members: Vec<Cow<'a, str>>,
    /// Names of members of the payload that are arrays with commitments among their elements.
    pub arrays: Vec<Cow<'a, str>>,
    /// Whether there are any deeper down.
    pub deeper: bool,
}

/// Puts `openings` back into `payload`, following RFC 9901 section 7.1.
///
/// # Errors
/// [`DisclosureError`] if one of them has no place there; nothing is then opened.
pub fn apply(payload: &Value, openings: &[Disclosure]) -> Result<Opened, DisclosureError> {
    let openings = openings.iter().map(|opening| Opening {
        digest: opening.digest(),
        name: opening.name().map(Cow::Borrowed),
        value: opening.value().into(),
    });
    let (Opened { value, withheld }, _) = put_back(payload.into(), openings)?;
    Ok(Opened { value: value.into(), withheld })
}

/// As [`apply`], in place: nothing of the payload or the openings is copied.
///
/// # Errors
/// As [`apply`].
pub fn put_back<'a>(
    payload: Json<'a>,
    openings: impl IntoIterator<Item = Opening<'a>>,
) -> Result<(Opened<Json<'a>>, Places<'a>), DisclosureError> {
    match payload.get(SD_ALG) {
        None => {}
        Some(Json::String(algorithm)) if algorithm == "sha-256" => {}
        Some(Json::String(algorithm)) => {
            return Err(DisclosureError::Algorithm { found: algorithm.clone().into_owned() });
        }
        Some(other) => {
            return Err(DisclosureError::Algorithm { found: Value::from(other.clone()).to_string() });
        }
    }
    let mut opener = Opener { places: BTreeMap::new(), withheld: Vec::new(), stand: Places::default() };
    for opening in openings {
        let digest = opening.digest.clone();
        let place = Place { opening: Some(opening), seen: false };
        if let Some(Place { opening: Some(Opening { digest, .. }), .. }) =
            opener.places.insert(Cow::Owned(digest), place)
        {
            return Err(DisclosureError::Unused { digest });
        }
    }
    let mut value = opener.open(payload, &Pointer::ROOT, 0)?;
    if let Json::Object(members) = &mut value {
        members.retain(|(name, _)| name != SD_ALG);
    }
    match opener.places.into_iter().find(|(_, place)| !place.seen) {
        Some((digest, _)) => Err(DisclosureError::Unused { digest: digest.into_owned() }),
        None => Ok((Opened { value, withheld: opener.withheld }, opener.stand)),
    }
}

/// Characters of a digest: base64url of 32 bytes.
pub(super) const DIGEST_CHARS: usize = 43;
/// Bytes of a pointer to a commitment: names of members are a stranger's, and each commitment below them repeats them.
pub(super) const POINTER_MAX_BYTES: usize = 1024;

/// Returns the beginning of a pointer, for an error.
fn short(at: &Pointer<'_>) -> String {
    at.to_string().chars().take(200).collect()
}

/// Where a value stands: written out only where it is to be told.
enum Pointer<'p> {
    Root,
    Member(&'p Pointer<'p>, &'p str),
    Item(&'p Pointer<'p>, usize),
}

impl Pointer<'_> {
    const ROOT: Pointer<'static> = Pointer::Root;
}

impl fmt::Display for Pointer<'_> {
    /// RFC 6901.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pointer::Root => Ok(()),
            Pointer::Member(parent, name) => {
                write!(f, "{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
            }
            Pointer::Item(parent, number) => write!(f, "{parent}/{number}"),
        }
    }
}

/// A digest: what opens it, as long as it was not put back, and whether its commitment was met.
struct Place<'a> {
    opening: Option<Opening<'a>>,
    seen: bool,
}

struct Opener<'a> {
    places: BTreeMap<Cow<'a, str>, Place<'a>>,
    withheld: Vec<String>,
    stand: Places<'a>,
}

impl<'a> Opener<'a> {
    fn open(&mut self, value: Json<'a>, at: &Pointer<'_>, depth: usize) -> Result<Json<'a>, DisclosureError> {
        if depth > DEPTH_MAX {
            return Err(DisclosureError::TooDeep { limit: DEPTH_MAX, pointer: at.to_string() });
        }
        match value {
            Json::Object(members) => self.open_object(members, at, depth).map(Json::Object),
            Json::Array(items) => self.open_array(items, at, depth).map(Json::Array),
            other => Ok(other),
        }
    }

    fn open_object(
        &mut self,
        mut members: Vec<(Cow<'a, str>, Json<'a>)>,
        at: &Pointer<'_>,
        depth: usize,
    ) -> Result<Vec<(Cow<'a, str>, Json<'a>)>, DisclosureError> {
        let commitments = members.iter().position(|(name, _)| name == SD);
        let commitments = commitments.map(|place| members.remove(place).1);
        for (name, value) in &mut members {
            if name == ELEMENT {
                return Err(DisclosureError::Commitments { pointer: at.to_string() });
            }
            let inner = std::mem::replace(value, Json::Null);
            let has_commitments =
                |item: &Json<'_>| matches!(item, Json::Object(_)) && item.get(ELEMENT).is_some();
            if depth == 0 && matches!(&inner, Json::Array(items) if items.iter().any(has_commitments)) {
                self.stand.arrays.push(name.clone());
            }
            *value = self.open(inner, &Pointer::Member(at, name), depth + 1)?;
        }
        let Some(commitments) = commitments else { return Ok(members) };
        self.stand.deeper |= depth > 0;
        let at = Pointer::Member(at, SD);
        let malformed = || DisclosureError::Commitments { pointer: at.to_string() };
        let Json::Array(commitments) = commitments else { return Err(malformed()) };
        for (number, commitment) in commitments.into_iter().enumerate() {
            let Json::String(digest) = commitment else { return Err(malformed()) };
            let at = Pointer::Item(&at, number);
            let Some(Opening { digest, name, value }) = self.meet(&digest, &at)? else { continue };
            let Some(name) = name else {
                return Err(DisclosureError::Kind { digest, pointer: at.to_string() });
            };
            if members.iter().any(|(member, _)| *member == name) {
                return Err(DisclosureError::Clash { digest, name: name.into_owned() });
            }
            if depth == 0 {
                self.stand.members.push(name.clone());
            }
            let value = self.open(value, &at, depth + 1)?;
            members.push((name, value));
        }
        Ok(members)
    }

    fn open_array(
        &mut self,
        mut items: Vec<Json<'a>>,
        at: &Pointer<'_>,
        depth: usize,
    ) -> Result<Vec<Json<'a>>, DisclosureError> {
        for (number, item) in items.iter_mut().enumerate() {
            let at = Pointer::Item(at, number);
            if item.get(ELEMENT).is_none() {
                let inner = std::mem::replace(item, Json::Null);
                *item = self.open(inner, &at, depth + 1)?;
                continue;
            }
            // An array that is a member of the payload is one level down.
            self.stand.deeper |= depth != 1;
            let only = match item {
                Json::Object(members) if members.len() == 1 => &members[0].1,
                _ => &Json::Null,
            };
            let Json::String(digest) = only else {
                return Err(DisclosureError::Commitments { pointer: at.to_string() });
            };
            let digest = digest.clone();
            match self.meet(&digest, &at)? {
                None => {}
                Some(Opening { name: None, value, .. }) => *item = self.open(value, &at, depth + 1)?,
                Some(Opening { digest, .. }) => {
                    return Err(DisclosureError::Kind { digest, pointer: at.to_string() });
                }
            }
        }
        Ok(items)
    }

    /// Marks the commitment as met, and returns its opening if it is at hand.
    fn meet(
        &mut self,
        digest: &Cow<'a, str>,
        at: &Pointer<'_>,
    ) -> Result<Option<Opening<'a>>, DisclosureError> {
        if digest.len() != DIGEST_CHARS {
            return Err(DisclosureError::Commitments { pointer: short(at) });
        }
        let place = self.places.entry(digest.clone()).or_insert(Place { opening: None, seen: false });
        if std::mem::replace(&mut place.seen, true) {
            return Err(DisclosureError::Repeated { digest: digest.clone().into_owned() });
        }
        if place.opening.is_none() {
            let pointer = at.to_string();
            if pointer.len() > POINTER_MAX_BYTES {
                return Err(DisclosureError::Commitments { pointer: short(at) });
            }
            self.withheld.push(pointer);
        }
        Ok(place.opening.take())
    }
}
