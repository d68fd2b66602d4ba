//! The timestamps that Go's yaml.v3 recognizes in plain scalars, in the format in which Go's JSON encoder writes them.

/// `text` as RFC 3339, if it is a date, or a date and a time, such as `2024-1-2`, `2024-01-02 3:04:05.6` or
/// `2024-01-02T03:04:05+01:00`.
///
/// A time without a zone is UTC.
pub(super) fn to_rfc3339(text: &str) -> Option<String> {
    let year = text.get(..4).filter(|year| year.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (month, rest) = number(text[4..].strip_prefix('-')?)?;
    let (day, rest) = number(rest.strip_prefix('-')?)?;
    if !(1..=12).contains(&month) || day == 0 || day > days_in(year.parse().ok()?, month) {
        return None;
    }
    let (time, zone) = match rest.chars().next() {
        None => ("00:00:00".to_owned(), "Z".to_owned()),
        Some(' ') => {
            let (time, rest) = clock(&rest[1..])?;
            (time, rest.is_empty().then(|| "Z".to_owned())?)
        }
        Some('T' | 't') => {
            let (time, rest) = clock(&rest[1..])?;
            (time, offset(rest)?)
        }
        Some(_) => return None,
    };
    Some(format!("{year}-{month:02}-{day:02}T{time}{zone}"))
}

/// One or two digits, and the rest of the text.
fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

/// Hour, minute, second and fraction, the fraction without trailing zeros and cut to nanoseconds.
fn clock(text: &str) -> Option<(String, &str)> {
    let (hour, rest) = number(text)?;
    let (minute, rest) = number(rest.strip_prefix(':')?)?;
    let (second, rest) = number(rest.strip_prefix(':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let digits = rest.strip_prefix(['.', ',']).map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    let fraction = if digits == 0 { "" } else { rest[1..=digits.min(9)].trim_end_matches('0') };
    let point = if fraction.is_empty() { "" } else { "." };
    let rest = if digits == 0 { rest } else { &rest[1 + digits..] };
    Some((format!("{hour:02}:{minute:02}:{second:02}{point}{fraction}"), rest))
}

/// A time zone: `Z`, or hours and minutes of two digits each. An offset of zero is returned as `Z`.
fn offset(text: &str) -> Option<String> {
    let is_distance = |distance: &str| {
        let two =
            |part: &str, limit| part.len() == 2 && number(part).is_some_and(|(n, rest)| n < limit && rest.is_empty());
        distance.split_once(':').is_some_and(|(hours, minutes)| two(hours, 24) && two(minutes, 60))
    };
    match text {
        "Z" | "+00:00" | "-00:00" => Some("Z".to_owned()),
        _ => text.strip_prefix(['+', '-']).filter(|distance| is_distance(distance)).map(|_| text.to_owned()),
    }
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
