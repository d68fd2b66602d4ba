//! The members of a zip archive, by its central directory. Neither flags nor checksums nor local headers keep a member
//! from being read: they do not keep `torch` or Python from it.

use std::collections::HashSet;
use std::io;
use std::ops::Range;

use flate2::Crc;

use super::compressed::NOT_READ;
use super::decoded::{Decoded, Method};
use super::directory::{Entries, Entry, entries};
use super::end::{Directory, directories};
use super::local::local;
use crate::limits;
use crate::scan::finding::Level;
use crate::scan::member::Member;
use crate::scan::scanner::{Outcome, Scan};
use crate::scan::window::{Budget, Window};

/// The rule of archives that are not as a packer writes them.
const ODD: &str = "zip-odd";

/// Scans the members of an archive.
pub(super) fn scan(member: &mut Member<'_>, scan: &mut Scan<'_>) -> io::Result<Outcome> {
    let begins_like_zip = matches!(member.head()?, [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..]);
    let directories = directories(member)?;
    if directories.is_empty() {
        if begins_like_zip {
            scan.findings.add(Level::Medium, ODD, "directory", None);
        }
        return Ok(Outcome::Open);
    }
    // The end records between the first member and the directory belong to members.
    let mut inside: Vec<Range<u64>> = Vec::new();
    for directory in directories {
        if inside.iter().any(|range| range.contains(&directory.end)) {
            continue;
        }
        if !inside.is_empty() {
            scan.findings.add(Level::Medium, ODD, "directory: there are several", None);
        }
        let Entries { mut list, is_cut } = entries(member, directory)?;
        if is_cut {
            scan.findings.limit("members");
        } else if list.len() as u64 != directory.count {
            scan.findings.add(Level::Medium, ODD, "directory: its length is not the one that it states", None);
        }
        list.sort_by_key(|entry| entry.offset);
        let first = list.first().map_or(directory.start, |entry| entry.offset.saturating_add(directory.shift));
        inside.push(first..directory.start);
        Archive { member, scan, directory }.members(&list);
    }
    Ok(if begins_like_zip { Outcome::Whole } else { Outcome::Open })
}

struct Archive<'s, 'm, 'r> {
    member: &'s mut Member<'m>,
    scan: &'s mut Scan<'r>,
    directory: Directory,
}

impl Archive<'_, '_, '_> {
    fn members(&mut self, entries: &[Entry]) {
        let first = entries.first().map_or(0, |entry| entry.offset.saturating_add(self.directory.shift));
        if first > 0 {
            self.odd("prefix", &format!("{first} bytes"));
        }
        let mut names = HashSet::new();
        for entry in entries {
            let name = String::from_utf8_lossy(&entry.name);
            if !names.insert(&*entry.name) {
                self.odd("names", &name);
            }
            if !self.scan.count_member() {
                self.scan.findings.limit("members");
                break;
            }
            let result = self.entry(entry, &name);
            self.scan.examined(result);
        }
        if let Some(code) = torchscript(&names) {
            self.scan.findings.add(Level::Low, "torchscript", &String::from_utf8_lossy(code), None);
        }
    }

    fn entry(&mut self, entry: &Entry, name: &str) -> io::Result<()> {
        let Some(local) = local(self.member, entry, self.directory.shift)? else {
            self.odd("local", name);
            self.scan.findings.skip(name, "its local header is missing");
            return Ok(());
        };
        for word in local.odd {
            self.odd(word, name);
        }
        let size = entry.compressed.min(self.member.size.saturating_sub(local.start));
        if size < entry.compressed {
            self.odd("directory", name);
        }
        let method = match entry.method {
            0 => return self.stored(entry, name, local.start, size),
            8 => Method::Deflate,
            93 => Method::Zstd,
            method => {
                let detail = format!("{name}, compression method {method}");
                self.scan.findings.add(Level::Medium, NOT_READ, &detail, None);
                self.scan.findings.skip(name, &format!("compression method {method}"));
                return Ok(());
            }
        };
        self.compressed(entry, name, method, (local.start, size))
    }

    fn stored(&mut self, entry: &Entry, name: &str, start: u64, size: u64) -> io::Result<()> {
        let mut part = Window::new(self.member.reader, start, size, self.scan.budget.clone());
        self.scan.member(name, self.member.name, size, &mut part);
        // The content of large members is not read: it may be tensors.
        if size <= limits::SCANNED_TEXT_BYTES {
            let mut crc = Crc::new();
            crc.update(&self.member.bytes(start, size)?);
            if u64::from(crc.sum()) != entry.sum {
                self.odd("sum", name);
            }
        }
        Ok(())
    }

    fn compressed(&mut self, entry: &Entry, name: &str, method: Method, place: (u64, u64)) -> io::Result<()> {
        let budget = self.scan.budget.clone();
        let part = Window::new(self.member.reader, place.0, place.1, budget.clone());
        let mut decoded = Decoded::new(part, method, budget)?;
        let size = decoded.size();
        self.scan.member(name, self.member.name, size, &mut decoded);
        let (sum, is_spent) = (decoded.sum(), decoded.failure().map(Budget::is_spent));
        match is_spent {
            Some(true) => self.scan.findings.limit("bytes in members"),
            Some(false) => {
                self.odd("method", name);
                self.scan.findings.skip(name, "its content is damaged");
            }
            None if u64::from(sum) != entry.sum => self.odd("sum", name),
            None => {}
        }
        Ok(())
    }

    fn odd(&mut self, word: &str, what: &str) {
        self.scan.findings.add(Level::Medium, ODD, &format!("{word}: {what}"), None);
    }
}

/// Returns the name of a file with code of `TorchScript`, if the archive is a model with code.
fn torchscript<'a>(names: &HashSet<&'a [u8]>) -> Option<&'a [u8]> {
    let roots = names.iter().filter_map(|name| name.strip_suffix(b"constants.pkl"));
    let codes: Vec<_> = roots.map(|root| [root, b"code/"].concat()).collect();
    names.iter().copied().filter(|name| codes.iter().any(|code| name.starts_with(code))).min()
}
