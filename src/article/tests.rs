//! Whole documents: a dispatch like those that newsrooms get, hostile ones, and random ones.

use proptest::prelude::*;

use super::*;

const DISPATCH: &str = include_str!("../../demo/depeche.fr.txt");

fn article(text: &str) -> Article {
    let article = read(text.as_bytes(), &ReadOptions::default()).unwrap();
    recheck(&article);
    article
}

/// Every claim's words stand where its evidence says.
fn recheck(article: &Article) {
    let text = ExtractedText::new(&article.text);
    let claims = [&article.title, &article.publisher, &article.published_at];
    let evidence = claims
        .into_iter()
        .flatten()
        .map(|claim| &claim.evidence)
        .chain(article.dateline.iter().map(|dateline| &dateline.evidence))
        .chain(article.claimed_origins.iter().map(|origin| &origin.evidence))
        .chain(article.bylines.iter().map(|byline| &byline.evidence));
    for evidence in evidence {
        assert_eq!(text.holds(evidence), Ok(()), "{evidence:?}");
    }
    let printed = article.claimed_origins.iter().map(|origin| (&origin.as_printed, &origin.evidence));
    let printed = printed.chain(article.bylines.iter().map(|byline| (&byline.as_printed, &byline.evidence)));
    for (printed, evidence) in printed {
        let (start, end) = evidence.position().unwrap();
        assert_eq!(reflow::reflow(text.slice(start, end).unwrap()).as_str(), printed);
    }
    for quote in &article.quotes {
        let words = reflow::reflow(text.slice(quote.start, quote.end).unwrap()).as_str().to_owned();
        assert_eq!((words.as_str(), quote.reflow_sha256), (quote.text.as_str(), Hash::of(words.as_bytes())));
    }
    for paragraph in &article.paragraphs {
        let words = reflow::reflow(text.slice(paragraph.start, paragraph.end).unwrap());
        assert_eq!(paragraph.reflow_sha256, Hash::of(words.as_str().as_bytes()));
    }
}

fn check_dispatch(article: &Article, origin: &str, byline: &str) {
    let [found] = article.claimed_origins.as_slice() else { panic!("{:?}", article.claimed_origins) };
    assert_eq!(found.as_printed, origin);
    assert_eq!((found.kind, found.role), (OriginKind::Government, OriginRole::Origin));
    assert_eq!((found.cue.as_deref(), found.lang.as_deref()), (Some("Source :"), Some("fr")));
    let Evidence::Rule(rule) = &found.evidence else { panic!("{:?}", found.evidence) };
    assert_eq!((rule.scope, rule.strength), (Scope::Tail, Strength::Strong));
    assert_eq!((rule.rule.as_str(), rule.ruleset.as_str()), ("fr.tail.source-colon", "dateline-rules/2"));
    let [found] = article.bylines.as_slice() else { panic!("{:?}", article.bylines) };
    assert_eq!((found.as_printed.as_str(), found.kind, &found.cue), (byline, BylineKind::Unknown, &None));
    assert_eq!(found.evidence.strength(), Strength::Weak);
    assert_eq!(found.evidence.rule(), Some("any.tail.bare-name"));
    let language = article.language.as_ref().unwrap();
    assert_eq!((language.tag.as_str(), language.source), ("fr", LanguageSource::Detected));
    assert_eq!((&article.title, &article.dateline, &article.publisher), (&None, &None, &None));
    assert_eq!(article.published_at, None);
}

