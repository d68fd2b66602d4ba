//! Reading: manifests, tags, blobs, and every possible fault.

use std::io::Read;

use kit_core::digest::Digest;
use kit_core::limits;
use kit_core::oci::{ContentError, Descriptor, MediaType, Source};
use kit_core::registry::{Error, Settings};

use crate::support::{
    bytes, chain, descriptor, digest, giving_up_after, impatient, manifest, read, repository, repository_with, settings,
};
use kit_testkit::registry::{FakeRegistry, Fault};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// More than one piece of the network and of the reader's channel.
const SIZE: usize = 3_000_000;

#[test]
fn a_tag_is_resolved_by_one_head() {
    let registry = FakeRegistry::start();
    let content = manifest("a");
    let expected = registry.add_manifest("team/model", "v1", MANIFEST, &content);
    let found = repository(&registry).resolve("v1").unwrap();
    assert_eq!(found, Descriptor::new(MediaType::IMAGE_MANIFEST, digest(&expected), content.len() as u64));
    assert_eq!(registry.log(), ["HEAD /v2/team/model/manifests/v1 200"]);
    let accept = registry.requests()[0].header("accept").unwrap().to_owned();
    assert!(accept.contains(MANIFEST) && accept.contains("image.index"), "{accept}");
    assert_eq!(registry.requests()[0].header("user-agent"), Some(concat!("kit/", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_registry_without_head_or_digest_is_read_instead() {
    for prepare in [
        |registry: &FakeRegistry| registry.configure(|options| options.head = false),
        |registry: &FakeRegistry| registry.configure(|options| options.digest_header = false),
        // The digest of a GET is computed, regardless of its header.
        |registry: &FakeRegistry| {
            registry.configure(|options| options.head = false);
            let lie = Digest::of(b"something else").to_string();
            registry.fail("GET", "/manifests/", Fault::Header("docker-content-digest", lie));
        },
    ] {
        let registry = FakeRegistry::start();
        let expected = registry.add_manifest("team/model", "v1", MANIFEST, &manifest("a"));
        prepare(&registry);
        assert_eq!(repository(&registry).resolve("v1").unwrap().digest, digest(&expected));
        assert_eq!(registry.requests_of("GET", "/manifests/v1").len(), 1);
    }
}

#[test]
fn a_digest_is_resolved_to_itself_or_not_at_all() {
    let registry = FakeRegistry::start();
    let expected = registry.add_manifest("team/model", "v1", MANIFEST, &manifest("a"));
    assert_eq!(repository(&registry).resolve(&expected).unwrap().digest, digest(&expected));
    let lie = Digest::of(b"something else").to_string();
    registry.fail("HEAD", "/manifests/", Fault::Header("docker-content-digest", lie));
    registry.fail("GET", "/manifests/", Fault::WrongBytes);
    assert!(matches!(repository(&registry).resolve(&expected), Err(ContentError::Mismatch(_))));
}

#[test]
fn missing_parts_are_named() {
    let registry = FakeRegistry::start();
    let error = repository(&registry).resolve("v1").unwrap_err();
    assert_eq!(error.to_string(), format!("`{}/team/model:v1` was not found", registry.host()));
    assert!(matches!(error, ContentError::NotFound(_)));
    let absent = descriptor(b"x");
    let error = repository(&registry).blob(&absent).open_at(0).err().unwrap();
    assert_eq!(error.to_string(), format!("`{}/team/model@{}` was not found", registry.host(), absent.digest));
}

#[test]
fn a_selector_never_becomes_a_path() {
    let registry = FakeRegistry::start();
    for selector in ["../../other/manifests/v1", "v1?x=y", "", "sha256:abc"] {
        assert!(repository(&registry).resolve(selector).is_err());
        assert!(repository(&registry).delete(selector).is_err());
    }
    assert!(registry.requests().is_empty());
}

#[test]
fn a_manifest_is_checked_against_its_descriptor() {
    let registry = FakeRegistry::start();
    let content = manifest("a");
    let name = registry.add_manifest("team/model", "v1", MANIFEST, &content);
    let good = Descriptor::new(MediaType::IMAGE_MANIFEST, digest(&name), content.len() as u64);
    let repository = repository(&registry);
    assert_eq!(repository.manifest(&good).unwrap(), content);
    for size in [good.size - 1, good.size + 1] {
        let wrong = Descriptor { size, ..good.clone() };
        assert!(matches!(repository.manifest(&wrong), Err(ContentError::Mismatch(_))));
    }
    registry.fail("GET", "/manifests/", Fault::WrongBytes);
    assert!(matches!(repository.manifest(&good), Err(ContentError::Mismatch(_))));
}

#[test]
fn documents_that_are_too_large_are_not_read() {
    let registry = FakeRegistry::start();
    let large = bytes(usize::try_from(limits::MANIFEST_BYTES).unwrap() + 1);
    let name = registry.add_manifest("team/model", "v1", MANIFEST, &large);
    let honest = Descriptor::new(MediaType::IMAGE_MANIFEST, digest(&name), large.len() as u64);
    assert!(
        chain(&repository(&registry).manifest(&honest).unwrap_err()).contains("larger than the limit of 4194304 bytes")
    );
    assert!(registry.requests().is_empty());
    let lying = Descriptor { size: 5, ..honest };
    assert!(
        chain(&repository(&registry).manifest(&lying).unwrap_err()).contains("larger than the limit of 4194304 bytes")
    );
}

#[test]
fn a_manifest_that_breaks_off_is_read_again() {
    let registry = FakeRegistry::start();
    let content = manifest("a");
    let name = registry.add_manifest("team/model", "v1", MANIFEST, &content);
    registry.fail("GET", "/manifests/", Fault::DropAnswerAfter(10));
    let descriptor = Descriptor::new(MediaType::IMAGE_MANIFEST, digest(&name), content.len() as u64);
    assert_eq!(repository(&registry).manifest(&descriptor).unwrap(), content);
}

#[test]
fn a_blob_is_read_from_any_offset() {
    let registry = FakeRegistry::start();
    let content = bytes(SIZE);
    registry.add_blob(&content);
    let descriptor = descriptor(&content);
    let repository = repository(&registry);
    assert!(read(&repository, &descriptor, 0).unwrap() == content);
    assert!(read(&repository, &descriptor, 1_000_001).unwrap() == content[1_000_001..]);
    let requests = registry.requests();
    assert_eq!(requests[0].header("range"), None);
    assert_eq!(requests[1].header("range"), Some("bytes=1000001-2999999"));
    assert_eq!(requests[1].status, 206);
    assert!(read(&repository, &descriptor, SIZE as u64).unwrap().is_empty());
    assert_eq!(registry.requests().len(), 2);
}

#[test]
fn an_empty_blob_is_read() {
    let registry = FakeRegistry::start();
    registry.add_blob(b"");
    assert!(read(&repository(&registry), &descriptor(b""), 0).unwrap().is_empty());
}

#[test]
fn a_registry_that_ignores_ranges_costs_only_time() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.ranges = false);
    let content = bytes(SIZE);
    registry.add_blob(&content);
    assert!(read(&repository(&registry), &descriptor(&content), 2_000_000).unwrap() == content[2_000_000..]);
    assert_eq!(registry.requests().len(), 1);
}

#[test]
fn a_registry_that_refuses_ranges_costs_only_time() {
    let registry = FakeRegistry::start();
    let content = bytes(SIZE);
    registry.add_blob(&content);
    registry.fail("GET", "/blobs/", Fault::Status(416, Vec::new()));
    assert!(read(&repository(&registry), &descriptor(&content), 2_000_000).unwrap() == content[2_000_000..]);
    let asked: Vec<_> = registry.requests().iter().map(|request| request.header("range").is_some()).collect();
    assert_eq!(asked, [true, false]);
}

/// The reader continues at the byte that it reached, after any kind of interruption.
fn check_recovery(settings: Settings, faults: &[Fault], ranges_expected: usize) {
    let registry = FakeRegistry::start();
    let content = bytes(SIZE);
    registry.add_blob(&content);
    for (index, fault) in faults.iter().enumerate() {
        registry.fail_later("GET", "/blobs/", index, 1, fault.clone());
    }
    let repository = repository_with(&registry, settings);
    assert!(read(&repository, &descriptor(&content), 0).unwrap() == content, "{faults:?}");
    let ranges: Vec<_> = registry.requests().iter().filter_map(|r| r.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges.len(), ranges_expected, "{ranges:?}");
    assert_eq!(registry.requests().len(), faults.len() + 1);
}

#[test]
fn an_interrupted_download_resumes_where_it_stopped() {
    check_recovery(settings(), &[Fault::DropAnswerAfter(1_000_000)], 1);
    check_recovery(settings(), &[Fault::TruncateAnswerAfter(1_000_000)], 1);
    check_recovery(settings(), &[Fault::DropInsteadOfAnswer], 0);
    check_recovery(
        settings(),
        &[Fault::Status(503, vec![]), Fault::Status(429, vec![("retry-after", "0".to_owned())])],
        0,
    );
    check_recovery(settings(), &[Fault::DropAnswerAfter(1_000_000), Fault::Status(500, vec![])], 2);
}

#[test]
fn a_silent_registry_is_left_after_a_while() {
    check_recovery(impatient(), &[Fault::NoAnswer], 0);
    check_recovery(impatient(), &[Fault::StallAnswerAfter(1_000_000)], 1);
}

/// With progress in between, a download may fail more often than the policy allows in a row.
#[test]
fn progress_resets_the_count_of_failures() {
    check_recovery(settings(), &[const { Fault::DropAnswerAfter(300_000) }; 6], 6);
}

#[test]
fn a_download_that_never_gets_on_fails() {
    let registry = FakeRegistry::start();
    let content = bytes(SIZE);
    registry.add_blob(&content);
    registry.configure(|options| options.ranges = false);
    // Each connection transfers only bytes that were received before.
    registry.fail_later("GET", "/blobs/", 0, usize::MAX, Fault::DropAnswerAfter(500_000));
    let repository = repository_with(&registry, giving_up_after(200));
    let error = read(&repository, &descriptor(&content), 1_000_000).unwrap_err();
    assert!(chain(&error).contains("the connection was lost"), "{}", chain(&error));
}

#[test]
fn refusals_are_not_tried_again() {
    for status in [400, 403, 404, 410] {
        let registry = FakeRegistry::start();
        registry.fail("GET", "/blobs/", Fault::Status(status, vec![]));
        assert!(read(&repository(&registry), &descriptor(b"x"), 0).is_err());
        assert_eq!(registry.requests().len(), 1, "{status}");
    }
}

#[test]
fn the_words_of_the_registry_are_in_the_error() {
    let registry = FakeRegistry::start();
    registry.fail("GET", "/blobs/", Fault::Status(403, vec![]));
    let error = repository(&registry).blob(&descriptor(b"x")).open_at(0).err().unwrap();
    assert!(matches!(error, ContentError::Denied(_)));
    let name = format!("{}/team/model@{}", registry.host(), descriptor(b"x").digest);
    let expected = format!(
        "cannot read blob `{name}`: `{}` does not allow it (403) / FAULT: this went wrong on purpose",
        registry.host()
    );
    assert_eq!(chain(&error), expected);
}

#[test]
fn a_blob_of_another_size_is_refused_before_it_is_read() {
    let registry = FakeRegistry::start();
    registry.add_blob(b"hello");
    for (size, offset) in [(4, 0), (6, 0), (4, 2), (6, 2)] {
        let wrong = Descriptor { size, ..descriptor(b"hello") };
        // A closed range beyond the end of the blob is refused by the registry itself.
        let repository = repository(&registry);
        let blob = repository.blob(&wrong);
        let result = blob.open_at(offset);
        assert!(result.is_err(), "{size} {offset}");
        assert!(matches!(result, Err(ContentError::Mismatch(_))) || (size, offset) == (6, 2));
    }
}

#[test]
fn a_range_of_other_bytes_is_refused() {
    let registry = FakeRegistry::start();
    registry.add_blob(b"hello");
    for lie in ["bytes 0-4/5", "bytes 3-4/5", "rubbish", "bytes */5"] {
        registry.fail("GET", "/blobs/", Fault::Header("content-range", lie.to_owned()));
        let error = repository(&registry).blob(&descriptor(b"hello")).open_at(2).err().unwrap();
        assert!(error.to_string().contains(&format!("the answer contains `{lie}`")), "{error}");
    }
    registry.fail("GET", "/blobs/", Fault::Header("content-range", "bytes 2-4/*".to_owned()));
    assert_eq!(read(&repository(&registry), &descriptor(b"hello"), 2).unwrap(), b"llo");
}

#[test]
fn redirects_are_followed_and_credentials_stay() {
    let (registry, store) = (FakeRegistry::start(), FakeRegistry::start());
    registry.configure(|options| {
        options.redirect_blobs_to = Some(format!("http://{}", store.host()));
        options.access = kit_testkit::registry::Access::Basic { username: "me", password: "secret" };
    });
    let content = bytes(SIZE);
    registry.add_blob(&content);
    store.add_blob(&content);
    store.fail("GET", "/objects/", Fault::DropAnswerAfter(1_000_000));
    let repository = repository_with(&registry, crate::support::settings_for("me", "secret"));
    assert!(read(&repository, &descriptor(&content), 0).unwrap() == content);
    // The second connection starts at the registry again: the first signature may have expired.
    let statuses: Vec<_> = registry.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [401, 307, 307]);
    assert_eq!(store.requests().len(), 2);
    assert!(store.requests().iter().all(|request| request.header("authorization").is_none()));
    assert!(store.requests()[1].header("range").is_some());
}

#[test]
fn redirects_do_not_go_round_for_ever() {
    let registry = FakeRegistry::start();
    let location = format!("http://{}/v2/team/model/manifests/v1", registry.host());
    registry.fail_later("GET", "/manifests/", 0, 100, Fault::Status(307, vec![("location", location)]));
    registry.configure(|options| options.head = false);
    let error = repository(&registry).resolve("v1").unwrap_err();
    assert!(error.to_string().contains("redirects more than 10 times"), "{error}");
    assert_eq!(registry.requests_of("GET", "").len(), 11);
}

#[test]
fn tags_are_listed_over_all_pages() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.tags_per_page = 2);
    for tag in ["a", "b", "c", "d", "e"] {
        registry.add_manifest("team/model", tag, MANIFEST, &manifest(tag));
    }
    assert_eq!(repository(&registry).tags().unwrap(), ["a", "b", "c", "d", "e"]);
    assert_eq!(registry.requests().len(), 3);
}

