//! The pages: that which checks a record in the reader's own browser is held against this program in Node, and all are looked
//! at in a browser.
//!
//! Where there is no Node nothing is checked, which is an error only where `DATELINE_SHARED` asks for nothing to be left
//! out. What takes a browser says itself what it needs, in `tests/web/tools.mjs`.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dateline::base::{PublicKey, Signature};
use dateline::record::{Kind, Role};
use serde_json::Value;

fn shared() -> Option<OsString> {
    std::env::var_os("DATELINE_SHARED")
}

fn web(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web").join(name)
}

/// Node, from version 20 on.
fn node() -> Option<Command> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).unwrap();
    let major: u32 = version.trim_start_matches('v').split('.').next()?.parse().ok()?;
    (major >= 20).then(|| Command::new("node"))
}

fn node_or_skip() -> Option<Command> {
    let node = node();
    assert!(node.is_some() || shared().is_none(), "node 20 is not installed, and nothing may be left out");
    if node.is_none() {
        eprintln!("left out: node 20 is not installed");
    }
    node
}

#[test]
fn the_pages_in_node_and_in_a_browser() {
    let Some(mut node) = node_or_skip() else { return };
    let tests =
        ["unit.test.mjs", "binary.test.mjs", "browser.test.mjs", "pages.test.mjs", "register.test.mjs"]
            .map(web);
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("web-screenshots");
    node.arg("--test").args(tests).env("WEB_PICTURES", pictures);
    let output = node.env("DATELINE_BIN", env!("CARGO_BIN_EXE_dateline")).output().unwrap();
    let (told, more) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{more}");
}

/// The page's rule for signatures against the one that this program has, on vectors made to tell such rules apart.
#[test]
fn the_page_takes_the_signatures_that_the_program_takes() {
    let Some(vectors) = shared().map(|root| Path::new(&root).join("vectors/ed25519/ed25519vectors.json"))
    else {
        return;
    };
    let Some(mut node) = node_or_skip() else { return };
    let output = node.arg(web("strict.mjs")).arg(&vectors).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(vectors).unwrap()).unwrap();
    assert_eq!(answers.lines().count(), cases.len());
    for (case, answer) in cases.iter().zip(answers.lines()) {
        let bytes = |field: &str| hex::decode(case[field].as_str().unwrap()).unwrap();
        let key = PublicKey::from_bytes(&bytes("key").try_into().unwrap());
        let signature = Signature(bytes("sig").try_into().unwrap());
        let message = case["msg"].as_str().unwrap().as_bytes();
        let holds = key.is_ok_and(|key| key.verify(message, &signature).is_ok());
        assert_eq!(answer, holds.to_string(), "{case}");
    }
}

#[test]
fn the_page_knows_who_may_say_what() {
    let Some(mut node) = node_or_skip() else { return };
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/assets/verify.js");
    let told = "const { KINDS } = await import(process.argv[1]); \
                console.log(JSON.stringify(Object.fromEntries(Object.entries(KINDS).map(([kind, { by }]) => [kind, by]))))";
    let output = node.args(["--input-type=module", "--eval", told]).arg(page).output().unwrap();
    let by: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(by.as_object().unwrap().len(), Kind::ALL.len());
    let roles = [Role::Editor, Role::Ingest, Role::Assessor, Role::DataOfficer, Role::Root];
    for kind in Kind::ALL {
        for role in &roles {
            let there = by[kind.to_string()].as_array().unwrap().contains(&serde_json::json!(role));
            assert_eq!(there, kind.may_be_made_by(std::slice::from_ref(role)), "{kind} {role:?}");
        }
    }
}
