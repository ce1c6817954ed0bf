//! The API's JSON through the real program: held against what the commands print, and fuzzed by its own description.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "support/serving.rs"]
mod serving;

use std::fs;
use std::process::Command;

use serde_json::Value;

use serving::{Folder, Server};

const RIVER: &str = "The river rises\n\nBy Awa Diarra\n\nThe river has risen by 3 metres, the mayor said.\n\nSource: Reuters\n";

fn registered() -> (Folder, Server) {
    let folder = Folder::new();
    fs::write(folder.path("river.txt"), RIVER).unwrap();
    folder.done(&["add", "lake.txt", "river.txt", "--yes"]);
    folder.done(&["cite", "2", "1"]);
    folder.done(&["retract", "1"]);
    let server = folder.serve(&[]);
    (folder, server)
}

/// Whether the index was there already when it was asked makes no difference to anything else.
fn without_basis(mut told: Value) -> Value {
    told.as_object_mut().unwrap().remove("basis");
    told
}

fn printed(folder: &Folder, args: &[&str]) -> Value {
    let printed = folder.done(&[args, &["--format", "json"]].concat());
    without_basis(serde_json::from_str(printed.lines().next().unwrap()).unwrap())
}

#[test]
fn records_are_told_as_the_commands_tell_them() {
    let (folder, server) = registered();
    for record in ["1", "2"] {
        let told = without_basis(server.get(&format!("/api/v1/records/{record}")).json());
        assert_eq!(told, printed(&folder, &["show", record]));
    }
    assert_eq!(server.get("/api/v1/records/0").json()["kind"], "key");
    assert_eq!(server.get("/api/v1/records/2/lineage").json(), printed(&folder, &["trace", "2"]));
    assert_eq!(server.get("/api/v1/records/2/lineage").json()["hops"].as_array().unwrap().len(), 1);
    let headers = [("Content-Type", "text/plain; charset=utf-8")];
    let check = |name: &str, text: &str| {
        let path = format!("/api/v1/check?fileName={name}");
        without_basis(server.ask("POST", &path, &headers, text.as_bytes()).json())
    };
    let mut told = printed(&folder, &["check", "river.txt"]);
    told["path"] = "river.txt".into();
    assert_eq!(check("river.txt", RIVER), told);
    let changed = check("river.txt", &RIVER.replace("3 metres", "8 metres"));
    assert_eq!(changed["answer"], "sameWordingNumbersDiffer", "{changed}");
    assert_eq!(check("x.txt", "Something else.\n")["answer"], "unknown");

    let list = |query: &str| server.get(&format!("/api/v1/records{query}")).json();
    let all = list("");
    assert_eq!((&all["total"], &all["records"][0]["record"]), (&2.into(), &1.into()), "{all}");
    let mut first = printed(&folder, &["list"]);
    first["snippet"] = Value::Null;
    assert_eq!(all["records"][0], first);
    for (query, records) in [
        ("?words=mayor", &[2][..]),
        ("?words=lake", &[1]),
        ("?origin=Reuters", &[2]),
        ("?byline=Awa+Diarra", &[1, 2]),
        ("?state=retracted", &[1]),
        ("?limit=1&offset=1", &[2]),
        ("?offset=9", &[]),
        ("?from=2030", &[]),
    ] {
        let found = list(query);
        let numbers: Vec<u64> =
            found["records"].as_array().unwrap().iter().map(|one| one["record"].as_u64().unwrap()).collect();
        assert_eq!(numbers, records, "{query}: {found}");
    }
    assert!(list("?words=mayor")["records"][0]["snippet"]["text"].as_str().unwrap().contains("mayor"));
    let checkpoints = server.get("/api/v1/checkpoints").json();
    let note = fs::read_to_string(folder.path("records/checkpoint")).unwrap();
    let all = checkpoints["checkpoints"].as_array().unwrap();
    assert_eq!(all.last().unwrap()["note"], note);
    assert_eq!(server.get("/api/v1/checkpoints?before=1").json()["checkpoints"], serde_json::json!([]));
    assert_eq!(server.get("/api/v1/checkpoints?limit=0").status, 400);
}