#[test]
fn a_list_with_a_cycle_or_a_foreign_link_is_refused() {
    let registry = FakeRegistry::start();
    registry.add_manifest("team/model", "a", MANIFEST, &manifest("a"));
    for link in ["</v2/team/model/tags/list>; rel=next", "<http://127.0.0.1:9/v2/team/model/tags/list>; rel=next"] {
        registry.fail("GET", "/tags/", Fault::Header("link", link.to_owned()));
        let error = repository(&registry).tags().unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{error}");
    }
}

#[test]
fn a_repository_without_tags_has_none_and_a_missing_one_is_an_error() {
    let registry = FakeRegistry::start();
    assert!(matches!(repository(&registry).tags(), Err(Error::NotFound { .. })));
    let digest = registry.add_manifest("team/model", "a", MANIFEST, &manifest("a"));
    repository(&registry).delete(&digest).unwrap();
    assert_eq!(repository(&registry).tags().unwrap(), Vec::<String>::new());
}

#[test]
fn a_reader_that_is_dropped_stops_the_download() {
    let registry = FakeRegistry::start();
    let content = bytes(SIZE);
    registry.add_blob(&content);
    let repository = repository(&registry);
    let descriptor = descriptor(&content);
    let blob = repository.blob(&descriptor);
    let mut reader = blob.open_at(0).unwrap();
    reader.read_exact(&mut [0; 10]).unwrap();
    drop(reader);
    drop(blob);
    // The runtime must end too, with a task that still holds the connection.
    drop(repository);
}

