//! WACZ packages (Webrecorder, version 1.1): web archives in a ZIP, with the digest of each file.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Contents, warc};
use crate::article::ReadError;
use crate::article::reader::package::Package;
use crate::base::Hash;

const FORMAT: &str = "WACZ";

/// Returns the pages of a package: those that it lists as pages, or all where it lists none.
///
/// # Errors
/// [`ReadError`]; [`ReadError::Damaged`] too where a file is not what the package's own digest says.
pub(in crate::article) fn open(bytes: &[u8]) -> Result<Contents, ReadError> {
    let mut package = Package::open(bytes, FORMAT)?;
    let damaged = |reason: String| ReadError::Damaged { format: FORMAT.into(), reason: reason.into() };
    let manifest = package.need("datapackage.json")?;
    let manifest: Value =
        serde_json::from_slice(&manifest).map_err(|error| damaged(format!("datapackage.json: {error}")))?;
    let resources =
        manifest.get("resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let digest = |name: &str| {
        let of = |one: &&Value| one.get("path").and_then(Value::as_str) == Some(name);
        resources.iter().find(of).and_then(|one| one.get("hash")).and_then(Value::as_str).map(str::to_owned)
    };
    let pages = match package.read("pages/pages.jsonl")? {
        Some(bytes) => urls(&bytes),
        None => BTreeSet::new(),
    };
    let mut contents = Contents::default();
    for name in package.names() {
        if !(name.starts_with("archive/") && (name.ends_with(".warc") || name.ends_with(".warc.gz"))) {
            continue;
        }
        let bytes = package.need(&name)?;
        if let Some(said) = digest(&name).and_then(|hash| hash.strip_prefix("sha256:").map(str::to_owned)) {
            let found = Hash::of(&bytes).to_string();
            if said != found {
                return Err(damaged(format!("{name} has the digest {found}, the package says {said}")));
            }
        }
        warc::read(&bytes, &mut contents, &|url| pages.is_empty() || pages.contains(url))?;
    }
    Ok(contents)
}

/// The addresses of `pages.jsonl`: one JSON object a line.
fn urls(bytes: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let url = |line: &str| serde_json::from_str::<Value>(line).ok()?.get("url")?.as_str().map(str::to_owned);
    text.lines().filter_map(url).collect()
}

#[cfg(test)]
mod tests {
    use super::super::warc::archive;
    use super::*;
    use crate::article::reader::package::packed;

    #[test]
    fn digests_are_checked_and_pages_chosen() {
        let warc = archive();
        let manifest = |hash: &str| {
            format!("{{\"resources\": [{{\"path\": \"archive/x.warc\", \"hash\": \"sha256:{hash}\"}}]}}")
        };
        let pages = b"{\"format\": \"json-pages-1.0\"}\n{\"url\": \"https://j.example/a\", \"ts\": \"x\"}\n"
            .as_slice();
        let of = |hash: &str| {
            packed(&[
                ("datapackage.json", manifest(hash).as_bytes()),
                ("archive/x.warc", &warc),
                ("pages/pages.jsonl", pages),
            ])
        };
        assert_eq!(open(&of(&Hash::of(&warc).to_string())).unwrap().parts.len(), 1);
        let error = open(&of(&"0".repeat(64))).unwrap_err();
        assert!(error.to_string().contains("archive/x.warc has the digest"), "{error}");
    }
}