#[test]
fn a_dispatch_with_a_wrapped_credit_line() {
    let article = article(DISPATCH);
    check_dispatch(&article, "Ministère de la Pêche et des Ressources marines", "Yaro");
    let quotes: Vec<&str> = article.quotes.iter().map(|quote| quote.text.as_str()).collect();
    assert_eq!(
        quotes,
        [
            "Nous avons tenu parole : les filets à petites mailles ne seront plus tolérés sur nos eaux",
            "La surveillance sera assurée de jour comme de nuit, et les contrevenants seront conduits devant le juge de paix \
             de la circonscription",
            "Le lac nous rend ce que nous lui avons laissé",
        ]
    );
    assert_eq!((article.format, article.extractor), (Format::Text, "dateline-text/1"));
    assert_eq!(article.digests.original, Hash::of(DISPATCH.as_bytes()));
    assert_eq!(article.digests.numbers, Hash::of("1200\n12,5%\n300".as_bytes()));
    assert_eq!(article.paragraphs.len(), 1);
    let breaks = article.warnings.iter().find_map(|warning| match warning {
        Warning::HyphenBreaksJoined { count, at } => Some((*count, at.len())),
        _ => None,
    });
    assert_eq!(breaks, Some((2, 2)));
    assert_eq!(extract(DISPATCH.as_bytes(), &ReadOptions::default()).unwrap().1.text, article.text);
}

#[test]
fn the_seed() {
    let Some(shared) = std::env::var_os("DATELINE_SHARED") else { return };
    let seed = std::path::Path::new(&shared).join("seed/aes-russie-moscou.fr.txt");
    let bytes = std::fs::read(seed).unwrap();
    let article =
        read(&bytes, &ReadOptions { file_name: Some("aes-russie-moscou.fr.txt"), ..ReadOptions::default() })
            .unwrap();
    recheck(&article);
    check_dispatch(&article, "Ministère de la Défense de la Fédération de Russie", "Naby");
    let begins: Vec<&str> =
        article.quotes.iter().map(|quote| &quote.text[..quote.text.find(' ').unwrap()]).collect();
    assert_eq!(begins, ["Aujourd’hui,", "La", "Nous", "À"]);
    assert!(article.quotes.iter().all(|quote| quote.marks == "«»" && !quote.text.contains('\n')));
    assert!(article.quotes[1].text.ends_with("persistent aujourd’hui dans les pays de la Confédération"));
}

