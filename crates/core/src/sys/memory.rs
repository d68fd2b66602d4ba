//! The memory that the system can spare for writing.

use fs_err as fs;

/// Returns how many bytes can go through the page cache now before Linux makes the writer wait. Returns 0 if the system
/// does not report the available memory.
///
/// Linux lets a writer pass while the bytes that wait for the disk are fewer than the mean of `dirty_background_ratio`
/// and `dirty_ratio` of the available memory (kernel documentation, "vm sysctl"; `dirty_freerun_ceiling` in
/// `mm/page-writeback.c`). The limit of a container counts in the same way.
pub fn cacheable_bytes() -> u64 {
    let Ok(meminfo) = fs::read_to_string("/proc/meminfo") else { return 0 };
    let of_system = Waiting::of_system(&meminfo);
    let room = of_system.map_or(0, |waiting| waiting.room(&Limits::read()));
    Waiting::of_container().map_or(room, |waiting| room.min(waiting.room(&Limits::RATIOS)))
}

/// The memory of the system or of a container, and the bytes in it that wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waiting {
    available: u64,
    waiting: u64,
}

/// The limits for waiting bytes, each as a number of bytes or, if that is 0, as a percentage of the available memory.
#[derive(Debug, Clone, Copy)]
struct Limits {
    background: (u64, u64),
    all: (u64, u64),
}

impl Limits {
    /// The defaults of Linux.
    const RATIOS: Self = Self { background: (0, 10), all: (0, 20) };

    fn read() -> Self {
        let number = |name: &str| fs::read_to_string(format!("/proc/sys/vm/{name}")).ok()?.trim().parse().ok();
        let limit = |kind: &str, ratio| {
            (number(&format!("{kind}_bytes")).unwrap_or(0), number(&format!("{kind}_ratio")).unwrap_or(ratio))
        };
        let Self { background, all } = Self::RATIOS;
        Self { background: limit("dirty_background", background.1), all: limit("dirty", all.1) }
    }
}

impl Waiting {
    /// Parses `meminfo` (`proc_meminfo(5)`).
    fn of_system(meminfo: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let value = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
        };
        let waiting = bytes("Dirty").unwrap_or(0) + bytes("Writeback").unwrap_or(0);
        Some(Self { available: bytes("MemAvailable")?, waiting })
    }

    /// The memory of the container, if it has a limit (kernel documentation, "Control Group v2", memory).
    fn of_container() -> Option<Self> {
        let available = fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok()?;
        let stat = fs::read_to_string("/sys/fs/cgroup/memory.stat").unwrap_or_default();
        let bytes = |name: &str| {
            let value = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.and_then(|value| value.parse::<u64>().ok()).unwrap_or(0)
        };
        Some(Self { available, waiting: bytes("file_dirty") + bytes("file_writeback") })
    }

    fn room(self, limits: &Limits) -> u64 {
        let bytes = |(bytes, ratio)| if bytes > 0 { bytes } else { self.available / 100 * ratio };
        let ceiling = u64::midpoint(bytes(limits.background), bytes(limits.all));
        ceiling.saturating_sub(self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_that_is_available_is_found() {
        let meminfo = "MemTotal:       24684356 kB\nMemAvailable:   24032112 kB\nDirty:   8 kB\nWriteback: 2 kB\n";
        let found = Waiting { available: 24_032_112 * 1024, waiting: 10 * 1024 };
        assert_eq!(Waiting::of_system(meminfo), Some(found));
        assert_eq!(Waiting::of_system("MemTotal: 5 kB\nMemAvailable: much\n"), None);
        assert_eq!(Waiting::of_system(""), None);
    }

    #[test]
    fn the_room_ends_where_linux_makes_a_writer_wait() {
        let memory = |waiting| Waiting { available: 1000, waiting };
        assert_eq!(memory(0).room(&Limits::RATIOS), 150);
        assert_eq!(memory(100).room(&Limits::RATIOS), 50);
        assert_eq!(memory(200).room(&Limits::RATIOS), 0);
        assert_eq!(memory(0).room(&Limits { background: (20, 10), all: (60, 20) }), 40);
    }
}
