//! Docker's own registry as a child process: the `docker-registry` package of Debian and Ubuntu. For other systems, Go
//! builds it (`.github/workflows/ci.yml`).

#![allow(dead_code, clippy::unwrap_used, reason = "shared by several test programs")]

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::platform::disk_bytes;

/// A registry with its storage in a temporary folder, on Windows in memory; it ends when this is dropped.
pub struct DockerRegistry {
    child: Child,
    host: String,
    folder: tempfile::TempDir,
}

impl DockerRegistry {
    /// Starts a registry on a free port of 127.0.0.1.
    pub fn start() -> Self {
        Self::start_in(&std::env::temp_dir())
    }

    /// Starts a registry with its storage in a new folder below `parent`.
    pub fn start_in(parent: &Path) -> Self {
        // Another process may take the port before the registry listens on it.
        (0..5).find_map(|_| Self::try_start(parent)).expect("docker-registry starts on a free port")
    }

    /// Host and port, as in a reference.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The disk space of its storage in bytes.
    pub fn disk_usage(&self) -> u64 {
        bytes_below(&self.folder.path().join("storage"))
    }

    fn try_start(parent: &Path) -> Option<Self> {
        let folder = tempfile::tempdir_in(parent).unwrap();
        let host = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let config = folder.path().join("config.yml");
        let storage = folder.path().join("storage");
        // wine 8 lacks the function with which Go removes the folder of an upload.
        let driver = if cfg!(windows) {
            "inmemory: {}".to_owned()
        } else {
            format!("filesystem: {{rootdirectory: '{}'}}", storage.display())
        };
        let text = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{{driver}, delete: {{enabled: true}}}}\nhttp: {{addr: '{host}'}}\n"
        );
        fs_err::write(&config, text).unwrap();
        let mut child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("install docker-registry for this test: see the head of this file");
        if answers(&host, &mut child) {
            return Some(Self { child, host, folder });
        }
        stop(&mut child);
        None
    }
}

fn bytes_below(folder: &Path) -> u64 {
    let bytes = |entry: std::io::Result<fs_err::DirEntry>| {
        let path = entry.unwrap().path();
        if path.is_dir() { bytes_below(&path) } else { disk_bytes(&path) }
    };
    fs_err::read_dir(folder).unwrap().map(bytes).sum()
}

fn answers(host: &str, child: &mut Child) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) && child.try_wait().unwrap().is_none() {
        if TcpStream::connect(host).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

fn stop(child: &mut Child) {
    // It may have exited already.
    drop(child.kill());
    drop(child.wait());
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}
