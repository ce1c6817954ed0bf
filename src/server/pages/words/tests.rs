use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Sources of the pages, and their templates.
fn sources() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server");
    let mut waiting: Vec<PathBuf> = vec![root.join("pages"), root.join("templates")];
    let mut all = String::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if !path.ends_with("tests.rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    all
}

/// What stands between quotation marks.
fn literals(source: &str) -> BTreeSet<&str> {
    source.split('"').filter(|text| text.len() < 80 && !text.contains(char::is_whitespace)).collect()
}

/// Topics whose messages are asked for by a value of an enumeration: see [`Words::word`].
const VALUES: [&str; 22] = [
    "state",
    "kind",
    "role",
    "originKind",
    "originRole",
    "bylineKind",
    "bylineRole",
    "strength",
    "action",
    "relation",
    "relationFrom",
    "verdict",
    "read",
    "assessment",
    "method",
    "confidence",
    "notice",
    "observed",
    "reason",
    "fate",
    "field",
    "documentKind",
];

#[test]
fn all_languages_say_the_same_things() {
    let keys = |lang: Lang| lang.messages().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(Lang::En), keys(Lang::Fr));
    for (key, english) in Lang::En.messages() {
        let french = &Lang::Fr.messages()[key];
        assert!(!english.trim().is_empty() && !french.trim().is_empty(), "{key}");
        for place in ["{0}", "{1}"] {
            let counts = [english, french].map(|text| text.matches(place).count());
            assert_eq!(counts[0], counts[1], "{key}: {place}");
        }
    }
}

#[test]
fn every_message_is_used_and_every_one_that_is_asked_for_is_there() {
    let source = sources();
    let literals = literals(&source);
    for key in Lang::En.messages().keys() {
        let topic = key.split('.').next().unwrap();
        let of_a_count =
            ["One", "Many"].iter().filter_map(|end| key.strip_suffix(end)).any(|key| literals.contains(key));
        let used = literals.contains(key.as_str())
            || of_a_count
            || VALUES.contains(&topic) && literals.contains(topic);
        assert!(used, "{key} is never said");
    }
    let mut asked = 0;
    for call in [".t(\"", ".t1(\"", ".t2(\""] {
        for (at, _) in source.match_indices(call) {
            let key = source[at + call.len()..].split('"').next().unwrap();
            assert!(EN.contains_key(key), "{key} is asked for");
            asked += 1;
        }
    }
    for (at, _) in source.match_indices(".count(\"") {
        let key = source[at + 8..].split('"').next().unwrap();
        assert!(EN.contains_key(&format!("{key}One")) && EN.contains_key(&format!("{key}Many")), "{key}");
    }
    assert!(asked > 100, "{asked}");
}

#[test]
fn the_values_of_enumerations_have_words() {
    use crate::index::RecordState;
    use crate::record::Kind;
    for state in RecordState::ALL {
        assert!(EN.contains_key(&format!("state.{}", state.word())), "{state:?}");
    }
    for kind in Kind::ALL {
        assert!(EN.contains_key(&format!("kind.{kind}")), "{kind}");
    }
}

#[test]
fn the_language_is_the_readers() {
    for (header, lang) in [
        ("", Lang::En),
        ("de, fr;q=0.5", Lang::Fr),
        ("fr-CA,en;q=0.8", Lang::Fr),
        ("en;q=0.3, fr;q=0.7", Lang::Fr),
        ("en, fr", Lang::En),
        ("fr;q=0, de", Lang::En),
        ("fr;q=x", Lang::En),
    ] {
        assert_eq!(accepted(header), lang, "{header}");
    }
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_LANGUAGE, "en".parse().unwrap());
    headers.insert(COOKIE, "a=b; dateline-language=fr".parse().unwrap());
    assert_eq!(Lang::asked(&headers), Lang::Fr);
}

#[test]
fn numbers_and_messages() {
    let words = |lang| Words { lang, here: "/".into(), who: None };
    assert_eq!(words(Lang::En).number(1_234_567_u64), "1,234,567");
    assert_eq!(words(Lang::Fr).number(1234_u64), "1\u{202f}234");
    assert_eq!(words(Lang::En).number(999_u64), "999");
    // What is put in is not looked through again.
    let said = words(Lang::En).t2("timeline.claim", "{1}", "x");
    assert!(said.contains("{1}") && said.contains('x'), "{said}");
    assert_eq!(
        words(Lang::Fr).time(&"2026-11-23T09:30:00Z".parse().unwrap()),
        "2026-11-23\u{a0}09:30\u{a0}UTC"
    );
}
