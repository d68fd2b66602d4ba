//! The speed of fetching a large blob: `cargo bench --bench transport`, with curl installed.
//!
//! With every connection capped, a download in pieces is compared with one stream; without a cap, on loopback, both are
//! compared with curl, which does not verify.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that is run by hand")]
#![allow(clippy::cast_precision_loss, reason = "the shown numbers are rounded")]

use std::process::Command;
use std::time::{Duration, Instant};

use kit_core::oci::{Descriptor, MediaType, Reference, Source, Target};
use kit_core::registry::{Client, Proxy, Settings};
use kit_core::store::{Names, Store};

use kit_testkit::registry::FakeRegistry;

const SIZE: usize = 512 * 1024 * 1024;
const CAP: usize = 20_000_000;
const ROUNDS: usize = 5;

fn main() {
    let registry = FakeRegistry::start();
    let content = bytes();
    let digest = registry.add_blob(&content);
    let descriptor = Descriptor::of(MediaType::of("application/octet-stream"), &content);
    drop(content);

    registry.configure(|options| options.bytes_per_second = Some(CAP));
    let one = pull(&registry, &descriptor, u64::MAX);
    show("one stream of 20 MB/s", one);
    let pieces = pull(&registry, &descriptor, Settings::default().pieces_from_bytes);
    show("pieces, each connection 20 MB/s", pieces);
    println!("{:.1} times faster, with {} connections", ratio(one, pieces), registry.most_at_once());

    registry.configure(|options| options.bytes_per_second = None);
    // In turns, so that other load of the machine affects both.
    let rounds = (0..ROUNDS).map(|_| {
        let curl = curl(&registry, &digest);
        let stream = pull(&registry, &descriptor, u64::MAX);
        (curl, stream, pull(&registry, &descriptor, Settings::default().pieces_from_bytes))
    });
    let (mut curls, mut streams, mut kits) = (Vec::new(), Vec::new(), Vec::new());
    for (curl, stream, kit) in rounds {
        curls.push(curl);
        streams.push(stream);
        kits.push(kit);
    }
    let best = |times: &[Duration]| *times.iter().min().unwrap();
    show("no cap, curl", best(&curls));
    show("no cap, one stream", best(&streams));
    show("no cap, pieces", best(&kits));
    println!("pieces take {:.2} of the time of curl", ratio(best(&kits), best(&curls)));
}

/// Pulls the blob into a new store.
fn pull(registry: &FakeRegistry, descriptor: &Descriptor, pieces_from_bytes: u64) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { plain_http: true, proxy: Proxy::Direct, pieces_from_bytes, ..Settings::default() };
    let reference: Reference = format!("{}/team/model", registry.host()).parse().unwrap();
    let repository = Client::new(settings).unwrap().repository(&reference);
    let writer = Store::open(folder.path().join("store")).unwrap().writer(Names::Of(reference)).unwrap();
    let begun = Instant::now();
    writer.put(descriptor, &*repository.blob(descriptor)).unwrap();
    begun.elapsed()
}

fn curl(registry: &FakeRegistry, digest: &str) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{}/v2/team/model/blobs/{digest}", registry.host());
    let begun = Instant::now();
    let mut command = Command::new("curl");
    command.args(["--silent", "--noproxy", "*", "--output"]).arg(folder.path().join("out"));
    assert!(command.arg(url).status().unwrap().success());
    begun.elapsed()
}

fn show(what: &str, time: Duration) {
    println!("{what:<32} {:6.2} s {:7.0} MB/s", time.as_secs_f64(), SIZE as f64 / 1e6 / time.as_secs_f64());
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

/// Returns bytes that no file system can compress.
fn bytes() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    std::iter::repeat_with(next).take(SIZE / 8).flat_map(u64::to_le_bytes).collect()
}
