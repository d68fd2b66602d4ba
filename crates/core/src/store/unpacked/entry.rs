//! The entries of an unpack record, each ended by a NUL, which no path contains.

use std::io::{self, Write};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::sys::Timestamp;

/// An entry of a record: a run, its times, and then the files that it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnpackEntry {
    /// The beginning of a run.
    Run(Box<UnpackRun>),
    /// The times of the run. Their length is fixed: they are entered when they are known.
    Times(UnpackTimes),
    /// A file that the run wrote, or that an earlier one wrote and this one contains.
    File(UnpackedFile),
}

/// The times of a run after its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnpackTimes {
    /// The time at which the files began to get their names.
    pub placing: Option<Timestamp>,
    /// The time at which all files had their names; none if the run was interrupted.
    pub done: Option<Timestamp>,
}

/// A run of `kit unpack`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpackRun {
    /// The reference as the user gave it.
    pub reference: String,
    /// The manifest of the ModelKit.
    pub manifest: Digest,
    /// The run of the system; none if the system does not report it.
    pub boot: Option<String>,
    /// The time at which the run began, in seconds since 1970.
    pub begun: i64,
    /// The sources of the files that were selected.
    pub parts: Vec<UnpackedPart>,
}

/// A layer, or a file without a layer, from which files were unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpackedPart {
    /// The path of all its files, or above them.
    pub path: String,
    /// The digest; none if the content may change.
    pub digest: Option<Digest>,
    /// The section of the Kitfile, if this is a layer of the ModelKit itself.
    pub section: Option<String>,
    /// The name in the Kitfile; may be empty.
    pub name: String,
}

/// A file as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpackedFile {
    /// The path below the folder.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The time of the last change.
    pub modified: Timestamp,
    /// The time in which it was written, if not in that of the run.
    pub written: Option<TimeSpan>,
}

/// A time in which files were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan {
    /// The beginning, in seconds since 1970.
    pub begun: i64,
    /// The end.
    pub end: Timestamp,
}

impl UnpackEntry {
    pub(super) fn write_to(&self, writer: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Run(run) => {
                writer.write_all(b"run ")?;
                serde_json::to_writer(&mut *writer, run)?;
            }
            Self::Times(UnpackTimes { placing, done }) => {
                let [placing, done] = [placing, done].map(|time| time.unwrap_or_default());
                let (first, last) = (fixed(placing), fixed(done));
                write!(writer, "times {first} {last}")?;
            }
            Self::File(UnpackedFile { path, size, modified: Timestamp { seconds, nanoseconds }, written: None }) => {
                write!(writer, "file {size} {seconds} {nanoseconds} {path}")?;
            }
            Self::File(UnpackedFile { path, size, modified, written: Some(TimeSpan { begun, end }) }) => {
                let Timestamp { seconds, nanoseconds } = modified;
                write!(
                    writer,
                    "kept {begun} {} {} {size} {seconds} {nanoseconds} {path}",
                    end.seconds, end.nanoseconds
                )?;
            }
        }
        writer.write_all(b"\0")
    }

    /// Parses an entry without its NUL. `None` if a crash has damaged it.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = str::from_utf8(bytes).ok()?.split_once(' ')?;
        let mut words = Words(rest);
        match kind {
            "run" => serde_json::from_str(rest).ok().map(Self::Run),
            "times" => {
                let (placing, done) =
                    (words.time()?, Timestamp { seconds: words.number()?, nanoseconds: words.last()? });
                let known = |time: Timestamp| Some(time).filter(|time| *time != Timestamp::default());
                Some(Self::Times(UnpackTimes { placing: known(placing), done: known(done) }))
            }
            "file" => words.file(None).map(Self::File),
            "kept" => {
                let written = TimeSpan { begun: words.number()?, end: words.time()? };
                words.file(Some(written)).map(Self::File)
            }
            _ => None,
        }
    }
}

/// The rest of an entry: words that are separated by blanks.
struct Words<'a>(&'a str);

impl Words<'_> {
    fn number<T: FromStr>(&mut self) -> Option<T> {
        let (word, rest) = self.0.split_once(' ')?;
        self.0 = rest;
        word.parse().ok()
    }

    fn last<T: FromStr>(&self) -> Option<T> {
        self.0.parse().ok()
    }

    fn time(&mut self) -> Option<Timestamp> {
        Some(Timestamp { seconds: self.number()?, nanoseconds: self.number()? })
    }

    fn file(&mut self, written: Option<TimeSpan>) -> Option<UnpackedFile> {
        let (size, modified) = (self.number()?, self.time()?);
        Some(UnpackedFile { path: self.0.to_owned(), size, modified, written })
    }
}

fn fixed(Timestamp { seconds, nanoseconds }: Timestamp) -> String {
    format!("{seconds:020} {nanoseconds:09}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> [UnpackEntry; 5] {
        let time = Timestamp { seconds: 1_700_000_000, nanoseconds: 42 };
        let part = |section: Option<&str>| UnpackedPart {
            path: "a b".to_owned(),
            digest: section.map(|_| Digest::of(b"layer")),
            section: section.map(str::to_owned),
            name: String::new(),
        };
        let run = UnpackRun {
            reference: "localhost/x:v1".to_owned(),
            manifest: Digest::of(b"manifest"),
            boot: None,
            begun: -1,
            parts: vec![part(Some("model")), part(None)],
        };
        let file = |written| {
            UnpackEntry::File(UnpackedFile { path: "a b/c\nd".to_owned(), size: u64::MAX, modified: time, written })
        };
        let times = |placing| UnpackEntry::Times(UnpackTimes { placing, done: None });
        let kept = file(Some(TimeSpan { begun: 7, end: time }));
        [UnpackEntry::Run(Box::new(run)), times(None), times(Some(time)), file(None), kept]
    }

    #[test]
    fn times_have_a_fixed_length() {
        let length = |placing: Option<Timestamp>| {
            let mut bytes = Vec::new();
            UnpackEntry::Times(UnpackTimes { placing, done: placing }).write_to(&mut bytes).unwrap();
            bytes.len()
        };
        let time = Timestamp { seconds: i64::MAX, nanoseconds: 999_999_999 };
        assert_eq!(length(None), length(Some(time)));
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        for entry in entries() {
            let mut bytes = Vec::new();
            entry.write_to(&mut bytes).unwrap();
            assert_eq!(bytes.pop(), Some(0));
            assert_eq!(UnpackEntry::parse(&bytes), Some(entry));
        }
    }

    #[test]
    fn damaged_entries_are_noticed() {
        for bytes in [
            &b""[..],
            b"file 1 2",
            b"file x 2 3 p",
            b"times 1 2 3",
            b"kept 1 2 3 4 5 p",
            b"run {",
            b"other 1",
            b"file 1 2 3 \xff",
        ] {
            assert_eq!(UnpackEntry::parse(bytes), None, "{bytes:?}");
        }
    }
}
