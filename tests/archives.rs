//! A log in an archive: the audit says of it what it says of the folder, and an archive made to mislead is refused or
//! told, never unpacked.
#![allow(clippy::unwrap_used)]

#[path = "support/server.rs"]
mod server;
mod support;

use std::fs::File;
use std::io::{Cursor, Seek, Write};
use std::path::Path;
use std::time::Duration;

use dateline::base::Hash;
use dateline::storage::archive::{ArchiveError, Kind, Limits};
use dateline::storage::web::{Options, Web};
use dateline::storage::{ArchiveStore, MemoryStore, Store, StoreError};
use dateline::verify::{AuditError, Code, Report, Verdict, audit};
use server::{Fault, Server};
use support::{build, copy, key, trust};
use zip::write::SimpleFileOptions;

type Files = Vec<(String, Vec<u8>)>;

fn files(prefix: &str) -> Files {
    let store = MemoryStore::default();
    build(&store, 300);
    let mut files = Vec::new();
    for key in store.list("").unwrap().keys {
        if !key.as_str().starts_with(".local/") {
            files.push((format!("{prefix}{key}"), store.get(&key, u64::MAX).unwrap().unwrap()));
        }
    }
    files
}

fn zipped(files: &Files) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (number, (name, bytes)) in files.iter().enumerate() {
        let method =
            if number % 2 == 0 { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
        writer.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Adds a member whose name the library would refuse.
fn push(tar: &mut tar::Builder<Vec<u8>>, name: &str, kind: tar::EntryType, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append(&header, bytes).unwrap();
}

fn tarred(files: &Files) -> tar::Builder<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        push(&mut tar, name, tar::EntryType::Regular, bytes);
    }
    tar
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn opened_within(bytes: &[u8], limits: &Limits) -> Result<ArchiveStore, ArchiveError> {
    ArchiveStore::open(Path::new("log.archive"), file(bytes), limits)
}

fn opened(bytes: &[u8]) -> Result<ArchiveStore, ArchiveError> {
    opened_within(bytes, &Limits::default())
}

fn audited(bytes: &[u8]) -> Report {
    audit(&opened(bytes).unwrap(), &trust(), &|_, _| {}).unwrap()
}

fn expected() -> Report {
    let store = MemoryStore::default();
    build(&store, 300);
    audit(&store, &trust(), &|_, _| {}).unwrap()
}

fn strays(report: &Report) -> Vec<&str> {
    let strays = report.findings.iter().filter(|finding| finding.code == Code::Stray);
    strays.map(|finding| finding.path.as_deref().unwrap()).collect()
}

#[test]
fn each_format_gives_the_folders_report() {
    let expected = expected();
    assert_eq!(expected.verdict, Verdict::Verified);
    for prefix in ["", "records/", "./", "./records/", "news-2026/records/"] {
        let files = files(prefix);
        let tar = tarred(&files).into_inner().unwrap();
        for (kind, bytes) in [("zip", zipped(&files)), ("tar", tar.clone()), ("tar.gz", gzipped(&tar))] {
            let report = audited(&bytes);
            assert_eq!(
                serde_json::to_value(&report).unwrap(),
                serde_json::to_value(&expected).unwrap(),
                "{kind} {prefix:?}"
            );
        }
    }
}

#[test]
fn what_lies_beside_the_log_is_passed_over_and_what_lies_in_it_is_told() {
    let mut files = files("records/");
    files.push(("keys/policy".into(), b"not asked".to_vec()));
    files.push(("README".into(), Vec::new()));
    files.push(("records/tile/9/nonsense".into(), Vec::new()));
    files.push(("records/Checkpoint".into(), b"another case".to_vec()));
    files.push(("records/odd name".into(), Vec::new()));
    for bytes in [zipped(&files), tarred(&files).into_inner().unwrap()] {
        let report = audited(&bytes);
        assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.findings);
        assert_eq!(strays(&report), ["Checkpoint", "tile/9/nonsense", "records/odd name"]);
        assert_eq!(opened(&bytes).unwrap().get(&key("checkpoint"), 9_999).unwrap().unwrap(), files[0].1);
    }
}

