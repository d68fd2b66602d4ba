//! Runs the sides of a comparison in turns, and measures each run.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// One side of a comparison, which is timed.
pub(crate) struct Side {
    /// Runs before each run of the work, and is not timed.
    pub(crate) prepare: Box<dyn Fn()>,
    pub(crate) work: Work,
    /// A folder on the disk whose usage is measured.
    pub(crate) folder: PathBuf,
}

pub(crate) enum Work {
    /// A separate process.
    Process(Box<dyn Fn() -> Command>),
    /// Code of this program.
    Here(Box<dyn Fn()>),
}

/// The measurements of one run.
pub(crate) struct Sample {
    pub(crate) seconds: f64,
    /// The largest increase in disk usage during the run.
    pub(crate) disk_bytes: u64,
}

/// Runs all sides one after another, `runs` times, so that other load of the machine affects all of them.
pub(crate) fn in_turns(sides: &[&Side], runs: usize) -> Vec<Vec<Sample>> {
    let mut samples: Vec<Vec<Sample>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..runs {
        for (side, samples) in sides.iter().zip(&mut samples) {
            samples.push(side.run());
        }
    }
    samples
}

/// Returns the largest resident memory of the process of `side`, or of one that it started, in one more run, in bytes.
/// GNU time takes a millisecond to start, so it is not used when runs are timed.
pub(crate) fn peak_bytes(side: &Side) -> Option<u64> {
    let Work::Process(command) = &side.work else { return None };
    (side.prepare)();
    let (command, report) = (command(), tempfile::NamedTempFile::new().unwrap());
    let mut time = Command::new("/usr/bin/time");
    time.args(["--format", "%M", "--output"]).arg(report.path()).arg(command.get_program()).args(command.get_args());
    run(&mut time);
    let kibibytes: u64 = fs_err::read_to_string(report.path()).unwrap().trim().parse().unwrap();
    Some(kibibytes * 1024)
}

/// Returns the median of the seconds.
pub(crate) fn median(samples: &[Sample]) -> f64 {
    let mut seconds: Vec<f64> = samples.iter().map(|sample| sample.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

impl Side {
    fn run(&self) -> Sample {
        (self.prepare)();
        // Bytes that an earlier run left to be written must not disturb this one.
        sync(&self.folder);
        let (elapsed, disk_bytes) = watching_disk(&self.folder, || {
            let begun = Instant::now();
            match &self.work {
                Work::Here(work) => work(),
                Work::Process(command) => run(&mut command()),
            }
            begun.elapsed()
        });
        Sample { seconds: elapsed.as_secs_f64(), disk_bytes }
    }
}

fn sync(folder: &Path) {
    rustix::fs::syncfs(File::open(folder).unwrap()).unwrap();
}

fn run(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?} failed");
}

/// Runs `work`, and returns the largest increase in usage of the disk of `folder`. Other programs that write to it are
/// included.
fn watching_disk<T>(folder: &Path, work: impl FnOnce() -> T) -> (T, u64) {
    let free = || {
        let disk = rustix::fs::statvfs(folder).unwrap();
        disk.f_bfree * disk.f_frsize
    };
    let (before, is_over) = (free(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut least = before;
            while !is_over.load(Ordering::Relaxed) {
                least = least.min(free());
                std::thread::sleep(Duration::from_millis(20));
            }
            before - least.min(free())
        });
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        (done, watcher.join().unwrap())
    })
}
