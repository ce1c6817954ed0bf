//! Which registrations share a paragraph with documents at hand, told by their openings alone.

use std::collections::HashSet;

use crate::article::Article;
use crate::base::encoding::from_base64url;
use crate::likeness::{Text, paragraph_keys};

/// What stands before the digest of a paragraph, as every release writes it.
const MEMBER: &str = "\"reflowSha256\":\"";

/// Paragraphs of documents, long enough to tell something, by their [keys](crate::likeness::paragraph_key).
#[derive(Debug, Default)]
pub(crate) struct Paragraphs(HashSet<u64>);

impl Paragraphs {
    /// Those of some articles.
    pub(crate) fn of<'a>(articles: impl Iterator<Item = &'a Article>) -> Self {
        let keys = |article: &Article| paragraph_keys(&Text::new(&article.text)).collect::<Vec<_>>();
        Paragraphs(articles.flat_map(keys).collect())
    }

    /// True where the openings of a registration give one of them. Parses nothing.
    pub(super) fn are_among(&self, openings: &[String]) -> bool {
        openings.iter().filter_map(|opening| String::from_utf8(from_base64url(opening).ok()?).ok()).any(
            |json| {
                let mut digests = json.match_indices(MEMBER).map(|(at, _)| at + MEMBER.len());
                // The key of a paragraph is how its digest begins.
                let key = |at: usize| u64::from_str_radix(json.get(at..at + 16)?, 16).ok();
                digests.any(|at| key(at).is_some_and(|key| self.0.contains(&key)))
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::{ReadOptions, read};
    use crate::base::{SigningKey, Timestamp};
    use crate::record::entry::Circumstances;
    use crate::record::{Decisions, Draft};
    use zeroize::Zeroizing;

    #[test]
    fn a_registration_that_shares_a_paragraph_is_told_by_what_it_opens_to() {
        let article = |text: &str| read(text.as_bytes(), &ReadOptions::default()).unwrap();
        let registered = article(
            "The quay\n\nThe quay of the old town is closed until Monday, the harbour master said.\n\nSource : Radio du Fleuve\n",
        );
        let key = SigningKey::from_seed(&Zeroizing::new([7; 32]));
        let recorded_at = Timestamp::from_unix_seconds(1_795_000_000).unwrap();
        let recorded_by = key.public().key_id();
        let mut salts = 0;
        let mut random = || {
            salts += 1;
            [salts; 16]
        };
        let mut circumstances = Circumstances { recorded_by, recorded_at, random: &mut random };
        let draft = Draft::registration(&registered, &Decisions::default(), &mut circumstances).unwrap();
        let openings = draft.sign(&key).unwrap().openings.clone();
        let shares = |text: &str| Paragraphs::of([article(text)].iter()).are_among(&openings);
        assert!(shares(
            "Another title\n\nThe quay of the old town is closed until Monday,\nthe harbour master said.\n\nMore."
        ));
        assert!(!shares(
            "Another title\n\nThe quay of the old town is closed until Tuesday, the harbour master said.\n"
        ));
        // Credits are in common to many.
        assert!(!shares("Another text\n\nSource : Radio du Fleuve\n"));
        assert!(!Paragraphs::of([registered].iter()).are_among(&["no base64url!".to_owned()]));
    }
}
