//! The order in which a file is recognised, and the scan of a file and of its members.

use std::io::{self, Read, Seek, SeekFrom};

use super::findings::Findings;
use super::member::{Member, ReadSeek};
use super::report::{Report, Rules};
use super::window::Budget;
use super::{
    archive, config_json, gguf, keras, native, notebook, numpy, pickle, safetensors, template, tensorflow, text,
};
use crate::limits;

/// The result of a recogniser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The member has this format, and no other needs to be tried, except that it may be a pickle, too.
    Whole,
    /// The member is a pickle, and no other format needs to be tried.
    Pickle,
    /// The member does not have this format, or it may have others, too.
    Open,
}

/// A format: finds out by content or by name whether a member has it, and scans it.
///
/// An error ends the recogniser, not the scan. Errors of the file itself are reported by [`scan_file`].
type Recogniser = fn(&mut Member<'_>, &mut Scan<'_>) -> io::Result<Outcome>;

/// All formats, in the order in which they are tried.
const RECOGNISERS: &[Recogniser] = &[
    archive::recognise,
    native::library,
    numpy::recognise,
    keras::hdf5,
    gguf::recognise,
    safetensors::recognise,
    tensorflow::graph,
    native::library,
    pickle::recognise,
    config_json::recognise,
    notebook::recognise,
    template::recognise,
    text::recognise,
];

/// Scans `content`, which has `size` bytes and the path `name`.
///
/// An error is a failure of `content`, never a property of what it contains.
pub fn scan_file(content: &mut dyn ReadSeek, size: u64, name: &str, rules: &Rules) -> io::Result<Report> {
    let mut file = File { content, size, position: 0, failure: None };
    let budget = size.saturating_mul(limits::SCAN_OPENED_RATIO as u64).max(limits::SCAN_OPENED_BYTES);
    let mut scan =
        Scan { rules, findings: Findings::default(), budget: Budget::new(budget), members: limits::SCAN_MEMBERS };
    scan.recognise(&mut Member::new(name, None, size, &mut file));
    file.failure.map_or_else(|| Ok(scan.findings.into_report()), Err)
}

/// The scan of one file.
pub(super) struct Scan<'r> {
    pub(super) rules: &'r Rules,
    pub(super) findings: Findings,
    /// The bytes that may be read from members.
    pub(super) budget: Budget,
    /// The members that may be scanned.
    members: usize,
}

impl Scan<'_> {
    /// Scans a member of the file `parent`.
    pub(super) fn member(&mut self, name: &str, parent: &str, size: u64, reader: &mut dyn ReadSeek) {
        self.inside(name, |scan| scan.recognise(&mut Member::new(name, Some(parent), size, reader)));
    }

    /// Counts a member of an archive, and returns false if there are too many.
    pub(super) fn count_member(&mut self) -> bool {
        self.members = self.members.saturating_sub(1);
        self.members > 0
    }

    /// Runs a scan whose findings are in the member `name`.
    pub(super) fn inside(&mut self, name: &str, scan: impl FnOnce(&mut Self)) {
        if self.findings.depth() == limits::SCAN_DEPTH {
            self.findings.limit("members in one another");
            self.findings.skip(name, "nested too deeply");
            return;
        }
        self.findings.enter(name);
        scan(self);
        self.findings.leave();
    }

    /// Takes the result of a part of the scan. An error ends that part only: if it is one of the content, its reader
    /// reports it.
    pub(super) fn examined<T>(&mut self, result: io::Result<T>) -> Option<T> {
        if result.as_ref().is_err_and(Budget::is_spent) {
            self.findings.limit("bytes in members");
        }
        result.ok()
    }

    fn recognise(&mut self, member: &mut Member<'_>) {
        for recognise in RECOGNISERS {
            let outcome = recognise(member, self);
            match self.examined(outcome) {
                Some(Outcome::Open) | None => {}
                Some(Outcome::Pickle) => return,
                Some(Outcome::Whole) => {
                    // A loader of pickles does not ask whether the file has another format.
                    let hidden = pickle::hidden(member, self);
                    self.examined(hidden);
                    return;
                }
            }
        }
    }
}

/// The file itself. It keeps its first failure, because whatever reads it takes an error for a property of the content.
struct File<'a> {
    content: &'a mut dyn ReadSeek,
    size: u64,
    position: u64,
    failure: Option<io::Error>,
}

impl File<'_> {
    fn fail(&mut self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.failure.get_or_insert(error);
        kind.into()
    }
}

impl Read for File<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.content.read(buffer) {
            Ok(0) if self.position < self.size && !buffer.is_empty() => {
                Err(self.fail(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter while it was read")))
            }
            Ok(read) => {
                self.position += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.fail(error)),
        }
    }
}

impl Seek for File<'_> {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let position = super::window::position(target, self.position, self.size)?;
        match self.content.seek(SeekFrom::Start(position)) {
            Ok(position) => {
                self.position = position;
                Ok(position)
            }
            Err(error) => Err(self.fail(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Content that cannot be read from this place on.
    struct Failing(Cursor<Vec<u8>>, u64);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let left = usize::try_from(self.1.saturating_sub(self.0.position())).unwrap();
            if left == 0 { Err(io::Error::other("it is gone")) } else { self.0.by_ref().take(left as u64).read(buffer) }
        }
    }

    impl Seek for Failing {
        fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
            self.0.seek(target)
        }
    }

    #[test]
    fn a_failure_of_the_content_is_an_error() {
        for name in ["a.pkl", "a.npy", "a.safetensors", "a.gz", "a"] {
            let mut content = Failing(Cursor::new(vec![b'N'; 200_000]), 100_000);
            let error = scan_file(&mut content, 200_000, name, &Rules::default()).unwrap_err();
            assert_eq!(error.to_string(), "it is gone", "{name}");
        }
    }

    #[test]
    fn a_file_that_becomes_shorter_is_an_error() {
        let error = scan_file(&mut &mut Cursor::new(b"\x80\x04N."), 5, "a.pkl", &Rules::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn members_are_read_up_to_a_limit() {
        let zeros = vec![0; 3_000_000];
        let file = zstd::encode_all(&zeros[..], 1).unwrap();
        for (budget, expected) in [(10_000_000, None), (2_000_000, Some("limit"))] {
            let rules = Rules::default();
            let (findings, budget) = (Findings::default(), Budget::new(budget));
            let mut scan = Scan { rules: &rules, findings, budget, members: 1 };
            scan.recognise(&mut Member::new("a.zst", None, file.len() as u64, &mut Cursor::new(&file)));
            assert_eq!(scan.findings.into_report().findings.first().map(|found| found.rule), expected);
        }
    }
}
