use proptest::prelude::*;

use super::super::rules::rules;
use super::super::rules::tests::examples;
use super::super::tables;
use super::*;

/// All patterns of the program.
fn all() -> Vec<&'static Pattern> {
    let rules = rules().all().iter();
    let of_rules = rules.flat_map(|rule| [&rule.pattern, &rule.unless, &rule.needs]).flatten();
    let shapes = [
        &tables::LINE_START,
        &tables::DAY,
        &tables::NOUNS,
        &tables::SHAPE_SENTENCE,
        &tables::SHAPE_LABEL,
        &tables::SHAPE_SHORT_FORM,
        &tables::SHAPE_DASH,
        &tables::SHAPE_LIST,
        &tables::SHAPE_MARKS,
        &tables::SHAPE_SEMICOLONS,
        &tables::SHAPE_HOST,
        &tables::SHAPE_ADDRESS,
        &tables::SHAPE_NOBODY,
        &tables::SHAPE_ARTICLE,
    ];
    of_rules.chain(&tables::MONTHS).chain(shapes).collect()
}

/// What the machine finds, with steps enough; `None` where it gives up.
fn by_machine(pattern: &Pattern, text: &str, from: usize) -> Option<Option<Vec<Option<Range<usize>>>>> {
    let mut slots = [usize::MAX; 2 * GROUPS];
    let used = &mut slots[..2 * (pattern.groups.len() + 1)];
    let found = machine::search(&pattern.program, text, from, used, &mut 50_000_000).ok()?;
    let captures = Captures { text, names: pattern.groups, slots };
    let groups = || (0..=pattern.groups.len()).map(|group| captures.get(group).map(|found| found.range()));
    if !found {
        assert_eq!(slots, [usize::MAX; 2 * GROUPS], "{}: slots are left", pattern.of);
    }
    Some(found.then(|| groups().collect()))
}

fn by_regex(pattern: &Pattern, text: &str, from: usize) -> Option<Vec<Option<Range<usize>>>> {
    let mut places = pattern.regex().capture_locations();
    pattern.regex().captures_read_at(&mut places, text, from)?;
    Some((0..places.len()).map(|group| places.get(group).map(|(start, end)| start..end)).collect())
}

fn assert_same(pattern: &Pattern, text: &str) {
    let middle = (text.len() / 2..).find(|at| text.is_char_boundary(*at)).unwrap();
    for from in [0, middle] {
        let found = by_machine(pattern, text, from).expect("it did not give up");
        assert_eq!(found, by_regex(pattern, text, from), "{} in {text:?} from {from}", pattern.of);
    }
}

/// The lines of all examples of all rules.
fn lines() -> Vec<String> {
    let mut lines: Vec<String> = examples()
        .iter()
        .flat_map(|rule| rule.positive.iter().map(|example| &example.text).chain(&rule.negative))
        .flat_map(|text| text.lines().map(str::to_owned))
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

#[test]
fn the_machine_finds_what_the_expression_finds() {
    let lines = lines();
    assert!(lines.len() > 500, "{}", lines.len());
    for pattern in all() {
        for line in &lines {
            assert_same(pattern, line);
        }
    }
}

#[test]
fn groups_have_the_names_of_the_expression() {
    for pattern in all() {
        let names: Vec<&str> =
            pattern.regex().capture_names().skip(1).map(|name| name.unwrap_or_default()).collect();
        assert_eq!(names, pattern.groups, "{}", pattern.of);
    }
}

#[test]
fn a_text_that_is_made_to_be_slow_is_left_to_the_expression() {
    // A pattern of one's own count: those of the tables have taken steps in other tests.
    let rule = rules().all().iter().find(|rule| rule.id == "any.photo.stock").unwrap();
    let known = rule.pattern.as_ref().unwrap();
    let first = known.program.first;
    let own =
        Pattern::new((known.program.start, known.program.empty), known.groups, first, known.source, known.of);
    let text = "via ".repeat(20_000);
    assert!(!own.is_match(&text));
    assert!(own.compiled.get().is_some() && own.steps.load(Ordering::Relaxed) >= STEPS);
    // It goes on with the expression, and finds the same.
    let line = "Bildchen: Getty Images";
    assert_eq!(own.find(line).map(|found| found.range()), Some(0..line.len()));
    assert_same(&own, line);
}

fn piece() -> impl Strategy<Value = String> {
    let signs = [
        " ",
        ". ",
        ", ",
        ": ",
        " : ",
        "：",
        "/",
        " / ",
        "(",
        ")",
        "（",
        "）",
        "[",
        "]",
        "-",
        " - ",
        "–",
        "—",
        "|",
        "«",
        "»",
        "“",
        "”",
        "’",
        "'",
        "\"",
        "?",
        "!",
        "。",
        "、",
        "©",
        "·",
        "•",
        "\u{a0}",
        "\u{301}",
        "\u{fffc}",
        "1",
        "12",
        "2024",
        "12:30",
        "3 mai 2024",
        "AFP",
        "Reuters",
        "dpa",
        "L’Essor",
        "新华社",
        "ТАСС",
        "By",
        "par",
        "Source",
        "SOURCE",
        "ſource",
        "Foto",
        "İ",
        "ß",
        "K",
        "and",
        "et",
        "with",
        "avec",
        "记者",
        "作者",
        "王小明",
        "電",
        "日",
        "Awa Diarra",
        "M. D.",
        "Gao",
        "GAO",
        "x@y.example",
        "www.example.org",
    ];
    let words: Vec<String> = lines()
        .iter()
        .flat_map(|line| line.split_inclusive(' ').map(str::to_owned).collect::<Vec<_>>())
        .chain(signs.map(String::from))
        .collect();
    prop_oneof![3 => prop::sample::select(signs.map(String::from).to_vec()), 4 => prop::sample::select(words), 1 => "\\PC{0,3}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_machine_finds_what_the_expression_finds_in_any_line(pieces in prop::collection::vec(piece(), 0..14)) {
        let line = pieces.concat();
        for pattern in all() {
            assert_same(pattern, &line);
        }
    }
}
