//! Differences between a lock and the actual content.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use super::document::{Lock, LockedFile, LockedFolder, LockedLayer, LockedParent, LockedRemote};
use super::parent_names::parent_names;
use crate::kitfile::Section;
use crate::relative_path::RelativePath;

/// A single difference from a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The part that differs.
    pub subject: Subject,
    /// The difference.
    pub change: Change,
}

/// A part of a ModelKit that can differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The content of the Kitfile.
    Kitfile,
    /// The ModelKit behind a reference, named without its digest.
    Parent(String),
    /// The remote dataset with this path and this address.
    Remote(RelativePath, String),
    /// The layer of an entry.
    Layer(RelativePath, Section),
    /// A folder in a layer.
    Folder(RelativePath),
    /// A file in a layer.
    File(RelativePath),
    /// The manifest, if everything that it refers to is equal.
    Manifest,
}

/// A kind of difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The part is missing.
    Missing,
    /// The part is not in the lock.
    Extra,
    /// There is a folder, or anything else, in place of a file.
    NotAFile,
    /// The part has another value.
    Differs {
        /// The property that differs.
        what: &'static str,
        /// The value in the lock.
        expected: String,
        /// The actual value.
        found: String,
    },
}

impl Change {
    /// The difference in the property `what`, if there is one.
    pub fn in_value<T: PartialEq + Display>(what: &'static str, expected: &T, found: &T) -> Option<Self> {
        let differs = || Self::Differs { what, expected: expected.to_string(), found: found.to_string() };
        (expected != found).then(differs)
    }

    /// The kind of difference as one word: `missing`, `extra`, `content` …
    pub fn word(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::NotAFile => "kind",
            Self::Differs { what, .. } => what,
        }
    }
}

impl Lock {
    /// The differences of `found`, the lock of the actual content. The files of a missing or extra layer are not
    /// listed.
    ///
    /// The manifest is listed only if no other difference explains its digest.
    pub fn drift(&self, found: &Self) -> Vec<Drift> {
        let mut drifts = Vec::new();
        let mut note = |subject, change: Option<Change>| drifts.extend(change.map(|change| Drift { subject, change }));
        note(Subject::Kitfile, Change::in_value("content", &self.kitfile, &found.kitfile));
        let name = |(name, _): &(String, &LockedParent)| name.clone();
        let (parents, now) = (named(&self.parents), named(&found.parents));
        compare(&parents, &now, name, Subject::Parent, &mut note, |subject, (_, locked), (_, found), note| {
            note(subject.clone(), parent_change(locked, found));
        });
        let remote = |(path, address)| Subject::Remote(path, address);
        compare(&self.remotes, &found.remotes, LockedRemote::key, remote, &mut note, |subject, locked, found, note| {
            let sizes = locked.size.zip(found.size);
            let size = sizes.and_then(|(locked, found)| Change::in_value("size", &locked, &found));
            note(subject.clone(), Change::in_value("content", &locked.digest, &found.digest).or(size));
        });
        let entry = |layer: &LockedLayer| (layer.path.clone(), layer.section);
        let subject = |(path, section)| Subject::Layer(path, section);
        compare(&self.layers, &found.layers, entry, subject, &mut note, compare_layers);
        if drifts.is_empty() {
            let change = Change::in_value("digest", &self.manifest, &found.manifest);
            drifts.extend(change.map(|change| Drift { subject: Subject::Manifest, change }));
        }
        drifts
    }
}

/// A function that records a difference, if there is one.
type Note<'n> = &'n mut dyn FnMut(Subject, Option<Change>);

