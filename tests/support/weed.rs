//! A SeaweedFS of the test's own on loopback, if `DATELINE_WEED` names the program; it can be killed and started again.

// Each test program uses a part of this.
#![allow(dead_code, clippy::print_stderr)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const IDENTITIES: &str = r#"{"identities": [{"name": "test", "credentials": [{"accessKey": "key", "secretKey": "secret"}],
    "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}"#;

/// The store and two gateways to it.
pub(crate) struct Weed {
    program: PathBuf,
    folder: tempfile::TempDir,
    ports: Vec<u16>,
    running: Mutex<Vec<Child>>,
}

impl Weed {
    /// Starts it; `None` where there is no program.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("DATELINE_WEED") else {
            eprintln!("left out: DATELINE_WEED does not name SeaweedFS's `weed`");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("s3.json"), IDENTITIES).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let ports = free_ports(14);
        let weed = Weed { program: program.into(), folder, ports, running: Mutex::default() };
        weed.run();
        Some(weed)
    }

    fn spawn(&self, args: &[String], log: &str) -> Child {
        let log = File::options().create(true).append(true).open(self.folder.path().join(log)).unwrap();
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    /// Starts both, and waits until they answer.
    pub(crate) fn run(&self) {
        let port = |number: usize| self.ports[number];
        let flags = |names: &[&str], first: usize| -> Vec<String> {
            names.iter().enumerate().map(|(at, name)| format!("-{name}={}", port(first + at))).collect()
        };
        let mut server: Vec<String> =
            ["server", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
                .map(String::from)
                .into();
        server.extend(flags(
            &[
                "master.port",
                "master.port.grpc",
                "volume.port",
                "volume.port.grpc",
                "filer.port",
                "filer.port.grpc",
                "s3.port",
                "s3.port.grpc",
                "s3.port.iceberg",
                "s3.port.lance",
            ],
            0,
        ));
        let more = ["-s3.config=s3.json", "-volume.max=100", "-master.volumeSizeLimitMB=64"];
        // There is nobody to be elected but itself; it would wait for others for long when it is started again.
        let alone = ["-master.electionTimeout=1s", "-master.heartbeatInterval=100ms"];
        server.extend(more.into_iter().chain(alone).map(String::from));
        let mut gateway: Vec<String> =
            ["s3", "-ip.bind=127.0.0.1", "-config=s3.json"].map(String::from).into();
        gateway.push(format!("-filer=127.0.0.1:{}.{}", port(4), port(5)));
        gateway.extend(flags(&["port", "port.grpc", "port.iceberg", "port.lance"], 10));
        let first = self.spawn(&server, "server.log");
        self.running.lock().unwrap().push(first);
        self.wait_for(6);
        let second = self.spawn(&gateway, "gateway.log");
        self.running.lock().unwrap().push(second);
        self.wait_for(10);
    }

    fn wait_for(&self, number: usize) {
        let begun = Instant::now();
        let ended = |child: &mut Child| child.try_wait().is_ok_and(|ended| ended.is_some());
        while begun.elapsed() < Duration::from_secs(90) && !self.running.lock().unwrap().iter_mut().any(ended)
        {
            if self.answers(number) {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default();
        panic!("SeaweedFS does not answer: {}", &log[log.len().saturating_sub(2_000)..]);
    }

    /// Whoever asks without a key is refused, once it is up.
    fn answers(&self, number: usize) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.ports[number])) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        said.starts_with(b"HTTP/1.1 403")
    }

    /// Kills both, without a word.
    pub(crate) fn kill(&self) {
        for mut child in self.running.lock().unwrap().drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The addresses of both gateways.
    pub(crate) fn endpoints(&self) -> [String; 2] {
        [6, 10].map(|number| format!("http://127.0.0.1:{}", self.ports[number]))
    }

    /// What leads there by gateway `number`, as the environment would say it.
    pub(crate) fn settings(&self, number: usize) -> Vec<(String, String)> {
        let mut endpoints = self.endpoints();
        endpoints.rotate_left(number % 2);
        let all = endpoints.join(",");
        let words = [
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", endpoints[0].as_str()),
            ("DATELINE_STORE_ENDPOINTS", all.as_str()),
        ];
        words.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }
}

/// Ports that are free, and that the system gives to nobody who asks for any: a store that was killed must find them again.
fn free_ports(count: usize) -> Vec<u16> {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let first = 10_000 + ((nanos / 1_000) ^ std::process::id()) % 20_000;
    // All at once, so that none is given twice.
    let listeners = (first..32_000).filter_map(|port| TcpListener::bind(("127.0.0.1", port as u16)).ok());
    let listeners: Vec<TcpListener> = listeners.take(count).collect();
    assert_eq!(listeners.len(), count, "no free ports");
    listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

impl Drop for Weed {
    fn drop(&mut self) {
        self.kill();
    }
}
