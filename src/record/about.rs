//! What a statement about a registered document points to.

use serde::{Deserialize, Serialize};

use crate::base::Hash;

use super::Registration;
use super::registration::Committable;

/// A registration, by its place in the log and by what it registers: neither can be given another meaning later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordRef {
    /// Its index.
    pub record: u64,
    /// SHA-256 of its original.
    pub original: Hash,
}

/// Something that evidence rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Support {
    /// A registered document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordRef>,
    /// An address where it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// SHA-256 of a file that is not registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Hash>,
}

/// How many claims of each sort a registration makes: what a JSON Pointer to a claim can mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClaimCounts {
    title: u16,
    claimed_origins: u16,
    bylines: u16,
    quotes: u16,
    dateline: bool,
    publisher: bool,
    published_at: bool,
    language: bool,
}

impl ClaimCounts {
    /// Counts the claims of `registration`, opened or not.
    pub fn of(registration: &Registration) -> Self {
        // An entry of 65,535 bytes has no more.
        fn count<T>(list: &[T]) -> u16 {
            u16::try_from(list.len()).unwrap_or(u16::MAX)
        }
        ClaimCounts {
            title: count(&registration.title),
            claimed_origins: count(&registration.claimed_origins),
            bylines: count(&registration.bylines),
            quotes: registration.quotes.as_deref().map_or(0, count::<Committable<_>>),
            dateline: registration.dateline.is_some(),
            publisher: registration.publisher.is_some(),
            published_at: registration.published_at.is_some(),
            language: registration.language.is_some(),
        }
    }

    /// Returns JSON Pointers to all claims but the quotations, which are words and no claims of origin.
    pub fn pointers(&self) -> Vec<String> {
        let lists =
            [("title", self.title), ("claimedOrigins", self.claimed_origins), ("bylines", self.bylines)];
        let of_lists =
            lists.into_iter().flat_map(|(list, count)| (0..count).map(move |n| format!("/{list}/{n}")));
        let single = [
            ("dateline", self.dateline),
            ("publisher", self.publisher),
            ("publishedAt", self.published_at),
            ("language", self.language),
        ];
        of_lists.chain(single.into_iter().filter(|(_, is)| *is).map(|(name, _)| format!("/{name}"))).collect()
    }

    /// Returns the number of claimed origins.
    pub fn claimed_origins(&self) -> u16 {
        self.claimed_origins
    }

    /// Returns whether `pointer`, a JSON Pointer (RFC 6901) into the predicate, is to one claim: `/claimedOrigins/0`,
    /// `/title/0`, `/publishedAt`.
    pub fn has(&self, pointer: &str) -> bool {
        let Some(path) = pointer.strip_prefix('/') else { return false };
        let Some((list, number)) = path.split_once('/') else {
            return match path {
                "dateline" => self.dateline,
                "publisher" => self.publisher,
                "publishedAt" => self.published_at,
                "language" => self.language,
                _ => false,
            };
        };
        let count = match list {
            "title" => self.title,
            "claimedOrigins" => self.claimed_origins,
            "bylines" => self.bylines,
            "quotes" => self.quotes,
            _ => return false,
        };
        // RFC 6901, 4: no leading zeros, no sign.
        number.parse::<u16>().is_ok_and(|place| place < count && place.to_string() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_to_one_claim_that_is_there() {
        let counts = ClaimCounts { claimed_origins: 2, published_at: true, ..ClaimCounts::default() };
        for good in ["/claimedOrigins/0", "/claimedOrigins/1", "/publishedAt"] {
            assert!(counts.has(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "claimedOrigins/0",
            "/claimedOrigins",
            "/claimedOrigins/",
            "/claimedOrigins/2",
            "/claimedOrigins/00",
            "/claimedOrigins/+1",
            "/claimedOrigins/-",
            "/claimedOrigins/0/asPrinted",
            "/claimedOrigins/18446744073709551616",
            "/title/0",
            "/dateline",
            "/recordedBy",
            "/publishedAt/0",
        ] {
            assert!(!counts.has(bad), "{bad}");
        }
    }
}
