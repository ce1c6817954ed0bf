//! Points in time, as the records write them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A point in time in UTC, whole seconds, written as RFC 3339 with `Z`: `2026-11-23T09:30:00Z`.
///
/// The year is 0000 to 9999. Times in records are self-asserted: nothing is ever judged by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

/// The text is not a time in the one form that records use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a time like 2026-11-23T09:30:00Z: {0:?}")]
pub struct TimestampError(String);

impl Timestamp {
    /// Returns the time `seconds` after 1970-01-01T00:00:00Z; `None` outside the years 0000 to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;
        if !RANGE.contains(&seconds) {
            return None;
        }
        DateTime::from_timestamp(seconds, 0).map(Timestamp)
    }

    /// Returns seconds since 1970-01-01T00:00:00Z.
    pub fn unix_seconds(&self) -> i64 {
        self.0.timestamp()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let parsed = DateTime::parse_from_rfc3339(text).ok();
        let time = parsed.and_then(|time| Self::from_unix_seconds(time.timestamp()));
        time.filter(|time| time.to_string() == text)
            .ok_or_else(|| TimestampError(text.chars().take(80).collect()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_one_spelling() {
        let time: Timestamp = "2026-11-23T09:30:00Z".parse().unwrap();
        assert_eq!(time.unix_seconds(), 1_795_426_200);
        assert_eq!(time.to_string(), "2026-11-23T09:30:00Z");
        for bad in [
            "2026-11-23T09:30:00+00:00",
            "2026-11-23T09:30:00.5Z",
            "2026-11-23 09:30:00Z",
            "2026-11-23t09:30:00z",
            "2026-02-30T00:00:00Z",
            "2026-11-23T23:59:60Z",
            "",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn years_have_four_digits() {
        assert_eq!(
            Timestamp::from_unix_seconds(253_402_300_799).unwrap().to_string(),
            "9999-12-31T23:59:59Z"
        );
        assert_eq!(Timestamp::from_unix_seconds(253_402_300_800), None);
        assert_eq!(
            Timestamp::from_unix_seconds(-62_167_219_200).unwrap().to_string(),
            "0000-01-01T00:00:00Z"
        );
        assert_eq!(Timestamp::from_unix_seconds(-62_167_219_201), None);
    }
}
