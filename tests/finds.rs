//! Inputs that once broke a parser, and the seeds of fuzzing: each is read as the fuzz target of its folder reads it.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::path::Path;

#[path = "../fuzz/check.rs"]
mod check;

#[test]
fn seeds_and_finds_hold() {
    let mut count = 0;
    for folder in ["tests/data/finds", "fuzz/seeds"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for target in fs::read_dir(folder).unwrap() {
            let target = target.unwrap().path();
            let name = target.file_name().unwrap().to_str().unwrap().to_owned();
            for file in fs::read_dir(&target).unwrap() {
                let file = file.unwrap().path();
                eprintln!("{}", file.display());
                check::check(&name, &fs::read(&file).unwrap());
                count += 1;
            }
        }
    }
    assert!(count >= 15, "{count} inputs");
}

#[test]
fn every_target_has_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut found: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    let mut wanted = check::TARGETS.map(str::to_owned).to_vec();
    wanted.sort();
    assert_eq!(found, wanted);
}
