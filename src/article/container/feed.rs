//! RSS and Atom feeds: an entry each, its own element as the document.

use super::{Contents, Part, Relation};
use crate::article::{ReadError, decode};
use crate::base::limits;

/// Returns the entries of a feed. Each document is the entry's element as it stands in the feed, in UTF-8.
///
/// # Errors
/// [`ReadError`].
pub(in crate::article) fn open(bytes: &[u8]) -> Result<Contents, ReadError> {
    let text = decode::decode_page(bytes, None)?.text;
    let mut contents = Contents::default();
    let mut rest = text.as_str();
    while let Some((at, name)) = next_entry(rest) {
        let close = format!("</{name}>");
        let Some(end) = rest[at..].find(&close).map(|end| at + end + close.len()) else {
            contents.left_out.push(("the last entry".into(), "the feed is cut short".into()));
            break;
        };
        let element = &rest[at..end];
        rest = &rest[end..];
        if contents.parts.len() >= limits::PARTS_MAX {
            contents
                .left_out
                .push(("the rest".into(), format!("a feed has at most {} entries here", limits::PARTS_MAX)));
            break;
        }
        let entry = crate::article::reader::feed_entry::about(element);
        contents.parts.push(Part {
            name: entry.title.unwrap_or_else(|| format!("entry {}", contents.parts.len() + 1)),
            relation: Relation::Entry,
            bytes: element.as_bytes().to_vec(),
            media_type: Some("application/xml".into()),
            charset: Some("utf-8".into()),
            url: entry.link,
            captured_at: None,
            of: None,
        });
    }
    Ok(contents)
}

/// Finds the next `<item …>` or `<entry …>`, with or without a prefix.
fn next_entry(text: &str) -> Option<(usize, &str)> {
    text.match_indices('<').find_map(|(at, _)| {
        let name = &text[at + 1..];
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-')))?;
        let name = &name[..end];
        let local = name.rsplit(':').next().unwrap_or(name);
        matches!(local, "item" | "entry").then_some((at, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_cut_out_as_they_stand() {
        let feed = "<?xml version='1.0'?><rss><channel><title>J</title><item><title>Un</title><link>https://j.example/1</link><description>a</description></item>\
            <item rdf:about='x'><title>Deux</title></item></channel></rss>";
        let contents = open(feed.as_bytes()).unwrap();
        let names: Vec<&str> = contents.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["Un", "Deux"]);
        assert_eq!(contents.parts[0].url.as_deref(), Some("https://j.example/1"));
        assert!(contents.parts[1].bytes.starts_with(b"<item rdf:about='x'>"));
        let cut = open(&feed.as_bytes()[..feed.len() - 30]).unwrap();
        assert_eq!((cut.parts.len(), cut.left_out.len()), (1, 1));
    }
}
