//! What a bucket keeps of objects that were replaced or removed, where its versioning is on, or was.
//!
//! The client library has no requests for older versions; it signs these as it signs its own. S3 and what speaks its protocol alone.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::stream::{self, StreamExt};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody};
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer};
use quick_xml::Reader;
use quick_xml::events::Event;
use thiserror::Error;

/// Requests that are on their way at a time.
const AT_A_TIME: usize = 32;
/// How long a signed request may be under way.
const VALID: Duration = Duration::from_secs(300);
/// How often a request is sent that the store did not answer, or answered with a fault of its own.
const TRIES: u32 = 4;
/// The longest answer that is read: a page of a thousand names has some 500 kB.
const ANSWER_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Versions that are told of by name.
const TOLD: usize = 100;

/// What came of removing older versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Versions that are gone.
    pub removed: u64,
    /// How many are still there.
    pub left: u64,
    /// The first hundred of these.
    pub told: Vec<LeftVersion>,
}

/// A version that is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftVersion {
    /// Its object, as the bucket names it.
    pub name: String,
    /// What the store calls it.
    pub version: String,
    /// Why it was not removed, as far as the store says.
    pub why: Kept,
}

/// Why a store keeps a version. Its words are a stranger's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kept {
    /// Its object lock keeps it until a time.
    Retention {
        /// `COMPLIANCE`, which nobody can lift, or `GOVERNANCE`.
        mode: String,
        /// Until when, as the store says it.
        until: String,
    },
    /// A legal hold is on it.
    LegalHold,
    /// The store refused, with this code.
    Refused(String),
    /// The store said that it was removed.
    SaidToBeGone,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kept::Retention { mode, until } => write!(f, "retained until {until} ({mode})"),
            Kept::LegalHold => f.write_str("under a legal hold"),
            Kept::Refused(code) => write!(f, "the store refuses: {code}"),
            Kept::SaidToBeGone => f.write_str("the store said that it was gone"),
        }
    }
}

/// Why nothing can be said of older versions.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VersionsError {
    /// The store is of another sort.
    #[error("older versions are removed from stores that speak the protocol of S3 alone")]
    Unknown,
    /// The store refused to name them, or has no such request.
    #[error("the store does not tell its older versions: {0}")]
    Refused(String),
    /// It did not answer.
    #[error("the store did not answer")]
    NoAnswer(#[source] std::io::Error),
}

/// How to get at older versions.
#[derive(Clone)]
pub(super) struct Versions {
    pub(super) signer: Arc<dyn Signer>,
    pub(super) http: HttpClient,
}

/// One version, or the mark of a removal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Version {
    name: String,
    id: String,
    is_latest: bool,
    is_mark: bool,
}

/// A page of versions, and where the next begins.
#[derive(Debug, Default)]
struct Page {
    versions: Vec<Version>,
    next: Option<(String, String)>,
}

impl Versions {
    /// Removes all but what readers are given of what lies below the prefixes in `folders`, and of the objects in `names`; then looks
    /// what is still there.
    pub(super) async fn sweep(&self, names: &[String], folders: &[String]) -> Result<Swept, VersionsError> {
        let mut seen = HashSet::new();
        let mut refused = BTreeMap::new();
        for (prefix, is_folder) in of_both(names, folders) {
            let mut after = None;
            let mut known: BTreeMap<String, Vec<Version>> = BTreeMap::new();
            loop {
                let page = self.page(prefix, after.as_ref()).await?;
                for version in page.versions {
                    if is_folder || version.name == *prefix {
                        known.entry(version.name.clone()).or_default().push(version);
                    }
                }
                // The rest of the last object's may be on the next page.
                let rest = page.next.as_ref().map(|(next, _)| {
                    let last = known.last_key_value().map_or(next, |(last, _)| last.min(next)).clone();
                    known.split_off(&last)
                });
                self.clear_all(std::mem::take(&mut known), &mut seen, &mut refused).await?;
                known = rest.unwrap_or_default();
                match advanced(after, page.next)? {
                    None => break,
                    next => after = next,
                }
            }
            self.clear_all(known, &mut seen, &mut refused).await?;
        }
        self.look_again(names, folders, &seen, &refused).await
    }

