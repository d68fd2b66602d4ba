//! Sending in parts: when one PUT is refused, and to resume an interrupted upload.

use kit_core::oci::Target;
use kit_core::registry::{HostSettings, Settings, UploadForm};

use crate::support::{Watched, bytes, chain, descriptor, impatient, repository_with, settings};
use kit_testkit::registry::{FakeRegistry, Fault, PutBody, Recorded};

const SIZE: usize = 3_000_000;
const PART: u64 = 1_000_000;

fn in_parts() -> Settings {
    Settings { chunk_bytes: PART, ..settings() }
}

fn parts(registry: &FakeRegistry) -> Vec<String> {
    let line = |request: &Recorded| format!("{} {}", request.header("content-range").unwrap(), request.status);
    registry.requests_of("PATCH", "").iter().map(line).collect()
}

fn push(registry: &FakeRegistry, settings: Settings, size: usize) -> Watched {
    let content = Watched::new(&bytes(size));
    let descriptor = descriptor(&content.bytes);
    repository_with(registry, settings).put(&descriptor, &content).unwrap();
    assert!(registry.blob(&descriptor.digest.to_string()).unwrap() == content.bytes);
    content
}

#[test]
fn a_registry_that_refuses_the_whole_gets_parts() {
    for (status, code) in [(413, "SIZE_INVALID"), (416, "X"), (400, "SIZE_INVALID"), (404, "X"), (405, "UNSUPPORTED")] {
        let registry = FakeRegistry::start();
        registry.configure(|options| options.put_body = PutBody::Refused(status, code));
        push(&registry, in_parts(), SIZE);
        assert_eq!(parts(&registry), ["0-999999 202", "1000000-1999999 202", "2000000-2999999 202"], "{status}");
        let last = registry.requests().pop().unwrap();
        assert_eq!((last.method.as_str(), last.body_bytes, last.status), ("PUT", 0, 201));
    }
}

#[test]
fn another_refusal_is_final() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.put_body = PutBody::Refused(400, "DIGEST_INVALID"));
    let content = bytes(SIZE);
    let error = repository_with(&registry, in_parts()).put(&descriptor(&content), &&content[..]).unwrap_err();
    assert!(chain(&error).contains("DIGEST_INVALID"));
    assert_eq!(registry.requests().len(), 2);
}

#[test]
fn the_last_part_is_the_remainder() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.put_body = PutBody::Refused(413, "X"));
    push(&registry, in_parts(), 1_000_001);
    assert_eq!(parts(&registry), ["0-999999 202", "1000000-1000000 202"]);
}

#[test]
fn parts_are_as_large_as_the_registry_wants() {
    let registry = FakeRegistry::start();
    registry.configure(|options| {
        options.put_body = PutBody::Refused(413, "X");
        options.smallest_part = Some(2_000_000);
    });
    push(&registry, in_parts(), SIZE);
    assert_eq!(parts(&registry), ["0-1999999 202", "2000000-2999999 202"]);
}

#[test]
fn parts_that_are_too_large_become_four_mebibytes() {
    let registry = FakeRegistry::start();
    registry.configure(|options| {
        options.put_body = PutBody::Refused(413, "X");
        options.largest_part = Some(4 * 1024 * 1024);
    });
    push(&registry, settings(), 9_000_000);
    assert_eq!(parts(&registry), ["0-8999999 416", "0-4194303 202", "4194304-8388607 202", "8388608-8999999 202"]);
}

#[test]
fn parts_that_are_always_too_large_end_with_an_error() {
    let registry = FakeRegistry::start();
    registry.configure(|options| {
        options.put_body = PutBody::Refused(413, "X");
        options.largest_part = Some(10);
    });
    let content = bytes(SIZE);
    let error = repository_with(&registry, in_parts()).put(&descriptor(&content), &&content[..]).unwrap_err();
    assert!(chain(&error).contains("the part is too large"), "{}", chain(&error));
}

/// The connection is lost within the PUT: bytes that the registry has are not sent again.
#[test]
fn an_interrupted_put_continues_in_parts() {
    let registry = FakeRegistry::start();
    registry.fail("PUT", "/uploads/", Fault::DropRequestAfter(1_500_000));
    let content = push(&registry, in_parts(), SIZE);
    assert_eq!(parts(&registry), ["1500000-2499999 202", "2500000-2999999 202"]);
    assert_eq!(content.opened_at(), [0, 1_500_000]);
    let sent: u64 = registry.requests().iter().map(|request| request.body_bytes).sum();
    assert_eq!(sent, SIZE as u64);
}

#[test]
fn a_broken_put_without_progress_is_sent_again_in_parts() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.keeps_partial = false);
    registry.fail("PUT", "/uploads/", Fault::DropRequestAfter(1_500_000));
    push(&registry, in_parts(), SIZE);
    assert_eq!(parts(&registry).len(), 3);
}

#[test]
fn an_interrupted_part_resumes_within_itself() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.put_body = PutBody::Refused(413, "X"));
    registry.fail_later("PATCH", "/uploads/", 1, 1, Fault::DropRequestAfter(600_000));
    push(&registry, in_parts(), SIZE);
    let expected = ["0-999999 202", "1000000-1999999 0", "1600000-2599999 202", "2600000-2999999 202"];
    assert_eq!(parts(&registry), expected);
}

