//! Large blobs: pieces over several connections, and every possible fault of one of them.

use std::io::Read;
use std::ops::Range;
use std::time::{Duration, Instant};

use kit_core::oci::Source;
use kit_core::registry::{HostSettings, Repository, Settings};
use proptest::prelude::*;

use crate::support::{
    bytes, chain, descriptor, giving_up_after, impatient, read, repository_with, settings, settings_for,
};
use kit_testkit::registry::{FakeRegistry, Fault, Recorded};

const PIECE: u64 = 64 * 1024;
const PIECES: usize = 40;
const SIZE: usize = PIECES * 64 * 1024 + 777;

fn in_pieces(settings: Settings) -> Settings {
    Settings { piece_bytes: PIECE, pieces_from_bytes: 2 * PIECE, ..settings }
}

struct Scene {
    registry: FakeRegistry,
    content: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let (registry, content) = (FakeRegistry::start(), bytes(SIZE));
        registry.add_blob(&content);
        Self { registry, content }
    }

    /// A scene in which each connection transfers so many bytes per second.
    fn slow(bytes_per_second: usize) -> Self {
        let scene = Self::new();
        scene.registry.configure(|options| options.bytes_per_second = Some(bytes_per_second));
        scene
    }

    fn repository(&self, settings: Settings) -> Repository {
        repository_with(&self.registry, in_pieces(settings))
    }

    fn check(&self, repository: &Repository, offset: usize) {
        let read = read(repository, &descriptor(&self.content), offset as u64).unwrap();
        assert!(read == self.content[offset..], "the bytes from {offset} on are others");
    }

    fn ranges(&self) -> Vec<Range<u64>> {
        self.registry.requests().iter().map(range).collect()
    }
}

/// The range of a request, which must have an end.
fn range(request: &Recorded) -> Range<u64> {
    let text = request.header("range").expect("a request for a piece says which");
    let (first, last) = text.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    first.parse().unwrap()..last.parse::<u64>().expect("a range has an end") + 1
}

/// Asserts that the ranges, in any order, are adjacent from `offset` to the end.
fn assert_each_byte_once(ranges: Vec<Range<u64>>, offset: u64) {
    assert_each_byte_of(offset..SIZE as u64, ranges);
}

fn assert_each_byte_of(whole: Range<u64>, mut ranges: Vec<Range<u64>>) {
    ranges.sort_by_key(|range| range.start);
    let mut reached = whole.start;
    for range in ranges {
        assert_eq!(range.start, reached, "no byte is asked for twice, none is left out");
        reached = range.end;
    }
    assert_eq!(reached, whole.end);
}

#[test]
fn a_large_blob_is_fetched_in_pieces_and_no_byte_twice() {
    for offset in [0, 100_001] {
        let scene = Scene::new();
        scene.check(&scene.repository(settings()), offset);
        assert_each_byte_once(scene.ranges(), offset as u64);
        assert!(scene.registry.requests().iter().all(|request| request.status == 206));
        assert!(scene.registry.requests().iter().all(|request| request.header("accept-ranges").is_none()));
    }
}

#[test]
fn a_long_range_is_fetched_in_pieces_and_nothing_else() {
    for settings in [settings(), in_stretches()] {
        let (scene, mut range) = (Scene::new(), Vec::new());
        let repository = scene.repository(settings);
        let content = repository.blob(&descriptor(&scene.content));
        content.open_range(5_000, 2_000_000).unwrap().read_to_end(&mut range).unwrap();
        assert!(range == scene.content[5_000..2_005_000]);
        assert!(scene.ranges().len() > 3, "it came over one connection at once");
        assert_each_byte_of(5_000..2_005_000, scene.ranges());
    }
}

/// Settings for a connection that is fast enough alone.
fn in_stretches() -> Settings {
    Settings { quick_bytes_per_second: 1_000_000, ..settings() }
}

#[test]
fn a_quick_connection_brings_ever_longer_stretches_and_no_byte_twice() {
    for offset in [0, 100_001] {
        let scene = Scene::new();
        scene.check(&scene.repository(in_stretches()), offset);
        assert_each_byte_once(scene.ranges(), offset as u64);
        let lengths: Vec<_> = scene.ranges().iter().map(|range| range.end - range.start).collect();
        assert_eq!(lengths[..4], [PIECE, 2 * PIECE, 4 * PIECE, 8 * PIECE]);
    }
}

#[test]
fn a_slow_connection_gets_help_and_no_byte_is_fetched_twice() {
    let scene = Scene::new();
    scene.registry.fail_later("GET", "/blobs/", 2, 1, Fault::SlowAnswer(400_000));
    scene.check(&scene.repository(in_stretches()), 0);
    assert_each_byte_once(scene.ranges(), 0);
    let lengths: Vec<_> = scene.ranges().iter().map(|range| range.end - range.start).collect();
    assert_eq!(lengths[..4], [PIECE, 2 * PIECE, 4 * PIECE, PIECE]);
}

