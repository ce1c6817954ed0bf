//! `dateline demo`: the whole main job, once, on a dispatch of our own writing, in a folder that stays.

use std::fs;
use std::path::Path;

use clap::Parser;

use super::args::{Cli, DemoArgs};
use super::exit::Exit;
use super::failure::{Failure, Outcome};
use super::output::{Output, print_bytes, say};

const DISPATCH: &str = include_str!("../../demo/depeche.fr.txt");
const DISPATCH_NAME: &str = "depeche.fr.txt";
/// Marks a folder as a demo's, which a later one may remove.
const MARKER: &str = ".dateline-demo";

/// The commands, as a person would type them in the folder.
const STEPS: [(&str, &[&str]); 7] = [
    (
        "make the keys and the log; entry 0 enrols the first signer",
        &[
            "init",
            "--log-origin",
            "demo.example.org/provenance",
            "--no-passphrase",
            "--signer-name",
            "Demo editor",
        ],
    ),
    ("register a dispatch", &["add", DISPATCH_NAME, "--yes"]),
    ("what is registered?", &["list"]),
    ("is this text known, and is it the same?", &["check", DISPATCH_NAME]),
    ("a file that proves the record offline", &["prove", "1", "-o", "depeche.tlog-proof"]),
    (
        "check the document against that file alone",
        &["check", DISPATCH_NAME, "--proof", "depeche.tlog-proof"],
    ),
    ("does everything hold?", &["verify", "--stateless"]),
];

pub(crate) fn run(args: &DemoArgs, output: Output) -> Outcome<Exit> {
    let folder = &args.folder;
    prepare(folder)?;
    let entered = std::env::set_current_dir(folder);
    entered.map_err(|error| {
        Failure::new(Exit::Unavailable, format!("cannot enter {}", folder.display())).because(&error)
    })?;
    tell(&format!("$ cd {}", folder.display()), output)?;
    for (why, command) in STEPS {
        step(why, command, Exit::Success, output)?;
    }
    tamper()?;
    step(
        "and after one bit of a copy was flipped?",
        &["verify", "--stateless", "--workspace", "tampered"],
        Exit::Invalid,
        output,
    )?;
    tell(
        &format!(
            "\nEverything is in {}, to look at. Its keys have no passphrase: use them for nothing else.",
            folder.display()
        ),
        output,
    )?;
    Ok(Exit::Success)
}

/// Says what happens, in the same stream as what the commands print, so that a reader sees it in order.
fn tell(line: &str, output: Output) -> Outcome<()> {
    if output.is_json() {
        say(line);
        return Ok(());
    }
    print_bytes(format!("{line}\n").as_bytes())
}

fn step(why: &str, command: &[&str], expected: Exit, output: Output) -> Outcome<()> {
    let shown: Vec<String> = command
        .iter()
        .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).into() })
        .collect();
    tell(&format!("\n# {why}\n$ dateline {}", shown.join(" ")), output)?;
    let format = if output.is_json() { "json" } else { "text" };
    let words = ["dateline", "--format", format].into_iter().chain(command.iter().copied());
    let cli = Cli::try_parse_from(words).expect("internal error: the demo's commands are not commands");
    match super::run(&cli, output)? {
        exit if exit == expected => Ok(()),
        exit => {
            let message =
                format!("`dateline {}` ended with {}, not {}", shown.join(" "), exit.code(), expected.code());
            Err(Failure::new(Exit::Internal, message))
        }
    }
}

/// Makes the folder, in place of an earlier demo's.
fn prepare(folder: &Path) -> Outcome<()> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Unavailable, format!("cannot make the folder {}", folder.display()))
            .because(&error)
    };
    if folder.join(MARKER).is_file() {
        fs::remove_dir_all(folder).map_err(failed)?;
    } else if folder.exists() {
        let message = format!("{} is there already, and no earlier demo made it", folder.display());
        return Err(Failure::new(Exit::Usage, message).hint("name another folder: dateline demo DIR"));
    }
    fs::create_dir_all(folder).map_err(failed)?;
    fs::write(folder.join(MARKER), "").map_err(failed)?;
    fs::write(folder.join(DISPATCH_NAME), DISPATCH).map_err(failed)
}

/// Copies the log and the public keys, and flips one bit of an entry in the copy.
fn tamper() -> Outcome<()> {
    let failed =
        |error: std::io::Error| Failure::new(Exit::Unavailable, "cannot copy the log").because(&error);
    let mut folders = vec![Path::new("records").to_owned(), Path::new("keys").to_owned()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(Path::new("tampered").join(&folder)).map_err(failed)?;
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.ends_with("private") || path.ends_with(".local") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                fs::copy(&path, Path::new("tampered").join(&path)).map_err(failed)?;
            }
        }
    }
    let bundle = Path::new("tampered/records/tile/entries/000.p/2");
    let mut bytes = fs::read(bundle).map_err(failed)?;
    let last = bytes.len() - 200;
    bytes[last] ^= 1;
    fs::write(bundle, bytes).map_err(failed)
}
