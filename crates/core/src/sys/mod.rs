//! The differences between platforms: files, permissions, locks, disks and the terminal.
//!
//! No other file of the library or of the program asks for the operating system or names a crate that wraps its calls.
//! The functions here are named for what their callers need, and every platform has all of them. Linux is complete. The
//! table lists what another platform lacks, and what its function does instead.
//!
//! | subject | other Unix systems, such as macOS | Windows |
//! |---|---|---|
//! | permission bits | as on Linux | none: 0644, 0755 for folders and what git calls executable; not set |
//! | access for the user only | as on Linux | inherited from the folder |
//! | opening below a directory | as on Linux, one name after the other | the folders are held in place meanwhile |
//! | moving a file without replacing another | macOS: as on Linux; others: checked before | as on Linux |
//! | identity of a file (device, inode) | as on Linux | serial number of the volume, index of the file |
//! | names of files | macOS: may ignore case, ignores and may change accents | some reserved; ignores case |
//! | time of the last change | as on Linux | that of the last modification |
//! | paths that are not Unicode | as on Linux | refused in recipes |
//! | absolute paths without links | as on Linux | in the form that users write, unless they are too long for it |
//! | restricting lock files, running processes | as on Linux | inherited from the folder; taken for running |
//! | refusing a link as a lock file | as on Linux | checked before opening, not atomically |
//! | clones of files | macOS: as on Linux; others: refused | refused |
//! | writing past the page cache, reserving space | written as usual; not reserved | as on other Unix systems |
//! | available memory | unknown | unknown |
//! | free disk space | as on Linux | as on Linux |
//! | folders of the administrator's and the user's configuration | as on Linux | `C:\ProgramData\kit`, `%APPDATA%` |
//! | the shell of command lines | as on Linux | `cmd.exe` |
//! | sync of a folder | as on Linux | not needed by NTFS, which logs changes of names |
//! | sync of a file system, early writing | a sync of each file; nothing | as on other Unix systems |
//! | a sync empties the cache of the disk | macOS: only `flush_disk` does | as on Linux |
//! | the identity of a run of the system | unknown: the store waits for the disk | as on other Unix systems |
//! | marking a file when it is created | as on Linux, if the file system permits it | never marked |
//! | columns of the terminal | as on Linux | as on Linux |
//! | ending cleanly after a signal | as on Linux; an ignored SIGHUP is not recognised | at the events of the console |

mod block_writer;
mod boot;
mod clone;
mod dir;
mod direct;
mod disk_space;
mod folders;
mod identity;
mod interruption;
mod lane;
mod memory;
mod metadata;
mod open;
mod paths;
mod permissions;
mod process;
mod regular;
mod replace;
mod shell;
mod sync;
mod terminal;
mod write_at;

pub use block_writer::{BlockWriter, CACHED_BYTES, DIRECT_FROM_BYTES};
pub use boot::{boot_identity, is_on_local_disk};
pub use clone::{clone_whole, device_of};
pub use dir::{Dir, Folders, Folding, Found, Link, Names, is_link_refusal, name_of, name_problem};
pub use disk_space::free_bytes;
pub use folders::{UserFolders, system_configuration, user_folders};
pub use identity::{FileIdentity, IdentityHold, is_removed, is_still_at};
pub use interruption::{
    Interruption, Leftover, LeftoverKind, TemporaryFile, TemporaryFolder, is_temporary_name, on_interruption,
    uninterrupted, wait_if_interrupted,
};
pub use memory::cacheable_bytes;
pub use metadata::{FileType, Metadata, Timestamp};
pub use open::{create_read_only, open_lock_file, open_marked_lock_file, open_private, write_new_file};
pub use paths::{bytes_of_path, path_of_bytes, real_path};
pub use permissions::{HAS_MODES, MARK, clear_mark, create_dir, create_dir_all, is_marked, mode_of, set_mode};
pub use process::{is_running, wait_at_most};
pub use regular::{open_regular, read_open, read_regular, read_regular_text, target_elsewhere};
pub use replace::{
    end_of_links, lock_for_change, remove_with_lock, rename, replace_file, replace_private_file, try_lock_for_change,
};
pub use shell::shell;
pub use sync::{begin_to_write, flush_disk, sync_file, sync_files, sync_folder, sync_tree};
pub use terminal::{error_columns, error_obeys_escapes, output_columns, output_obeys_escapes};
pub use write_at::write_at;
