//! Sizes for people.

/// Formats `bytes` as `KitOps` prints them: one decimal, rounded down, in units of 1024.
pub fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut exponent = (bytes.ilog2() / 10) as usize;
    exponent = exponent.min(UNITS.len());
    let unit = 1u128 << (10 * exponent);
    let tenths = u128::from(bytes) * 10 / unit;
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[exponent - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_down_to_one_decimal() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1024 * 1024 - 1, "1023.9 KiB"),
            (1024 * 1024, "1.0 MiB"),
            (1 << 60, "1024.0 PiB"),
        ] {
            assert_eq!(human(bytes), expected);
        }
    }
}
