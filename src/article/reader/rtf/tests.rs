//! Tests of the reader of RTF.

use super::*;

fn read(rtf: &str) -> Extract {
    extract(rtf.as_bytes(), &ReadOptions::default()).unwrap()
}

#[test]
fn text_in_code_pages_and_unicode() {
    let out = read(
        "{\\rtf1\\ansi\\ansicpg1252\\uc1{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset204 Arial;}}{\\info{\\title Le port}{\\author Awa Diallo}{\\creatim\\yr2026\\mo2\\dy16}}\
         Les p\\'eacheurs \\u233?taient l\\u224?.\\par{\\f1 \\'cf\\'ee\\'f0\\'f2} \\u-10179?\\u-8704?\\line fin\\~ici{\\*\\generator X;}{\\v secret}\\par}junk",
    );
    assert_eq!(out.text, "Les pêcheurs étaient là.\n\nПорт 😀\nfin\u{a0}ici");
    let values: Vec<&str> = out.declared.iter().map(|one| one.value.as_str()).collect();
    assert_eq!(values, ["Le port", "Awa Diallo", "2026-02-16"]);
    assert_eq!(out.warnings, [Warning::LeftOut { deleted: 0, hidden: 1, comments: 0 }]);
}

#[test]
fn hostile_files_are_bounded() {
    let deep = format!("{{\\rtf1 {}x", "{".repeat(limits::RTF_MAX_DEPTH));
    assert!(matches!(extract(deep.as_bytes(), &ReadOptions::default()), Err(ReadError::LimitPassed { .. })));
    let rtf = b"{\\rtf1\\ansi\\u233?\\'e9\\bin99999999999 x{\\*\\x y}\\uc3\\u1 abc}";
    for end in 0..rtf.len() {
        let cut = extract(&rtf[..end], &ReadOptions::default());
        assert!(matches!(cut, Err(ReadError::Damaged { .. })), "{end}: {cut:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(proptest::prop_oneof![proptest::num::u8::ANY, proptest::sample::select(b"\\{}u'0-9par ".to_vec())], 0..200)) {
        let mut all = b"{\\rtf1 ".to_vec();
        all.extend(bytes);
        let _ = extract(&all, &ReadOptions::default());
    }
}

/// Text of these bytes in a font of this character set.
fn in_charset(charset: i32, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("\\'{byte:02x}")).collect();
    read(&format!(
        "{{\\rtf1\\ansi\\deff0{{\\fonttbl{{\\f0 Arial;}}{{\\f7\\fcharset{charset} X;}}}}\\f7 {hex}\\par}}"
    ))
    .text
}

#[test]
fn fonts_say_what_bytes_mean() {
    use encoding_rs::{BIG5, EUC_KR, GBK, SHIFT_JIS, WINDOWS_1251, WINDOWS_1255, WINDOWS_1256};
    let cases = [
        (204, WINDOWS_1251, "Порт"),
        (178, WINDOWS_1256, "ميناء"),
        (177, WINDOWS_1255, "נמל"),
        // The second byte of ソ is a backslash.
        (128, SHIFT_JIS, "港のソース"),
        (134, GBK, "渔船返回港口"),
        (136, BIG5, "漁船返回港口"),
        (129, EUC_KR, "항구"),
    ];
    for (charset, encoding, text) in cases {
        assert_eq!(in_charset(charset, &encoding.encode(text).0), text);
    }
    let out = read(
        "{\\rtf1\\ansi\\ansicpg1252\\deff1{\\fonttbl{\\f0 A;}{\\f1\\fcharset204 B;}{\\f2\\cpg1253 C;}}\\'cf{\\f0 \\'cf\\f2 \\'cf\\plain \\'cf}\\'cf\\par}",
    );
    assert_eq!(out.text, "ПÏΟПП");
}

#[test]
fn bytes_of_an_unknown_code_page_are_not_guessed() {
    let out = read("{\\rtf1\\pca{\\info{\\author \\'82}}Le \\'82t\\'82 {\\pict \\'82}\\par}");
    assert_eq!(out.text, "Le \u{fffd}t\u{fffd}");
    assert_eq!(out.warnings, [Warning::Undecodable { count: 2 }]);
    assert_eq!(read("{\\rtf1\\ansi\\u-10179 ?\\u233 ?x\\u-9000?\\par}").text, "\u{fffd}éx\u{fffd}");
}

