//! The server, through the real program: the log as static files, records in with a proof as the answer, and what it refuses.
#![allow(clippy::unwrap_used)]

#[path = "support/serving.rs"]
mod serving;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dateline::base::Hash;
use dateline::base::encoding::{from_base64url, to_base64};
use serde_json::Value;

use serving::{Folder, LAKE, ask};

#[test]
fn a_document_is_answered_with_its_proof_once_it_is_published() {
    let folder = Folder::new();
    let (token, server) = (folder.token("submit"), folder.serve(&[]));
    let answer = server.send(&token, "?origin=Mairie%20de%20Mopti&fileName=lake.txt", LAKE.as_bytes());
    let told = answer.json();
    assert_eq!((answer.status, &told["record"], &told["outcome"]), (201, &1.into(), &"registered".into()));
    fs::write(folder.path("lake.tlog-proof"), told["proof"].as_str().unwrap()).unwrap();
    folder.done(&["check", "lake.txt", "--proof", "lake.tlog-proof"]);
    let shown = folder.done(&["show", "1", "--format", "json"]);
    assert!(shown.contains("Mairie de Mopti"), "{shown}");
    // The same again is the same record.
    let again = server.send(&token, "", LAKE.as_bytes());
    assert_eq!((again.status, &again.json()["record"]), (200, &1.into()));
    assert_eq!(again.json()["outcome"], "alreadyRegistered");
    // A command on the same machine writes while the server runs.
    fs::write(folder.path("other.txt"), "Another text.\n").unwrap();
    std::thread::sleep(Duration::from_millis(600));
    folder.done(&["add", "other.txt", "--yes"]);
    let next = server.send(&token, "", b"A third text.\n");
    assert_eq!((next.status, &next.json()["record"]), (201, &3.into()));
    assert_eq!(server.get("/healthz").status, 200);
    let metrics = String::from_utf8(server.get("/metrics").body).unwrap();
    assert!(
        metrics.contains("dateline_appends_total 3") && metrics.contains("dateline_log_entries 4"),
        "{metrics}"
    );
}

