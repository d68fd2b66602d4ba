//! Companions: keeping them in the repository of their subject, and removing them with it.

use super::sandbox::{Place, artifact, companion, digests, names, place, untag};
use crate::oci::{Companion, Descriptor, Source};
use crate::store::layout::{Names, Store};

fn found(store: &Store, names: Names, subject: &Descriptor, kind: Companion) -> Vec<Descriptor> {
    let companions = store.reader(names).unwrap().companions(&subject.digest, kind).unwrap();
    companions.into_iter().map(|(companion, _)| companion).collect()
}

#[test]
fn a_companion_belongs_to_its_subject_in_one_repository() {
    let Place { store, .. } = &place();
    for repository in ["demo", "_@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"] {
        let subject = artifact(store, repository, None, b"layer");
        let signatures = companion(store, names(repository), (&subject, Companion::Signatures), b"signature");
        let listed = found(store, names(repository), &subject, Companion::Signatures);
        assert_eq!(digests(&listed), [signatures.digest], "{repository}");
        assert!(listed[0].annotations.is_empty());
        assert_eq!(found(store, names(repository), &subject, Companion::Attestations), []);
        assert_eq!(found(store, names(repository), &signatures, Companion::Signatures), []);
        assert_eq!(found(store, names("other"), &subject, Companion::Signatures), []);
        assert_eq!(store.reader(names(repository)).unwrap().referrers(&subject).unwrap(), []);
    }
    assert!(store.entries().unwrap().iter().all(|entry| entry.name().is_none()));
}

#[test]
fn a_companion_is_replaced_and_goes_with_its_subject() {
    let Place { store, .. } = &place();
    let subject = artifact(store, "demo", Some("v1"), b"layer");
    companion(store, names("demo"), (&subject, Companion::Sbom), b"bill");
    companion(store, names("demo"), (&subject, Companion::Signatures), b"one");
    let new = companion(store, names("demo"), (&subject, Companion::Signatures), b"two");
    assert_eq!(digests(&found(store, names("demo"), &subject, Companion::Signatures)), [new.digest]);
    assert_eq!(store.entries().unwrap().len(), 3);
    assert_eq!(store.collect().unwrap().files, 2, "the replaced manifest and its signature");
    untag(store, "demo:v1");
    assert!(store.entries().unwrap().is_empty());
}

#[test]
fn a_layout_of_one_repository_has_the_tags_of_a_registry() {
    let Place { store, .. } = &place();
    let subject = artifact(store, "demo", Some("v1"), b"layer");
    let signatures = companion(store, Names::Tags, (&subject, Companion::Signatures), b"one");
    assert_eq!(digests(&found(store, Names::Tags, &subject, Companion::Signatures)), [signatures.digest]);
    let tag = Companion::Signatures.tag(&subject.digest);
    let entries = store.entries().unwrap();
    let entry = entries.iter().find(|entry| entry.name() == Some(tag.as_str())).unwrap();
    assert_eq!((entry.companion(), entry.subject()), (Companion::of_tag(&tag), Some(subject.digest)));
}
