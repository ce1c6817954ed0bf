//! How many over time, as a picture and in numbers.

use std::collections::BTreeMap;

use crate::base::Timestamp;

use super::words::Words;

/// Width and height of the picture, in units of its own: it is stretched to where it stands.
pub(super) const WIDTH: f64 = 600.0;
pub(super) const HEIGHT: f64 = 120.0;
/// Steps of time that are told apart.
const STEPS_MAX: i64 = 60;

/// One step of time.
pub(super) struct Step {
    pub(super) label: String,
    pub(super) count: u64,
    /// All until its end.
    pub(super) total: u64,
    /// Where its bar stands in the picture, and how high it is.
    pub(super) x: String,
    pub(super) width: String,
    pub(super) y: String,
    pub(super) height: String,
}

/// A plot.
pub(super) struct Plot {
    pub(super) steps: Vec<Step>,
    /// The line of all, and the area below it, as SVG has paths.
    pub(super) line: String,
    pub(super) area: String,
    pub(super) total: u64,
    pub(super) most: u64,
    pub(super) first: String,
    pub(super) last: String,
}

impl Plot {
    /// Counts `times`. Those outside of `from` to `to` are taken for these: who says a time may say any. `None` if there are none.
    pub(super) fn of(w: &Words, times: impl Iterator<Item = i64>, from: i64, to: i64) -> Option<Self> {
        let to = to.max(from);
        let mut all: BTreeMap<i64, u64> = BTreeMap::new();
        for time in times {
            *all.entry(time.clamp(from, to)).or_default() += 1;
        }
        let (first, last) = (*all.keys().next()?, *all.keys().next_back()?);
        let step = [60, 600, 3_600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400]
            .into_iter()
            .find(|step| (last - first) / step < STEPS_MAX)
            .unwrap_or(10 * 365 * 86_400);
        let begin = first - first.rem_euclid(step);
        let count = usize::try_from((last - begin) / step + 1).unwrap_or(1);
        let mut counts = vec![0; count];
        for (time, number) in all {
            let place = usize::try_from((time - begin) / step).unwrap_or(0);
            counts[place.min(count - 1)] += number;
        }
        let total: u64 = counts.iter().sum();
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let wide = WIDTH / count as f64;
        let high = |number: u64, of: u64| HEIGHT * number as f64 / of.max(1) as f64;
        let label = |place: usize| {
            let at = begin + step * i64::try_from(place).unwrap_or(0);
            let text = Timestamp::from_unix_seconds(at)
                .map(|at| if step < 86_400 { w.time(&at) } else { w.day(&at) });
            text.unwrap_or_default()
        };
        let mut sum = 0;
        let mut steps = Vec::new();
        let mut line = format!("M0 {HEIGHT:.1}");
        for (place, count) in counts.iter().copied().enumerate() {
            sum += count;
            let x = wide * place as f64;
            line.push_str(&format!("H{x:.1}V{:.1}H{:.1}", HEIGHT - high(sum, total), x + wide));
            steps.push(Step {
                label: label(place),
                count,
                total: sum,
                x: format!("{:.1}", x + wide * 0.1),
                width: format!("{:.1}", wide * 0.8),
                y: format!("{:.1}", HEIGHT - high(count, most)),
                height: format!("{:.1}", high(count, most)),
            });
        }
        let area = format!("{line}V{HEIGHT:.1}H0Z");
        Some(Plot { line, area, total, most, first: label(0), last: label(count - 1), steps })
    }

    /// Returns the steps in which there was something.
    pub(super) fn filled(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_counts_and_no_time_stretches_it() {
        let w = Words::of(&axum::http::HeaderMap::new(), "/");
        let day = 86_400;
        let times = [-9_000_000_000, 100 * day, 100 * day + 5, 130 * day, i64::MAX];
        let plot = Plot::of(&w, times.into_iter(), 100 * day, 140 * day).unwrap();
        assert_eq!((plot.total, plot.most, plot.steps.len()), (5, 3, 41));
        assert_eq!((plot.first.as_str(), plot.last.as_str()), ("1970-04-11", "1970-05-21"));
        assert_eq!(
            plot.filled().map(|step| (step.count, step.total)).collect::<Vec<_>>(),
            [(3, 3), (1, 4), (1, 5)]
        );
        assert!(plot.line.starts_with("M0 120.0H0.0V48.0H14.6"), "{}", plot.line);
        assert!(Plot::of(&w, std::iter::empty(), 0, 1).is_none());
        let one = Plot::of(&w, [7].into_iter(), 0, 10).unwrap();
        assert_eq!(one.steps.len(), 1);
    }
}