#[test]
fn links_devices_and_names_that_lead_elsewhere_are_never_read() {
    use tar::EntryType;
    let mut tar = tarred(&files(""));
    for (name, kind) in [
        ("../escape", EntryType::Regular),
        ("/etc/passwd", EntryType::Regular),
        ("tile/../../up", EntryType::Regular),
        ("tile\\0\\000", EntryType::Regular),
        ("link", EntryType::Symlink),
        ("hard", EntryType::Link),
        ("pipe", EntryType::Fifo),
        ("device", EntryType::Char),
        ("sparse", EntryType::GNUSparse),
    ] {
        push(&mut tar, name, kind, b"");
    }
    let report = audited(&tar.into_inner().unwrap());
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.findings);
    assert_eq!(strays(&report).len(), 9, "{:?}", strays(&report));

    // One that stands in a file's place is not that file.
    let mut files_but = files("");
    files_but.retain(|(name, _)| name != "tile/entries/000");
    let mut tar = tarred(&files_but);
    push(&mut tar, "tile/entries/000", EntryType::Symlink, b"");
    let report = audited(&tar.into_inner().unwrap());
    assert_eq!(report.verdict, Verdict::Unverifiable, "{:?}", report.findings);

    let mut writer = zip::ZipWriter::new_append(Cursor::new(zipped(&files("")))).unwrap();
    writer.add_symlink("link", "checkpoint", SimpleFileOptions::default()).unwrap();
    writer.start_file("../escape", SimpleFileOptions::default()).unwrap();
    writer.start_file("/absolute", SimpleFileOptions::default()).unwrap();
    let report = audited(&writer.finish().unwrap().into_inner());
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.findings);
    assert_eq!(strays(&report), ["../escape", "/absolute", "link"]);
}

#[test]
fn a_name_that_stands_there_twice_is_refused() {
    let mut tar = tarred(&files(""));
    push(&mut tar, "checkpoint", tar::EntryType::Regular, b"another");
    let error = opened(&tar.into_inner().unwrap()).unwrap_err();
    assert!(
        matches!(&error, ArchiveError::Twice { name: Some(name), .. } if name == "checkpoint"),
        "{error}"
    );
    // In another spelling; as a link.
    for (name, kind) in [("./checkpoint", tar::EntryType::Regular), ("checkpoint", tar::EntryType::Symlink)] {
        let mut tar = tarred(&files(""));
        push(&mut tar, name, kind, b"");
        let error = opened(&tar.into_inner().unwrap()).unwrap_err();
        assert!(matches!(error, ArchiveError::Twice { .. }), "{name}: {error}");
    }
    let mut twice = files("");
    twice.push(("checkpoinx".into(), b"another".to_vec()));
    let mut bytes = zipped(&twice);
    for at in 0..bytes.len() - 10 {
        if &bytes[at..at + 10] == b"checkpoinx" {
            bytes[at + 9] = b't';
        }
    }
    let error = opened(&bytes).unwrap_err();
    assert!(matches!(error, ArchiveError::Twice { .. }), "{error}");
}

#[test]
fn two_logs_are_refused_and_none_is_told() {
    let both = [files("a/records/"), files("b/records/")].concat();
    for bytes in [zipped(&both), tarred(&both).into_inner().unwrap()] {
        let error = opened(&bytes).unwrap_err();
        assert!(matches!(error, ArchiveError::TwoLogs { .. }), "{error}");
    }
    // One at the top counts as well.
    for below in ["records/", "a/records/"] {
        let both = [files(""), files(below)].concat();
        for bytes in [zipped(&both), tarred(&both).into_inner().unwrap()] {
            let error = opened(&bytes).unwrap_err();
            assert!(
                matches!(&error, ArchiveError::TwoLogs { first, .. } if first == "./"),
                "{below}: {error}"
            );
        }
    }
    let none = vec![("README".to_owned(), b"x".to_vec())];
    for bytes in [zipped(&none), zipped(&Vec::new())] {
        let result = audit(&opened(&bytes).unwrap(), &trust(), &|_, _| {});
        assert!(!matches!(&result, Ok(report) if report.verdict == Verdict::Verified), "{result:?}");
    }
    let empty = audit(&opened(&zipped(&Vec::new())).unwrap(), &trust(), &|_, _| {});
    assert!(matches!(empty, Err(AuditError::NoLog)), "{empty:?}");
    for bytes in [&b""[..], b"checkpoint", &gzipped(b"no tar"), &[0; 10_240], b"\x1f\x8b"] {
        let error = opened(bytes).unwrap_err();
        assert!(matches!(error, ArchiveError::Format { .. } | ArchiveError::Io { .. }), "{error}");
    }
}