#[test]
fn the_same_wording_has_the_same_reflow_digest() {
    let unwrapped =
        DISPATCH.replace("-\ncription", "cription").replace("-\nsources", "sources").replace('\n', " ");
    let article = article(&unwrapped);
    let wrapped = read(DISPATCH.as_bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(article.digests.reflow, wrapped.digests.reflow);
    assert_ne!(article.digests.text, wrapped.digests.text);
}

#[test]
fn other_charsets_and_line_ends_give_the_same_claims() {
    let crlf = format!("\u{feff}{}", DISPATCH.replace('\n', "\r\n"));
    assert_eq!(article(&crlf).digests.text, article(DISPATCH).digests.text);
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(DISPATCH);
    let legacy = read(&latin, &ReadOptions::default()).unwrap();
    assert_eq!(legacy.charset.name, "windows-1252");
    check_dispatch(&legacy, "Ministère de la Pêche et des Ressources marines", "Yaro");
}

#[test]
fn markdown_with_front_matter() {
    let source = "---\ntitle: 'Le lac rouvert'\nauthor: Awa Diallo\ndate: 2026-06-03\nlang: fr\npublisher: Gazette du Fleuve\n\
        source: Ministère de la Pêche\n---\n\n# Autre titre\n\nLes bateaux « sont\nrentrés » lundi.\n\n**Source :** AFP\n";
    let article =
        read(source.as_bytes(), &ReadOptions { file_name: Some("lac.md"), ..ReadOptions::default() })
            .unwrap();
    recheck(&article);
    assert_eq!((article.format, article.media_type), (Format::Markdown, "text/markdown"));
    assert_eq!(article.title.as_ref().map(|title| title.value.as_str()), Some("Le lac rouvert"));
    assert_eq!(article.publisher.as_ref().map(|claim| claim.value.as_str()), Some("Gazette du Fleuve"));
    assert_eq!(article.published_at.as_ref().map(|claim| claim.value.as_str()), Some("2026-06-03"));
    assert_eq!(article.language, Some(Language { tag: "fr".into(), source: LanguageSource::Declared }));
    let origins: Vec<&str> =
        article.claimed_origins.iter().map(|origin| origin.as_printed.as_str()).collect();
    assert_eq!(origins, ["Ministère de la Pêche", "AFP"]);
    assert_eq!(article.bylines[0].as_printed, "Awa Diallo");
    assert_eq!(article.bylines[0].cue.as_deref(), Some("author"));
    assert_eq!(article.quotes.len(), 1);
    let Evidence::Rule(rule) = &article.claimed_origins[0].evidence else { panic!() };
    assert_eq!(rule.scope, Scope::Field);
    assert!(article.text.starts_with("---\ntitle: 'Le lac rouvert'\n"));
}

#[test]
fn hostile_credit_lines_are_capped() {
    let empty = article(&"Source :\n".repeat(10_000));
    assert!(empty.claimed_origins.is_empty());
    let lines: String = (0..10_000).map(|n| format!("Source : X{n}\n")).collect();
    let full = article(&lines);
    assert_eq!(full.claimed_origins.len(), limits::CLAIMS_MAX);
    let dropped = full
        .warnings
        .iter()
        .any(|w| matches!(w, Warning::ClaimsDropped { field, .. } if field == "claimedOrigins"));
    assert!(dropped, "{:?}", full.warnings);
    let lines: String = (0..10_000)
        .map(|n| {
            format!("Par Awa {}\n", "ABCDEFGHIJ".chars().nth(n % 10).unwrap().to_string().repeat(n % 7 + 2))
        })
        .collect();
    assert!(article(&lines).bylines.len() <= limits::CLAIMS_MAX);
}

#[test]
fn claims_are_capped_at_the_limit_and_not_below() {
    let sources = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("B{n}")).collect();
        article(&format!("Le port a rouvert.\n\nSources : {}\n", names.join(";")))
    };
    let at = sources(limits::CLAIMS_MAX);
    assert_eq!(at.claimed_origins.len(), limits::CLAIMS_MAX);
    assert!(!at.warnings.iter().any(|w| matches!(w, Warning::ClaimsDropped { .. })));
    let past = sources(limits::CLAIMS_MAX + 1);
    assert_eq!(past.claimed_origins.len(), limits::CLAIMS_MAX);
    assert!(past.warnings.contains(&Warning::ClaimsDropped { field: "claimedOrigins".into(), count: 1 }));
}

#[test]
fn paragraphs_are_capped() {
    let at = article(&"un\n\n".repeat(limits::PARAGRAPHS_MAX));
    assert_eq!(at.paragraphs.len(), limits::PARAGRAPHS_MAX);
    assert!(!at.warnings.iter().any(|w| matches!(w, Warning::ParagraphsDropped { .. })));
    let past = article(&"un\n\n".repeat(limits::PARAGRAPHS_MAX + 1));
    assert_eq!(past.paragraphs.len(), limits::PARAGRAPHS_MAX);
    assert!(past.warnings.contains(&Warning::ParagraphsDropped { count: 1 }));
}

#[test]
fn markdown_beyond_the_limit_is_plain_text() {
    let read = |size: usize| {
        let text = "*mot* ".repeat(size / 6 + 1);
        read(&text.as_bytes()[..size], &ReadOptions { file_name: Some("x.MD"), ..ReadOptions::default() })
            .unwrap()
    };
    let limit = limits::MARKDOWN_MAX_BYTES;
    let at = read(limit);
    assert_eq!(at.format, Format::Markdown);
    assert!(!at.warnings.iter().any(|w| matches!(w, Warning::MarkdownTooLarge { .. })));
    let past = read(limit + 1);
    assert_eq!(past.format, Format::Text);
    assert!(past.warnings.contains(&Warning::MarkdownTooLarge { size: limit + 1, limit }));
}

