//! The receipt of a command that changes something: lines for people, one document for scripts, or only the digest.

use fs_err as fs;
use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::format::Format;
use super::report::usage;
use super::streams::Output;
use kit_core::digest::Digest;
use kit_core::ops::{self, Copied, Packed};
use kit_core::sys::replace_file;

/// The members that documents of any command may have. Templates are checked against them before anything is changed;
/// a member that only other commands have is found at the end.
const MEMBERS: [&str; 50] = [
    "extracted",
    "digest",
    "references",
    "artifacts",
    "seconds",
    "dryRun",
    "blobs",
    "tags",
    "previousDigest",
    "totalBytes",
    "reusedBytes",
    "sentBytes",
    "presentBytes",
    "mountedBytes",
    "resumedBytes",
    "takenBytes",
    "folder",
    "plannedFiles",
    "deletedPaths",
    "omittedBytes",
    "referrers",
    "files",
    "writtenBytes",
    "replacedFiles",
    "unchangedFiles",
    "keptFiles",
    "deletedFiles",
    "freedBytes",
    "untagged",
    "copiedBytes",
    "sound",
    "repaired",
    "readBytes",
    "unreferencedBytes",
    "damaged",
    "broken",
    "wrongTables",
    "changed",
    "unfinishedBytes",
    "unneededBytes",
    "fetchedBytes",
    "rememberedLayers",
    "linkedLayers",
    "linkedBytes",
    "path",
    "registry",
    "signer",
    "signatures",
    "role",
    "checklist",
];

/// The artifacts and facts that a run reports when it has succeeded. Text is printed at once, a document at the end.
#[derive(Debug, Default)]
pub(crate) struct Receipt(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    /// The format, unless it is text.
    format: Option<Format>,
    digest_file: Option<PathBuf>,
    /// The digest of the first artifact, which identifies the result.
    digest: Option<Digest>,
    artifacts: Vec<Value>,
    facts: Map<String, Value>,
}

impl Receipt {
    /// Begins the receipt in this format, whose template must use the `members` of the command only; without them, any
    /// known member. Removes an old file with a digest, so that a failure does not leave it.
    pub(crate) fn begin(&self, format: &Format, members: Option<&[&str]>, digest_file: Option<PathBuf>) -> Result<()> {
        if let Format::Template(template) = format {
            template.expect_fields(members.unwrap_or(&MEMBERS)).map_err(usage)?;
        }
        if let Some(path) = &digest_file {
            if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
                let missing = anyhow::Error::from(ops::Error::NoFolder(folder.to_owned()));
                return Err(missing.context(format!("cannot write the digest to `{}`", path.display())));
            }
            forget_digest(path).with_context(|| format!("cannot replace the file `{}`", path.display()))?;
        }
        let format = if matches!(format, Format::Table) { None } else { Some(format.clone()) };
        *self.0.borrow_mut() = State { format, digest_file, ..State::default() };
        Ok(())
    }

    /// Returns true if the result is a document instead of lines of text.
    pub(crate) fn is_document(&self) -> bool {
        self.0.borrow().format.is_some()
    }

    /// Prints a line of text, unless the result is a document or only a digest.
    pub(crate) fn line(&self, output: &Output, line: impl AsRef<str>) -> Result<()> {
        if output.prints_digests_only() {
            return Ok(());
        }
        self.data_line(output, line)
    }

    /// Prints a line of data, which --quiet does not suppress, unless the result is a document.
    pub(crate) fn data_line(&self, output: &Output, line: impl AsRef<str>) -> Result<()> {
        if self.is_document() {
            return Ok(());
        }
        Ok(output.result(line)?)
    }

    /// Reports an artifact that the command was asked for, with its names and `line` as the text about it. With
    /// --quiet, its digest is the line.
    pub(crate) fn made(
        &self,
        output: &Output,
        (action, digest): (&str, Digest),
        references: &[String],
        line: impl AsRef<str>,
    ) -> Result<()> {
        self.note(action, digest, references);
        if output.prints_digests_only() && !self.is_document() {
            return Ok(output.result(digest.to_string())?);
        }
        self.line(output, line)
    }

    /// Adds an artifact to the document.
    pub(crate) fn note(&self, action: &str, digest: Digest, references: &[String]) {
        let mut state = self.0.borrow_mut();
        state.digest.get_or_insert(digest);
        state.artifacts.push(json!({ "action": action, "digest": digest, "references": references }));
    }

    /// Adds a member to the document.
    pub(crate) fn fact(&self, name: &str, value: impl Into<Value>) {
        debug_assert!(MEMBERS.contains(&name), "`{name}` is not in the list of members");
        self.0.borrow_mut().facts.insert(name.to_owned(), value.into());
    }

    /// Appends to a list in the document.
    pub(crate) fn append(&self, name: &str, value: Value) {
        debug_assert!(MEMBERS.contains(&name), "`{name}` is not in the list of members");
        let mut state = self.0.borrow_mut();
        if let Value::Array(list) = state.facts.entry(name).or_insert_with(|| json!([])) {
            list.push(value);
        }
    }

    /// Adds the amounts of data of a copy. Those of several copies are added up.
    pub(crate) fn copied(&self, copied: &Copied) {
        for (name, bytes) in [
            ("sentBytes", copied.sent_bytes),
            ("presentBytes", copied.present_bytes),
            ("mountedBytes", copied.mounted_bytes),
            ("resumedBytes", copied.resumed_bytes),
        ] {
            self.add(name, bytes);
        }
        if copied.taken.bytes > 0 {
            self.add("takenBytes", copied.taken.bytes);
        }
    }

    /// Adds the amounts of data of packing.
    pub(crate) fn packed(&self, packed: &Packed) {
        self.add("totalBytes", packed.bytes);
        self.add("reusedBytes", packed.reused_bytes);
    }

    fn add(&self, name: &str, bytes: u64) {
        let before = self.0.borrow().facts.get(name).and_then(Value::as_u64).unwrap_or_default();
        self.fact(name, before + bytes);
    }

    /// Ends the receipt of a command that succeeded: writes the digest to its file, and prints the document.
    pub(crate) fn finish(&self, output: &Output, start: Instant) -> Result<()> {
        let state = self.0.take();
        if let (Some(path), Some(digest)) = (&state.digest_file, &state.digest) {
            let written = replace_file(path, digest.to_string().as_bytes());
            written.with_context(|| format!("cannot write the digest to `{}`", path.display()))?;
        }
        let Some(format) = state.format else { return Ok(()) };
        let references = state.artifacts.iter().filter_map(|artifact| artifact["references"].as_array());
        let references: Vec<_> = references.flatten().cloned().collect();
        let mut document = json!({
            "digest": state.digest,
            "references": references,
            "artifacts": state.artifacts,
            "seconds": start.elapsed().as_secs_f64(),
        });
        if let Value::Object(members) = &mut document {
            members.extend(state.facts);
        }
        Ok(output.result(format.render(&document, String::new)?)?)
    }
}
/// Removes the digest that an earlier run wrote to `path`. A link, a device or a pipe stays what it is.
fn forget_digest(path: &Path) -> io::Result<()> {
    let is_link = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.is_symlink(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Ok(()),
        Ok(_) if is_link => fs::write(path, ""),
        Ok(_) => fs::remove_file(path),
        // The link leads to a file that does not exist yet.
        Err(_) => Ok(()),
    }
}
