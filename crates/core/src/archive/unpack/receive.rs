//! Receives one file: compares it with an existing file, and stages it from the first difference on.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::destination::{Destination, Overwrite, open_in, staging_failed};
use crate::archive::error::{Error, Obstacle};
use crate::archive::reading::{BUFFER_BYTES, fill, read_once};
use crate::progress::Task;
use crate::relative_path::RelativePath;
use crate::sys::{BlockWriter, DIRECT_FROM_BYTES, Found, clone_whole};

/// An incoming file.
pub(super) struct Incoming<'a> {
    pub(super) path: &'a RelativePath,
    pub(super) mode: u32,
    /// The size in bytes, if it is known beforehand.
    pub(super) size: Option<u64>,
    /// A file with the same content that may be cloned.
    pub(super) original: Option<File>,
    /// Reads the next bytes. Returns 0 at the end.
    pub(super) content: &'a mut dyn FnMut(&mut [u8]) -> Result<usize, Error>,
    pub(super) task: &'a dyn Task,
}

/// The buffers, which are used for one file after another.
pub(super) struct Buffers {
    incoming: Vec<u8>,
    existing: Vec<u8>,
}

/// The result of comparing an incoming file with the existing one.
enum Comparison {
    Equal,
    /// After `equal` bytes, the next bytes differ. The buffer contains `pending` incoming bytes, and more may follow.
    Differs {
        equal: u64,
        pending: usize,
    },
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self { incoming: vec![0; BUFFER_BYTES], existing: Vec::new() }
    }
}

/// Receives one file into `destination`, and returns its size.
pub(super) fn receive(destination: &Destination, incoming: &mut Incoming, buffers: &mut Buffers) -> Result<u64, Error> {
    if !destination.wants(incoming.path) {
        return drain(incoming, buffers);
    }
    destination.check_path(incoming.path)?;
    if !destination.expect_file(incoming.path) {
        return Err(Error::Refused { member: incoming.path.to_string(), reason: "it occurs twice" });
    }
    match destination.find(incoming.path)? {
        Found::Nothing if destination.is_doomed() => drain(incoming, buffers),
        Found::Nothing => stage(destination, incoming, buffers, None, 0),
        Found::File { size } => receive_over(destination, incoming, buffers, size),
        _ => {
            destination.note_conflict(incoming.path, Obstacle::NotAFile)?;
            drain(incoming, buffers)
        }
    }
}

/// Receives a file whose path in the target is a file of `existing_size` bytes.
fn receive_over(
    destination: &Destination,
    incoming: &mut Incoming,
    buffers: &mut Buffers,
    existing_size: u64,
) -> Result<u64, Error> {
    let mut existing = None;
    let mut comparison = Comparison::Differs { equal: 0, pending: 0 };
    if incoming.size.is_none_or(|size| size == existing_size) {
        let file = open_in(&destination.target, incoming.path)?;
        comparison = compare(incoming, existing.insert(file), buffers)?;
    }
    let Comparison::Differs { equal, pending } = comparison else {
        destination.count(|placed| placed.already_right += 1);
        return Ok(existing_size);
    };
    let is_replaced = destination.overwrite == Overwrite::Replace;
    let is_damaged = !is_replaced && destination.is_damaged(incoming.path)?;
    if (is_replaced || is_damaged) && !destination.is_doomed() {
        let size = stage(destination, incoming, buffers, existing.map(|file| (file, equal)), pending)?;
        destination.count(|placed| placed.replaced += 1);
        if is_damaged {
            destination.note_repair(incoming.path);
        }
        return Ok(size);
    }
    let new_size = equal + pending as u64 + drain(incoming, buffers)?;
    match destination.overwrite {
        _ if is_damaged => {}
        Overwrite::Refuse => {
            destination.note_conflict(incoming.path, Obstacle::OtherContent { existing_size, new_size })?;
        }
        Overwrite::Keep => destination.count(|placed| placed.kept += 1),
        Overwrite::Replace => {}
    }
    Ok(new_size)
}