#[test]
fn bounds_hold_at_them_and_one_past() {
    let files = files("");
    let (zip, tar) = (zipped(&files), tarred(&files).into_inner().unwrap());
    let total: u64 = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    let all = Limits { members: files.len(), unpacked_bytes: total, ..Limits::default() };
    for bytes in [&zip, &tar] {
        assert!(opened_within(bytes, &all).is_ok());
        let fewer = Limits { members: files.len() - 1, ..all };
        assert!(matches!(opened_within(bytes, &fewer), Err(ArchiveError::Members { .. })));
        let smaller = Limits { unpacked_bytes: total - 1, ..all };
        assert!(matches!(opened_within(bytes, &smaller), Err(ArchiveError::TooLarge { .. })));
    }
    let packed = gzipped(&tar);
    assert!(opened_within(&packed, &Limits { unpacked_bytes: tar.len() as u64, ..all }).is_ok());
    let smaller = Limits { unpacked_bytes: tar.len() as u64 - 1, ..all };
    assert!(matches!(opened_within(&packed, &smaller), Err(ArchiveError::TooLarge { .. })));
    let small = Limits { directory_bytes: 100, ..all };
    let error = opened_within(&zip, &small).unwrap_err();
    assert!(matches!(error, ArchiveError::Io { .. }), "{error}");
}

#[test]
fn bombs_and_lies_about_sizes_are_bounded() {
    let mut bomb = files("");
    let place = bomb.iter().position(|(name, _)| name == "tile/entries/000").unwrap();
    bomb[place].1 = vec![0; 40_000_000];
    let bytes = zipped(&bomb);
    let report = audited(&bytes);
    assert_eq!(report.verdict, Verdict::Invalid);
    assert!(report.findings.iter().any(|finding| finding.code == Code::BundleMalformed));

    // The directory says less, or more, than there is: that convicts nobody.
    for claimed in [1_000u32, 16_000_000] {
        let mut lies = bytes.clone();
        patch(&mut lies, b"tile/entries/000", |header| {
            header[24..28].copy_from_slice(&claimed.to_le_bytes())
        });
        let store = opened(&lies).unwrap();
        let got = store.get(&key("tile/entries/000"), 16_777_984);
        assert!(
            matches!(got, Err(StoreError::Io { .. } | StoreError::TooLarge { .. })),
            "{claimed}: {got:?}"
        );
    }
    let mut lies = zipped(&files(""));
    patch(&mut lies, b"tile/entries/000", |header| {
        let size = u32::from_le_bytes(header[24..28].try_into().unwrap()) + 1;
        header[24..28].copy_from_slice(&size.to_le_bytes());
    });
    let report = audited(&lies);
    assert_eq!(report.verdict, Verdict::Unverifiable, "{:?}", report.findings);

    // A tar file that ends before its member does.
    let mut tar = tarred(&files(""));
    push(&mut tar, "long", tar::EntryType::Regular, &[7; 100_000]);
    let mut bytes = tar.into_inner().unwrap();
    bytes.truncate(bytes.len() - 60_000);
    let error = opened(&bytes).unwrap_err();
    assert!(matches!(&error, ArchiveError::Cut { name, .. } if name == "long"), "{error}");
}

/// Changes the header of a member in the central directory.
fn patch(bytes: &mut [u8], name: &[u8], change: impl FnOnce(&mut [u8])) {
    let at = (0..bytes.len() - 46 - name.len())
        .find(|at| bytes[*at..].starts_with(b"PK\x01\x02") && bytes[at + 46..].starts_with(name))
        .unwrap();
    change(&mut bytes[at..]);
}

