//! The page that checks a record in the reader's own browser, tried by its own tests in Node, against this program.
//!
//! Where there is no Node they say so and check nothing, which is an error only where `DATELINE_SHARED` asks for nothing to
//! be left out.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_page_decides_as_the_program_does() {
    let node = Command::new("node").arg("--version").output();
    let Ok(node) = node.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()) else {
        assert!(std::env::var_os("DATELINE_SHARED").is_none(), "node is needed to leave nothing out");
        eprintln!("skipped: there is no node");
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web");
    let tests = ["unit.test.mjs", "binary.test.mjs", "browser.test.mjs"].map(|name| folder.join(name));
    let output = Command::new("node")
        .arg("--test")
        .args(tests)
        .env("DATELINE_BIN", env!("CARGO_BIN_EXE_dateline"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "node {node}{told}{}", String::from_utf8_lossy(&output.stderr));
}
