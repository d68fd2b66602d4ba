//! Measures the bytes, the requests and the time of a pull when the store has an older version, compared with a pull of
//! everything, in one Markdown table.
//!
//! `cargo bench --bench delta [-- [--runs N] [--mib SIZE] [--only WORDS]]`, with a registry in this process: on
//! loopback, where fetching costs least, and with every connection capped. Both pulls run in turns; the times are
//! medians.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that is run by hand and may panic")]
#![allow(clippy::cast_precision_loss, reason = "the shown numbers are rounded")]
#![allow(clippy::disallowed_methods, reason = "the arguments of a bench come from cargo")]

mod cases;

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use cases::{CASES, Case, Version};
use kit_testkit::registry::FakeRegistry;

/// The number of runs of each pull.
const RUNS: u64 = 7;
/// The size of the first version, in MiB.
const MIB: u64 = 256;
/// The bytes per second of a capped connection: 100 Mbit/s.
const CAP: usize = 12_500_000;

fn main() {
    let (size, runs) = (number("--mib", MIB) << 20, number("--runs", RUNS));
    println!(
        "| what changed | moved | of all | requests | loopback, s | all, s | ratio | capped, s | all, s | ratio |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let only = option("--only").unwrap_or_default();
    for case in CASES.iter().filter(|case| case.name.contains(&only)) {
        println!("{}", Stage::new(case, size).row(case.name, runs));
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    option(name).map_or(otherwise, |value| value.parse().expect("a number follows"))
}

/// Returns the argument after `name`.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

/// A registry with two versions, and a store with the first one.
struct Stage {
    folder: tempfile::TempDir,
    registry: FakeRegistry,
}

/// The measurements of a pull.
struct Sample {
    seconds: f64,
    bytes: u64,
    requests: usize,
}

impl Stage {
    fn new(case: &Case, size: u64) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let stage = Self { folder, registry: FakeRegistry::start() };
        for (version, tag) in [(Version::First, "v1"), (Version::Second, "v2")] {
            let project = stage.path("project");
            (case.write)(&project, size, version);
            stage.kit("here", &["pack", &project.display().to_string(), "-t", &stage.name(tag)]);
            stage.kit("here", &["push", &stage.name(tag), "--plain-http"]);
            fs_err::remove_dir_all(project).unwrap();
        }
        fs_err::remove_dir_all(stage.path("here")).unwrap();
        stage.kit("there", &["pull", &stage.name("v1"), "--plain-http"]);
        stage
    }

    /// Returns one row of the table.
    fn row(&self, name: &str, runs: u64) -> String {
        let (moved, loopback) = self.compare(None, runs);
        let (_, capped) = self.compare(Some(CAP), runs);
        format!("| {name} | {moved} | {loopback} | {capped} |")
    }

    /// Returns the transferred bytes, and the times.
    fn compare(&self, cap: Option<usize>, runs: u64) -> (String, String) {
        self.registry.configure(|options| options.bytes_per_second = cap);
        let (mut deltas, mut wholes) = (Vec::new(), Vec::new());
        for round in 0..runs {
            let mut sides = [(&mut deltas, &[][..]), (&mut wholes, &["--no-delta"][..])];
            // Neither side may always be the second.
            sides.rotate_left(usize::from(round % 2 == 1));
            for (samples, options) in sides {
                samples.push(self.pull(options));
            }
        }
        let (moved, all) = (deltas[0].bytes, wholes[0].bytes);
        let percent = 100.0 * moved as f64 / all as f64;
        let (delta, whole) = (median(&deltas), median(&wholes));
        let times = format!("{delta:.2} | {whole:.2} | {:.2} ×", delta / whole);
        (format!("{:.1} MiB | {percent:.1} % | {}", moved as f64 / f64::from(1 << 20), deltas[0].requests), times)
    }

    /// Pulls the second version, and removes it again.
    fn pull(&self, options: &[&str]) -> Sample {
        rustix::fs::sync();
        self.registry.forget_requests();
        let begun = Instant::now();
        self.kit("there", &[&["pull", &self.name("v2"), "--plain-http"], options].concat());
        let seconds = begun.elapsed().as_secs_f64();
        self.registry.wait_until_idle();
        let requests = self.registry.requests();
        let bytes = requests.iter().map(|request| request.answer_bytes).sum();
        self.kit("there", &["remove", &self.name("v2")]);
        Sample { seconds, bytes, requests: requests.len() }
    }

    fn kit(&self, home: &str, arguments: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kit"));
        command.arg("--config").arg(self.path(home)).args(["--progress", "none"]).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn name(&self, tag: &str) -> String {
        format!("{}/team/bench:{tag}", self.registry.host())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn median(samples: &[Sample]) -> f64 {
    let mut seconds: Vec<f64> = samples.iter().map(|sample| sample.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