#[test]
fn names_that_a_tar_file_stretches_are_read_and_bounded() {
    let mut tar = tarred(&files(""));
    let long = format!("{}checkpoint", "a/".repeat(100));
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    tar.append_data(&mut header, &long, &b""[..]).unwrap();
    tar.append_pax_extensions([("path", "pax/name".as_bytes())]).unwrap();
    push(&mut tar, "short", tar::EntryType::Regular, b"");
    let report = audited(&tar.into_inner().unwrap());
    assert_eq!(strays(&report), [long.as_str(), "pax/name"]);

    for kind in [tar::EntryType::GNULongName, tar::EntryType::XHeader] {
        let mut tar = tarred(&files(""));
        push(&mut tar, "next", kind, &vec![b'a'; 10_000_000]);
        push(&mut tar, "x", tar::EntryType::Regular, b"");
        let error = opened(&tar.into_inner().unwrap()).unwrap_err();
        assert!(matches!(error, ArchiveError::Io { .. }), "{error}");
    }
    // A name that fits into such a member, and is longer than any; names that are long together.
    for length in [4_096, 4_097] {
        for pax in [false, true] {
            let mut tar = tarred(&files(""));
            let name = vec![b'a'; length];
            if pax {
                tar.append_pax_extensions([("path", &name[..])]).unwrap();
            } else {
                push(&mut tar, "next", tar::EntryType::GNULongName, &name);
            }
            push(&mut tar, "x", tar::EntryType::Regular, b"");
            let result = opened(&tar.into_inner().unwrap());
            assert_eq!(result.is_ok(), length == 4_096, "{length} {pax}: {result:?}");
        }
    }
    let mut tar = tarred(&Vec::new());
    for number in 0..100 {
        push(&mut tar, "next", tar::EntryType::GNULongName, format!("{number:04000}").as_bytes());
        push(&mut tar, "x", tar::EntryType::Regular, b"");
    }
    let bytes = tar.into_inner().unwrap();
    let of_names = |directory_bytes| Limits { directory_bytes, ..Limits::default() };
    assert!(opened_within(&bytes, &of_names(400_000)).is_ok());
    let error = opened_within(&bytes, &of_names(399_999)).unwrap_err();
    assert!(matches!(error, ArchiveError::Io { .. }), "{error}");
    // What names a member is unpacked, too.
    let unpacked = |unpacked_bytes| Limits { unpacked_bytes, ..Limits::default() };
    assert!(opened_within(&bytes, &unpacked(400_000)).is_ok());
    let error = opened_within(&bytes, &unpacked(399_999)).unwrap_err();
    assert!(matches!(error, ArchiveError::TooLarge { .. }), "{error}");

    let mut tar = tarred(&files(""));
    tar.append_pax_extensions([("size", "1".as_bytes())]).unwrap();
    push(&mut tar, "short", tar::EntryType::Regular, b"");
    assert!(matches!(opened(&tar.into_inner().unwrap()), Err(ArchiveError::Io { .. })));
}

#[test]
fn a_tar_file_that_two_programs_unpack_differently_is_refused() {
    use tar::EntryType;
    let refused = |tar: tar::Builder<Vec<u8>>, why: &str| {
        let error = opened(&tar.into_inner().unwrap()).unwrap_err();
        let told = std::error::Error::source(&error).unwrap().to_string();
        assert!(matches!(error, ArchiveError::Io { .. }) && told.contains(why), "{why}: {told}");
    };
    // Headers of a second log in what a link, a device or a folder is said to hold.
    let hidden = tarred(&vec![("checkpoint".to_owned(), b"another".to_vec())]).into_inner().unwrap();
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Fifo,
        EntryType::Directory,
        EntryType::GNUSparse,
        EntryType::new(b'X'),
    ] {
        let mut tar = tarred(&files(""));
        push(&mut tar, "link", kind, &hidden);
        refused(tar, "is no file");
    }
    let mut tar = tarred(&files(""));
    push(&mut tar, "folder/", EntryType::Regular, &hidden);
    refused(tar, "folder");
    let mut tar = tarred(&files(""));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(0);
    header.as_gnu_mut().unwrap().set_is_extended(true);
    header.set_cksum();
    tar.append(&header, &b""[..]).unwrap();
    refused(tar, "sparse");

    // A header for all that follow, which some programs obey.
    for (record, why) in [("18 path=elsewhere\n", "one name"), ("9 size=1\n", "larger")] {
        let mut tar = tar::Builder::new(Vec::new());
        push(&mut tar, "global", EntryType::XGlobalHeader, record.as_bytes());
        for (name, bytes) in files("") {
            push(&mut tar, &name, EntryType::Regular, &bytes);
        }
        refused(tar, why);
    }
    // As git writes it.
    let mut tar = tar::Builder::new(Vec::new());
    push(&mut tar, "global", EntryType::XGlobalHeader, b"15 comment=abc\n");
    for (name, bytes) in files("") {
        push(&mut tar, &name, EntryType::Regular, &bytes);
    }
    assert_eq!(audited(&tar.into_inner().unwrap()).verdict, Verdict::Verified);

    // Two ways to name one member, which disagree.
    let mut tar = tarred(&files(""));
    tar.append_pax_extensions([("path", "one/name".as_bytes())]).unwrap();
    push(&mut tar, "next", EntryType::GNULongName, b"another/name\0");
    push(&mut tar, "x", EntryType::Regular, b"");
    refused(tar, "two names");
}

