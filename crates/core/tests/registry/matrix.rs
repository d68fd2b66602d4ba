//! Every fault on every road: the result is complete, and no byte moves twice without need. See the lists in
//! `main.rs`.

use kit_core::ops::Error;
use kit_core::registry::Settings;

use crate::roads::{Home, Kit, PART, Road, fetched, sent};
use crate::support::{impatient, settings, settings_for};
use kit_testkit::registry::{Access, Bearer, FakeRegistry, Fault};

const FROM: [Road; 5] =
    [Road::PullInOneStream, Road::PullInPieces, Road::UnpackInOneStream, Road::UnpackInPieces, Road::CopyFrom];
const TO: [Road; 3] = [Road::PushWhole, Road::PushInParts, Road::CopyTo];

/// Walks all `roads` with the faults that `prepare` sets; `moved_again` bytes of blobs may move a second time.
#[track_caller]
fn check(
    roads: &[Road],
    settings: impl Fn() -> Settings,
    prepare: impl Fn(&FakeRegistry, &Kit),
    moved_again: impl Fn(Road) -> u64,
) {
    let kit = Kit::new();
    for &road in roads {
        let (registry, home) = (FakeRegistry::start(), Home::new());
        // A session answers at each of its locations, old and new.
        registry.configure(|options| options.any_location = true);
        if road.is_from_registry() {
            kit.put_into(&registry);
        }
        prepare(&registry, &kit);
        let walked = road.walk(&kit, &registry, &home, settings());
        walked.unwrap_or_else(|error| panic!("{road:?}: {} {:#?}", chain(&error), registry.log()));
        let requests = registry.requests();
        let (moved, size) = if road.is_from_registry() {
            (fetched(&requests, kit.layer()), kit.layer_bytes())
        } else {
            (sent(&requests), kit.bytes())
        };
        let most = size + moved_again(road);
        assert!((size..=most).contains(&moved), "{road:?}: {moved} bytes of {size} moved, {:#?}", registry.log());
    }
}

fn chain(error: &Error) -> String {
    crate::support::chain(error)
}

fn nothing(_: Road) -> u64 {
    0
}

/// The size of a refused part, which is sent again, or of a whole blob that was sent in one PUT.
fn what_was_refused(road: Road) -> u64 {
    if road.is_in_parts() { PART } else { 2_000_000 }
}

/// Makes the first request for the layer, the one that continues after it, and a later one fail.
fn while_fetching(fault: Fault) -> impl Fn(&FakeRegistry, &Kit) {
    move |registry, kit| {
        for turn in [0, 1, 3] {
            registry.fail_later("GET", kit.layer(), turn, 1, fault.clone());
        }
    }
}

/// Makes the first request of `method` for an upload fail, and a later one.
fn while_sending(method: &'static str, fault: Fault) -> impl Fn(&FakeRegistry, &Kit) {
    move |registry, _| {
        for turn in [0, 2] {
            registry.fail_later(method, "/blobs/uploads/", turn, 1, fault.clone());
        }
    }
}

fn refusals() -> [Fault; 4] {
    let later = || vec![("retry-after", "0".to_owned())];
    [Fault::Status(429, later()), Fault::Status(500, vec![]), Fault::Status(503, later()), Fault::Status(408, vec![])]
}

#[test]
fn without_a_fault_every_byte_moves_once() {
    check(&FROM, settings, |_, _| {}, nothing);
    check(&TO, settings, |_, _| {}, nothing);
}

#[test]
fn a_connection_that_drops_or_a_body_that_is_truncated_is_continued_at_its_byte() {
    for fault in [Fault::DropAnswerAfter(30_000), Fault::TruncateAnswerAfter(30_000), Fault::DropInsteadOfAnswer] {
        check(&FROM, settings, while_fetching(fault), nothing);
    }
}

#[test]
fn a_download_that_stalls_is_continued_at_its_byte() {
    for fault in [Fault::StallAnswerAfter(30_000), Fault::NoAnswer] {
        check(&FROM, impatient, while_fetching(fault), nothing);
    }
}

#[test]
fn a_refused_download_is_asked_for_again() {
    for fault in refusals() {
        check(&FROM, settings, while_fetching(fault), nothing);
    }
}

#[test]
fn a_slow_connection_costs_no_byte() {
    check(&FROM, settings, while_fetching(Fault::SlowAnswer(1_000_000)), nothing);
    check(&FROM, settings, |registry, _| registry.configure(|o| o.bytes_per_second = Some(2_000_000)), nothing);
}

