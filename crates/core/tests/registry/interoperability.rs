//! The same operations against docker's own registry.

use kit_core::oci::{ContentError, Descriptor, Manifest, MediaType, Reference, Source, Target};
use kit_core::registry::{Error, Settings};

use crate::support::{bytes, client, descriptor, impatient, read, settings};
use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::faulty_proxy::{End, FaultyProxy, Trouble, Way};

#[test]
fn push_pull_list_and_delete() {
    let registry = DockerRegistry::start();
    let reference: Reference = format!("{}/team/model", registry.host()).parse().unwrap();
    let repository = client(settings()).repository(&reference);

    let layer = bytes(5_000_000);
    let blobs = [descriptor(&layer), descriptor(b"{}"), descriptor(b"")];
    for (blob, content) in blobs.iter().zip([&layer[..], b"{}", b""]) {
        assert!(!repository.contains(blob).unwrap());
        repository.put(blob, &content).unwrap();
        assert!(repository.contains(blob).unwrap());
        assert!(read(&repository, blob, 0).unwrap() == content);
    }
    assert!(read(&repository, &blobs[0], 4_999_990).unwrap() == layer[4_999_990..]);

    let [layer, config, empty] = blobs;
    let manifest = Manifest::new(MediaType::of("application/vnd.test"), config, vec![layer, empty]).to_bytes();
    let published = Descriptor::of(MediaType::IMAGE_MANIFEST, &manifest);
    for tag in ["v1", "v2"] {
        repository.publish(&published, &manifest, Some(tag)).unwrap();
        assert_eq!(repository.resolve(tag).unwrap(), published);
    }
    assert_eq!(repository.resolve(&published.digest.to_string()).unwrap(), published);
    assert_eq!(repository.manifest(&published).unwrap(), manifest);
    assert_eq!(repository.tags().unwrap(), ["v1", "v2"]);

    repository.delete(&published.digest.to_string()).unwrap();
    assert!(matches!(repository.resolve("v1"), Err(ContentError::NotFound(_))));
    assert!(matches!(repository.delete(&published.digest.to_string()), Err(Error::NotFound { .. })));
}

#[test]
fn wrong_content_is_refused() {
    let registry = DockerRegistry::start();
    let repository = client(settings()).repository(&format!("{}/a", registry.host()).parse().unwrap());
    let error = repository.put(&descriptor(b"hello"), &&b"hellO"[..]).unwrap_err();
    assert!(matches!(error, ContentError::Mismatch(_)), "{error}");
    assert!(!repository.contains(&descriptor(b"hello")).unwrap());
}

/// Docker's registry ends an interrupted upload, so the blob is sent again, now in parts.
#[test]
#[cfg_attr(windows, ignore = "docker-registry has its storage in memory there, which spoils an interrupted upload")]
fn a_broken_upload_is_completed_in_parts() {
    let registry = DockerRegistry::start();
    let cut = Trouble::Cut { way: Way::Up, after_bytes: 2_000_000, end: End::Close };
    let proxy = FaultyProxy::start(registry.host(), once(cut));
    let repository = client(Settings { chunk_bytes: 700_000, ..settings() })
        .repository(&format!("{}/a", proxy.host()).parse().unwrap());
    let content = bytes(5_000_000);
    repository.put(&descriptor(&content), &&content[..]).unwrap();
    assert!(proxy.troubles() <= 1);
    assert!(read(&repository, &descriptor(&content), 0).unwrap() == content);
}

/// The server stays connected but is silent: the transfer continues over another connection.
#[test]
#[cfg_attr(windows, ignore = "docker-registry has its storage in memory there, which spoils an interrupted upload")]
fn connections_that_stall_are_left() {
    let (registry, content) = (DockerRegistry::start(), bytes(5_000_000));
    for way in [Way::Up, Way::Down] {
        let stall = Trouble::Stall { way, after_bytes: if way == Way::Up { 2_000_000 } else { 50_000 } };
        let proxy = FaultyProxy::start(registry.host(), once(stall));
        let settings = Settings { piece_bytes: 300_000, pieces_from_bytes: 600_000, ..impatient() };
        let repository = client(settings).repository(&format!("{}/a", proxy.host()).parse().unwrap());
        if way == Way::Up {
            repository.put(&descriptor(&content), &&content[..]).unwrap();
        }
        assert!(read(&repository, &descriptor(&content), 0).unwrap() == content);
        assert!(proxy.troubles() <= 1, "{way:?}");
    }
}

/// A plan with trouble on the first connection. On a busy machine that connection may be replaced before the trouble
/// happens.
fn once(trouble: Trouble) -> impl Fn(usize) -> Trouble {
    move |number| if number == 0 { trouble } else { Trouble::None }
}
