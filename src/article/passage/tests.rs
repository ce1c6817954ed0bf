use super::*;
use proptest::prelude::*;

fn find(text: &str, quotation: &str) -> Found {
    let mut pairs = limits::PASSAGE_MAX_PAIRS;
    PassageText::new(text).unwrap().find(&Passage::of(quotation), &mut pairs)
}

/// What stands at the place that was found.
fn exact(text: &str, quotation: &str) -> Option<String> {
    match find(text, quotation) {
        Found::Exact { start, end } => Some(text.chars().skip(start).take(end - start).collect()),
        _ => None,
    }
}

/// The difference, with what only the quotation has in `[-…-]` and what only the text has in `{+…+}`.
fn differs(text: &str, quotation: &str) -> Option<String> {
    let Found::Differs { edits, .. } = find(text, quotation) else { return None };
    let words = edits.iter().map(|edit| match edit {
        Edit::Same(words) => words.clone(),
        Edit::Quotation(words) => format!("[-{words}-]"),
        Edit::Text(words) => format!("{{+{words}+}}"),
    });
    Some(words.collect::<Vec<_>>().join(" "))
}

#[test]
fn a_passage_stands_whatever_its_breaks_and_marks() {
    for (text, quotation, stands) in [
        ("He said: The lake\nis ours, for good.", "The lake is ours", "The lake\nis ours"),
        (
            "Il dit : «\u{a0}Le bas-\nsin est à nous\u{a0}!\u{a0}»",
            "le bassin est à nous !",
            "Le bas-\nsin est à nous",
        ),
        ("We know it’s “ours”, they say", "it's ‘ours’,", "it’s “ours"),
        ("the lake is ours", "[T]he lake is ours.", "he lake is ours"),
        ("The lake is ours", "[t]he lake is ours.", "he lake is ours"),
        (
            "They want the lake and, in time, the sea",
            "They want […] the sea",
            "They want the lake and, in time, the sea",
        ),
        ("They want the lake and the sea", "They want ... the sea…", "They want the lake and the sea"),
        ("He will come on Monday", "He [the minister] will come", "He will come"),
        ("大臣は「私たちの湖です」と言った。", "私たちの湖です", "私たちの湖です"),
        ("Er sagte: „Das Meer steigt – bald.“", "Das Meer steigt - bald", "Das Meer steigt – bald"),
    ] {
        assert_eq!(
            exact(text, quotation).as_deref(),
            Some(stands),
            "{quotation}: {:?}",
            find(text, quotation)
        );
    }
}

#[test]
fn what_was_changed_is_told() {
    let text = "The minister said on Monday that the lake is not ours and never was. Fishing goes on.";
    for (quotation, told) in [
        ("the lake is ours and never was", "the lake is {+not+} ours and never was"),
        ("the lake is not theirs and never was", "the lake is not [-theirs-] {+ours+} and never was"),
        ("the sea is not ours and never will be", "the [-sea-] {+lake+} is not ours and never [-will be-]"),
    ] {
        assert_eq!(differs(text, quotation).as_deref(), Some(told), "{:?}", find(text, quotation));
    }
    assert_eq!(
        differs("que la pêche est finie", "La pêche est ouverte"),
        Some("La pêche est [-ouverte-]".into())
    );
    assert_eq!(
        differs("il fait -12 degrés au lac", "il fait 12 degrés").as_deref(),
        Some("il fait [-12-] {+-12+} degrés")
    );
    assert_eq!(
        differs("私たちの湖ではありません", "私たちの海ではありません").as_deref(),
        Some("私たちの [-海-] {+湖+} ではありません")
    );
    for (text, quotation) in [
        (text, "nothing of the sort was ever mentioned"),
        (text, "no"),
        (text, ""),
        ("The lakes are ours", "The lake"),
        ("", "The lake is ours"),
    ] {
        assert_eq!(find(text, quotation), Found::Absent, "{quotation}");
    }
    assert_eq!(find("First this. Then that.", "Then that […] First this"), Found::Reordered);
    // US and us are not the same, but at the beginning.
    assert!(differs("It was up to the US to say", "It was up to the us to say").is_some());
}

#[test]
fn the_bounds_hold() {
    assert!(PassageText::new(&"a".repeat(limits::RULES_MAX_CHARS)).is_some());
    assert!(PassageText::new(&"a".repeat(limits::RULES_MAX_CHARS + 1)).is_none());
    let (text, quotation) = ("one two three four five", "one two three five six");
    let ready = PassageText::new(text).unwrap();
    let (mut none, mut all) = (1, limits::PASSAGE_MAX_PAIRS);
    assert_eq!(ready.find(&Passage::of(quotation), &mut none), Found::NotCompared);
    assert!(matches!(ready.find(&Passage::of(quotation), &mut all), Found::Differs { .. }));
    // A text of one word a hundred thousand times over costs nothing to speak of.
    let same = "ours ".repeat(100_000);
    let ready = PassageText::new(&same).unwrap();
    let mut pairs = limits::PASSAGE_MAX_PAIRS;
    let far = "ours ".repeat(999) + "theirs";
    assert_eq!(ready.find(&Passage::of(&far), &mut pairs), Found::Absent);
    assert_eq!(Passage::of("[").words() + Passage::of("[[[…").words() + Passage::of("((").words(), 0);
}

proptest! {
    #[test]
    fn every_run_of_words_of_a_text_stands_in_it(
        words in prop::collection::vec(("[«“(]?[a-zéA-Z0-9湖です'’-]{1,6}[,.!»”)]?", "[ \n\u{a0}]|\n\n"), 1..20),
        from in 0usize..20,
        count in 1usize..20,
    ) {
        let joined = |words: &[(String, String)], breaks: bool| -> String {
            let glue = |(word, space): &(String, String)| format!("{word}{}", if breaks { space } else { " " });
            words.iter().map(glue).collect()
        };
        let from = from.min(words.len() - 1);
        let part = &words[from..(from + count).min(words.len())];
        // A hyphen at the end of a line joins two words.
        prop_assume!(!words.iter().any(|(word, _)| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-').ends_with('-')));
        let passage = Passage::of(&joined(part, false));
        let mut pairs = 1_000_000;
        let found = PassageText::new(&joined(&words, true)).unwrap().find(&passage, &mut pairs);
        prop_assert!(passage.words() == 0 || matches!(found, Found::Exact { .. }), "{found:?}");
    }

    #[test]
    fn anything_is_looked_for_without_a_panic(text in "\\PC{0,200}", quotation in "\\PC{0,80}") {
        let mut pairs = 100_000;
        if let Some(ready) = PassageText::new(&text) {
            let _ = ready.find(&Passage::of(&quotation), &mut pairs);
        }
    }
}