/// The bytes of the first answers are not requested again, but a registry without range support sends them again.
#[test]
fn a_registry_that_ignores_ranges_sends_the_whole_blob() {
    let prepare = |registry: &FakeRegistry, kit: &Kit| {
        registry.configure(|options| options.ranges = false);
        registry.fail("GET", kit.layer(), Fault::DropAnswerAfter(700_000));
    };
    check(&FROM, settings, prepare, |_| 700_000);
}

#[test]
fn an_expired_url_is_resolved_again_without_credentials() {
    let kit = Kit::new();
    for road in FROM {
        let (registry, store, home) = (FakeRegistry::start(), FakeRegistry::start(), Home::new());
        kit.put_into(&registry);
        kit.put_into(&store);
        registry.configure(|options| {
            options.redirect_blobs_to = Some(format!("http://{}", store.host()));
            options.access = Access::Basic { username: "me", password: "secret" };
        });
        store.configure(|options| options.uses_per_redirect = 2);
        store.fail("GET", kit.layer(), Fault::DropAnswerAfter(30_000));
        let walked = road.walk(&kit, &registry, &home, settings_for("me", "secret"));
        walked.unwrap_or_else(|error| panic!("{road:?}: {}", chain(&error)));
        let requests = store.requests();
        assert_eq!(fetched(&requests, kit.layer()), kit.layer_bytes(), "{road:?}");
        assert!(requests.iter().all(|request| request.header("authorization").is_none()), "{road:?}");
        // One stream asks the registry after each interruption, and never at an old URL.
        let expired = requests.iter().filter(|request| request.status == 403).count();
        assert_eq!(expired > 0, road.is_in_pieces(), "{road:?}");
    }
}

#[test]
fn a_token_that_is_good_for_one_request_is_renewed_each_time() {
    let access = |registry: &FakeRegistry, _: &Kit| {
        registry.configure(|options| options.access = Access::Bearer(Bearer { uses: 1, ..Bearer::default() }));
    };
    // Concurrent requests would use up each other's token.
    let one_by_one = || Settings { concurrency: 1, ..settings() };
    check(&FROM, one_by_one, access, nothing);
    // A registry that reads the part before it refuses the token receives the part twice.
    check(&TO, one_by_one, access, |_| 2_000_000);
}

#[test]
fn a_registry_without_head_is_read_from_and_written_to() {
    let prepare = |registry: &FakeRegistry, _: &Kit| registry.configure(|options| options.head = false);
    check(&FROM, settings, prepare, nothing);
    check(&TO, settings, prepare, nothing);
}

#[test]
fn documents_are_asked_for_again_too() {
    let drops = [Fault::DropAnswerAfter(20), Fault::DropInsteadOfAnswer];
    for fault in refusals().into_iter().chain(drops) {
        check(&FROM, settings, |registry, _| registry.fail("GET", "/manifests/", fault.clone()), nothing);
        check(&TO, settings, |registry, _| registry.fail("PUT", "/manifests/", fault.clone()), nothing);
    }
    check(&TO, impatient, |registry, _| registry.fail("PUT", "/manifests/", Fault::NoAnswer), nothing);
}

#[test]
fn an_upload_that_drops_sends_no_byte_again_that_arrived() {
    check(&TO, settings, while_sending("POST", Fault::DropInsteadOfAnswer), nothing);
    let drop_within = |registry: &FakeRegistry, _: &Kit| {
        registry.fail_later("PATCH", "/uploads/", 1, 1, Fault::DropRequestAfter(150_000));
        registry.fail("PUT", "/uploads/", Fault::DropRequestAfter(700_000));
    };
    check(&TO, settings, drop_within, nothing);
    check(&TO, settings, while_sending("PATCH", Fault::DropInsteadOfAnswer), nothing);
    check(&TO, settings, while_sending("PUT", Fault::DropInsteadOfAnswer), nothing);
}

#[test]
fn an_upload_that_stalls_sends_no_byte_again_that_arrived() {
    check(&TO, impatient, while_sending("POST", Fault::NoAnswer), nothing);
    check(&TO, impatient, while_sending("PATCH", Fault::NoAnswer), nothing);
    check(&TO, impatient, while_sending("PUT", Fault::NoAnswer), nothing);
}

