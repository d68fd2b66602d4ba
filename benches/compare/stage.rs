//! The surroundings of the rows: projects of random files, homes of `kit`, and a registry.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;

use crate::measure::{Side, Work};
use crate::slow_disk::SlowDisk;
use kit_testkit::docker_registry::DockerRegistry;

pub(crate) const MIB: u64 = 1024 * 1024;
/// The size of a slow disk besides four times the model: for the rows whose size does not depend on the model.
const SPARE_MIB: u64 = 4096;

/// A folder that is removed at the end.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    /// The disk with everything but the registry, if it is not that of the folder.
    disk: Option<SlowDisk>,
    /// The size of the model in bytes.
    pub(crate) size: u64,
    registry: RefCell<Option<DockerRegistry>>,
}

impl Stage {
    /// Creates a stage in `parent` for a model of `mib` MiB, on a disk of its own with the speed `disk` in MB a second.
    pub(crate) fn new(parent: Option<PathBuf>, mib: u64, disk: Option<u64>) -> Self {
        let parent = parent.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
        let folder = tempfile::tempdir_in(parent).unwrap();
        let disk = disk.map(|megabytes| SlowDisk::mount(folder.path(), 4 * mib + SPARE_MIB, megabytes));
        Self { folder, disk, size: mib * MIB, registry: RefCell::default() }
    }

    /// The folder on the disk that is measured.
    fn folder(&self) -> &Path {
        self.disk.as_ref().map_or(self.folder.path(), |disk| &disk.folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Removes the files of a row before the next one.
    pub(crate) fn clear(&self) {
        self.registry.take();
        for entry in fs::read_dir(self.folder()).unwrap() {
            let path = entry.unwrap().path();
            if !path.ends_with("lost+found") {
                remove(&path);
            }
        }
    }

    /// Removes everything.
    pub(crate) fn end(&self) {
        self.clear();
        self.disk.as_ref().inspect(|disk| disk.end());
        fs::remove_dir_all(self.folder.path()).unwrap();
    }

    /// Creates a project with one layer for each file.
    pub(crate) fn project(&self, files: &[(String, u64)]) -> PathBuf {
        let folder = self.path("project");
        fs::create_dir(&folder).unwrap();
        let mut kitfile = "manifestVersion: 1.0.0\npackage:\n  name: bench\ndatasets:\n".to_owned();
        for (name, size) in files {
            write_random(&folder.join(name), *size);
            writeln!(kitfile, "  - name: {name}\n    path: {name}").unwrap();
        }
        fs::write(folder.join("Kitfile"), kitfile).unwrap();
        folder
    }

    /// Starts a new, empty registry; the previous one ends.
    pub(crate) fn new_registry(&self) -> String {
        self.registry.take();
        let registry = DockerRegistry::start_in(self.folder.path());
        let host = registry.host().to_owned();
        self.registry.replace(Some(registry));
        host
    }

    /// Returns the registry's host and port.
    pub(crate) fn host(&self) -> String {
        self.registry.borrow().as_ref().expect("the row has started one").host().to_owned()
    }

    /// Returns a command of this `kit` with its own home.
    pub(crate) fn kit(&self, home: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
        command.arg("--config").arg(self.path(home)).args(["--progress", "none"]).args(arguments);
        command
    }

    /// Runs this `kit` now.
    pub(crate) fn kit_now(&self, home: &str, arguments: &[&str]) {
        run(&mut self.kit(home, arguments));
    }

    pub(crate) fn side(&self, prepare: impl Fn() + 'static, work: Work) -> Side {
        Side { prepare: Box::new(prepare), work, folder: self.folder().to_owned() }
    }
}

pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Removes a file or folder, if it exists.
pub(crate) fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else if path.exists() {
        fs::remove_file(path).unwrap();
    }
}

/// Writes bytes that no file system and no registry can compress, different ones into every file.
pub(crate) fn write_random(path: &Path, size: u64) {
    let mut state =
        path.as_os_str().as_encoded_bytes().iter().fold(0x2545_f491_4f6c_dd1d, |state: u64, byte| {
            (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(path).unwrap());
    for _ in 0..size / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
}

/// Writes lines like those of a table of measurements, which compress to about a third.
pub(crate) fn write_table(path: &Path, size: u64) {
    let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(path).unwrap());
    let (mut state, mut written, mut row) = (0x9e37_79b9_7f4a_7c15_u64, 0, 0);
    while written < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (customer, amount, kind) =
            (state % 90_000, state >> 40, ["buy", "sell", "hold"][(state >> 20) as usize % 3]);
        let line =
            format!("{row},2026-11-{:02},customer-{customer:05},{kind},{amount}.{:02}\n", row % 30 + 1, state % 97);
        file.write_all(line.as_bytes()).unwrap();
        written += line.len() as u64;
        row += 1;
    }
    file.flush().unwrap();
}
