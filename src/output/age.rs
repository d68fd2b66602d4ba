//! The time that has passed, for people.

use jiff::Timestamp;

use super::words::counted;

/// The units with their lengths in seconds. A unit is used from two of it on, so that no age is off by half.
const UNITS: [(&str, i64); 7] = [
    ("year", 365 * 86_400),
    ("month", 30 * 86_400),
    ("week", 7 * 86_400),
    ("day", 86_400),
    ("hour", 3600),
    ("minute", 60),
    ("second", 1),
];

/// The time from `time` to `now`, for example `3 days ago`.
pub(crate) fn age(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - time.as_second();
    let fits = |(_, length): &&(&str, i64)| seconds >= 2 * length;
    match UNITS.iter().find(fits) {
        Some((unit, length)) => format!("{} ago", counted((seconds / length).unsigned_abs(), unit)),
        None => "just now".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_unit() {
        let time = Timestamp::from_second(1_000_000_000).unwrap();
        for (seconds, expected) in [
            (-60, "just now"),
            (1, "just now"),
            (90, "90 seconds ago"),
            (150, "2 minutes ago"),
            (3 * 86_400, "3 days ago"),
            (13 * 86_400, "13 days ago"),
            (50 * 86_400, "7 weeks ago"),
            (800 * 86_400, "2 years ago"),
        ] {
            assert_eq!(age(time, Timestamp::from_second(1_000_000_000 + seconds).unwrap()), expected);
        }
    }
}
