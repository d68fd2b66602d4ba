//! A folder, a registry, and the runs of `kit` in them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use kit_testkit::registry::FakeRegistry;

use crate::option;

/// A home of `kit` with projects, and a registry.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    pub(crate) registry: FakeRegistry,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { folder, registry: FakeRegistry::start() }
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    /// The folder of the local store.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("home/store")
    }

    pub(crate) fn run(&self, args: &[&str]) {
        finish(self.kit(Command::new(binary())).args(args), args);
    }

    /// Returns the seconds of CPU time of a run, user and system together.
    pub(crate) fn cpu(&self, args: &[&str]) -> String {
        let report = tempfile::NamedTempFile::new().unwrap();
        let mut time = self.kit(Command::new("/usr/bin/time"));
        time.args(["--format", "%U %S", "--output"]).arg(report.path()).arg(binary()).args(args);
        finish(&mut time, args);
        let times = fs_err::read_to_string(report.path()).unwrap();
        let seconds: f64 = times.split_whitespace().map(|time| time.parse::<f64>().unwrap()).sum();
        format!("{seconds:.2}")
    }

    /// Returns the number of requests of a run.
    pub(crate) fn requests(&self, args: &[&str]) -> String {
        self.registry.forget_requests();
        self.run(args);
        self.registry.requests().len().to_string()
    }

    fn kit(&self, mut command: Command) -> Command {
        command.env_clear().env("HOME", self.folder.path()).env("KIT_HOME", self.folder.path().join("home"));
        command.env("PATH", "/usr/bin:/bin").env("NO_PROXY", "*").current_dir(self.folder.path());
        command.stdin(Stdio::null());
        command
    }
}

fn finish(command: &mut Command, args: &[&str]) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn binary() -> PathBuf {
    option("--kit").map_or_else(|| env!("CARGO_BIN_EXE_kit").into(), PathBuf::from)
}
