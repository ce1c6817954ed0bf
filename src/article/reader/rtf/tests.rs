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
        let _ = extract(&rtf[..end], &ReadOptions::default());
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
