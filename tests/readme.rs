//! What the README promises: its walk-through works, and it says all that must be said.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

#[test]
fn the_walk_through_works() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("depeche.fr.txt", include_str!("../demo/depeche.fr.txt"));
    fs::create_dir(folder.path().join("dispatches")).unwrap();
    write("dispatches/1.txt", "La séance est levée.\n\nSource : Mairie de Port-Clair\n");
    write("dispatches/2.md", "# The lake rises\n\nThe water is up by two metres.\n\nBy Awa Diarra\n");
    let readme = readme();
    let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("$ dateline ")).collect();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        let mut run = Command::new(env!("CARGO_BIN_EXE_dateline"));
        run.args(command.split(' ')).current_dir(folder.path()).stdin(Stdio::null());
        run.env("XDG_STATE_HOME", folder.path().join("state"));
        let output = run.env_remove("DATELINE_PASSPHRASE_FILE").output().unwrap();
        assert!(output.status.success(), "dateline {command}: {output:?}");
    }
}

#[test]
fn the_demo_runs_twice() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["text", "json"] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_dateline"));
        let output = run.args(["demo", "--format", format]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Ministère de la Pêche et des Ressources marines"), "{text}");
        assert!(text.to_lowercase().contains("invalid"), "the changed copy was not refused: {text}");
    }
    // Not over a folder that it did not make.
    fs::remove_file(folder.path().join("dateline-demo/.dateline-demo")).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_dateline"));
    let output = run.arg("demo").current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(folder.path().join("dateline-demo/records/checkpoint").exists());
}

#[test]
fn it_names_every_exit_code_and_format() {
    let readme = readme();
    for code in ["| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 10 |", "| 11 |", "| 12 |", "| 70 |"] {
        assert!(readme.contains(code), "exit code {code}");
    }
    for kind in dateline::record::Kind::ALL {
        assert!(readme.contains(kind.predicate_type()), "{kind}");
    }
    for name in ["DATELINE_PASSPHRASE_FILE", "keys/policy", "records/disclosures", "65,535"] {
        assert!(readme.contains(name), "{name}");
    }
}

/// The log in this repository verifies, as every log that a release has written must for ever.
#[test]
fn the_projects_own_log_holds() {
    let run = |args: &[&str]| {
        let mut run = Command::new(env!("CARGO_BIN_EXE_dateline"));
        run.args(args).args(["--format", "json", "--workspace", env!("CARGO_MANIFEST_DIR")]);
        let output = run.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    assert_eq!(run(&["verify", "--stateless"])["verdict"], "verified");
    let first = run(&["show", "1"]);
    let origin = "Ministère de la Défense de la Fédération de Russie";
    assert_eq!(first["claimedOrigins"][0]["asPrinted"], origin);
    assert_eq!(first["bylines"][0]["asPrinted"], "Naby");
    assert_eq!((&first["originalStored"], &first["quotes"]), (&false.into(), &serde_json::Value::Null));
}
