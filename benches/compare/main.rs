//! Compares `kit` with the tools that do a part of its work: whole processes in turns, medians, one Markdown table.
//!
//! `cargo bench --bench compare [-- [--runs N] [--mib SIZE] [--only WORDS] [--folder FOLDER] [--disk MB] [--cold yes]]`
//! needs curl, openssl, zstd, pigz, skopeo, docker-registry and GNU time from Debian, and four times SIZE (4096) of free
//! disk space. KitOps, from the path in the variable KITOPS or the first `kit` on the PATH, is measured, too.
//!
//! With `--disk MB`, everything but the registry is on a disk that reads and writes MB megabytes a second; with `--cold
//! yes`, the page cache is emptied before each run. Both need root.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that is run by hand and may panic")]
#![allow(clippy::cast_precision_loss, reason = "the shown numbers are rounded")]
#![allow(clippy::disallowed_methods, reason = "the arguments of a bench come from cargo")]

mod measure;
mod rows;
mod slow_disk;
mod stage;

use std::path::PathBuf;

use measure::{Sample, in_turns, median, peak_bytes};
use rows::{Row, Target, rows};
use stage::Stage;

/// The number of runs of each side of a row.
const RUNS: usize = 5;
/// The size of the model, in MiB.
const MIB: u64 = 4096;

fn main() {
    // The stage lives as long as the program, so that later closures can refer to it; the last line removes its folder.
    let disk = option("--disk").map(|megabytes| megabytes.parse().expect("a number follows"));
    let stage = Stage::new(option("--folder").map(PathBuf::from), number("--mib", MIB), disk);
    let stage: &'static Stage = Box::leak(Box::new(stage));
    let is_cold = option("--cold").is_some();
    let runs = usize::try_from(number("--runs", RUNS as u64)).unwrap();
    let only = option("--only").unwrap_or_default();
    println!(
        "| work | limit | limit, s | kit, s | ratio | target | holds | CPU, s | peak memory | written | disk | beside |"
    );
    println!("|---|---|--:|--:|--:|--:|---|--:|--:|--:|--:|---|");
    for (work, make) in rows().iter().filter(|(work, _)| work.contains(&only)) {
        println!("{}", measured(work, &make(stage), runs, is_cold));
        stage.clear();
    }
    stage.end();
}

/// Returns one row of the table.
fn measured(work: &str, row: &Row, runs: usize, is_cold: bool) -> String {
    let mut sides: Vec<_> = row.limit.iter().map(|limit| &limit.side).collect();
    sides.push(&row.ours);
    sides.extend(row.beside.iter().map(|(_, side)| side));
    let mut samples = in_turns(&sides, runs, is_cold).into_iter();
    let limit = row.limit.as_ref().map(|limit| (limit, wall(&samples.next().unwrap())));
    let ours = samples.next().unwrap();
    let seconds = wall(&ours);
    let beside = row.beside.iter().zip(samples).map(|((name, _), samples)| {
        format!("{name} {:.2} (CPU {:.2})", wall(&samples), median(&samples, |sample| sample.cpu_seconds))
    });
    let (name, limit_seconds, ratio) = match &limit {
        Some((limit, whole)) => {
            let fair = whole * limit.share;
            (limit.name, format!("{fair:.2}"), Some(seconds / fair))
        }
        None => ("–", "–".to_owned(), None),
    };
    let (target, holds) = match row.target {
        Target::Ratio(most) => (format!("{most:.2} ×"), ratio.is_some_and(|ratio| ratio <= most)),
        Target::Seconds(most) => (format!("{:.0} ms", most * 1e3), seconds <= most),
    };
    let ratio = ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2} ×"));
    format!(
        "| {work} | {name} | {limit_seconds} | {seconds:.3} | {ratio} | {target} | {} | {:.2} | {} | {} | {} | {} |",
        if holds { "yes" } else { "**no**" },
        median(&ours, |sample| sample.cpu_seconds),
        mebibytes(peak_bytes(&row.ours)),
        mebibytes(ours.iter().map(|sample: &Sample| sample.written_bytes).max()),
        mebibytes(ours.iter().map(|sample: &Sample| sample.disk_bytes).max()),
        beside.collect::<Vec<_>>().join(", "),
    )
}

fn wall(samples: &[Sample]) -> f64 {
    median(samples, |sample| sample.seconds)
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or("–".to_owned(), |bytes| format!("{} MiB", bytes.div_ceil(1024 * 1024)))
}

fn number(name: &str, otherwise: u64) -> u64 {
    option(name).map_or(otherwise, |value| value.parse().expect("a number follows"))
}

/// Returns the argument after `name`.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}
