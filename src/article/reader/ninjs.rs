//! IPTC ninjs 1.x to 3.x: news in JSON.
//!
//! ```text
//! {"uri": "urn:…", "headline": "…", "byline": "…", "body_text": "…", "infosources": [{"name": "…"}]}
//! ```

use serde_json::Value;

use crate::article::extract::{Declared, Extract, Key};
use crate::article::{ReadError, ReadOptions, decode};
use crate::base::limits;

/// Members that hold a text, and what they say. A dot leads into lists and objects.
const MEMBERS: &[(&str, Key)] = &[
    ("headline", Key::Title),
    ("headlines.value", Key::Title),
    ("title", Key::Title),
    ("titles.value", Key::Title),
    ("byline", Key::Author),
    ("bylines.value", Key::Author),
    ("by", Key::Author),
    ("creditline", Key::Origin),
    ("infosources.name", Key::Origin),
    ("infosource.name", Key::Origin),
    ("provider.name", Key::Origin),
    ("copyrightholder", Key::Publisher),
    ("versioncreated", Key::Modified),
    ("versionCreated", Key::Modified),
    ("firstcreated", Key::Published),
    ("firstCreated", Key::Published),
    ("contentcreated", Key::Published),
    ("contentCreated", Key::Published),
    ("language", Key::Language),
    ("located", Key::Dateline),
    ("description_text", Key::Description),
    ("type", Key::Kind),
    ("uri", Key::Identifier),
];

/// Reads an item.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn extract(bytes: &[u8], options: &ReadOptions<'_>) -> Result<Extract, ReadError> {
    let decoded = decode::decode_page(bytes, options.charset)?;
    let damaged = |reason: String| ReadError::Damaged { format: "ninjs".into(), reason: reason.into() };
    let text = decoded.text.trim_start_matches('\u{feff}');
    let item: Value = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    let mut out = Extract { charset: Some(decoded.charset), ..Extract::default() };
    for (path, key) in MEMBERS {
        let steps: Vec<&str> = path.split('.').collect();
        collect(&item, &steps, String::new(), &mut |pointer, value| {
            let value = value.trim();
            let room = out.declared.len() < limits::DECLARED_MAX
                && value.chars().count() <= limits::DECLARED_MAX_CHARS;
            if !value.is_empty() && room {
                out.declared.push(Declared {
                    key: *key,
                    source: "ninjs".into(),
                    path: pointer,
                    value: value.to_owned(),
                });
            }
        });
    }
    // Without a day of its own, an item is as old as its version.
    if !out.declared.iter().any(|one| one.key == Key::Published) {
        let version = out.declared.iter().find(|one| one.key == Key::Modified).cloned();
        out.declared.extend(version.map(|one| Declared { key: Key::Published, ..one }));
    }
    out.text = body(&item);
    if out.text.trim().is_empty() {
        return Err(ReadError::Empty { size: bytes.len() as u64 });
    }
    Ok(out)
}

/// Visits the texts that `steps` lead to, with their JSON Pointers.
fn collect(value: &Value, steps: &[&str], pointer: String, visit: &mut impl FnMut(String, &str)) {
    match (value, steps) {
        (Value::String(text), []) => visit(pointer, text),
        (Value::Array(values), _) => {
            for (at, value) in values.iter().take(limits::CLAIMS_MAX).enumerate() {
                collect(value, steps, format!("{pointer}/{at}"), visit);
            }
        }
        (Value::Object(members), [step, rest @ ..]) => {
            if let Some(value) = members.get(*step) {
                collect(value, rest, format!("{pointer}/{step}"), visit);
            }
        }
        _ => {}
    }
}

/// Returns the body: plain text where there is one, else the words of its markup.
fn body(item: &Value) -> String {
    let member =
        |name: &str| item.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let plain = |text: &str| text.replace("\r\n", "\n");
    if let Some(text) = member("body_text").or_else(|| member("bodytext")) {
        return plain(text);
    }
    for name in ["body_xhtml", "body_html", "body"] {
        if let Some(text) = member(name) {
            return if text.contains('<') { super::html::plain_text(text) } else { plain(text) };
        }
    }
    let bodies = item.get("bodies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text_of = |body: &Value| body.get("value").and_then(Value::as_str).map(str::to_owned);
    let markup = |body: &&Value| {
        let kind = body.get("contentType").or_else(|| body.get("contenttype")).and_then(Value::as_str);
        kind.is_some_and(|kind| kind.contains("html"))
    };
    let chosen = bodies.iter().find(|body| !markup(body)).or_else(|| bodies.first());
    let text = chosen.and_then(text_of).unwrap_or_default();
    if text.contains("</") { super::html::plain_text(&text) } else { plain(&text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_all_versions_are_read() {
        let one = r#"{"uri": "urn:x", "headline": "Le port", "byline": "Awa Diallo", "body_xhtml": "<p>Les bateaux</p><p>rentrent.</p>",
            "infosources": [{"name": "AFP"}], "versioncreated": "2026-02-16T08:00:00Z", "language": "fr"}"#;
        let out = extract(one.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(out.text, "Les bateaux\n\nrentrent.");
        let value = |key: Key| {
            out.declared.iter().find(|one| one.key == key).map(|one| (one.path.as_str(), one.value.as_str()))
        };
        assert_eq!(value(Key::Origin), Some(("/infosources/0/name", "AFP")));
        assert_eq!(value(Key::Published), Some(("/versioncreated", "2026-02-16T08:00:00Z")));
        let two = r#"{"uri": "urn:x", "headlines": [{"value": "Le port"}], "bodies": [{"contentType": "text/html", "value": "<p>x</p>"}, {"contentType": "text/plain", "value": "Les bateaux."}]}"#;
        assert_eq!(extract(two.as_bytes(), &ReadOptions::default()).unwrap().text, "Les bateaux.");
        for end in 0..one.len() {
            let _ = extract(&one.as_bytes()[..end], &ReadOptions::default());
        }
    }
}