#[test]
fn a_stretch_that_becomes_far_too_slow_is_cut_short() {
    let scene = Scene::new();
    scene.registry.fail_later("GET", "/blobs/", 2, 1, Fault::SlowAnswer(60_000));
    let begun = Instant::now();
    scene.check(&scene.repository(in_stretches()), 0);
    // The third stretch would take more than four seconds.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let (slow, next) = (&scene.ranges()[2], &scene.ranges()[3]);
    assert!(slow.contains(&next.start) && next.end - next.start == PIECE, "{slow:?} {next:?}");
}

#[test]
fn a_broken_range_resumes_at_its_byte() {
    let scene = Scene::new();
    scene.registry.fail_later("GET", "/blobs/", 2, 1, Fault::DropAnswerAfter(100_000));
    scene.check(&scene.repository(in_stretches()), 0);
    let ranges = scene.ranges();
    assert_eq!(ranges[3], 3 * PIECE + 100_000..7 * PIECE);
}

#[test]
fn the_rest_of_a_blob_can_be_small_enough_for_one_stream() {
    let scene = Scene::new();
    scene.check(&scene.repository(settings()), SIZE - 100_000);
    assert_eq!(scene.registry.requests().len(), 1);
}

#[test]
fn a_registry_that_ignores_the_first_range_is_read_as_one_stream() {
    for offset in [0, 500_000] {
        let scene = Scene::new();
        scene.registry.configure(|options| options.ranges = false);
        scene.check(&scene.repository(settings()), offset);
        assert_eq!(scene.registry.requests().len(), 1, "the answer is not thrown away");
    }
}

#[test]
fn a_registry_that_ignores_a_later_range_costs_only_time() {
    let scene = Scene::new();
    let repository = scene.repository(Settings { concurrency: 1, ..settings() });
    let (blob, descriptor) = (scene.content.clone(), descriptor(&scene.content));
    let content = repository.blob(&descriptor);
    let mut reader = content.open_at(0).unwrap();
    reader.read_exact(&mut [0; 10]).unwrap();
    scene.registry.configure(|options| options.ranges = false);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest == blob[10..]);
}

#[test]
fn connections_are_added_while_they_bring_something() {
    let scene = Scene::slow(500_000);
    let begun = Instant::now();
    scene.check(&scene.repository(Settings { concurrency: 8, ..settings() }), 0);
    // One connection would take more than five seconds.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(scene.registry.most_at_once(), 8);
    assert_each_byte_once(scene.ranges(), 0);
}

#[test]
fn no_more_connections_are_used_than_allowed() {
    let scene = Scene::slow(1_000_000);
    scene.check(&scene.repository(Settings { concurrency: 3, ..settings() }), 0);
    assert_eq!(scene.registry.most_at_once(), 3);
}

#[test]
fn a_host_has_its_own_number_of_connections() {
    let scene = Scene::slow(1_000_000);
    let own = HostSettings { concurrency: Some(2), ..HostSettings::default() };
    let hosts = [(scene.registry.host().to_owned(), own)].into();
    scene.check(&scene.repository(Settings { concurrency: 8, hosts, ..settings() }), 0);
    assert_eq!(scene.registry.most_at_once(), 2);
}

#[test]
fn all_blobs_share_the_connections() {
    let scene = Scene::slow(300_000);
    let other = &scene.content[1..];
    scene.registry.add_blob(other);
    let (repository, other) = (scene.repository(Settings { concurrency: 4, ..settings() }), descriptor(other));
    let (blob, other) = (repository.blob(&descriptor(&scene.content)), repository.blob(&other));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut read = Vec::new();
            blob.open_at(0).unwrap().read_to_end(&mut read).unwrap();
            assert!(read == scene.content);
        });
        while scene.registry.most_at_once() < 4 {
            std::thread::sleep(Duration::from_millis(5));
        }
        // A new blob gets a connection at once, and the other blob returns one after its piece.
        let mut reader = other.open_at(0).unwrap();
        let mut piece = vec![0; usize::try_from(2 * PIECE).unwrap()];
        reader.read_exact(&mut piece).unwrap();
        scene.registry.forget_requests();
        reader.read_exact(&mut piece).unwrap();
        assert_eq!(scene.registry.most_at_once(), 4);
    });
}

/// Every piece continues at the byte that it reached, after any kind of interruption, and only the rest of it is
/// requested again.
#[test]
fn an_interrupted_piece_resumes_where_it_stopped() {
    for fault in [
        Fault::DropAnswerAfter(30_000),
        Fault::TruncateAnswerAfter(30_000),
        Fault::DropInsteadOfAnswer,
        Fault::Status(500, vec![]),
        Fault::Status(429, vec![("retry-after", "0".to_owned())]),
        Fault::StallAnswerAfter(30_000),
        Fault::NoAnswer,
    ] {
        let scene = Scene::new();
        for turn in [0, 3, 11, PIECES - 2] {
            scene.registry.fail_later("GET", "/blobs/", turn, 1, fault.clone());
        }
        scene.check(&scene.repository(impatient()), 0);
        let asked: u64 = scene.ranges().iter().map(|range| range.end - range.start).sum();
        let again = asked - SIZE as u64;
        assert!(again <= 4 * PIECE, "{fault:?}: {again} bytes were asked for again");
    }
}