fn compare(incoming: &mut Incoming, existing: &mut File, buffers: &mut Buffers) -> Result<Comparison, Error> {
    buffers.existing.resize(BUFFER_BYTES, 0);
    let mut equal = 0;
    loop {
        let arrived = fill(&mut buffers.incoming, |rest| next(incoming, rest))?;
        // One byte more shows whether the existing file is longer.
        let wanted = (arrived + 1).min(BUFFER_BYTES);
        let there = fill(&mut buffers.existing[..wanted], |rest| read_once(existing, rest));
        let there = there.map_err(Error::unpacking(incoming.path))?;
        if there != arrived || buffers.incoming[..arrived] != buffers.existing[..arrived] {
            return Ok(Comparison::Differs { equal, pending: arrived });
        }
        if arrived < BUFFER_BYTES {
            return Ok(Comparison::Equal);
        }
        equal += arrived as u64;
    }
}

/// Stages an incoming file: first the bytes that it shares with the `existing` file, then the `pending` bytes in the
/// buffer, then the rest.
fn stage(
    destination: &Destination,
    incoming: &mut Incoming,
    buffers: &mut Buffers,
    existing: Option<(File, u64)>,
    pending: usize,
) -> Result<u64, Error> {
    let path = incoming.path;
    let (mut file, is_cloned) = create(destination, path, incoming.mode, incoming.original.as_ref())?;
    let mut size = 0;
    if let Some((existing, equal)) = existing {
        if !is_cloned {
            copy_beginning(existing, equal, &mut file).map_err(Error::unpacking(path))?;
        }
        size += equal;
    }
    let mut written = None;
    if is_cloned {
        size += pending as u64 + drain(incoming, buffers)?;
    } else if incoming.size.is_some_and(|size| size > DIRECT_FROM_BYTES) {
        let mut blocks = BlockWriter::new(file, size);
        blocks.write_all(&buffers.incoming[..pending]).map_err(Error::unpacking(path))?;
        size += pending as u64 + write_blocks(incoming, &mut blocks)?;
        blocks.finish().map_err(Error::unpacking(path))?;
    } else {
        size += write_rest(incoming, buffers, pending, &mut file)?;
        written = destination.metadata_for_ledger(path, &file)?;
    }
    destination.note_written(path, size, written.as_ref());
    Ok(size)
}

/// Creates the staged file `path`. Returns true with it if it is a clone of `original`.
pub(super) fn create(
    destination: &Destination,
    path: &RelativePath,
    mode: u32,
    original: Option<&File>,
) -> Result<(File, bool), Error> {
    let mut file = destination.staging()?.create_file(path, mode).map_err(|source| staging_failed(path, source))?;
    let is_cloned = original.map_or(Ok(false), |original| clone_whole(original, &mut file));
    Ok((file, is_cloned.map_err(Error::unpacking(path))?))
}

/// Writes the `pending` bytes in the buffer and all that follow, and returns their number.
fn write_rest(
    incoming: &mut Incoming,
    buffers: &mut Buffers,
    pending: usize,
    sink: &mut impl Write,
) -> Result<u64, Error> {
    let mut written = 0;
    let mut filled = pending;
    loop {
        sink.write_all(&buffers.incoming[..filled]).map_err(Error::unpacking(incoming.path))?;
        written += filled as u64;
        filled = next(incoming, &mut buffers.incoming)?;
        if filled == 0 {
            return Ok(written);
        }
    }
}

/// Reads all that follows into the memory of `blocks`, and returns the number of bytes.
fn write_blocks(incoming: &mut Incoming, blocks: &mut BlockWriter) -> Result<u64, Error> {
    let mut written = 0;
    loop {
        let read = next(incoming, blocks.space())?;
        if read == 0 {
            return Ok(written);
        }
        blocks.advance(read).map_err(Error::unpacking(incoming.path))?;
        written += read as u64;
    }
}

fn copy_beginning(mut existing: File, size: u64, file: &mut File) -> io::Result<()> {
    existing.seek(SeekFrom::Start(0))?;
    if io::copy(&mut existing.take(size), file)? < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn drain(incoming: &mut Incoming, buffers: &mut Buffers) -> Result<u64, Error> {
    let mut size = 0;
    loop {
        match next(incoming, &mut buffers.incoming)? {
            0 => return Ok(size),
            read => size += read as u64,
        }
    }
}

fn next(incoming: &mut Incoming, buffer: &mut [u8]) -> Result<usize, Error> {
    let read = (incoming.content)(buffer)?;
    incoming.task.advance(read as u64);
    Ok(read)
}