#[test]
fn whatever_happened_to_an_archive_it_ends_and_is_not_verified_by_accident() {
    let files = files("");
    let tar = tarred(&files).into_inner().unwrap();
    for bytes in [zipped(&files), gzipped(&tar), tar] {
        let good = audited(&bytes);
        for step in 1..60 {
            let mut cut = bytes.clone();
            cut.truncate(bytes.len() * step / 60);
            if let Ok(store) = opened(&cut) {
                let verdict = audit(&store, &trust(), &|_, _| {}).map(|report| report.verdict);
                // A tar file may be whole without its end.
                assert!(!matches!(verdict, Ok(Verdict::Verified)) || step > 57, "{step}");
            }
            let mut flipped = bytes.clone();
            let random = Hash::of(&[step as u8]).0;
            let at = u32::from_be_bytes([random[0], random[1], random[2], random[3]]) as usize % bytes.len();
            flipped[at] ^= 0x41;
            if let Ok(store) = opened(&flipped)
                && let Ok(report) = audit(&store, &trust(), &|_, _| {})
            {
                let same = report.root_hash == good.root_hash && report.counts.entries == 300;
                assert!(report.verdict != Verdict::Verified || same, "{at}");
            }
        }
    }
}

fn web(server: &Server) -> Web {
    let options = Options { seconds: 5, pause: Duration::from_millis(1), ..Options::default() };
    Web::at(&format!("{}log.archive", server.address), &options).unwrap()
}

#[test]
fn of_a_zip_file_on_a_server_only_what_is_needed_is_fetched() {
    let mut with_more = files("records/");
    // Not compressible, and not needed.
    let noise: Vec<u8> = (0..200_000u32).flat_map(|n| Hash::of(&n.to_be_bytes()).0).collect();
    with_more.insert(0, ("beside".into(), noise));
    let server = Server::start(Duration::ZERO);
    let bytes = zipped(&with_more);
    server.put("/log.archive", bytes.clone());
    let web = web(&server);
    let head = web.head().unwrap().unwrap();
    assert_eq!(Kind::of(&head.bytes), Some(Kind::Zip));
    let remote = web.in_parts(head).unwrap().unwrap();
    let store = ArchiveStore::remote_zip(Path::new("x"), remote, &Limits::default()).unwrap();
    let report = audit(&store, &trust(), &|_, _| {}).unwrap();
    assert_eq!(serde_json::to_value(&report).unwrap(), serde_json::to_value(expected()).unwrap());
    let (_, fetched) = web.fetched();
    assert!(fetched < 3_000_000 && bytes.len() > 6_000_000, "{fetched} of {}", bytes.len());
    assert!(server.asked().iter().all(|asked| asked.range.is_some()));

    // Changed while it is read: nothing is pieced together, and nobody convicted.
    let head = web.head().unwrap().unwrap();
    let remote = web.in_parts(head).unwrap().unwrap();
    let store = ArchiveStore::remote_zip(Path::new("x"), remote, &Limits::default()).unwrap();
    let mut other = bytes;
    other[0] ^= 1;
    server.put("/log.archive", other);
    let report = audit(&store, &trust(), &|_, _| {}).unwrap();
    assert_eq!(report.verdict, Verdict::Unverifiable, "{:?}", report.findings);
}

#[test]
fn an_archive_is_downloaded_with_and_without_parts() {
    let server = Server::start(Duration::ZERO);
    let noise: Vec<u8> = (0..300_000u32).flat_map(|n| Hash::of(&n.to_be_bytes()).0).collect();
    server.put("/log.archive", noise.clone());
    let download = |limit: u64| {
        let mut bytes = Vec::new();
        let file = web(&server).download(limit, &|_| {});
        file.map(|mut file| {
            file.rewind().unwrap();
            std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
            bytes
        })
    };
    let size = noise.len() as u64;
    server.set_script(|_, _| Fault::UnmarkedWith("X-None: x", 1_000));
    assert!(download(size).is_err());
    for fault in [Fault::None, Fault::NoRanges, Fault::Cut(1_000_000), Fault::Status(503, None)] {
        let ranges = !matches!(fault, Fault::NoRanges);
        server.set_script(move |_, before| match before {
            1 => fault.clone(),
            _ if ranges => Fault::None,
            _ => Fault::NoRanges,
        });
        server.asked();
        assert!(download(size).unwrap() == noise);
        assert!(matches!(download(size - 1), Err(StoreError::Io { .. })));
    }
}

#[test]
fn copies_of_a_log_without_a_file_are_told_so() {
    let store = MemoryStore::default();
    for (name, bytes) in files("") {
        store.put(&[dateline::storage::Object { key: key(&name), bytes }]).unwrap();
    }
    let without = MemoryStore::default();
    copy(&store, &without, "tile/0/000");
    let mut some = files("");
    some.retain(|(name, _)| !name.starts_with("tile/0/000"));
    let near = audit(&without, &trust(), &|_, _| {}).unwrap();
    assert_eq!(audited(&zipped(&some)).findings, near.findings);
    assert!(!near.findings.is_empty());
}
