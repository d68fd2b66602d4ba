//! Tests of access below a directory, with both ways of resolving paths.

use std::io;
use std::path::Path;

use super::*;

/// Calls `test` with a directory that contains `d/f`, `socket`, `link -> d` and `dangling -> nothing`, and its path.
#[cfg(unix)]
fn check(test: impl Fn(&Dir, &Path)) {
    for by_component in [false, true] {
        let place = tempfile::tempdir().unwrap();
        fs_err::create_dir(place.path().join("d")).unwrap();
        fs_err::write(place.path().join("d/f"), "four").unwrap();
        fs_err::os::unix::fs::symlink("d", place.path().join("link")).unwrap();
        fs_err::os::unix::fs::symlink("nothing", place.path().join("dangling")).unwrap();
        std::os::unix::net::UnixListener::bind(place.path().join("socket")).unwrap();
        let directory = Dir::open(place.path()).unwrap();
        test(&if by_component { directory.by_component() } else { directory }, place.path());
    }
}

/// Calls `test` with a directory that contains `d/f`, and with its path. Creating links takes a privilege.
#[cfg(not(unix))]
fn check(test: impl Fn(&Dir, &Path)) {
    let place = tempfile::tempdir().unwrap();
    fs_err::create_dir(place.path().join("d")).unwrap();
    fs_err::write(place.path().join("d/f"), "four").unwrap();
    test(&Dir::open(place.path()).unwrap(), place.path());
}

fn check_found(directory: &Dir, cases: &[(&str, Found)]) {
    for (path, expected) in cases {
        assert_eq!(directory.find(path).unwrap(), *expected, "{path}");
    }
}

#[test]
fn files_are_found_wherever_they_are() {
    check(|directory, _| {
        check_found(
            directory,
            &[
                (".", Found::Directory),
                ("d", Found::Directory),
                ("d/f", Found::File { size: 4 }),
                ("d/f/x", Found::BelowFile),
                ("d/f/x/y", Found::BelowFile),
                ("d/nothing", Found::Nothing),
                ("nothing/at/all", Found::Nothing),
            ],
        );
    });
}

#[cfg(unix)]
#[test]
fn links_are_found_wherever_they_are_in_a_path() {
    check(|directory, _| {
        check_found(
            directory,
            &[
                ("socket", Found::Special),
                ("link", Found::Link),
                ("link/f", Found::Link),
                ("link/f/x/y", Found::Link),
                ("dangling", Found::Link),
                ("dangling/x", Found::Link),
            ],
        );
    });
}

#[cfg(unix)]
#[test]
fn nothing_is_opened_made_or_moved_through_a_link() {
    check(|directory, place| {
        for through in ["link", "dangling"] {
            let inside = &format!("{through}/new");
            assert!(is_link_refusal(&directory.open_file(through, Link::Stay).unwrap_err()));
            assert!(directory.open_file(&format!("{through}/f"), Link::Follow).is_err());
            assert!(directory.open_file_to_write(through).is_err());
            assert!(directory.create_file(through, 0o644).is_err());
            assert!(directory.create_file(inside, 0o644).is_err());
            assert!(directory.create_directory(inside, 0o755).is_err());
            assert!(directory.create_directories(inside, 0o755).is_err());
            assert!(directory.rename("d/f", directory, inside).is_err());
            assert!(directory.rename("d/f", directory, through).is_err());
            assert!(directory.rename_over("d/f", directory, inside).is_err());
            assert!(directory.link("d/f", directory, inside).is_err());
            assert!(directory.set_mode_of_directory(through, 0o700).is_err());
            assert!(directory.some_names(through, 1, |_| true).is_err());
            assert!(directory.open_directory(through, Link::Stay).is_err());
            assert!(directory.open_directory(&format!("{through}/."), Link::Follow).is_err());
            assert!(directory.metadata_of(&format!("{through}/f"), Link::Follow).is_err());
        }
        assert!(directory.remove_file("link/f").is_err());
        assert!(directory.remove_directory("link").is_err());
        assert_eq!(fs_err::read_dir(place.join("d")).unwrap().count(), 1);
        assert!(!place.join("nothing").exists());
    });
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_only_on_request() {
    check(|directory, _| {
        assert!(directory.open_directory("link", Link::Follow).unwrap().open_file("f", Link::Stay).is_ok());
        let metadata = |link| directory.metadata_of("link", link).unwrap();
        assert_eq!(metadata(Link::Stay).file_type, crate::sys::FileType::Link);
        assert!(metadata(Link::Follow).is_same_file(&directory.metadata_of("d", Link::Stay).unwrap()));
    });
}

#[test]
fn no_path_leads_out_of_the_directory() {
    check(|directory, place| {
        let directory = directory.open_directory("d", Link::Stay).unwrap();
        for path in ["..", "../d", "/", "f/../../d", "./f", ""] {
            let outside = if path.is_empty() { "../new".to_owned() } else { format!("{path}/new") };
            assert!(directory.find(path).is_err(), "{path}");
            assert!(directory.open_directory(path, Link::Follow).is_err(), "{path}");
            assert!(directory.some_names(path, 1, |_| true).is_err(), "{path}");
            assert!(directory.create_file(&outside, 0o644).is_err(), "{path}");
            assert!(directory.create_directories(&outside, 0o755).is_err(), "{path}");
            assert!(directory.rename("f", &directory, &outside).is_err(), "{path}");
        }
        assert!(!place.join("new").exists());
    });
}

#[test]
fn renaming_replaces_nothing() {
    check(|directory, place| {
        fs_err::write(place.join("other"), "kept").unwrap();
        let error = directory.rename("d/f", directory, "other").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        directory.rename("d/f", directory, "d/g").unwrap();
        assert_eq!(fs_err::read(place.join("d/g")).unwrap(), b"four");
        assert_eq!(fs_err::read(place.join("other")).unwrap(), b"kept");
        directory.rename_over("d/g", directory, "other").unwrap();
        assert_eq!(fs_err::read(place.join("other")).unwrap(), b"four");
    });
}

#[test]
fn directories_are_created_with_those_above_them_and_listed_in_order() {
    check(|directory, _| {
        directory.create_directories("d/b/c", 0o755).unwrap();
        directory.create_directories("d/b/c", 0o755).unwrap();
        directory.create_file("d/a", 0o644).unwrap();
        let mut names = directory.open_directory("d", Link::Stay).unwrap().names().unwrap().unwrap();
        let listed: Vec<_> = std::iter::from_fn(|| names.next().map(|(name, _)| name.to_owned())).collect();
        assert_eq!(listed, ["a", "b", "f"]);
        assert_eq!(directory.some_names("d", 9, |name| name != "f").unwrap().len(), 2);
        assert_eq!(directory.some_names("d", 1, |_| true).unwrap().len(), 1);
        directory.remove_directory("d/b/c").unwrap();
        assert!(directory.remove_directory("d").is_err());
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_resolves_where_it_can() {
    use super::unix::{LOOK_UP, Resolution, resolve_in_kernel};
    use std::os::fd::AsFd;
    let place = tempfile::tempdir().unwrap();
    let fd = rustix::fs::open(place.path(), LOOK_UP, rustix::fs::Mode::empty()).unwrap();
    let is_supported = resolve_in_kernel(fd.as_fd(), ".").is_ok();
    let expected = if is_supported { Resolution::Kernel } else { Resolution::ByComponent };
    assert_eq!(Dir::open(place.path()).unwrap().resolution, expected);
}