#[test]
fn only_the_requested_range_is_transferred() {
    let (registry, content) = (FakeRegistry::start(), bytes(SIZE));
    registry.add_blob(&content);
    // Large enough to be read in pieces if all of it were read.
    let repository = repository_with(&registry, Settings { pieces_from_bytes: 1000, ..settings() });
    let range = |offset: u64, length: u64| {
        let mut read = Vec::new();
        let blob = repository.blob(&descriptor(&content));
        blob.open_range(offset, length).unwrap().read_to_end(&mut read).unwrap();
        let start = usize::try_from(offset).unwrap();
        let end = content.len().min(start + usize::try_from(length).unwrap());
        assert!(read == content[start.min(end)..end], "other bytes between {offset} and {end}");
    };
    let size = content.len() as u64;
    range(0, 100);
    range(5000, 20_000);
    range(size - 10, 100);
    range(size, 100);
    range(7, 0);
    let asked: Vec<_> = registry.requests().iter().map(|r| r.header("range").unwrap().to_owned()).collect();
    assert_eq!(asked, ["bytes=0-99", "bytes=5000-24999", &format!("bytes={}-{}", size - 10, size - 1)]);
    registry.forget_requests();
    registry.fail("GET", "/blobs/", Fault::DropAnswerAfter(1_000_000));
    range(5000, 2_000_000);
    assert!(registry.requests().len() > 1, "the connection was cut, and the rest was asked for");
    registry.configure(|options| options.ranges = false);
    range(5000, 20_000);
}
