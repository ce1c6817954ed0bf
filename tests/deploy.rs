//! What lies in `deploy/`, and audits in parts, through the real program.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/weed.rs"]
mod weed;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use desk::{Desk, Promises, told};
use serde_json::Value;
use weed::Weed;

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(deploy(name)).unwrap()
}

/// Returns whether a program is there, and says so if it is not.
fn have(program: &str) -> bool {
    let there =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("skipped: there is no {program}");
    }
    there
}

/// A desk with a log of some 300 entries.
fn desk_with_records() -> Desk {
    let desk = Desk::with_log();
    desk.add(&desk.documents(0..300), &mut Promises::default());
    desk
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", told(output)))
}

/// Changes one byte of an entry of the first bundle.
fn damage(desk: &Desk) {
    let bundle = desk.records().join("tile/entries/000");
    let mut bytes = fs::read(&bundle).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&bundle, bytes).unwrap();
}

#[test]
fn parts_say_what_one_run_says() {
    let desk = desk_with_records();
    let folder = desk.root().join("parts");
    fs::create_dir(&folder).unwrap();
    let make = |range: &str, name: &str| {
        let out = folder.join(name);
        let output = desk.run(&["verify", "--range", range, "--out", out.to_str().unwrap()], &[]);
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
        (out, json(&output))
    };
    let combine = |paths: &[&Path]| {
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
        desk.run(&["verify", "--stateless", "--combine"], &paths)
    };
    let (first, said) = make("0..256", "a.part");
    assert_eq!((&said["start"], &said["end"], &said["findings"]), (&0.into(), &256.into(), &0.into()));
    assert_eq!((&said["origin"], &said["counts"]["entries"]), (&desk::ORIGIN.into(), &256.into()));
    let (rest, said) = make("256..", "b.part");
    assert_eq!((&said["end"], &said["size"]), (&301.into(), &301.into()));

    let same = |code: i32| {
        let whole = desk.run(&["verify", "--stateless"], &[]);
        let together = combine(&[&rest, &first]);
        assert_eq!(
            (whole.status.code(), together.status.code()),
            (Some(code), Some(code)),
            "{}",
            told(&together)
        );
        assert_eq!(json(&together), json(&whole));
        let for_people = |more: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_dateline"));
            desk.bare(command.args(["verify", "--stateless", "-C"]).arg(desk.workspace()).args(more));
            String::from_utf8(command.output().unwrap().stdout).unwrap()
        };
        assert_eq!(for_people(&["--combine", folder.to_str().unwrap()]), for_people(&[]));
    };
    same(0);

    // What was accepted is remembered, and goes on to be.
    let args = ["verify", "--combine", folder.to_str().unwrap()];
    let accepted = json(&desk.run(&args, &[]));
    assert!(accepted["memory"].is_string() && accepted["remembered"].is_null(), "{accepted}");
    let again = json(&desk.run(&args, &[]));
    assert_eq!(again["remembered"]["size"], 301);

    let refused = |output: Output, code: i32, words: &str| {
        let error = json(&output)["error"].clone();
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error["hints"].as_array().unwrap().is_empty(), "{error}");
    };
    refused(combine(&[&first]), 3, "no part is of entries 256 to 300");
    refused(combine(&[&first, &first, &rest]), 3, "a.part is of entries from 0 on, and other parts are of");
    let odd = desk.run(&["verify", "--range", "0..255", "--out", "x"], &[]);
    refused(odd, 2, "0..256");
    let none = desk.root().join("in");
    refused(combine(&[&none]), 10, "there is no part in");
    let torn = folder.join("torn");
    fs::write(&torn, &fs::read(&first).unwrap()[..900]).unwrap();
    refused(combine(&[&torn, &rest]), 3, "torn");

    damage(&desk);
    let (_, said) = make("0..256", "a.part");
    assert!(said["findings"].as_u64() > Some(0), "{said}");
    same(1);

    // A log that grew meanwhile.
    let before = fs::read(&first).unwrap();
    fs::write(&first, before).unwrap();
    let grown = desk_with_records();
    grown.add(&grown.documents(300..301), &mut Promises::default());
    let of_other = desk.run_at(&grown.workspace(), &["verify", "--combine"], &[first.clone(), rest.clone()]);
    refused(of_other, 3, "a.part is of ");
}

