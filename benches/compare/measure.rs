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
    /// The time on all processors, of the process and of those that it started.
    pub(crate) cpu_seconds: f64,
    /// The bytes that the process sent, or will send, to a disk.
    pub(crate) written_bytes: u64,
    /// The largest increase in disk usage during the run.
    pub(crate) disk_bytes: u64,
}

/// Runs all sides one after another, `runs` times, so that other load of the machine affects all of them. If
/// `is_cold`, the page cache is emptied before each run.
pub(crate) fn in_turns(sides: &[&Side], runs: usize, is_cold: bool) -> Vec<Vec<Sample>> {
    let mut samples: Vec<Vec<Sample>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..runs {
        for (side, samples) in sides.iter().zip(&mut samples) {
            samples.push(side.run(is_cold));
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

/// Returns the median of `value`.
pub(crate) fn median(samples: &[Sample], value: impl Fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Side {
    fn run(&self, is_cold: bool) -> Sample {
        (self.prepare)();
        // Bytes that an earlier run left to be written must not disturb this one.
        sync(&self.folder);
        if is_cold {
            fs_err::write("/proc/sys/vm/drop_caches", "3").expect("only root can empty the page cache");
        }
        let before = (children_seconds(), written_bytes());
        let (elapsed, disk_bytes) = watching_disk(&self.folder, || {
            let begun = Instant::now();
            match &self.work {
                Work::Here(work) => work(),
                Work::Process(command) => run(&mut command()),
            }
            begun.elapsed()
        });
        Sample {
            seconds: elapsed.as_secs_f64(),
            cpu_seconds: children_seconds() - before.0,
            written_bytes: written_bytes() - before.1,
            disk_bytes,
        }
    }
}

/// The unit of times in `/proc` (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Returns the time on all processors of the processes that have ended, by the fields `cutime` and `cstime`.
fn children_seconds() -> f64 {
    let stat = fs_err::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(13).take(2).map(|field| field.parse::<f64>().unwrap()).sum::<f64>();
    ticks / TICKS_PER_SECOND
}

/// Returns the bytes that this process and those that have ended sent to a disk.
fn written_bytes() -> u64 {
    let io = fs_err::read_to_string("/proc/self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap().parse().unwrap()
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
