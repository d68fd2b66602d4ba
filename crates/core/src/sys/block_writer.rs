//! Writes large files past the page cache, in a separate thread if the system permits one.
//!
//! Does not know the content of the file.
//!
//! Copying gigabytes into the page cache costs the processor more than hashing them: on two cores, packing 4 GiB spent
//! 10 s on it. Aligned blocks are written to the disk directly; if the file system refuses that, they are written as
//! usual. As soon as the caller has to wait for a slow disk, the following blocks go through the page cache, as long as
//! that has space ([`Lane`]): a slow disk does not hold up the hash.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use bytes::Bytes;

use super::direct::{reserve, set_direct};
use super::lane::Lane;
use crate::blocks::{BLOCK_BYTES, Block, Blocks};

/// The number of blocks in memory: one that is filled, one that is written, and those in between. More are not faster.
const BLOCKS: usize = 5;
/// The number of blocks that may wait for the disk.
const WAITING: usize = 2;
/// The size of writes through the page cache. Linux allocates larger folios for larger writes, and on a virtual machine
/// whose host reclaims free memory those are slow to allocate. Hashing and copying 2 GiB with two threads in writes of
/// 16, 32, 64, 128, 256 KiB and 1 MiB took 0.80, 0.64, 0.58, 0.65, 0.6 to 2.6 and 3.2 s (medians of three); `cp` took
/// 0.6 to 0.9 s.
pub const CACHED_BYTES: usize = 64 * 1024;
/// Files up to this size go through the page cache, because they may well be read soon. So does the beginning of a file
/// of unknown size.
pub const DIRECT_FROM_BYTES: u64 = 8 * 1024 * 1024;

/// Collects written bytes into blocks, which a thread writes. [`finish`](Self::finish) must be called.
pub struct BlockWriter {
    file: File,
    /// The offset at which direct writing begins.
    direct_from: u64,
    blocks: Blocks,
    /// The block that is being filled, and its offset in the file.
    block: Option<Block>,
    offset: u64,
    thread: Option<Thread>,
}

struct Thread {
    full: SyncSender<(Bytes, u64)>,
    /// Set when the caller has to wait.
    is_behind: Arc<AtomicBool>,
    handle: JoinHandle<io::Result<()>>,
}

impl Thread {
    /// Passes `bytes` on; waits if too many are waiting. Fails if the thread has ended.
    fn pass_on(&self, bytes: Bytes, offset: u64) -> Result<(), ()> {
        let Err(error) = self.full.try_send((bytes, offset)) else { return Ok(()) };
        let TrySendError::Full(waiting) = error else { return Err(()) };
        self.is_behind.store(true, Ordering::Relaxed);
        self.full.send(waiting).map_err(drop)
    }
}

impl BlockWriter {
    /// Writes to `file` at `offset`, which must also be the position of the file.
    pub fn new(file: File, offset: u64) -> Self {
        let blocks = Blocks::new(BLOCKS);
        Self { file, direct_from: DIRECT_FROM_BYTES, blocks, block: None, offset, thread: None }
    }

    /// Like [`new`](Self::new), for a file that will have `size` bytes or more. A large file is written directly from
    /// its beginning, so that almost nothing is left to do when it is synced. Its space is reserved first, if the file
    /// system can do that: a full disk is detected at once, and the blocks are contiguous. The file grows only by what
    /// is written; a caller that leaves it shorter frees the reserved space by truncating it to its length.
    pub fn sized(file: File, offset: u64, size: u64) -> io::Result<Self> {
        let mut writer = Self::new(file, offset);
        if size > DIRECT_FROM_BYTES && size > offset {
            reserve(&writer.file, offset, size - offset)?;
            writer.direct_from = 0;
        }
        Ok(writer)
    }

    /// Returns the memory of the next bytes, to be filled by the caller. Waits for the disk if too many blocks have not
    /// been written yet.
    pub fn space(&mut self) -> &mut [u8] {
        self.block().space()
    }

    /// Counts the first `count` bytes of [`space`](Self::space) as written. Returns the block if they complete it, for
    /// others that read the same bytes.
    pub fn advance(&mut self, count: usize) -> io::Result<Option<Bytes>> {
        self.block().advance(count);
        if self.block.as_ref().is_some_and(Block::is_full) { self.pass_on().map(Some) } else { Ok(None) }
    }

    /// Ends the block that is being filled, and returns its bytes, for others that read them. Must be called last.
    pub fn end(&mut self) -> io::Result<Bytes> {
        self.pass_on()
    }

    /// Writes the remaining bytes and waits until everything is handed to the system. Does not sync.
    pub fn finish(mut self) -> io::Result<()> {
        self.pass_on()?;
        let Some(thread) = self.thread.take() else { return Ok(()) };
        drop(thread.full);
        thread.handle.join().expect("the writing thread does not panic")
    }

    fn block(&mut self) -> &mut Block {
        if self.block.is_none() {
            self.block = Some(self.blocks.empty_block().ending_aligned(self.offset));
        }
        self.block.as_mut().expect("it was set above")
    }

    /// Passes on the block that is being filled, and returns its bytes.
    fn pass_on(&mut self) -> io::Result<Bytes> {
        let Some(block) = self.block.take() else { return Ok(Bytes::new()) };
        let (is_full, offset) = (block.is_full(), self.offset);
        let bytes = block.share();
        self.offset += bytes.len() as u64;
        if self.thread.is_none() && is_full {
            self.thread = start(self.file.try_clone()?, self.direct_from);
        }
        let Some(thread) = &self.thread else {
            self.file.write_all(&bytes)?;
            return Ok(bytes);
        };
        if thread.pass_on(bytes.clone(), offset).is_err() {
            let thread = self.thread.take().expect("it was there a moment ago");
            drop(thread.full);
            thread.handle.join().expect("the writing thread does not panic")?;
        }
        Ok(bytes)
    }
}