    /// Removes what is older of some objects, of many at a time; notes what that was, and what was refused.
    async fn clear_all(
        &self,
        objects: BTreeMap<String, Vec<Version>>,
        seen: &mut HashSet<(String, String)>,
        refused: &mut BTreeMap<(String, String), String>,
    ) -> Result<(), VersionsError> {
        let clearing = stream::iter(objects.into_values()).map(|versions| self.clear(versions));
        let mut clearing = clearing.buffer_unordered(AT_A_TIME);
        while let Some(cleared) = clearing.next().await {
            for (named, code) in cleared? {
                refused.extend(code.map(|code| (named.clone(), code)));
                seen.insert(named);
            }
        }
        Ok(())
    }

    /// Removes what is older of one object: first the versions, then the marks of removals, as without these the one before
    /// would be there again. Returns the versions, each with the store's word if it refused.
    async fn clear(
        &self,
        versions: Vec<Version>,
    ) -> Result<Vec<((String, String), Option<String>)>, VersionsError> {
        // What readers are given is never touched: whoever does not say which that is, is not asked for more.
        if versions.iter().filter(|version| version.is_latest).count() != 1 {
            let why = "its list does not say of an object which version is the latest";
            return Err(VersionsError::Refused(why.into()));
        }
        let (marks, versions): (Vec<Version>, Vec<Version>) =
            versions.into_iter().partition(|version| version.is_mark);
        let older = versions.into_iter().filter(|version| !version.is_latest);
        let removals = stream::iter(older).map(|version| async move {
            let code = self.remove(&version).await?;
            Ok(((version.name, version.id), code))
        });
        let removed: Vec<_> = removals.buffer_unordered(AT_A_TIME / 8).try_collect().await?;
        if removed.iter().all(|(_, code)| code.is_none()) {
            for mark in marks {
                // What is no more than a mark may stay.
                self.remove(&mark).await?;
            }
        }
        Ok(removed)
    }

    /// Counts those of `seen` that are still there.
    async fn look_again(
        &self,
        names: &[String],
        folders: &[String],
        seen: &HashSet<(String, String)>,
        refused: &BTreeMap<(String, String), String>,
    ) -> Result<Swept, VersionsError> {
        let mut swept = Swept::default();
        for (prefix, _) in of_both(names, folders) {
            let mut after = None;
            loop {
                let page = self.page(prefix, after.as_ref()).await?;
                for version in page.versions {
                    let named = (version.name.clone(), version.id.clone());
                    if version.is_mark || !seen.contains(&named) {
                        continue;
                    }
                    swept.left += 1;
                    if swept.told.len() < TOLD {
                        let why = self.why(&version, refused.get(&named)).await?;
                        swept.told.push(LeftVersion { name: version.name, version: version.id, why });
                    }
                }
                match advanced(after, page.next)? {
                    None => break,
                    next => after = next,
                }
            }
        }
        swept.removed = (seen.len() as u64).saturating_sub(swept.left);
        Ok(swept)
    }

    /// Removes one for good; returns the store's word if it refuses.
    async fn remove(&self, version: &Version) -> Result<Option<String>, VersionsError> {
        let (status, body) = self.ask(Method::DELETE, version, None).await?;
        // One that is gone was removed by another.
        Ok((!matches!(status, 200..=299 | 404)).then(|| code(status, &body)))
    }

    async fn why(&self, version: &Version, refused: Option<&String>) -> Result<Kept, VersionsError> {
        let Some(refused) = refused else { return Ok(Kept::SaidToBeGone) };
        let (status, body) = self.ask(Method::GET, version, Some("legal-hold")).await?;
        if status == 200 && element(&body, "Status").as_deref() == Some("ON") {
            return Ok(Kept::LegalHold);
        }
        let (status, body) = self.ask(Method::GET, version, Some("retention")).await?;
        match (status, element(&body, "Mode"), element(&body, "RetainUntilDate")) {
            (200, Some(mode), Some(until)) => Ok(Kept::Retention { mode, until }),
            _ => Ok(Kept::Refused(refused.clone())),
        }
    }

    async fn ask(
        &self,
        method: Method,
        version: &Version,
        about: Option<&str>,
    ) -> Result<(u16, String), VersionsError> {
        let path = Path::parse(&version.name).map_err(no_answer)?;
        let mut query = vec![("versionId", version.id.as_str())];
        query.extend(about.map(|about| (about, "")));
        self.send(method, &path, &query).await
    }

