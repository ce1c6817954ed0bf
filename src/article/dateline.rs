//! Datelines: `BEIJING, Sept. 2 (Xinhua) --` before the first words, and the agencies in them.

use super::claim::Dateline;
use super::credit::Origins;
use super::organisation::agencies_alone;
use super::page::Page;
use super::rules::{Field, ValueKind};

/// Characters and words of a place, its region and country included; what has more is a sentence.
const PLACE_MAX_CHARS: usize = 60;
const PLACE_MAX_WORDS: usize = 7;

/// Finds the first dateline of the head, and the agencies that it names.
pub(super) fn find(page: &Page<'_>, origins: &mut Origins) -> Option<Dateline> {
    for at in 0..page.lines.len() {
        let line = &page.lines[at];
        if !line.usable() || !line.in_head {
            continue;
        }
        for rule in page.rules_of(Field::Dateline) {
            let (Some(scope), Some(found)) = (line.scope_for(rule), line.captures(rule)) else {
                continue;
            };
            let Some(whole) = found.name("dateline") else { continue };
            // `Aguinaldo Ampa (AA): …` is somebody who speaks.
            let speaks = found.name("value").is_some_and(|value| value.len() <= 2)
                && line.text[whole.end()..].trim_start().starts_with(':');
            if speaks {
                continue;
            }
            let place = found.name("place").map_or("", |place| place.as_str());
            if place.chars().count() > PLACE_MAX_CHARS || place.split(' ').count() > PLACE_MAX_WORDS {
                continue;
            }
            let agencies = match (rule.value, found.name("value")) {
                (ValueKind::Wire, Some(value)) => {
                    let mut inside = agencies_alone(page.authority, value.as_str());
                    // In a parenthesis or between strokes words may stand beside the agency.
                    if inside.is_empty() && line.text[..value.start()].trim_end().ends_with(['(', '/']) {
                        inside = page.rules.bodies.agencies_in(value.as_str());
                    }
                    if inside.is_empty() {
                        continue;
                    }
                    inside
                        .into_iter()
                        .map(|name| value.start() + name.start..value.start() + name.end)
                        .collect()
                }
                _ => Vec::new(),
            };
            let part = |name: &str| {
                let words = found.name(name)?.as_str().trim_matches([' ', ',']);
                (!words.is_empty()).then(|| words.to_owned())
            };
            let dateline = Dateline {
                as_printed: whole.as_str().to_owned(),
                place: part("place"),
                date: part("date"),
                evidence: page.evidence(rule, scope, page.source(line, whole.range())),
            };
            for agency in agencies {
                origins.add(page, at, rule, agency, None);
            }
            return Some(dateline);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{OriginRole, ReadOptions, read};
    use super::*;

    fn dateline(text: &str) -> Option<(Dateline, Vec<(String, OriginRole)>)> {
        let article = read(text.as_bytes(), &ReadOptions::default()).unwrap();
        let origins = article.claimed_origins.into_iter().map(|o| (o.as_printed, o.role)).collect();
        article.dateline.map(|dateline| (dateline, origins))
    }

    #[test]
    fn place_day_and_agency() {
        let cases = [
            (
                "Gao (AFP) - Le fleuve monte.",
                "Gao (AFP)",
                "Gao",
                None,
                vec![("AFP", OriginRole::WireCarriage)],
            ),
            (
                "VARNA, Bulgaria, Sept. 2 (Reuters) -- The tide turned.",
                "VARNA, Bulgaria, Sept. 2 (Reuters)",
                "VARNA, Bulgaria",
                Some("Sept. 2"),
                vec![("Reuters", OriginRole::WireCarriage)],
            ),
            (
                "ROME (ITALIE) (XINHUA/ITALPRESS) – La marée est là.",
                "ROME (ITALIE) (XINHUA/ITALPRESS)",
                "ROME",
                None,
                vec![("XINHUA", OriginRole::WireCarriage), ("ITALPRESS", OriginRole::WireCarriage)],
            ),
            (
                "MUNICH, Sept. 3, 2026 /PRNewswire/ -- A hull is new.",
                "MUNICH, Sept. 3, 2026 /PRNewswire/",
                "MUNICH",
                Some("Sept. 3, 2026"),
                vec![("PRNewswire", OriginRole::Distribution)],
            ),
            ("PARIS, April 8 — The tide turned.", "PARIS, April 8", "PARIS", Some("April 8"), vec![]),
        ];
        for (text, whole, place, date, origins) in cases {
            let (found, agencies) = dateline(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found.as_printed, whole);
            assert_eq!((found.place.as_deref(), found.date.as_deref()), (Some(place), date), "{text}");
            let agencies: Vec<(&str, OriginRole)> =
                agencies.iter().map(|(name, role)| (name.as_str(), *role)).collect();
            assert_eq!(agencies, origins, "{text}");
        }
    }

    #[test]
    fn a_wrapped_dateline_is_whole() {
        let (found, _) = dateline("NOUAKCHOTT, le 3 juin 2026\n(AFP) - Le fleuve monte.\n").unwrap();
        assert_eq!(found.as_printed, "NOUAKCHOTT, le 3 juin 2026 (AFP)");
        assert_eq!(found.date.as_deref(), Some("le 3 juin 2026"));
    }

    #[test]
    fn prose_is_no_dateline() {
        for text in [
            "Le port (AFP) a rouvert.",
            "LYON (FRANCE) - Le fleuve monte.",
            "Reuters - Le fleuve monte.",
            "Le port que le lac et la ville ont voulu (AFP) - ouvre.",
        ] {
            assert_eq!(dateline(text), None, "{text}");
        }
    }
}