/// Pairs the items with equal keys, and compares each pair with `both`.
fn compare<T, K: Ord + Clone>(
    locked: &[T],
    found: &[T],
    key: impl Fn(&T) -> K,
    subject: impl Fn(K) -> Subject,
    note: Note<'_>,
    both: impl Fn(&Subject, &T, &T, Note<'_>),
) {
    let mut pairs: BTreeMap<K, (Option<&T>, Option<&T>)> = BTreeMap::new();
    for item in locked {
        pairs.entry(key(item)).or_default().0 = Some(item);
    }
    for item in found {
        pairs.entry(key(item)).or_default().1 = Some(item);
    }
    for (key, pair) in pairs {
        match pair {
            (Some(locked), Some(found)) => both(&subject(key), locked, found, note),
            (Some(_), None) => note(subject(key), Some(Change::Missing)),
            (None, _) => note(subject(key), Some(Change::Extra)),
        }
    }
}

fn named(parents: &[LockedParent]) -> Vec<(String, &LockedParent)> {
    let references: Vec<_> = parents.iter().map(|parent| &*parent.reference).collect();
    parent_names(&references).into_iter().zip(parents).collect()
}

fn parent_change(locked: &LockedParent, found: &LockedParent) -> Option<Change> {
    let paths = |parent: &LockedParent| parent.paths.iter().map(RelativePath::as_str).collect::<Vec<_>>().join(", ");
    let digest = Change::in_value("digest", &locked.manifest, &found.manifest);
    let content = digest.or_else(|| Change::in_value("content", &paths(locked), &paths(found)));
    content.or_else(|| Change::in_value("reference", &locked.reference, &found.reference))
}

fn compare_layers(subject: &Subject, locked: &LockedLayer, found: &LockedLayer, note: Note<'_>) {
    let diff_id = |layer: &LockedLayer| layer.diff_id.map(|digest| digest.to_string()).unwrap_or_default();
    for change in [
        Change::in_value("name", &locked.name, &found.name),
        Change::in_value("media type", &locked.media_type, &found.media_type),
        Change::in_value("digest", &locked.digest, &found.digest),
        // The diff ID of another blob is not compared.
        Change::in_value("diff ID", &diff_id(locked), &diff_id(found)).filter(|_| locked.digest == found.digest),
    ] {
        note(subject.clone(), change);
    }
    let octal = |mode: u32| format!("{mode:o}");
    let folder = |folder: &LockedFolder| folder.path.clone();
    compare(&locked.folders, &found.folders, folder, Subject::Folder, note, |subject, locked, found, note| {
        note(subject.clone(), Change::in_value("mode", &octal(locked.mode), &octal(found.mode)));
    });
    let path = |file: &LockedFile| file.path.clone();
    compare(&locked.files, &found.files, path, Subject::File, note, |subject, locked, found, note| {
        note(subject.clone(), Change::in_value("size", &locked.size, &found.size));
        note(
            subject.clone(),
            Change::in_value("content", &locked.digest, &found.digest).filter(|_| locked.size == found.size),
        );
        note(subject.clone(), Change::in_value("mode", &octal(locked.mode), &octal(found.mode)));
    });
}

impl Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Kitfile => f.write_str("the Kitfile")?,
            Subject::Parent(reference) => write!(f, "parent `{reference}`")?,
            Subject::Remote(path, address) => write!(f, "dataset `{path}` from `{address}`")?,
            Subject::Layer(path, section) => write!(f, "layer `{path}` of `{}`", section.key())?,
            Subject::Folder(path) => write!(f, "folder `{path}`")?,
            Subject::File(path) => write!(f, "file `{path}`")?,
            Subject::Manifest => f.write_str("the manifest, although its content is the same")?,
        }
        match &self.change {
            Change::Missing => f.write_str(": missing"),
            Change::Extra => f.write_str(": extra"),
            Change::NotAFile => f.write_str(": not a file"),
            Change::Differs { what, expected, found } => write!(f, ": its {what} is {found}, not {expected}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::modelkit::lock::samples;
    use crate::oci::MediaType;

    fn lock() -> Lock {
        let digest = Digest::of(b"");
        let file = |path: &str| LockedFile { path: path.parse().unwrap(), mode: 0o644, size: 1, digest };
        let layer = |section, path: &str, files| LockedLayer {
            section,
            path: path.parse().unwrap(),
            name: String::new(),
            media_type: MediaType::of("t"),
            digest,
            diff_id: None,
            folders: vec![LockedFolder { path: path.parse().unwrap(), mode: 0o755 }],
            files,
        };
        let parent = LockedParent { reference: "base:v1".to_owned(), manifest: digest, paths: Vec::new() };
        let code = layer(Section::Code, "src", vec![file("src/a"), file("src/b")]);
        let (path, address) = ("far".parse().unwrap(), "s3://a/b".to_owned());
        let remote = LockedRemote { path, address, digest, size: Some(1) };
        Lock::new(digest, digest, vec![parent], vec![remote], vec![code, layer(Section::Dataset, "data", Vec::new())])
    }

    fn check(change: impl Fn(&mut Lock), expected: &[&str]) {
        let mut found = lock();
        change(&mut found);
        let shown = |drift: &Drift| drift.to_string().replace(&Digest::of(b"").to_string(), "OLD");
        let drifts: Vec<_> = lock().drift(&found).iter().map(shown).collect();
        assert_eq!(drifts, expected);
    }

    #[test]
    fn every_difference_is_named() {
        let other = Digest::of(b"other");
        check(|_| {}, &[]);
        check(|lock| lock.kitfile = other, &[&format!("the Kitfile: its content is {other}, not OLD")]);
        check(|lock| lock.parents[0].manifest = other, &[&format!("parent `base:v1`: its digest is {other}, not OLD")]);
        check(
            |lock| (lock.parents[0].reference, lock.parents[0].manifest) = (format!("base:v1@{other}"), other),
            &[&format!("parent `base:v1`: its digest is {other}, not OLD")],
        );
        check(
            |lock| lock.parents[0].reference = format!("base:v1@{}", Digest::of(b"")),
            &["parent `base:v1`: its reference is base:v1@OLD, not base:v1"],
        );
        check(|lock| lock.parents.clear(), &["parent `base:v1`: missing"]);
        let far = "dataset `far` from `s3://a/b`";
        check(|lock| lock.remotes[0].digest = other, &[&format!("{far}: its content is {other}, not OLD")]);
        check(|lock| lock.remotes[0].size = Some(2), &[&format!("{far}: its size is 2, not 1")]);
        check(|lock| lock.remotes.clear(), &[&format!("{far}: missing")]);
        check(
            |lock| lock.layers[0].section = Section::Docs,
            &["layer `data` of `datasets`: missing", "layer `data` of `docs`: extra"],
        );
        check(|lock| lock.layers[1].name = "x".to_owned(), &["layer `src` of `code`: its name is x, not "]);
        check(
            |lock| {
                let files = &mut lock.layers[1].files;
                files.remove(0);
                files[0].size = 2;
                files[0].mode = 0o755;
                files.push(LockedFile { path: "src/c".parse().unwrap(), ..files[0].clone() });
            },
            &[
                "file `src/a`: missing",
                "file `src/b`: its size is 2, not 1",
                "file `src/b`: its mode is 755, not 644",
                "file `src/c`: extra",
            ],
        );
        check(|lock| lock.layers[1].folders[0].mode = 0o700, &["folder `src`: its mode is 700, not 755"]);
        check(|lock| lock.layers[1].folders.clear(), &["folder `src`: missing"]);
        check(
            |lock| lock.layers[1].files[0].digest = other,
            &[&format!("file `src/a`: its content is {other}, not OLD")],
        );
    }

    #[test]
    fn the_manifest_is_named_only_if_nothing_else_differs() {
        let other = Digest::of(b"other");
        let words = "the manifest, although its content is the same: its digest is";
        check(|lock| lock.manifest = other, &[&format!("{words} {other}, not OLD")]);
        check(
            |lock| (lock.manifest, lock.layers[0].digest) = (other, other),
            &[&format!("layer `data` of `datasets`: its digest is {other}, not OLD")],
        );
    }

    proptest::proptest! {
        #[test]
        fn only_equal_locks_do_not_drift(one in samples::lock(), other in samples::lock()) {
            proptest::prop_assert_eq!(one.drift(&one), []);
            proptest::prop_assert_eq!(one.drift(&other).is_empty(), one == other);
        }
    }
}