    async fn page(&self, prefix: &str, after: Option<&(String, String)>) -> Result<Page, VersionsError> {
        let mut query = vec![("versions", ""), ("prefix", prefix)];
        if let Some((name, version)) = after {
            query.push(("key-marker", name));
            query.extend((!version.is_empty()).then_some(("version-id-marker", version.as_str())));
        }
        let (status, body) = self.send(Method::GET, &Path::default(), &query).await?;
        if status != 200 {
            return Err(VersionsError::Refused(code(status, &body)));
        }
        page_of(&body).ok_or_else(|| VersionsError::Refused("it answers with what is no list".into()))
    }

    /// Sends a request; returns the status and the body of the answer.
    async fn send(
        &self,
        method: Method,
        path: &Path,
        query: &[(&str, &str)],
    ) -> Result<(u16, String), VersionsError> {
        let options = SignedUrlOptions::new().with_query(query.iter().copied());
        let mut tries = 0;
        loop {
            tries += 1;
            let url = self.signer.signed_url_opts(method.clone(), path, VALID, &options).await;
            let mut request = HttpRequest::new(HttpRequestBody::empty());
            *request.method_mut() = method.clone();
            *request.uri_mut() = url.map_err(no_answer)?.as_str().parse().map_err(no_answer)?;
            let answer = async {
                let answer = self.http.execute(request).await.map_err(std::io::Error::other)?;
                let status = answer.status().as_u16();
                let mut parts = answer.into_body().bytes_stream().map_err(std::io::Error::other);
                let mut body = Vec::new();
                while let Some(part) = parts.try_next().await? {
                    if body.len() + part.len() > ANSWER_MAX_BYTES {
                        return Err(std::io::Error::other("its answer is too long"));
                    }
                    body.extend_from_slice(&part);
                }
                Ok((status, String::from_utf8_lossy(&body).into_owned()))
            };
            match answer.await {
                Ok((500..=599, _)) | Err(_) if tries < TRIES => {
                    tokio::time::sleep(Duration::from_millis(100 << tries)).await;
                }
                Ok(answer) => return Ok(answer),
                Err(error) => return Err(VersionsError::NoAnswer(error)),
            }
        }
    }
}

/// Prefixes, and whether all that begins with one is meant.
fn of_both<'n>(names: &'n [String], folders: &'n [String]) -> impl Iterator<Item = (&'n String, bool)> {
    names.iter().map(|name| (name, false)).chain(folders.iter().map(|folder| (folder, true)))
}

fn no_answer(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> VersionsError {
    VersionsError::NoAnswer(std::io::Error::other(error))
}

/// Returns where to go on; an error if that is where one was.
fn advanced(
    before: Option<(String, String)>,
    next: Option<(String, String)>,
) -> Result<Option<(String, String)>, VersionsError> {
    match next {
        Some(next) if Some(&next) == before.as_ref() => {
            Err(VersionsError::Refused("its list has no end".into()))
        }
        next => Ok(next),
    }
}

/// The code of a refusal.
fn code(status: u16, body: &str) -> String {
    let code = element(body, "Code").filter(|code| code.len() <= 100);
    code.unwrap_or_else(|| format!("status {status}"))
}

/// Calls `found` with the name of each element without others in it, that of the one around it, and its text. `None` if it is no XML.
fn elements(xml: &str, mut found: impl FnMut(&str, &str, &str)) -> Option<()> {
    let mut reader = Reader::from_str(xml);
    let (mut open, mut text, mut is_leaf) = (Vec::<String>::new(), String::new(), false);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                open.push(element.local_name().as_ref().to_owned());
                text.clear();
                is_leaf = true;
            }
            Event::Text(part) => text.push_str(&part),
            Event::CData(part) => text.push_str(&part),
            Event::GeneralRef(entity) => {
                text.push_str(&quick_xml::escape::unescape(&format!("&{};", &*entity)).ok()?);
            }
            Event::End(_) => {
                let name = open.pop()?;
                let around = open.last().map_or("", String::as_str);
                if is_leaf {
                    found(around, &name, &text);
                } else {
                    found(around, &name, "");
                }
                is_leaf = false;
            }
            Event::Eof => return open.is_empty().then_some(()),
            _ => {}
        }
    }
}