#[test]
fn a_part_whose_confirmation_is_lost_is_not_sent_again() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.put_body = PutBody::Refused(413, "X"));
    registry.fail_later("PATCH", "/uploads/", 1, 1, Fault::DropInsteadOfAnswer);
    // The location of the lost answer is the current one; real registries answer the query at the old one as well.
    registry.configure(|options| options.any_location = true);
    push(&registry, in_parts(), SIZE);
    assert_eq!(parts(&registry), ["0-999999 202", "1000000-1999999 0", "2000000-2999999 202"]);
}

/// The registry reports that it kept less of a part than was sent.
#[test]
fn a_part_that_is_only_half_taken_is_continued() {
    let registry = FakeRegistry::start();
    registry.configure(|options| {
        options.put_body = PutBody::Refused(413, "X");
        options.takes_at_most = Some(700_000);
    });
    push(&registry, in_parts(), 2_000_000);
    assert_eq!(parts(&registry), ["0-999999 202", "700000-1699999 202", "1400000-1999999 202"]);
}

#[test]
fn a_range_without_progress_is_refused() {
    let registry = FakeRegistry::start();
    registry.configure(|options| {
        options.put_body = PutBody::Refused(413, "X");
        options.stale_range = true;
    });
    push(&registry, in_parts(), SIZE);
    assert_eq!(parts(&registry).len(), 3);
}

#[test]
fn an_expired_upload_starts_again_once() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.put_body = PutBody::Refused(413, "X"));
    registry.fail_later("PATCH", "/uploads/", 1, 1, Fault::Status(404, vec![]));
    push(&registry, in_parts(), SIZE);
    assert_eq!(parts(&registry)[..2], ["0-999999 202", "1000000-1999999 404"]);
    assert_eq!(parts(&registry)[2..], ["0-999999 202", "1000000-1999999 202", "2000000-2999999 202"]);

    let registry = FakeRegistry::start();
    registry.configure(|options| options.put_body = PutBody::Refused(413, "X"));
    registry.fail_later("PATCH", "/uploads/", 1, 100, Fault::Status(404, vec![]));
    let content = bytes(SIZE);
    let error = repository_with(&registry, in_parts()).put(&descriptor(&content), &&content[..]).unwrap_err();
    assert!(error.to_string().contains("answered 404"), "{error}");
    assert_eq!(registry.requests_of("POST", "").len(), 3);
}

/// The session ended while the connection was lost.
#[test]
fn an_upload_session_lost_after_a_break_starts_again() {
    let registry = FakeRegistry::start();
    registry.fail("PUT", "/uploads/", Fault::DropRequestAfter(1_500_000));
    registry.fail("GET", "/uploads/", Fault::Status(404, vec![]));
    push(&registry, in_parts(), SIZE);
    assert_eq!(parts(&registry), ["0-999999 202", "1000000-1999999 202", "2000000-2999999 202"]);
}

/// The second time the upload is not started again, and the error gives the reason for the loss.
#[test]
fn lost_sessions_without_progress_end_after_the_time_limit_with_their_cause() {
    let registry = FakeRegistry::start();
    registry.fail_later("PUT", "/uploads/", 0, 9999, Fault::DropRequestAfter(1_500_000));
    registry.fail_later("PATCH", "/uploads/", 0, 9999, Fault::DropRequestAfter(500_000));
    registry.fail_later("GET", "/uploads/", 0, 9999, Fault::Status(404, vec![]));
    let content = bytes(SIZE);
    let error = repository_with(&registry, in_parts()).put(&descriptor(&content), &&content[..]).unwrap_err();
    assert!(
        chain(&error).starts_with("gave up after ") && chain(&error).contains("the connection was lost"),
        "{error}"
    );
    assert!(registry.requests_of("POST", "").len() > 2);
}

#[test]
fn an_upload_without_progress_ends_after_the_time_limit() {
    let registry = FakeRegistry::start();
    registry.fail("PUT", "/uploads/", Fault::StallRequestAfter(500_000));
    // More than the buffers of the system between client and server hold.
    push(&registry, Settings { chunk_bytes: 10_000_000, ..impatient() }, 30_000_000);
}

/// The user's setting for a registry takes precedence over any other knowledge.
#[test]
fn the_form_that_the_user_wishes_is_used() {
    for (wish, whole, in_parts) in [
        (None, 1, 0),
        (Some(UploadForm::Whole), 1, 0),
        (Some(UploadForm::Parts(None)), 1, 0),
        (Some(UploadForm::Parts(Some(PART))), 0, 3),
    ] {
        let registry = FakeRegistry::start();
        let own = HostSettings { upload: wish, ..HostSettings::default() };
        let hosts = [(registry.host().to_owned(), own)].into();
        let content = bytes(SIZE);
        let repository = repository_with(&registry, Settings { hosts, ..settings() });
        repository.put(&descriptor(&content), &&content[..]).unwrap();
        let puts = registry.requests_of("PUT", "").iter().filter(|request| request.body_bytes > 0).count();
        assert_eq!((puts, registry.requests_of("PATCH", "").len()), (whole, in_parts), "{wish:?}");
    }
    // A user who requests one PUT gets no parts, although the registry would accept them.
    let registry = FakeRegistry::start();
    registry.configure(|options| options.put_body = PutBody::Refused(413, "SIZE_INVALID"));
    let own = HostSettings { upload: Some(UploadForm::Whole), ..HostSettings::default() };
    let hosts = [(registry.host().to_owned(), own)].into();
    let content = bytes(SIZE);
    let repository = repository_with(&registry, Settings { hosts, ..in_parts() });
    repository.put(&descriptor(&content), &&content[..]).unwrap_err();
    assert!(registry.requests_of("PATCH", "").is_empty());
}