#[test]
fn only_the_refused_part_of_an_upload_is_sent_again() {
    for fault in refusals() {
        check(&TO, settings, while_sending("POST", fault.clone()), nothing);
        let patch = while_sending("PATCH", fault.clone());
        check(&[Road::PushInParts, Road::CopyTo], settings, patch, |_| 2 * PART);
        // In parts, the PUT has no body, so nothing is sent again.
        let whole_only = |road| if road == Road::PushWhole { 2_000_000 } else { 0 };
        let put = |registry: &FakeRegistry, _: &Kit| registry.fail("PUT", "/uploads/", fault.clone());
        check(&[Road::PushWhole], settings, put, whole_only);
    }
}

#[test]
fn an_expired_session_is_restarted_once() {
    let expire = |registry: &FakeRegistry, _: &Kit| {
        registry.fail_later("PATCH", "/uploads/", 1, 1, Fault::Status(404, vec![]));
    };
    check(&[Road::PushInParts, Road::CopyTo], settings, expire, |_| 2 * PART);
    let expire = |registry: &FakeRegistry, _: &Kit| {
        registry.fail("PUT", "/uploads/", Fault::Status(404, vec![]));
    };
    check(&[Road::PushWhole], settings, expire, what_was_refused);
}

/// Docker's registry loses a session whose connection breaks within a part. With time left, that may happen again.
#[test]
fn sessions_lost_with_their_connections_are_replaced_again_and_again() {
    let lose = |registry: &FakeRegistry, _: &Kit| {
        registry.fail_later("PATCH", "/uploads/", 1, 3, Fault::DropRequestAfter(1000));
        registry.fail_later("GET", "/uploads/", 0, 3, Fault::Status(404, vec![]));
    };
    check(&[Road::PushInParts], settings, lose, |_| 4 * PART);
}

/// The registry reports less than it has: the part at the wrong offset is refused, and the session is queried.
#[test]
fn a_false_offset_costs_one_part() {
    for lie in ["0-5", "0-399998"] {
        let prepare = |registry: &FakeRegistry, _: &Kit| {
            registry.fail("PATCH", "/uploads/", Fault::Header("range", lie.to_owned()));
        };
        check(&[Road::PushInParts, Road::CopyTo], settings, prepare, what_was_refused);
    }
    for lie in ["0-99999999999", "5-7", "nonsense", "0-0"] {
        let prepare = |registry: &FakeRegistry, _: &Kit| {
            registry.fail("PATCH", "/uploads/", Fault::Header("range", lie.to_owned()));
        };
        check(&[Road::PushInParts, Road::CopyTo], settings, prepare, nothing);
    }
}

/// Wrong bytes cause an error that names the mismatch, nothing of them is kept, and the next run succeeds.
#[test]
fn wrong_bytes_are_never_kept() {
    let kit = Kit::new();
    for turn in [0, 4] {
        for road in FROM.into_iter().filter(|road| turn == 0 || road.is_in_pieces()) {
            let (registry, home) = (FakeRegistry::start(), Home::new());
            kit.put_into(&registry);
            registry.fail_later("GET", kit.layer(), turn, 1, Fault::WrongBytes);
            let error = road.walk(&kit, &registry, &home, settings()).unwrap_err();
            // A registry that is the target of a copy detects them itself.
            let words = if road == Road::CopyFrom { "DIGEST_INVALID" } else { "does not match its digest" };
            assert!(chain(&error).contains(words), "{road:?}: {}", chain(&error));
            assert!(home.unfinished() == 0 && !home.path("out").exists(), "{road:?}");
            road.walk(&kit, &registry, &home, settings()).unwrap();
        }
    }
}

/// Bytes from another offset of the blob than the requested one are refused.
#[test]
fn an_answer_with_another_range_is_refused() {
    let kit = Kit::new();
    for road in FROM.into_iter().filter(|road| road.is_in_pieces()) {
        let (registry, home) = (FakeRegistry::start(), Home::new());
        kit.put_into(&registry);
        let lie = "bytes 7-65542/1502208".to_owned();
        registry.fail_later("GET", kit.layer(), 2, 1, Fault::Header("content-range", lie));
        let error = road.walk(&kit, &registry, &home, settings()).unwrap_err();
        assert!(chain(&error).contains("the answer contains `bytes 7-"), "{road:?}: {}", chain(&error));
        assert!(!home.path("out").exists(), "{road:?}");
    }
}
