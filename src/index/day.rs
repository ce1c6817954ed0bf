//! When a document says that it was published, as a span of seconds: what is printed is a year, a month, a day or a time.

use std::ops::RangeInclusive;

use chrono::{DateTime, Months, NaiveDate};

/// Returns the first and the last second, in UTC, of a time, a day, a month or a year in ISO's spelling: `2026`, `2026-11`,
/// `2026-11-23`, `2026-11-23T09:30:00+01:00`. A time without its zone is as good as its day.
pub fn span(text: &str) -> Option<RangeInclusive<i64>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp()..=time.timestamp());
    }
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (first, months) = match text.len() {
        4 if digits(text) => (NaiveDate::from_ymd_opt(text.parse().ok()?, 1, 1)?, 12),
        7 => {
            let (year, month) =
                text.split_once('-').filter(|(y, m)| y.len() == 4 && digits(y) && digits(m))?;
            (NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?, 1)
        }
        _ => {
            let (day, rest) = text.split_at_checked(10)?;
            if !(rest.is_empty() || rest.starts_with(['T', ' '])) {
                return None;
            }
            let first =
                day.parse::<NaiveDate>().ok().filter(|_| day.starts_with(|c: char| c.is_ascii_digit()))?;
            let next = first.succ_opt()?;
            return Some(second(first)..=second(next) - 1);
        }
    };
    let next = first.checked_add_months(Months::new(months))?;
    Some(second(first)..=second(next) - 1)
}

fn second(day: NaiveDate) -> i64 {
    day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_a_span() {
        let day = 86_400;
        let first = span("2026-11-23").unwrap();
        assert_eq!((first.end() + 1 - first.start()) / day, 1);
        assert_eq!(span("2026-11-23T00:00:00Z").unwrap(), *first.start()..=*first.start());
        assert_eq!(span("2026-11-23T01:00:00+01:00").unwrap(), *first.start()..=*first.start());
        assert_eq!(span("2026-11-23T09:30"), Some(first));
        let of = |text| span(text).map(|span| (span.end() + 1 - span.start()) / day);
        assert_eq!(
            (of("2024"), of("2026"), of("2024-02"), of("2026-12")),
            (Some(366), Some(365), Some(29), Some(31))
        );
        for bad in
            ["", "26", "2026-13", "2026-02-30", "lundi", "2026-11-2", "+026-01-01", "éééééé", "2026-1é-01"]
        {
            assert_eq!(span(bad), None, "{bad}");
        }
    }
}