#[test]
fn a_piece_that_never_gets_on_fails_the_blob() {
    let scene = Scene::new();
    scene.registry.fail_later("GET", "/blobs/", 5, usize::MAX, Fault::DropAnswerAfter(0));
    let error = read(&scene.repository(giving_up_after(200)), &descriptor(&scene.content), 0).unwrap_err();
    assert!(chain(&error).contains("the connection was lost"), "{}", chain(&error));
}

#[test]
fn a_refusal_in_the_middle_is_not_tried_again() {
    let scene = Scene::new();
    scene.registry.fail_later("GET", "/blobs/", 5, 1000, Fault::Status(404, vec![]));
    let settings = Settings { concurrency: 1, ..settings() };
    let error = read(&scene.repository(settings), &descriptor(&scene.content), 0).unwrap_err();
    assert!(error.to_string().contains("was not found"), "{error}");
    assert_eq!(scene.registry.requests().len(), 6);
}

#[test]
fn a_connection_far_slower_than_its_peers_is_replaced() {
    let scene = Scene::slow(1_000_000);
    // At this speed the piece would take a minute.
    scene.registry.fail_later("GET", "/blobs/", 6, 1, Fault::SlowAnswer(1_000));
    let begun = Instant::now();
    scene.check(&scene.repository(settings()), 0);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    // It continued from the byte that it had reached.
    let slow = range(&scene.registry.requests()[6]);
    let rest = scene.ranges().into_iter().find(|range| range.end == slow.end && range.start > slow.start);
    assert!(rest.is_some(), "{:?}", scene.ranges());
}

#[test]
fn a_silent_connection_is_replaced() {
    let scene = Scene::slow(1_000_000);
    scene.registry.fail_later("GET", "/blobs/", 6, 1, Fault::StallAnswerAfter(10_000));
    scene.check(&scene.repository(impatient()), 0);
    let slow = range(&scene.registry.requests()[6]);
    assert!(scene.ranges().contains(&(slow.start + 10_000..slow.end)), "{:?}", scene.ranges());
}

#[test]
fn redirected_pieces_go_straight_to_the_store_until_the_url_expires() {
    let (scene, store) = (Scene::new(), FakeRegistry::start());
    store.add_blob(&scene.content);
    store.configure(|options| options.uses_per_redirect = 10);
    scene.registry.configure(|options| {
        options.redirect_blobs_to = Some(format!("http://{}", store.host()));
        options.access = kit_testkit::registry::Access::Basic { username: "me", password: "secret" };
    });
    let settings = Settings { concurrency: 2, ..settings_for("me", "secret") };
    scene.check(&scene.repository(settings), 0);
    assert!(store.requests().iter().all(|request| request.header("authorization").is_none()));
    let good: Vec<_> = store.requests().iter().filter(|request| request.status == 206).map(range).collect();
    assert_each_byte_once(good, 0);
    let expired = store.requests().iter().filter(|request| request.status == 403).count();
    assert!((3..=10).contains(&expired), "{expired}");
    let resolved = scene.registry.requests().len();
    assert!((5..=13).contains(&resolved), "each URL serves many pieces: {resolved}");
}

#[test]
fn a_reader_that_is_dropped_ends_its_connections() {
    let scene = Scene::slow(100_000);
    let repository = scene.repository(settings());
    let descriptor = descriptor(&scene.content);
    let blob = repository.blob(&descriptor);
    let mut reader = blob.open_at(0).unwrap();
    reader.read_exact(&mut [0; 10]).unwrap();
    drop(reader);
    drop(blob);
    // The runtime must end too, with tasks that still hold connections.
    drop(repository);
}

#[test]
fn unread_content_is_not_fetched() {
    let scene = Scene::new();
    let repository = scene.repository(Settings { concurrency: 2, ..settings() });
    let descriptor = descriptor(&scene.content);
    let blob = repository.blob(&descriptor);
    let mut reader = blob.open_at(0).unwrap();
    reader.read_exact(&mut [0; 10]).unwrap();
    std::thread::sleep(Duration::from_millis(400));
    assert!(scene.registry.requests().len() <= 3, "{:?}", scene.ranges());
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest == scene.content[10..]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_bytes_are_the_same_however_they_come(
        size in 1_usize..300_000,
        from in 0.0..1.0,
        piece_bytes in 1_000_u64..100_000,
        concurrency in 1_usize..9,
        drops in proptest::collection::vec((0_usize..30, 0_usize..50_000), 0..4),
    ) {
        let registry = FakeRegistry::start();
        let content = bytes(size);
        registry.add_blob(&content);
        for (turn, after) in drops {
            registry.fail_later("GET", "/blobs/", turn, 1, Fault::DropAnswerAfter(after));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let offset = (size as f64 * from) as usize;
        let settings = Settings { piece_bytes, pieces_from_bytes: 0, concurrency, ..settings() };
        let found = read(&repository_with(&registry, settings), &descriptor(&content), offset as u64).unwrap();
        prop_assert!(found == content[offset..]);
    }
}
