//! Word processors' files made by other programs (python-docx, odfpy, ebooklib, LibreOffice) from texts of our own, in four
//! scripts, with the text that each must give beside it.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use dateline::article::extract::Key;
use dateline::article::{Format, ReadOptions, extract};

fn files() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/office");
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        all.filter(|path| path.extension().is_none_or(|end| end != "txt")).collect();
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
