//! Word processors' files made by other programs (python-docx, odfpy, ebooklib, LibreOffice) from texts of our own, in four
//! scripts, with the text that each must give beside it.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use dateline::article::extract::Key;
use dateline::article::{Format, ReadOptions, Warning, extract};

/// True for what has a text beside it.
fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|end| end != "txt") && path.file_stem().is_some_and(|name| name != "mixed")
}

fn files() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/office");
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = all.filter(|path| is_document(path)).collect();
    files.sort();
    files
}

#[test]
fn other_programs_files_give_their_text() {
    let files = files();
    assert!(files.len() >= 20, "{}", files.len());
    let mut wrong = Vec::new();
    for path in &files {
        let expected = fs::read_to_string(format!("{}.txt", path.display())).unwrap();
        let bytes = fs::read(path).unwrap();
        let (format, out) = extract(&bytes, &ReadOptions::default()).unwrap();
        let end = path.extension().unwrap().to_str().unwrap();
        let right = match end {
            "docx" => Format::Docx,
            "odt" => Format::Odt,
            "rtf" => Format::Rtf,
            _ => Format::Epub,
        };
        assert_eq!(format, right);
        if out.text != expected.trim_end_matches('\n') || !out.warnings.is_empty() {
            wrong.push(format!("{}\n{:?}\n{:?}\n{:?}", path.display(), expected, out.text, out.warnings));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn other_programs_files_declare_their_author_and_not_who_saved_them() {
    for path in files() {
        let (_, out) = extract(&fs::read(&path).unwrap(), &ReadOptions::default()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let author = match name.get(..2).unwrap() {
            "fr" => "Awa Diallo",
            "ru" => "Анна Смирнова",
            "ar" => "ليلى حداد",
            _ => "王小明",
        };
        let authors: Vec<&str> =
            out.declared.iter().filter(|one| one.key == Key::Author).map(|one| one.value.as_str()).collect();
        assert_eq!(authors, [author], "{name}");
        let title = out.declared.iter().find(|one| one.key == Key::Title).unwrap();
        assert!(out.text.starts_with(&title.value), "{name}");
        // Only the formats of word processors have headings of their own here.
        if !name.ends_with("epub") {
            let headings: Vec<&str> = out.headings.iter().map(|range| &out.text[range.clone()]).collect();
            assert_eq!(headings, [title.value.as_str()], "{name}");
        }
    }
}

/// One document with tracked changes, hidden text, lists and tables, saved by LibreOffice in three formats.
#[test]
fn one_document_gives_one_text_in_all_formats() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/office");
    let expected = "Заголовок\n\nUn blessé fin — “x” ‘y’ … € 日本語 한국어 中文 नमस्ते 😀\n\nAvant\naprès\ttab\u{2011}x\n\n\
        a\tb\nc\td\n\nAprès la table.\n\nUn.\n\nDeux.\n\nTrois.\n\nélément\n\nnuméro\n\nFin.";
    for name in ["mixed.docx", "mixed.odt", "mixed.rtf"] {
        let (_, out) = extract(&fs::read(folder.join(name)).unwrap(), &ReadOptions::default()).unwrap();
        assert_eq!(out.text, expected, "{name}");
        assert_eq!(out.warnings, [Warning::LeftOut { deleted: 1, hidden: 1, comments: 0 }], "{name}");
        assert_eq!(out.headings, vec![0..expected.find('\n').unwrap()], "{name}");
    }
}

/// Bytes changed anywhere, and files cut anywhere: an answer or an error, in time.
#[test]
fn changed_and_cut_files_are_read_or_refused() {
    let mut state = 7_u32;
    let mut next = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let mut refused = 0;
    for path in files() {
        let bytes = fs::read(&path).unwrap();
        for _ in 0..25 {
            let mut changed = bytes.clone();
            for _ in 0..=next(4) {
                let at = next(changed.len());
                changed[at] = next(256) as u8;
            }
            changed.truncate(if next(4) == 0 { next(bytes.len()) } else { bytes.len() });
            refused += usize::from(extract(&changed, &ReadOptions::default()).is_err());
        }
    }
    assert!(refused > 0);
}