#[test]
fn errors_have_one_shape_and_codes_that_stay() {
    let (_folder, server) = registered();
    for (method, path, status, code) in [
        ("GET", "/nowhere", 404, "notFound"),
        ("GET", "/api/v1/records/99", 404, "notFound"),
        ("GET", "/api/v1/records/x", 404, "notFound"),
        ("GET", "/api/v1/records/01", 404, "notFound"),
        ("GET", "/api/v1/records/99/lineage", 404, "notFound"),
        ("GET", "/api/v1/records/0/lineage", 404, "notFound"),
        ("GET", "/api/v1/records?limit=0", 400, "badRequest"),
        ("GET", "/api/v1/records?limit=x", 400, "badRequest"),
        ("GET", "/api/v1/records?unknown=1", 400, "badRequest"),
        ("GET", "/api/v1/records?state=lost", 400, "badRequest"),
        ("GET", "/api/v1/records?from=yesterday", 400, "badRequest"),
        ("GET", "/api/v1/records?words=%2C", 400, "badRequest"),
        ("DELETE", "/api/v1/records", 405, "methodNotAllowed"),
        ("PUT", "/healthz", 405, "methodNotAllowed"),
        ("POST", "/api/v1/records", 401, "unauthorised"),
        ("POST", "/api/v1/records/prepare", 401, "unauthorised"),
        ("GET", "/api/v1/session", 401, "unauthorised"),
    ] {
        let answer = server.ask(method, path, &[], b"");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {path}");
        let told = answer.json();
        assert_eq!((answer.status, told["code"].as_str()), (status, Some(code)), "{method} {path}");
        for member in ["type", "title", "status", "detail"] {
            assert!(!told[member].is_null(), "{method} {path}: {member}");
        }
    }
    assert!(server.ask("DELETE", "/api/v1/records", &[], b"").header("allow").is_some());
    let large = vec![b'a'; 80 * 1024 * 1024];
    let answer = server.ask("POST", "/api/v1/check", &[], &large);
    assert_eq!((answer.status, answer.json()["code"].as_str()), (413, Some("tooLarge")));
}

#[test]
fn what_is_like_a_registered_text_is_told_when_it_is_registered() {
    let (folder, server) = registered();
    let token = folder.token("submit");
    let other = RIVER.replace("Source: Reuters", "Source: AFP");
    let answer = server.send(&token, "", other.as_bytes()).json();
    let codes: Vec<&str> =
        answer["warnings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"conflictingOrigin"), "{answer}");
    assert_eq!(
        server.send(&token, "", b"Of nothing that is there.\n").json()["warnings"],
        serde_json::json!([])
    );
    let lag = |server: &Server| {
        let text = String::from_utf8(server.get("/metrics").body).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("dateline_index_lag_entries "))
            .unwrap()
            .to_owned();
        line.parse::<f64>().unwrap()
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while lag(&server) > 0.0 {
        assert!(std::time::Instant::now() < deadline, "the index does not follow");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(server.get(&format!("/api/v1/records?words={}", "risen")).json()["total"], 2);
}

#[test]
fn the_description_says_what_there_is() {
    let (_folder, server) = registered();
    let told = server.get("/api/v1/openapi.json").json();
    assert!(told["openapi"].as_str().unwrap().starts_with("3.1"), "{told}");
    let paths: Vec<&String> = told["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths.len(), 8, "{paths:?}");
    assert!(told["components"]["schemas"]["Fault"].is_object());
}

/// Where `DATELINE_SCHEMATHESIS` names the tool.
#[test]
fn it_is_what_its_description_says() {
    let Some(tool) = std::env::var_os("DATELINE_SCHEMATHESIS") else {
        eprintln!("left out: DATELINE_SCHEMATHESIS names no schemathesis");
        return;
    };
    let (folder, server) = registered();
    let token = folder.token("submit");
    let scratch = tempfile::tempdir().unwrap();
    let output = Command::new(tool)
        .args(["run", &format!("http://{}/api/v1/openapi.json", server.address), "--max-examples", "40"])
        .args(["--header", &format!("Authorization: Bearer {token}"), "--seed", "7", "--no-color"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .current_dir(scratch.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    folder.done(&["verify", "--stateless"]);
    assert_eq!(server.get("/healthz").status, 200);
}
