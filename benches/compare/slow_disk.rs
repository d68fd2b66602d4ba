//! A disk with a limited speed: ext4 on a loop device, throttled by the control group of block devices.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;

/// The throttles of version 1 of control groups. Those of the root group apply to writeback as well.
const THROTTLES: [&str; 2] =
    ["/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device", "/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device"];

/// A mounted disk. [`end`](Self::end) removes it.
pub(crate) struct SlowDisk {
    image: PathBuf,
    device: String,
    pub(crate) folder: PathBuf,
}

impl SlowDisk {
    /// Creates and mounts a disk of `mib` MiB in `parent` that reads and writes `megabytes` MB a second.
    pub(crate) fn mount(parent: &Path, mib: u64, megabytes: u64) -> Self {
        let (image, folder) = (parent.join("disk.img"), parent.join("disk"));
        fs::File::create(&image).unwrap().set_len(mib << 20).unwrap();
        fs::create_dir(&folder).unwrap();
        output(Command::new("mkfs.ext4").arg("-q").arg(&image));
        let device = output(Command::new("losetup").args(["--find", "--show", "--direct-io=on"]).arg(&image));
        output(Command::new("mount").arg(&device).arg(&folder));
        let number = output(Command::new("lsblk").args(["--noheadings", "--nodeps", "--output", "MAJ:MIN", &device]));
        for throttle in THROTTLES {
            fs::write(throttle, format!("{number} {}", megabytes * 1_000_000)).unwrap();
        }
        Self { image, device, folder }
    }

    pub(crate) fn end(&self) {
        output(Command::new("umount").arg(&self.folder));
        output(Command::new("losetup").args(["--detach", &self.device]));
        fs::remove_file(&self.image).unwrap();
        fs::remove_dir(&self.folder).unwrap();
    }
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