fn element(xml: &str, wanted: &str) -> Option<String> {
    let mut text = None;
    elements(xml, |_, name, found| {
        if name == wanted {
            text.get_or_insert_with(|| found.to_owned());
        }
    });
    text
}

/// Reads an answer to `?versions`.
fn page_of(xml: &str) -> Option<Page> {
    let mut page = Page::default();
    let (mut version, mut truncated, mut next) = (Version::default(), false, (String::new(), String::new()));
    let (mut is_list, mut is_clear, mut says_which) = (false, true, false);
    elements(xml, |around, name, text| match (around, name) {
        ("Version" | "DeleteMarker", "Key") => text.clone_into(&mut version.name),
        ("Version" | "DeleteMarker", "VersionId") => text.clone_into(&mut version.id),
        ("Version" | "DeleteMarker", "IsLatest") => {
            version.is_latest = text == "true";
            says_which = matches!(text, "true" | "false");
        }
        (_, "Version" | "DeleteMarker") => {
            version.is_mark = name == "DeleteMarker";
            is_clear &= says_which && !version.name.is_empty() && !version.id.is_empty();
            says_which = false;
            page.versions.push(std::mem::take(&mut version));
        }
        ("ListVersionsResult", "IsTruncated") => truncated = text == "true",
        ("ListVersionsResult", "NextKeyMarker") => text.clone_into(&mut next.0),
        ("ListVersionsResult", "NextVersionIdMarker") => text.clone_into(&mut next.1),
        ("", "ListVersionsResult") => is_list = true,
        _ => {}
    })?;
    page.next = truncated.then_some(next);
    (is_list && is_clear).then_some(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_versions_are_read() {
        let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>a</Prefix>
            <NextKeyMarker>a&amp;b</NextKeyMarker><NextVersionIdMarker>2</NextVersionIdMarker><IsTruncated>true</IsTruncated>
            <Version><Key>a&amp;b</Key><VersionId>1</VersionId><IsLatest>false</IsLatest><Owner><ID>x</ID></Owner></Version>
            <DeleteMarker><Owner><ID>x</ID></Owner><Key>a</Key><VersionId>2</VersionId><IsLatest>true</IsLatest></DeleteMarker>
            </ListVersionsResult>"#;
        let page = page_of(xml).unwrap();
        let version = |name: &str, id: &str, is_latest, is_mark| Version {
            name: name.into(),
            id: id.into(),
            is_latest,
            is_mark,
        };
        assert_eq!(page.versions, [version("a&b", "1", false, false), version("a", "2", true, true)]);
        assert_eq!(page.next, Some(("a&b".into(), "2".into())));
        let empty =
            page_of("<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>").unwrap();
        assert_eq!((empty.versions, empty.next), (vec![], None));
        assert!(page_of("<html></html>").is_none() && page_of("<ListVersionsResult>").is_none());
        assert!(page_of("").is_none());
        // Which version is the latest, and what it is called, is said of each or the list is none.
        let one =
            |members: &str| format!("<ListVersionsResult><Version>{members}</Version></ListVersionsResult>");
        let whole = "<Key><![CDATA[a]]></Key><VersionId>1</VersionId><IsLatest>true</IsLatest>";
        assert_eq!(page_of(&one(whole)).unwrap().versions, [version("a", "1", true, false)]);
        for (there, instead) in [
            ("<IsLatest>true</IsLatest>", ""),
            ("<IsLatest>true</IsLatest>", "<IsLatest>True</IsLatest>"),
            ("<VersionId>1</VersionId>", ""),
            ("<Key><![CDATA[a]]></Key>", "<Key/>"),
        ] {
            assert!(page_of(&one(&whole.replace(there, instead))).is_none(), "{instead}");
        }
    }

    #[test]
    fn refusals_are_told_by_their_code() {
        let body = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        assert_eq!(code(403, body), "AccessDenied");
        assert_eq!(code(501, "not here"), "status 501");
        let hold = "<LegalHold><Status>ON</Status></LegalHold>";
        assert_eq!(element(hold, "Status").as_deref(), Some("ON"));
    }

    #[test]
    fn a_list_without_end_is_left() {
        let here = || Some(("a".to_owned(), "1".to_owned()));
        assert!(advanced(here(), here()).is_err());
        assert_eq!(advanced(None, here()).unwrap(), here());
        assert_eq!(advanced(here(), None).unwrap(), None);
    }
}
