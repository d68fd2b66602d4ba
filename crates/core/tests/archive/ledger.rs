//! The ledger of written files, and files that it calls damaged.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use kit_core::archive::{
    Destination, Error, FileInParts, Ledger, Overwrite, Placed, Received, SingleFile, extract_file,
};
use kit_core::progress::Silent;
use kit_core::relative_path::RelativePath;
use kit_core::sys::Metadata;

/// Calls files of less than four bytes damaged.
#[derive(Debug)]
struct Notes {
    target: PathBuf,
    written: Mutex<Vec<(String, u64)>>,
    /// The content of a file in the target when the files began to get their names.
    before: Mutex<String>,
}

impl Ledger for Notes {
    fn is_damaged(&self, _: &RelativePath, found: &Metadata) -> bool {
        found.size < 4
    }

    fn note(&self, path: &RelativePath, written: &Metadata) {
        self.written.lock().unwrap().push((path.to_string(), written.size));
    }

    fn begin_placing(&self, received: &Received) {
        *self.before.lock().unwrap() = fs_err::read_to_string(self.target.join("damaged")).unwrap();
        let path = |text: &str| text.parse().unwrap();
        assert!(received.contains(&path("equal")) && !received.is_written(&path("equal")));
        assert!(received.is_written(&path("damaged")) && received.is_written(&path("large")));
        assert!(!received.contains(&path("other")));
    }
}

fn receive(destination: &Destination, path: &str, content: &str) {
    let path = path.parse().unwrap();
    let file = SingleFile { path: &path, mode: 0o644, size: Some(content.len() as u64), original: None };
    extract_file(content.as_bytes(), file, destination, &Silent).unwrap();
}

/// A target with a sound file and a damaged one.
fn target() -> (tempfile::TempDir, Arc<Notes>) {
    let target = tempfile::tempdir().unwrap();
    fs_err::write(target.path().join("equal"), "equal").unwrap();
    fs_err::write(target.path().join("damaged"), "dam").unwrap();
    let (written, before) = Default::default();
    let notes = Arc::new(Notes { target: target.path().to_owned(), written, before });
    (target, notes)
}

fn open(notes: &Arc<Notes>, overwrite: Overwrite) -> Destination {
    Destination::open(&notes.target, overwrite).unwrap().with_ledger(notes.clone())
}

#[test]
fn damaged_files_are_replaced_and_written_files_are_noted_before_they_have_names() {
    for overwrite in [Overwrite::Refuse, Overwrite::Keep] {
        let (target, notes) = target();
        let destination = open(&notes, overwrite);
        receive(&destination, "equal", "equal");
        receive(&destination, "damaged", "damaged");
        let path = "large".parse().unwrap();
        let large = SingleFile { path: &path, mode: 0o644, size: Some(5), original: None };
        let large: FileInParts = destination.begin_file(&large).unwrap().unwrap();
        destination.write_part(&large, 0, 5, &mut &b"large"[..], &Silent).unwrap();
        let placed = destination.commit().unwrap();
        assert_eq!(placed, Placed { files: 2, bytes: 12, replaced: 1, repaired: 1, already_right: 1, kept: 0 });
        let written = notes.written.lock().unwrap().clone();
        assert_eq!(written, [("damaged".to_owned(), 7), ("large".to_owned(), 5)]);
        assert_eq!(*notes.before.lock().unwrap(), "dam");
        assert_eq!(fs_err::read_to_string(target.path().join("damaged")).unwrap(), "damaged");
    }
}

#[test]
fn a_damaged_file_that_is_changed_in_the_meantime_is_not_replaced() {
    let (target, notes) = target();
    let destination = open(&notes, Overwrite::Refuse);
    for (path, content) in [("equal", "equal"), ("damaged", "damaged"), ("large", "large")] {
        receive(&destination, path, content);
    }
    fs_err::write(target.path().join("damaged"), "of the user").unwrap();
    let error = destination.commit().unwrap_err();
    assert!(matches!(error, Error::TargetChanged { .. }), "{error}");
    assert_eq!(fs_err::read_to_string(target.path().join("damaged")).unwrap(), "of the user");
    assert!(!target.path().join("large").exists());
}

#[test]
fn a_damaged_file_is_no_conflict_beside_one() {
    let (target, notes) = target();
    fs_err::write(target.path().join("other"), "of the user").unwrap();
    let destination = open(&notes, Overwrite::Refuse);
    for path in ["other", "damaged"] {
        receive(&destination, path, path);
    }
    let Err(Error::Conflicts(conflicts)) = destination.commit() else { panic!("not refused") };
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].path.as_str(), "other");
}