#[test]
fn the_log_is_served_as_it_lies_and_nothing_else_is() {
    let folder = Folder::new();
    folder.done(&["add", "lake.txt", "--yes"]);
    folder.done(&["note", "1", "update", "--pending"]);
    let server = folder.serve(&[]);
    let checkpoint = server.get("/log/checkpoint");
    assert_eq!(checkpoint.body, fs::read(folder.path("records/checkpoint")).unwrap());
    assert_eq!(checkpoint.header("cache-control"), Some("no-cache"));
    assert_eq!(checkpoint.header("content-type"), Some("text/plain; charset=utf-8"));
    let tile = server.get("/log/tile/0/000.p/2");
    assert_eq!((tile.status, tile.body.len()), (200, 64));
    assert_eq!(tile.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let etag = tile.header("etag").unwrap();
    assert_eq!(server.ask("GET", "/log/tile/0/000.p/2", &[("If-None-Match", etag)], b"").status, 304);
    let part = server.ask("GET", "/log/tile/0/000.p/2", &[("Range", "bytes=32-")], b"");
    assert_eq!((part.status, part.body.as_slice()), (206, &tile.body[32..]));
    assert_eq!(part.header("content-range"), Some("bytes 32-63/64"));
    let zipped = server.ask("GET", "/log/tile/entries/000.p/2", &[("Accept-Encoding", "gzip")], b"");
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    let original = format!(
        "/log/content/sha256/{}/{}",
        &Hash::of(LAKE.as_bytes()).to_hex()[..2],
        Hash::of(LAKE.as_bytes())
    );
    let stored = server.get(&original);
    assert_eq!((stored.status, stored.header("content-disposition")), (200, Some("attachment")));
    let pending = fs::read_dir(folder.path("records/pending")).unwrap().next().unwrap().unwrap().file_name();
    let pending = format!("/log/pending/{}", pending.to_str().unwrap());
    for path in [
        "/log/.local/checkpoint",
        pending.as_str(),
        "/log/../keys/private/log",
        "/log/..%2f..%2fkeys%2fprivate%2flog",
        "/log/tile/0/001",
        "/log/",
        "/nothing",
        "/api/v1/records/99/proof",
        "/api/v1/records/x/proof",
    ] {
        let answer = server.get(path);
        assert!((400..=404).contains(&answer.status), "{path}: {}", answer.status);
        if path.starts_with("/log") {
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
            assert_eq!(answer.json()["code"], "notFound", "{path}");
        }
    }
    // Any auditor reads it.
    folder.done(&["verify", &format!("http://{}/log/", server.address), "--stateless"]);
    let proof = server.get("/api/v1/records/1/proof");
    fs::write(folder.path("one.tlog-proof"), proof.body).unwrap();
    folder.done(&["check", "lake.txt", "--proof", "one.tlog-proof"]);
    assert_eq!(server.get("/api/v1/log").json()["checkpoint"]["size"], 2);
}

#[test]
fn nobody_writes_without_a_token_that_allows_it() {
    let folder = Folder::new();
    let (submit, relay) = (folder.token("submit"), folder.token("relay"));
    let server = folder.serve(&[]);
    let none = server.ask("POST", "/api/v1/records", &[], LAKE.as_bytes());
    assert_eq!((none.status, none.json()["code"].as_str()), (401, Some("unauthorised")));
    assert_eq!(server.send("dateline_AAAAAAAAAAAAAAAAAAAAAA", "", LAKE.as_bytes()).status, 401);
    let relayed = server.send(&relay, "", LAKE.as_bytes());
    assert_eq!((relayed.status, relayed.json()["code"].as_str()), (403, Some("forbidden")));
    let list: Vec<Value> = folder
        .done(&["token", "list", "--format", "json"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let id = list.iter().find(|one| one["scope"] == "submit").unwrap()["id"].as_str().unwrap().to_owned();
    folder.done(&["token", "revoke", &id]);
    assert_eq!(server.send(&submit, "", LAKE.as_bytes()).status, 401);
    assert_eq!(folder.run(&["token", "revoke", &id]).status.code(), Some(10));
    assert!(
        !fs::read_to_string(folder.path("keys/private/server/tokens.json")).unwrap().contains(&submit[9..])
    );
}

#[test]
fn a_statement_that_was_signed_elsewhere_is_taken_once() {
    let folder = Folder::new();
    folder.done(&["add", "lake.txt", "--yes"]);
    folder.done(&["note", "1", "update", "--pending", "--note", "there is more"]);
    let waiting = fs::read_dir(folder.path("records/pending")).unwrap().next().unwrap().unwrap().path();
    let statement = fs::read(&waiting).unwrap();
    fs::remove_file(&waiting).unwrap();
    let (token, server) = (folder.token("relay"), folder.serve(&["--relay-only"]));
    let bearer = format!("Bearer {token}");
    let headers =
        [("Authorization", bearer.as_str()), ("Content-Type", "application/vnd.dateline.pending+json")];
    let send = |body: &[u8]| server.ask("POST", "/api/v1/records", &headers, body);
    let answer = send(&statement);
    assert_eq!((answer.status, &answer.json()["record"]), (201, &2.into()), "{}", answer.json());
    let again = send(&statement);
    assert_eq!((again.status, &again.json()["record"]), (200, &2.into()));
    let mut changed: Value = serde_json::from_slice(&statement).unwrap();
    changed["openings"] = serde_json::json!([]);
    assert_eq!(send(changed.to_string().as_bytes()).status, 200, "what is there is there");
    changed["entry"] = to_base64(b"{}").into();
    assert_eq!(send(changed.to_string().as_bytes()).status, 400);
    assert_eq!(send(b"{}").status, 400);
    folder.done(&["verify", "--stateless"]);
}

#[test]
fn what_cannot_be_registered_is_refused_with_its_reason() {
    let folder = Folder::new();
    let (token, server) = (folder.token("submit"), folder.serve(&[]));
    let unknown = server.send(&token, "?orgin=x", LAKE.as_bytes());
    assert_eq!((unknown.status, unknown.json()["code"].as_str()), (400, Some("badRequest")));
    assert!(unknown.json()["detail"].as_str().unwrap().contains("there is no parameter \"orgin\""));
    let feed = b"<rss version=\"2.0\"><channel><title>x</title><item><title>a</title><description>One two three.</description></item></channel></rss>";
    let several = server.send(&token, "", feed);
    assert_eq!(
        (several.status, several.json()["code"].as_str()),
        (422, Some("rejected")),
        "{}",
        several.json()
    );
    let empty = server.send(&token, "", b"");
    assert_eq!(empty.status, 422);
    let large = server.send(&token, "", &vec![b'a'; 60 * 1024 * 1024]);
    assert_eq!(large.status, 413);
    folder.done(&["verify", "--stateless"]);
}

#[test]
fn many_at_once_share_commits_and_a_killed_server_loses_nothing() {
    let folder = Folder::new();
    let token = folder.token("submit");
    let mut server = folder.serve(&["--rate", "100000"]);
    let texts: Vec<String> =
        (0..200).map(|number| format!("Dispatch {number}\n\nThe river stood at {number} cm.\n")).collect();
    let acknowledged: Vec<(usize, u64)> = std::thread::scope(|scope| {
        let (server, token) = (&server, &token);
        let workers: Vec<_> = texts
            .chunks(25)
            .enumerate()
            .map(|(worker, some)| {
                scope.spawn(move || {
                    let mut told = Vec::new();
                    for (number, text) in some.iter().enumerate() {
                        let answer = server.send(token, "", text.as_bytes());
                        assert_eq!(answer.status, 201, "{}", answer.json());
                        told.push((worker * 25 + number, answer.json()["record"].as_u64().unwrap()));
                    }
                    told
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let metrics = String::from_utf8(server.get("/metrics").body).unwrap();
    let commits = metrics.lines().find_map(|line| line.strip_prefix("dateline_commits_total ")).unwrap();
    assert!(commits.parse::<u64>().unwrap() < 200, "each record had a commit of its own: {commits}");
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    drop(server);
    folder.done(&["verify", "--stateless"]);
    for (number, record) in acknowledged.iter().step_by(17) {
        let shown: Value =
            serde_json::from_str(&folder.done(&["show", &record.to_string(), "--format", "json"])).unwrap();
        let digest = Hash::of(texts[*number].as_bytes());
        assert_eq!(shown["digests"]["original"], format!("sha256:{digest}"));
    }
}

/// Eight clients send documents until the server has answered some, and then until it is gone. What it answered must be there.
fn ended_under_load(signal: &str) {
    let folder = Folder::new();
    let token = folder.token("submit");
    let mut server = folder.serve(&["--rate", "100000"]);
    let (address, pid) = (server.address.clone(), server.child.id().to_string());
    let answered = AtomicUsize::new(0);
    let told: Vec<(String, u64)> = std::thread::scope(|scope| {
        let (address, token, answered) = (&address, &token, &answered);
        let worker = |worker: usize| {
            move || {
                let mut told = Vec::new();
                for number in 0.. {
                    let text = format!("Dispatch {worker}-{number}\n\nThe river stood at {number} cm.\n");
                    let bearer = format!("Bearer {token}");
                    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain")];
                    let answer = ask(address, "POST", "/api/v1/records", &headers, text.as_bytes());
                    // An answer that was cut off is none.
                    let Ok(answer) = answer else { break };
                    let Ok(json) = serde_json::from_slice::<Value>(&answer.body) else { break };
                    assert_eq!(answer.status, 201, "{json}");
                    told.push((text, json["record"].as_u64().unwrap()));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                told
            }
        };
        let workers: Vec<_> = (0..8).map(|number| scope.spawn(worker(number))).collect();
        while answered.load(Ordering::Relaxed) < 60 && workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let status = server.child.wait().unwrap();
    assert_eq!(status.success(), signal == "-TERM", "{status}");
    assert!(told.len() >= 60, "it ended before it was ended");
    // Its lock is gone with it; what was cut off is finished by the next writer.
    folder.done(&["add", "lake.txt", "--yes"]);
    folder.done(&["verify", "--stateless"]);
    let listed = folder.done(&["list", "--format", "json", "--limit", "100000"]);
    let originals: BTreeMap<u64, String> = listed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|one| (one["record"].as_u64().unwrap(), one["digests"]["original"].as_str().unwrap().to_owned()))
        .collect();
    for (text, record) in &told {
        assert_eq!(originals[record], format!("sha256:{}", Hash::of(text.as_bytes())), "record {record}");
    }
}

#[test]
#[cfg(unix)]
fn a_server_that_is_killed_under_load_has_all_that_it_answered() {
    ended_under_load("-KILL");
}

#[test]
#[cfg(unix)]
fn a_server_that_is_ended_under_load_has_all_that_it_answered() {
    ended_under_load("-TERM");
}

#[test]
fn the_page_for_readers_is_served_with_what_it_takes() {
    let folder = Folder::new();
    let server = folder.serve(&[]);
    for (path, kind) in [
        ("/verify", "text/html; charset=utf-8"),
        ("/verify.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}");
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"), "{path}");
    }
    assert_eq!(server.get("/policy").body, fs::read(folder.path("keys/policy")).unwrap());
    let root = fs::read_to_string(folder.path("keys/roots/root.pub")).unwrap();
    let served = String::from_utf8(server.get("/roots").body).unwrap();
    assert_eq!(
        served.split_whitespace().take(2).collect::<Vec<_>>(),
        root.split_whitespace().take(2).collect::<Vec<_>>()
    );
}

#[test]
#[cfg(unix)]
fn it_ends_when_it_is_told_to() {
    let folder = Folder::new();
    let mut server = folder.serve(&[]);
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let status = server.child.wait().unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn too_much_at_once_is_put_off() {
    let folder = Folder::new();
    let (token, server) = (folder.token("submit"), folder.serve(&["--rate", "1"]));
    let statuses: Vec<u16> = (0..14)
        .map(|number| server.send(&token, "", format!("Text {number} of many.\n").as_bytes()).status)
        .collect();
    assert!(statuses.contains(&201) && statuses.contains(&429), "{statuses:?}");
    let late = loop {
        let answer = server.send(&token, "", b"One more text.\n");
        if answer.status == 429 {
            break answer;
        }
    };
    assert_eq!(late.header("retry-after"), Some("1"));
    assert_eq!(late.json()["code"], "tooMany");
}

#[test]
fn earlier_checkpoints_are_kept_and_told() {
    let folder = Folder::new();
    let token = folder.token("submit");
    let sizes = |server: &serving::Server, query: &str| -> Vec<u64> {
        let told = server.get(&format!("/api/v1/checkpoints{query}")).json();
        told["checkpoints"].as_array().unwrap().iter().map(|one| one["size"].as_u64().unwrap()).collect()
    };
    // The first that a server sees is kept; it looks once a second.
    // A server that has just ended may have kept the last one itself.
    let seen = |count: usize| {
        let server = folder.serve(&[]);
        let kept = folder.path("keys/private/server/checkpoints.jsonl");
        while fs::read_to_string(&kept).map_or(0, |lines| lines.lines().count()) < count {
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    };
    let server = seen(1);
    assert_eq!(server.send(&token, "", LAKE.as_bytes()).status, 201);
    assert_eq!((sizes(&server, ""), sizes(&server, "?before=2")), (vec![1, 2], vec![1]));
    drop(server);
    let server = seen(2);
    assert_eq!(server.send(&token, "", b"Another text.\n").status, 201);
    assert_eq!(sizes(&server, ""), [1, 2, 3]);
    assert_eq!(sizes(&server, "?limit=2"), [2, 3]);
    let told = server.get("/api/v1/checkpoints?before=3&limit=1").json();
    let note = told["checkpoints"][0]["note"].as_str().unwrap();
    assert!(note.starts_with("news.example.org/log\n2\n"), "{note}");
    let page = String::from_utf8(server.get("/log-state").body).unwrap();
    assert!(page.contains("Earlier checkpoints"), "{page}");
}

#[test]
fn any_bytes_are_sealed_where_that_is_wanted() {
    let folder = Folder::new();
    let token = folder.token("submit");
    let bearer = format!("Bearer {token}");
    let without = folder.serve(&[]);
    assert_eq!(without.ask("POST", "/add", &[("Authorization", &bearer)], b"x").status, 404);
    drop(without);
    let server = folder.serve(&["--add"]);
    assert_eq!(server.ask("POST", "/add", &[], b"x").status, 401);
    let bytes: Vec<u8> = (0..=255).collect();
    for (index, body) in [(1, bytes.as_slice()), (2, LAKE.as_bytes()), (3, LAKE.as_bytes())] {
        let answer = server.ask("POST", "/add", &[("Authorization", &bearer)], body);
        assert_eq!((answer.status, answer.body.as_slice()), (200, index.to_string().as_bytes()));
        // The opening says of which bytes it is; the entry does not.
        let opening = from_base64url(answer.header("dateline-opening").unwrap()).unwrap();
        let opening: Value = serde_json::from_slice(&opening).unwrap();
        assert_eq!(opening[2]["original"], Hash::of(body).to_hex());
        let shown = folder.done(&["show", &index.to_string(), "--format", "json"]);
        assert!(
            shown.contains("\"kind\":\"sealed\"") && !shown.contains(&Hash::of(body).to_hex()),
            "{shown}"
        );
    }
    folder.done(&["verify", "--stateless"]);
}

/// The proxy adds whom it heard; what comes before, anybody can write.
#[test]
fn behind_a_proxy_each_has_a_rate_of_his_own() {
    let folder = Folder::new();
    let put_off = |server: &serving::Server, forwarded: &str, attempts: usize| {
        let sign_in = |_| {
            let headers = [
                ("X-Forwarded-For", forwarded),
                ("Sec-Fetch-Site", "same-origin"),
                ("Host", "localhost"),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ];
            server.ask("POST", "/sign-in", &headers, b"challenge=x&signature=x").status
        };
        (0..attempts).map(sign_in).filter(|status| *status == 429).count()
    };
    for (args, own) in
        [(&["--behind-proxy", "--public-url", "https://news.example.org"][..], true), (&[], false)]
    {
        let server = folder.serve(args);
        assert!(put_off(&server, "203.0.113.7", 40) > 0, "{args:?}: nobody was put off");
        assert_eq!(put_off(&server, "203.0.113.7, 203.0.113.8", 20) == 0, own, "{args:?}");
        assert!(put_off(&server, "203.0.113.8, 203.0.113.7", 20) > 0, "{args:?}");
    }
}

/// What a key signed before it was revoked stays valid, and so do the proofs of it.
#[test]
fn a_revoked_key_leaves_proofs_of_what_it_signed_before() {
    let folder = Folder::new();
    let (token, server) = (folder.token("submit"), folder.serve(&[]));
    assert_eq!(server.send(&token, "", LAKE.as_bytes()).status, 201);
    std::thread::sleep(Duration::from_millis(600));
    folder.done(&["key", "revoke", "keys/private/editor.pub"]);
    let proof = server.get("/api/v1/records/1/proof");
    assert_eq!(proof.status, 200, "{}", String::from_utf8_lossy(&proof.body));
    fs::write(folder.path("lake.tlog-proof"), &proof.body).unwrap();
    folder.done(&["check", "lake.txt", "--proof", "lake.tlog-proof"]);
    // Sent again, it is there; what the key signs now is not taken.
    let again = server.send(&token, "", LAKE.as_bytes());
    assert_eq!((again.status, again.json()["record"].as_u64()), (200, Some(1)));
    assert_eq!(again.json()["outcome"], "alreadyRegistered");
    let refused = server.send(&token, "", b"A text after that.\n");
    assert!(refused.status >= 400 && refused.status < 500, "{}", refused.status);
}
