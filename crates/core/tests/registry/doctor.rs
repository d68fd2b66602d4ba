//! Diagnosis of the fake registry in its many configurations.

use kit_core::registry::{Client, Error, Finding, Settings};

use crate::support::{client, descriptor, reference, settings, settings_for};
use kit_testkit::registry::{Access, Bearer, FakeRegistry};

fn probe(client: &Client, registry: &FakeRegistry, writes: bool) -> (Vec<Finding>, Result<(), Error>) {
    let (mut findings, repository) = (Vec::new(), client.repository(&reference(registry.host())));
    let mut ask = || {
        client.probe(registry.host(), Some("team/model"), &mut findings)?;
        repository.probe_reading(&mut findings)?;
        if writes { repository.probe_writing(&mut findings) } else { Ok(()) }
    };
    let end = ask();
    (findings, end)
}

/// The finding about `topic`.
fn found(findings: &[Finding], topic: &str) -> String {
    let found = findings.iter().find(|finding| finding.topic == topic).map(|finding| finding.found.as_str());
    found.unwrap_or("nothing").to_owned()
}

/// A registry with a ModelKit-like manifest in `team/model`.
fn filled() -> FakeRegistry {
    let registry = FakeRegistry::start();
    registry.add_blob(b"a layer");
    let layer = descriptor(b"a layer");
    let blob = format!(r#"{{"mediaType":"a","digest":"{}","size":7}}"#, layer.digest);
    let manifest = format!(r#"{{"schemaVersion":2,"config":{blob},"layers":[{blob}]}}"#);
    registry.add_manifest("team/model", "v1", "application/vnd.oci.image.manifest.v1+json", manifest.as_bytes());
    registry
}

#[test]
fn reading_changes_nothing() {
    let registry = filled();
    let (findings, end) = probe(&client(settings()), &registry, false);
    end.unwrap();
    for (topic, expected) in [
        ("auth", "anonymous"),
        ("tls", "no: plain http"),
        ("repository", "1 tag"),
        ("ranges", "yes (206)"),
        ("redirects", "no"),
        ("referrers", "yes (API)"),
        ("parts", "nothing"),
    ] {
        assert_eq!(found(&findings, topic), expected, "{topic}");
    }
    assert!(registry.requests().iter().all(|request| matches!(request.method.as_str(), "GET" | "HEAD")));
}

#[test]
fn missing_capabilities_are_detected() {
    let (registry, other) = (filled(), filled());
    registry.configure(|options| {
        options.ranges = false;
        options.redirect_blobs_to = Some(format!("http://{}", other.host()));
        options.referrers = false;
        options.parts = false;
        options.mounts = false;
        options.delete = false;
        options.artifact_type_refusal = Some((400, "MANIFEST_INVALID"));
    });
    other.configure(|options| options.ranges = false);
    let (findings, end) = probe(&client(settings()), &registry, true);
    end.unwrap();
    for (topic, expected) in [
        ("ranges", "no (200)"),
        ("redirects", &*format!("to `{}`", other.host())),
        ("referrers", "no API; by tag"),
        ("whole blobs", "yes"),
        ("parts", "no (UNSUPPORTED: the operation is unsupported)"),
        ("cancel", "no (UNSUPPORTED: the operation is unsupported)"),
        ("mount", "no: an upload starts instead"),
        ("media types", "yes"),
        ("artifactType", "no (MANIFEST_INVALID: manifest invalid)"),
        ("delete", "no (UNSUPPORTED: the operation is unsupported); the test artifacts stay"),
    ] {
        assert_eq!(found(&findings, topic), expected, "{topic}");
    }
}

#[test]
fn doctor_deletes_its_uploads() {
    let registry = filled();
    let (findings, end) = probe(&client(settings()), &registry, true);
    end.unwrap();
    for (topic, expected) in [
        ("whole blobs", "yes"),
        ("resume", "yes"),
        ("parts", "yes"),
        ("cancel", "yes"),
        ("mount", "yes"),
        ("media types", "yes"),
        ("artifactType", "yes"),
        ("delete", "yes; the test files were deleted"),
    ] {
        assert_eq!(found(&findings, topic), expected, "{topic}");
    }
    let written = registry.requests().into_iter().filter(|request| request.method == "PUT" && request.status == 201);
    for request in written {
        let digest = request.target.rsplit(['/', '=']).next().unwrap().replace("%3A", ":");
        assert!(registry.blob(&digest).is_none() && registry.manifest("team/model", &digest).is_none(), "{digest}");
    }
}

#[test]
fn the_smallest_part_is_reported_and_sent() {
    let registry = filled();
    registry.configure(|options| options.smallest_part = Some(1024 * 1024));
    let (findings, end) = probe(&client(settings()), &registry, true);
    end.unwrap();
    assert_eq!(found(&findings, "parts"), "yes, of at least 1 MiB");
    let parts: Vec<_> = registry.requests_of("PATCH", "").iter().map(|request| request.body_bytes).collect();
    assert_eq!(parts, [1024 * 1024, 16]);
}

#[test]
fn an_upload_that_reports_less_than_was_sent_cannot_be_resumed() {
    let registry = filled();
    registry.configure(|options| options.takes_at_most = Some(10));
    let (findings, _) = probe(&client(settings()), &registry, true);
    assert_eq!(found(&findings, "resume"), "no: an upload does not report its progress");
}

#[test]
fn the_authentication_is_reported_without_the_secret() {
    let registry = filled();
    let user = Some(("me", "secret"));
    registry.configure(|options| options.access = Access::Bearer(Bearer { user, ..Bearer::default() }));
    let (findings, end) = probe(&client(settings_for("me", "secret")), &registry, true);
    end.unwrap();
    assert_eq!(found(&findings, "auth"), format!("bearer, tokens from `{}`, service `fake`", registry.host()));
    assert_eq!(found(&findings, "credentials"), "accepted, from the command line");
    assert!(!format!("{findings:?}").contains("secret"));

    let (findings, end) = probe(&client(settings_for("me", "wrong")), &registry, true);
    assert_eq!(found(&findings, "credentials"), "refused, from the command line");
    assert!(matches!(end, Err(Error::Unauthorized { .. })));

    let (findings, end) = probe(&client(settings()), &registry, true);
    assert_eq!(found(&findings, "credentials"), "none known");
    assert!(matches!(end, Err(Error::NoCredentials { .. })));
}

#[test]
fn findings_are_kept_for_the_next_process() {
    let (registry, folder) = (filled(), tempfile::tempdir().unwrap());
    registry.configure(|options| options.parts = false);
    let process = || client(Settings { registries_folder: Some(folder.path().to_owned()), ..settings() });
    probe(&process(), &registry, true).1.unwrap();
    let mut findings = Vec::new();
    process().probe(registry.host(), None, &mut findings).unwrap();
    process().recollect(registry.host(), &mut findings).unwrap();
    assert_eq!(
        (found(&findings, "uploads"), found(&findings, "parts")),
        ("in one PUT only".to_owned(), "no".to_owned())
    );
    assert_eq!(found(&findings, "mount"), "yes");

    process().forget(registry.host()).unwrap();
    let mut findings = Vec::new();
    process().probe(registry.host(), None, &mut findings).unwrap();
    process().recollect(registry.host(), &mut findings).unwrap();
    assert_eq!((found(&findings, "uploads"), found(&findings, "parts")), ("in parts".to_owned(), "nothing".to_owned()));
}
