//! The order in which a file is recognised, and the scan of a file and of its members.

use std::io::{self, Read, Seek, SeekFrom};

use super::findings::Findings;
use super::member::{Member, ReadSeek};
use super::report::{Report, Rules};
use super::window::Budget;
use super::{config_json, keras, native, notebook, template, tensorflow, text};
use crate::limits;

/// The result of a recogniser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The member has this format, and no other needs to be tried.
    Whole,
    /// The member does not have this format, or it may have others, too.
    Open,
}

/// A format: finds out by content or by name whether a member has it, and scans it.
///
/// An error ends the recogniser, not the scan. Errors of the file itself are reported by [`scan_file`].
type Recogniser = fn(&mut Member<'_>, &mut Scan<'_>) -> io::Result<Outcome>;

/// All formats, in the order in which they are tried.
const RECOGNISERS: &[Recogniser] = &[
    keras::hdf5,
    tensorflow::graph,
    native::library,
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
    let mut scan = Scan { rules, findings: Findings::default(), budget: Budget::new(budget) };
    scan.recognise(&mut Member::new(name, None, size, &mut file));
    file.failure.map_or_else(|| Ok(scan.findings.into_report()), Err)
}

/// The scan of one file.
pub(super) struct Scan<'r> {
    pub(super) rules: &'r Rules,
    pub(super) findings: Findings,
    /// The bytes that may be read from members.
    pub(super) budget: Budget,
}

impl Scan<'_> {
    /// Scans a member of the file `parent`.
    pub(super) fn member(&mut self, name: &str, parent: &str, size: u64, reader: &mut dyn ReadSeek) {
        if self.findings.depth() == limits::SCAN_DEPTH {
            self.findings.limit("members in one another");
            self.findings.skip(name, "nested too deeply");
            return;
        }
        self.findings.enter(name);
        self.recognise(&mut Member::new(name, Some(parent), size, reader));
        self.findings.leave();
    }

    fn recognise(&mut self, member: &mut Member<'_>) {
        for recognise in RECOGNISERS {
            match recognise(member, self) {
                Ok(Outcome::Whole) => return,
                Err(error) if Budget::is_spent(&error) => return self.findings.limit("bytes in members"),
                Ok(Outcome::Open) | Err(_) => {}
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