impl Write for BlockWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let block = self.block();
        let taken = block.take(buffer);
        if block.is_full() {
            self.pass_on()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns none if the system permits no more threads.
fn start(file: File, direct_from: u64) -> Option<Thread> {
    let (full, to_write) = sync_channel(WAITING);
    let is_behind = Arc::new(AtomicBool::new(false));
    let lane = Lane::new(Arc::clone(&is_behind));
    let started = std::thread::Builder::new().spawn(move || write_blocks(file, direct_from, lane, &to_write));
    Some(Thread { full, is_behind, handle: started.ok()? })
}

/// Writes `bytes` through the page cache.
fn write_cached(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    bytes.chunks(CACHED_BYTES).try_for_each(|bytes| file.write_all(bytes))
}

fn write_blocks(mut file: File, direct_from: u64, mut lane: Lane, to_write: &Receiver<(Bytes, u64)>) -> io::Result<()> {
    let mut is_direct = false;
    for (bytes, offset) in to_write {
        let can_be_direct = bytes.len() == BLOCK_BYTES && offset >= direct_from;
        let wants_direct = can_be_direct && !lane.leads_to_cache(BLOCK_BYTES as u64);
        if wants_direct != is_direct {
            is_direct = set_direct(&file, wants_direct) && wants_direct;
        }
        if !is_direct {
            write_cached(&mut file, &bytes)?;
            continue;
        }
        let begun = Instant::now();
        match file.write_all(&bytes) {
            // Some file systems accept the flag and then refuse the write without writing anything.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                set_direct(&file, false);
                is_direct = false;
                write_cached(&mut file, &bytes)?;
            }
            result => result?,
        }
        lane.note_direct(BLOCK_BYTES as u64, begun.elapsed());
    }
    // The caller's file shares the flag, and may be read or written without alignment afterwards.
    if is_direct {
        set_direct(&file, false);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};

    use super::*;

    fn check(size: usize, chunk: usize) {
        check_from(0, size, chunk);
    }

    /// Writes after `offset` bytes that the file has already.
    fn check_from(offset: usize, size: usize, chunk: usize) {
        check_with(|file| BlockWriter::new(file, offset as u64), offset, size, chunk);
        check_with(|file| BlockWriter::sized(file, offset as u64, size as u64).unwrap(), offset, size, chunk);
    }

    fn check_with(begin: impl Fn(File) -> BlockWriter, offset: usize, size: usize, chunk: usize) {
        let mut file = tempfile::tempfile().unwrap();
        // The period does not divide a block, so blocks in the wrong order are detected.
        let content = &(0..251).collect::<Vec<u8>>().repeat(size / 251 + 1)[..size];
        file.write_all(&content[..offset]).unwrap();
        let mut writer = begin(file.try_clone().unwrap());
        for piece in content[offset..].chunks(chunk) {
            writer.write_all(piece).unwrap();
        }
        writer.finish().unwrap();
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{OFlags, fcntl_getfl};
            assert!(!fcntl_getfl(&file).unwrap().contains(OFlags::DIRECT), "the file is still in direct mode");
        }
        let mut found = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut found).unwrap();
        assert!(found == content, "{size} from {offset} in pieces of {chunk}");
    }

    #[test]
    fn writes_of_any_size_arrive_in_order() {
        for size in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 9 * BLOCK_BYTES, 13 * BLOCK_BYTES + 513] {
            check(size, 300_001);
        }
        check(11 * BLOCK_BYTES, BLOCK_BYTES);
        check(3 * BLOCK_BYTES, 4 * BLOCK_BYTES);
    }

    #[test]
    fn writing_can_resume_at_any_offset() {
        for offset in [1, BLOCK_BYTES - 1, BLOCK_BYTES, 9 * BLOCK_BYTES + 513, 12 * BLOCK_BYTES] {
            check_from(offset, 13 * BLOCK_BYTES + 7, 300_001);
            check_from(offset, 13 * BLOCK_BYTES, BLOCK_BYTES);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_reported() {
        let full = fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap().into_file();
        let mut writer = BlockWriter::new(full, 0);
        let result = (0..20).try_for_each(|_| writer.write_all(&vec![1; BLOCK_BYTES]));
        let error = result.and_then(|()| writer.finish()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn space_is_reserved_and_a_size_beyond_the_disk_is_refused() {
        use std::os::unix::fs::MetadataExt;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"begun").unwrap();
        let size = 3 * DIRECT_FROM_BYTES;
        BlockWriter::sized(file.try_clone().unwrap(), 5, size).unwrap().finish().unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!(metadata.len(), 5);
        let can_reserve = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, size).is_ok();
        assert!(!can_reserve || metadata.blocks() * 512 >= size, "{} blocks", metadata.blocks());
        let error = BlockWriter::sized(file.try_clone().unwrap(), 5, 1 << 62).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        // A file whose space cannot be reserved is still written to.
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut writer = BlockWriter::sized(File::from(std::os::fd::OwnedFd::from(writer)), 0, size).unwrap();
        writer.write_all(b"all").unwrap();
        writer.finish().unwrap();
        let mut read = [0; 3];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"all");
    }
}
