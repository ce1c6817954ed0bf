//! Writes that are cut short by the system itself: by a limit on the size of files, and by a disk that fills up.
//!
//! A limit on the size of files lets a write through up to the limit and refuses the next; whether the signal that comes
//! with it is ignored or kills the program, half an object lies there, put aside. It catches the entry
//! bundle, which is the largest. A disk that fills up, a small one in memory, catches each of the others in its turn.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

#[path = "support/desk.rs"]
mod desk;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use desk::{Desk, Promises, arguments, copy_folder, told, verified};

/// Documents that are added in one commit.
const NEW: std::ops::Range<usize> = 1..5;
/// The signal for a file that grew too large.
const SIGXFSZ: i32 = 25;
const DISK_MAX_KIB: usize = 1_024;

/// A desk with one registration.
fn desk_with_one(promises: &mut Promises) -> Desk {
    let desk = Desk::with_log();
    desk.add(&desk.documents(0..1), promises);
    desk
}

/// Checks what must hold after an `add` that was cut short: before any writer has cleaned up, and after the same again.
fn goes_on(desk: &Desk, workspace: &Path, mut promises: Promises) {
    verified(desk, workspace);
    promises.are_kept_at(desk, workspace);
    let again = desk.run_at(workspace, &["add", "--yes"], &desk.documents(NEW));
    assert!(again.status.success(), "{}", told(&again));
    assert_eq!(promises.keep(&again.stdout), NEW.len());
    assert_eq!(promises.are_kept_at(desk, workspace), 1 + NEW.len());
    assert_eq!(verified(desk, workspace), [""; 0]);
}

#[test]
fn half_an_object_is_no_object() {
    let mut promises = Promises::default();
    let desk = desk_with_one(&mut promises);
    for (ignored, prepare) in [(true, "trap '' XFSZ; "), (false, "")] {
        let mut cut = 0;
        for limit in (0..).step_by(9) {
            let workspace = desk.root().join("run");
            let _ = fs::remove_dir_all(&workspace);
            copy_folder(&desk.workspace(), &workspace);
            let mut command = Command::new("sh");
            // Blocks of 512 bytes; what is printed goes to a pipe, which has no such limit.
            let script = format!("{prepare}ulimit -c 0; ulimit -f {limit}; exec \"$0\" \"$@\"");
            command.args(["-c", &script]).arg(env!("CARGO_BIN_EXE_dateline"));
            command.args(arguments(&workspace, &["add", "--yes"], &desk.documents(NEW)));
            desk.bare(&mut command);
            let output = command.output().unwrap();
            if output.status.success() {
                break;
            }
            cut += 1;
            let said = String::from_utf8_lossy(&output.stderr);
            match ignored {
                true => {
                    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
                    assert!(said.contains(".local/staged/") && said.contains("File too large"), "{said}");
                }
                false => assert_eq!(output.status.signal(), Some(SIGXFSZ), "{}", told(&output)),
            }
            goes_on(&desk, &workspace, promises.clone());
        }
        assert!(cut > 2, "only {cut} limits cut a write short");
    }
}

/// What happened on a disk of some size.
struct SmallDisk {
    first: Output,
    /// The workspace, as it was copied off the full disk.
    left: PathBuf,
}

/// Runs `add` on a disk of so many KiB, twice, and copies the workspace off it; `None` if it does not even hold what was
/// there before.
fn add_on_a_disk_of(desk: &Desk, kib: usize) -> Option<SmallDisk> {
    const NO_ROOM: i32 = 99;
    const SCRIPT: &str = r#"
        disk="$0" base="$1" left="$2" kib="$3"; shift 3
        mount -t tmpfs -o "size=${kib}k" tmpfs "$disk" || exit 98
        cp -a "$base/." "$disk" 2>/dev/null || exit 99
        "$@"; code=$?
        # Once more while it is still full: recovery fails, or finds nothing to do.
        test $code = 0 || "$@" >/dev/null 2>&1
        cp -a "$disk" "$left"
        exit $code
    "#;
    let [disk, left] = ["disk", "left"].map(|name| desk.root().join(name));
    fs::create_dir_all(&disk).unwrap();
    let _ = fs::remove_dir_all(&left);
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", SCRIPT]).args([&disk, &desk.workspace(), &left]).arg(kib.to_string());
    command.arg(env!("CARGO_BIN_EXE_dateline"));
    command.args(arguments(&disk, &["add", "--yes", "--no-quotes"], &desk.documents(NEW)));
    // In the order in which they are written, one at a time.
    command.env("RAYON_NUM_THREADS", "1");
    desk.bare(&mut command);
    let first = command.output().unwrap();
    (first.status.code() != Some(NO_ROOM)).then_some(SmallDisk { first, left })
}

#[test]
fn a_disk_that_fills_up_in_the_middle_of_a_commit_loses_nothing() {
    let mayest = Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]).output();
    if !mayest.is_ok_and(|tried| tried.status.success()) {
        eprintln!("left out: this system lets nobody mount a small disk");
        return;
    }
    let mut promises = Promises::default();
    let desk = desk_with_one(&mut promises);
    let (mut full, mut committed) = (0, 0);
    for kib in (8..DISK_MAX_KIB).step_by(4) {
        let Some(SmallDisk { first, left }) = add_on_a_disk_of(&desk, kib) else { continue };
        let mut promises = promises.clone();
        promises.keep(&first.stdout);
        if first.status.success() {
            assert!(full > 3, "only {full} sizes were too small");
            println!("{full} disks were too small, {committed} of them after the commit");
            return;
        }
        full += 1;
        let said = String::from_utf8_lossy(&first.stderr);
        assert_eq!(first.status.code(), Some(3), "{kib} KiB: {}", told(&first));
        assert!(
            said.contains("No space left") && said.contains("  hint: free some space"),
            "{kib} KiB: {said}"
        );
        let [before, now] = [desk.workspace(), left.clone()]
            .map(|workspace| fs::read(workspace.join("records/.local/checkpoint")).unwrap());
        committed += usize::from(before != now);
        goes_on(&desk, &left, promises);
    }
    panic!("no disk was large enough");
}