#[test]
fn quotations_of_a_long_text_are_sought_in_its_beginning() {
    let of = |chars: usize| article(&format!("{}«fin»", "a".repeat(chars - 5)));
    let at = of(limits::RULES_MAX_CHARS);
    assert_eq!((at.quotes.len(), at.warnings.len()), (1, 0));
    let past = of(limits::RULES_MAX_CHARS + 1);
    assert_eq!(past.quotes.len(), 0);
    let (chars, limit) = (limits::RULES_MAX_CHARS + 1, limits::RULES_MAX_CHARS);
    assert_eq!(past.warnings, [Warning::NotReadWhole { chars, limit }]);
}

#[test]
fn invisible_characters_do_not_hide_a_name() {
    let text = "Les bateaux sont rentrés lundi.\n\nPar Awa \u{202e}Dia\u{200b}llo\u{7}\n\nSo\u{ad}urce\u{a0}: Ra\u{2060}dio du Fleuve\u{202c}\n";
    let article = article(text);
    assert_eq!(article.bylines[0].as_printed, "Awa Diallo");
    assert_eq!(article.claimed_origins[0].as_printed, "Radio du Fleuve");
    assert_eq!(article.text, text);
    assert!(article.warnings.contains(&Warning::Invisible { count: 5 }));
}

#[test]
fn large_and_odd_documents_take_bounded_time() {
    let megabyte = "Source : X ".repeat(100_000);
    article(&megabyte);
    article(&format!("{megabyte}\n{megabyte}\n{megabyte}"));
    article(&"e\u{301}\u{316}".repeat(200_000));
    article(&"a\u{301}".chars().chain(std::iter::repeat_n('\u{316}', 300_000)).collect::<String>());
    article(&"«".repeat(500_000));
    article(&"a-\nb".repeat(200_000));
    article(&"1 ".repeat(300_000));
    article(&format!("---\n{}---\n{}", "a: b\n".repeat(150), ">".repeat(50_000)));
    article(&format!("---\na: b\n---\n{}", "[".repeat(50_000)));
    article(&format!("---\na: b\n---\n{}", "* ".repeat(20_000)));
    article(&"By A, ".repeat(100_000));
    article(&"(Photo: X) ".repeat(100_000));
}

proptest! {
    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        if let Ok(article) = read(&bytes, &ReadOptions { file_name: Some("x.md"), ..ReadOptions::default() }) {
            recheck(&article);
        }
    }

    #[test]
    fn any_string(text: String) {
        if let Ok(article) = read(text.as_bytes(), &ReadOptions::default()) {
            recheck(&article);
        }
    }

    #[test]
    fn any_mixture_of_what_rules_look_for(parts in prop::collection::vec(prop::sample::select(PARTS), 0..40)) {
        for name in ["x.txt", "x.md"] {
            if let Ok(article) = read(parts.concat().as_bytes(), &ReadOptions { file_name: Some(name), ..ReadOptions::default() }) {
                recheck(&article);
            }
        }
    }
}

/// What cues, names, marks and breaks are made of.
const PARTS: &[&str] = &[
    "Source :",
    "Source:",
    "Sources : ",
    "Par ",
    "By ",
    "Awa Diallo",
    "Naba",
    "A. D.",
    "AFP",
    "Reuters",
    " et ",
    " and ",
    ", ",
    "\n",
    "\n\n",
    "-\n",
    " ",
    "\u{a0}",
    "\u{ad}",
    "\u{200b}",
    "\u{202e}",
    "e\u{301}",
    ".",
    "«",
    "»",
    "\"",
    "(",
    ")",
    "/",
    "|",
    "Ministère de la ",
    "Fédé",
    "ration",
    "Paris (AFP) - ",
    "3 juin 2026",
    "2026-06-03",
    "Photo : ",
    "---\n",
    "title: ",
    "source: [",
    "]",
    "# ",
    "La Rédaction",
    "Originally published by ",
    "avec ",
    "© ",
    "Les bateaux sont rentrés.",
    "12,5 %",
    "\t",
    "\r\n",
    "Ⅷ",
    "İ",
];