#[test]
fn shares_are_audited_with_gnu_parallel() {
    if !have("parallel") {
        return;
    }
    let desk = desk_with_records();
    let run = || {
        let mut command = Command::new(deploy("audit-in-parts"));
        command.args(["3", "--format", "json", "--stateless", "--workspace"]).arg(desk.workspace());
        desk.bare(&mut command);
        command.env("DATELINE", env!("CARGO_BIN_EXE_dateline")).env("HOME", desk.root());
        command.env_remove("PARTS").env_remove("PARALLEL").output().unwrap()
    };
    for damaged in [false, true] {
        if damaged {
            damage(&desk);
        }
        let (whole, shared) = (desk.run(&["verify", "--stateless"], &[]), run());
        assert_eq!(shared.status.code(), Some(i32::from(damaged)), "{}", told(&shared));
        assert_eq!(json(&shared), json(&whole));
    }
}

/// The arguments of a command line of `dateline`, which must be ones that it takes.
fn must_be_taken(args: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_dateline")).args(args).arg("--help").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", told(&output));
}

#[test]
fn the_jobs_have_the_shape_that_kubernetes_asks_for() {
    use saphyr::{LoadableYamlNode, Yaml};
    let text = text("kubernetes/audit.yaml");
    let jobs = Yaml::load_from_str(&text).unwrap();
    assert_eq!(jobs.len(), 2);
    for job in &jobs {
        assert_eq!((job["apiVersion"].as_str(), job["kind"].as_str()), (Some("batch/v1"), Some("Job")));
        assert!(job["metadata"]["name"].as_str().is_some_and(|name| text.contains(&format!("job/{name}"))));
        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(pod["restartPolicy"].as_str(), Some("Never"));
        let containers = pod["containers"].as_sequence().unwrap();
        assert_eq!(containers.len(), 1);
        let names = |list: &Yaml<'_>| -> Vec<String> {
            let all = list.as_sequence().unwrap().iter();
            all.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&containers[0]["volumeMounts"]), names(&pod["volumes"]));
        let args: Vec<String> = containers[0]["args"]
            .as_sequence()
            .unwrap()
            .iter()
            // As Kubernetes puts variables in.
            .map(|arg| arg.as_str().unwrap().replace("$(JOB_COMPLETION_INDEX)", "99"))
            .collect();
        assert!(args.iter().all(|arg| !arg.contains('$')), "{args:?}");
        must_be_taken(&args.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let spec = &jobs[0]["spec"];
    assert_eq!(spec["completionMode"].as_str(), Some("Indexed"));
    let shares = spec["completions"].as_integer().unwrap();
    assert!(text.contains(&format!("--range=$(JOB_COMPLETION_INDEX)/{shares}")));
    assert_eq!(jobs[1]["spec"]["suspend"].as_bool(), Some(true));
}

#[test]
fn the_units_start_what_there_is_and_are_locked_down() {
    let units = ["systemd/dateline-serve.service", "systemd/dateline-verify.service"];
    for unit in units {
        let text = text(unit);
        let start =
            text.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/dateline ")).unwrap();
        must_be_taken(&start.split(' ').collect::<Vec<_>>());
        for line in [
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "CapabilityBoundingSet=",
            "MemoryDenyWriteExecute=yes",
        ] {
            assert!(text.lines().any(|known| known == line), "{unit}: {line}");
        }
    }
    if !have("systemd-analyze") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for unit in units {
        let exposure = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager", "--threshold=15"])
            .arg(deploy(unit))
            .output()
            .unwrap();
        assert!(exposure.status.success(), "{}", told(&exposure));
        let program = env!("CARGO_BIN_EXE_dateline");
        let here = folder.path().join(Path::new(unit).file_name().unwrap());
        fs::write(&here, text(unit).replace("/usr/local/bin/dateline", program)).unwrap();
        fs::copy(deploy("systemd/dateline-verify.timer"), folder.path().join("dateline-verify.timer"))
            .unwrap();
        let checked = Command::new("systemd-analyze").arg("verify").arg(&here).output().unwrap();
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        let of_ours: Vec<&str> = said.lines().filter(|line| line.contains("dateline")).collect();
        assert!(of_ours.is_empty(), "{of_ours:?}");
    }
}

#[test]
fn the_image_is_made_of_what_is_there() {
    let text = text("Containerfile");
    let built = "/src/target/release/dateline";
    assert!(text.contains("cargo build --release --locked") && text.contains(built));
    let last = text.rsplit("FROM ").next().unwrap();
    assert!(last.contains(&format!("COPY --from=build {built} /usr/local/bin/dateline")), "{last}");
    assert!(last.contains("ENTRYPOINT [\"/usr/local/bin/dateline\"]") && last.contains("USER 65532:65532"));
    let example = text.lines().find_map(|line| line.split_once(" dateline serve ")).unwrap().1;
    must_be_taken(&[&["serve"], example.split(' ').collect::<Vec<_>>().as_slice()].concat());
}

