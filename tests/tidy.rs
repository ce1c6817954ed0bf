//! House rules that a machine can keep: who may import whom, and what may not stand in the tree.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module, and the modules of the crate that it may import. The table of the crate's documentation.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("tlog", &["base"]),
    ("note", &["base", "tlog"]),
    ("attest", &["base"]),
    ("article", &["base"]),
    ("likeness", &["base", "article"]),
    ("record", &["base", "tlog", "note", "attest", "article"]),
    ("storage", &["base"]),
    ("sandbox", &["base", "article"]),
    ("capture", &["base"]),
    ("keys", &["base", "note"]),
    ("log", &["base", "tlog", "note", "attest", "article", "record", "storage", "keys"]),
    ("verify", &["base", "tlog", "note", "attest", "article", "record", "storage"]),
    ("index", &["base", "tlog", "note", "attest", "article", "likeness", "record", "storage", "verify"]),
    ("export", &["base", "tlog", "note", "attest", "article", "record"]),
    ("view", &["base", "tlog", "note", "attest", "article", "likeness", "record", "storage", "verify"]),
    (
        "look",
        &[
            "base", "tlog", "note", "attest", "article", "likeness", "record", "storage", "verify", "index",
            "view",
        ],
    ),
    (
        "server",
        &[
            "base", "tlog", "note", "attest", "article", "record", "storage", "keys", "log", "verify",
            "export", "sandbox", "capture", "likeness", "index", "view", "look",
        ],
    ),
    (
        "cli",
        &[
            "base", "tlog", "note", "attest", "article", "record", "storage", "keys", "log", "verify",
            "export", "sandbox", "capture", "likeness", "index", "view", "look", "server",
        ],
    ),
];

/// Layers 0 to 2: no I/O, no clock, no randomness, no environment.
const PURE: &[&str] = &["base", "tlog", "note", "attest", "article", "likeness", "record"];

const IMPURE: &[&str] = &[
    "std::fs",
    "std::io::std",
    "io::std",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "getrandom",
    "rpassword",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() { files_below(&path, out) } else { out.push(path) }
    }
}

/// Rust sources by module, without comments and without their tests.
fn sources() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    files_below(&root().join("src"), &mut files);
    let mut modules: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    for path in files.into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        let relative = path.strip_prefix(root().join("src")).unwrap().to_owned();
        let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs").to_owned();
        // A file of tests, declared behind `#[cfg(test)]` in its parent.
        if relative.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        modules.entry(module).or_default().push((relative, code));
    }
    modules
}

/// The modules of the crate that `code` of `module` names: `crate::x`, `crate::{x, y}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 0;
                let top = group.split(|c: char| {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    c == ',' && depth == 0 || depth < 0
                });
                top.take_while(|part| !part.contains(';')).collect()
            }
            None => vec![rest],
        };
        for name in names {
            let name: String =
                name.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn imports_are_read() {
    let code = "use crate::base::Hash;\nuse crate::{tlog::tile, note};\nlet x = crate::verify::y();";
    assert_eq!(imports(code), ["base", "note", "tlog", "verify"].map(String::from).into());
}

#[test]
fn modules_import_only_what_is_below_them() {
    let table: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    for (module, files) in sources() {
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let allowed = table.get(module.as_str());
        let allowed = allowed.unwrap_or_else(|| panic!("module {module} is not in the layer table"));
        for (path, code) in files {
            for import in imports(&code) {
                let fine = import == module || allowed.contains(&import.as_str());
                assert!(fine, "{}: {module} may not import {import}", path.display());
            }
        }
    }
}

#[test]
fn pure_modules_do_no_io() {
    for (module, files) in sources() {
        for (path, code) in files.iter().filter(|_| PURE.contains(&module.as_str())) {
            for word in IMPURE {
                assert!(!code.contains(word), "{}: {word} in a pure module", path.display());
            }
        }
    }
}

#[test]
fn the_layer_table_is_documented() {
    let docs = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for (module, _) in LAYERS {
        let named = docs.contains(&format!("| `{module}` |")) || docs.contains(&format!("[`{module}`]"));
        assert!(named, "lib.rs does not document {module}");
    }
}

#[test]
fn only_the_signature_module_calls_the_signature_library() {
    for (_, files) in sources() {
        for (path, code) in files {
            let here = path == Path::new("base/ed25519.rs") || path.starts_with("base/ed25519");
            let calls = ["ed25519_dalek", "curve25519_dalek"].iter().any(|library| code.contains(library));
            assert!(here || !calls, "{}: use base::ed25519", path.display());
        }
    }
}

/// What git tracks, or, outside a checkout, every file but the built ones.
fn tracked() -> Vec<PathBuf> {
    let listed = std::process::Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    if let Some(output) = listed.ok().filter(|output| output.status.success() && !output.stdout.is_empty()) {
        let names = String::from_utf8(output.stdout).unwrap();
        return names.split_terminator('\0').map(|name| root().join(name)).collect();
    }
    let mut files = Vec::new();
    files_below(&root(), &mut files);
    files.retain(|path| !path.starts_with(root().join("target")));
    files
}

#[test]
fn no_private_key_and_no_machine_path_is_tracked() {
    // Spelt in pieces, so that this file does not find itself.
    let private = ["BEGIN OPENSSH PRIVATE", "BEGIN PRIVATE"].map(|text| format!("{text} KEY"));
    let paths = ["work", "root", "home", "tmp/wt"].map(|folder| format!("/{folder}/"));
    let mut checked = 0;
    for path in tracked() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        checked += 1;
        for word in private.iter().chain(&paths) {
            assert!(!text.contains(word.as_str()), "{}: contains {word}", path.display());
        }
    }
    assert!(checked > 20, "only {checked} files were looked at");
}

#[test]
fn sources_are_finished_and_of_a_readable_size() {
    let words = ["FIXME", "XXX", "TODO", "HACK"];
    for (_, files) in sources() {
        for (path, _) in files {
            let text = fs::read_to_string(root().join("src").join(&path)).unwrap();
            for word in words {
                assert!(!text.contains(word), "{}: {word}", path.display());
            }
            let lines = text.lines().count();
            assert!(lines <= 600, "{}: {lines} lines; split it by concept", path.display());
        }
    }
}