#[test]
fn tables_end_where_a_paragraph_is_outside_of_them() {
    let out = read(
        "{\\rtf1 Avant\\par\\trowd\\cellx1\\cellx2\\pard\\intbl Port\\cell Bateaux\\line (2026)\\cell\\row\\trowd\\pard\\intbl Gao\\cell 12\\cell\\row\\pard Apr\\'e8s\\par\
         \\trowd\\pard\\intbl Un.\\par Deux.\\cell Trois.\\cell\\row\\pard\\outlinelevel0 Titre\\par\\pard Fin}",
    );
    assert_eq!(
        out.text,
        "Avant\n\nPort\tBateaux (2026)\nGao\t12\n\nAprès\n\nUn.\n\nDeux.\n\nTrois.\n\nTitre\n\nFin"
    );
    assert_eq!(out.headings.iter().map(|range| &out.text[range.clone()]).collect::<Vec<_>>(), ["Titre"]);
    assert_eq!(read("{\\rtf1\\pard\\intbl a\\cell b\\cell\\par c}").text, "a\tb\n\nc");
}

#[test]
fn notes_come_last_and_boxes_after_their_paragraph() {
    let out = read(
        "{\\rtf1{\\header En-t\\'eate\\par}{\\footer Pied}Un{\\footnote{\\*\\footnotemark 1}Une note.\\par}\
         {\\shp{\\*\\shpinst{\\sp{\\sn x}{\\sv 1}}{\\shptxt Encadr\\'e9.\\par Suite.}}{\\shprslt Encadr\\'e9.}} deux.\\par{\\listtext 1.\\tab}Trois\\zwnj.\\par}",
    );
    assert_eq!(out.text, "Un deux.\n\nEncadré.\n\nSuite.\n\nTrois\u{200c}.\n\nUne note.");
}

#[test]
fn what_is_left_out_is_counted_by_the_piece() {
    let out = read(
        "{\\rtf1 Un {\\deleted mort \\u233?\\par vite }{\\v cach\\'e9 \\b et}\\v0 deux{\\deleted X}{\\*\\annotation{\\*\\atndate 1}S\\'fbr ?}{\\*\\inconnu rien}\\plain .\\par}",
    );
    assert_eq!(out.text, "Un deux.");
    assert_eq!(out.warnings, [Warning::LeftOut { deleted: 2, hidden: 1, comments: 1 }]);
}

#[test]
fn properties_are_the_first_of_their_kind_in_unicode() {
    let out = read(
        "{\\rtf1{\\info{\\upr{\\title ???}{\\*\\ud{\\title \\u1055?\\u1086?}}}{\\author Awa Diallo}{\\creatim\\yr2026\\mo2\\dy6\\hr9}{\\author Secretary}{\\operator Tom}{\\company X}{\\revtim\\yr0\\mo0\\dy0}}{\\title x}y\\par}",
    );
    let values: Vec<(Key, &str)> = out.declared.iter().map(|one| (one.key, one.value.as_str())).collect();
    assert_eq!(values, [(Key::Title, "По"), (Key::Author, "Awa Diallo"), (Key::Published, "2026-02-06")]);
    assert_eq!(out.text, "xy");
}

#[test]
fn headings_are_known_by_their_styles() {
    let out = read(
        "{\\rtf1{\\stylesheet{\\s0 Normal;}{\\s3{\\*\\keycode x}Heading 1;}{\\s4\\outlinelevel0 Titre 1;}{\\*\\cs3 Heading 1;}{\\s5 heading 2;}}\
         \\s3 Un\\par\\pard\\s4 Deux\\par\\pard\\s5 Trois\\par\\pard Quatre\\par}",
    );
    assert_eq!(out.headings.iter().map(|range| &out.text[range.clone()]).collect::<Vec<_>>(), ["Un", "Deux"]);
}