/// Three front ends, started by the script.
struct Nodes {
    script: Child,
    addresses: Vec<String>,
    lines: BufReader<std::process::ChildStdout>,
}

impl Drop for Nodes {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.script.id().to_string()).status();
        let _ = self.script.wait();
    }
}

/// Sends a document, and returns the status and the body of the answer.
fn send(address: &str, token: &str, document: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!(
        "POST /api/v1/records?fileName=a.txt HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{document}",
        document.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

/// Asks for a page, and returns its body.
fn ask(address: &str, path: &str, token: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.split_once("\r\n\r\n")?.1.to_owned())
}

/// The operator's page names each metric that there is, and no other.
fn metrics_are_those_of_the_page(address: &str) {
    let answer = ask(address, "/metrics", "").unwrap();
    let counted = |line: &str| {
        let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
        Some(if kind.trim() == "counter" { format!("{name}_total") } else { name.to_owned() })
    };
    let mut there: BTreeSet<String> = answer.lines().filter_map(counted).collect();
    // Not shown until something failed, and for a log in a folder.
    there.extend(["dateline_failures_total", "dateline_store_requests_total"].map(String::from));
    let page = fs::read_to_string(deploy("../docs/operating.md")).unwrap();
    let named = page.lines().filter_map(|line| line.strip_prefix("| `dateline_")?.split('`').next());
    assert_eq!(named.map(|name| format!("dateline_{name}")).collect::<BTreeSet<_>>(), there);
}

impl Nodes {
    /// Starts three, which find ports of their own.
    fn start(desk: &Desk, more: &[&str], environment: Vec<(String, String)>) -> Self {
        let mut command = Command::new(deploy("three-nodes"));
        desk.bare(&mut command);
        command
            .arg(desk.workspace())
            .args(more)
            .env("PORTS", "0 0 0")
            .env("RUST_LOG", "warn")
            .envs(environment);
        command.env("CACHES", desk.root().join("caches"));
        command.env("DATELINE", env!("CARGO_BIN_EXE_dateline")).stdout(Stdio::piped());
        let mut script = command.spawn().unwrap();
        let lines = BufReader::new(script.stdout.take().unwrap());
        let mut nodes = Nodes { script, addresses: Vec::new(), lines };
        for _ in 0..3 {
            let mut line = String::new();
            assert_ne!(nodes.lines.read_line(&mut line).unwrap(), 0, "a front end did not start");
            nodes.addresses.push(address_in(&line));
        }
        nodes
    }

    /// Process `number` that the script started.
    fn process(&self, number: usize) -> String {
        let id = self.script.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        children.split_whitespace().nth(number).unwrap().to_owned()
    }
}

fn address_in(line: &str) -> String {
    line.trim().rsplit("//").next().unwrap().trim_end_matches('/').to_owned()
}

/// Sends documents to all front ends at once, some of them to each; returns which record each is, in the order of these.
fn sent_to_all(addresses: &[&String], token: &str, numbers: std::ops::Range<usize>) -> Vec<(u64, String)> {
    let acknowledged: Vec<Vec<(u64, String)>> = std::thread::scope(|scope| {
        let desks: Vec<_> = addresses
            .iter()
            .enumerate()
            .map(|(node, address)| {
                let numbers = numbers.clone();
                scope.spawn(move || {
                    let mut records = Vec::new();
                    for number in numbers {
                        // Some documents come to all of them.
                        let which = if number % 4 == 0 { 0 } else { node };
                        let document =
                            format!("Dispatch {which} {number}\n\nThe lake fell by {number} centimetres.\n");
                        // A front end may say that another writes: then it is sent again, as to a server anywhere.
                        let answer = (0..50).find_map(|_| {
                            let (status, body) = send(address, token, &document)?;
                            assert!(matches!(status, 200 | 201 | 429 | 503), "{status}: {body}");
                            (status < 300).then_some(body)
                        });
                        let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
                        records.push((answer["record"].as_u64().unwrap(), document));
                    }
                    records
                })
            })
            .collect();
        desks.into_iter().map(|desk| desk.join().unwrap()).collect()
    });
    let mut records: Vec<(u64, String)> = acknowledged.into_iter().flatten().collect();
    records.sort();
    records.dedup();
    records
}

#[test]
fn three_front_ends_write_one_log() {
    let desk = Desk::with_log();
    let token =
        json(&desk.run(&["token", "new", "--note", "cms"], &[]))["token"].as_str().unwrap().to_owned();
    let nodes = Nodes::start(&desk, &[], Vec::new());
    let records = sent_to_all(&nodes.addresses.iter().collect::<Vec<_>>(), &token, 0..8);
    metrics_are_those_of_the_page(&nodes.addresses[0]);
    drop(nodes);
    // Of each document one record, whoever took it, and of each record one document.
    assert_eq!(records.len(), 3 * 6 + 2);
    let report = json(&desk.run(&["verify", "--stateless"], &[]));
    assert_eq!((&report["verdict"], &report["size"]), (&"verified".into(), &21.into()), "{report}");
    for (record, document) in records {
        let path = desk.root().join("sent.txt");
        fs::write(&path, document).unwrap();
        let found = json(&desk.run(&["check"], &[path]));
        assert!(found.to_string().contains(&format!("\"record\":{record}")), "{record}: {found}");
    }
}

#[test]
fn three_front_ends_write_one_log_in_a_bucket_and_a_new_one_catches_up() {
    let Some(weed) = Weed::start() else { return };
    let desk = Desk::empty();
    let store = ["--store", "s3://news/log"];
    let command = |args: &[&str], paths: &[PathBuf]| {
        let mut command = desk.command_at(&desk.workspace(), &[&store, args].concat(), paths);
        command.envs(weed.settings(1)).env("XDG_CACHE_HOME", desk.root().join("cache"));
        command
    };
    let run = |args: &[&str], paths: &[PathBuf]| {
        let output = command(args, paths).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", told(&output));
        output
    };
    run(&["init", "--no-passphrase", "--log-origin", desk::ORIGIN], &[]);
    run(&["add", "--yes"], &desk.documents(0..300));
    let token = json(&run(&["token", "new", "--note", "cms"], &[]))["token"].as_str().unwrap().to_owned();

    let nodes = Nodes::start(&desk, &store, weed.settings(0));
    let mut records = sent_to_all(&nodes.addresses.iter().collect::<Vec<_>>(), &token, 0..8);
    // One is killed, and its machine lost; the others go on.
    let killed = Command::new("kill").args(["-KILL", &nodes.process(1)]).status().unwrap();
    assert!(killed.success());
    let left = [&nodes.addresses[0], &nodes.addresses[2]];
    records.extend(sent_to_all(&left, &token, 8..16));
    assert!(send(&nodes.addresses[1], &token, "Dispatch").is_none(), "it was not killed");
    fs::remove_dir_all(desk.root().join("caches/2")).unwrap();

    // Another in its place, that has nothing.
    let log = desk.root().join("node.log");
    let mut node = command(&["serve", "--listen", "127.0.0.1:0"], &[]);
    node.env("XDG_CACHE_HOME", desk.root().join("caches/2")).env("RUST_LOG", "info");
    let mut node = node.stdout(Stdio::piped()).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(node.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = address_in(json_line(&line)["listening"].as_str().unwrap());
    records.extend(sent_to_all(&[&address], &token, 16..18));
    let size = 1 + 300 + records.iter().map(|(record, _)| record).collect::<BTreeSet<_>>().len();
    let begun = std::time::Instant::now();
    loop {
        let metrics = ask(&address, "/metrics", "").unwrap();
        let has = |line: String| metrics.lines().any(|known| known == line);
        if has(format!("dateline_log_entries {size}.0")) && has("dateline_index_lag_entries 0.0".into()) {
            assert!(metrics.contains("dateline_store_requests_total{kind=\"conditionalPut\"}"), "{metrics}");
            break;
        }
        assert!(begun.elapsed().as_secs() < 60, "it does not catch up to {size}: {metrics}");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let told = fs::read_to_string(&log).unwrap();
    assert!(told.contains("the search index catches up"), "{told}");
    // It finds what was there before, and what came while there was none in its place.
    for words in ["299", "Dispatch+1+9"] {
        let found = ask(&address, &format!("/api/v1/records?words={words}"), &token).unwrap();
        assert!(found.contains("\"record\""), "{words}: {found}");
    }
    let _ = node.kill();
    let _ = node.wait();
    drop(nodes);
    let report = json(&run(&["verify", "--stateless"], &[]));
    assert_eq!((&report["verdict"], &report["size"]), (&"verified".into(), &size.into()), "{report}");
    for (record, document) in records {
        let path = desk.root().join("sent.txt");
        fs::write(&path, document).unwrap();
        let found = json(&run(&["check"], &[path]));
        assert!(found.to_string().contains(&format!("\"record\":{record}")), "{record}: {found}");
    }
}

fn json_line(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}
