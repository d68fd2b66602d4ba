//! The memory that the system can spare for writing.

/// Returns how many bytes can go through the page cache before Linux begins to write them to the disk by default
/// (`vm.dirty_background_ratio`): a tenth of the available memory, or of a container's limit. Returns 0 if the system
/// does not report the available memory.
pub fn cacheable_bytes() -> u64 {
    let available = fs_err::read_to_string("/proc/meminfo").ok().as_deref().and_then(available_bytes);
    let limit = fs_err::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|limit| limit.trim().parse().ok());
    available.map_or(0, |available| available.min(limit.unwrap_or(u64::MAX)) / 10)
}

/// Parses the available memory in `meminfo` (`proc_meminfo(5)`).
fn available_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_that_is_available_is_found() {
        let meminfo = "MemTotal:       24684356 kB\nMemAvailable:   24032112 kB\nBuffers:           42 kB\n";
        assert_eq!(available_bytes(meminfo), Some(24_032_112 * 1024));
        assert_eq!(available_bytes("MemTotal: 5 kB\nMemAvailable: much\n"), None);
        assert_eq!(available_bytes(""), None);
    }
}
