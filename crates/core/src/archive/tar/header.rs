//! The headers of tar members, byte for byte as Go's `archive/tar` writes them for KitOps.
//!
//! Equal files therefore result in layers that a registry filled by KitOps already has. Headers are USTAR if the member
//! fits, otherwise PAX.

/// The size of a tar block, to which headers and contents are padded.
pub(crate) const BLOCK: usize = 512;
const NAME_BYTES: usize = 100;
const PREFIX_BYTES: usize = 155;
/// The largest size that eleven octal digits hold: 8 GiB less one.
const LARGEST_OCTAL_SIZE: u64 = 0o777_7777_7777;
/// The user ID that KitOps records as the owner of everything in a layer.
pub(crate) const KITOPS_OWNER: u64 = 1000;

const DIRECTORY: u8 = b'5';
const FILE: u8 = b'0';
const EXTENDED: u8 = b'x';

/// Returns the number of zeros after a content of `size` bytes.
pub(crate) fn padding(size: u64) -> usize {
    let beyond = usize::try_from(size % BLOCK as u64).expect("less than a block");
    (BLOCK - beyond) % BLOCK
}

/// The fields of a header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header<'a> {
    /// The path, joined by `/`, without a slash at the end.
    pub(crate) name: &'a str,
    pub(crate) is_directory: bool,
    /// Permission bits including setuid, setgid and sticky.
    pub(crate) mode: u32,
    /// The size of the content in bytes; 0 for a directory.
    pub(crate) size: u64,
    /// The user ID.
    pub(crate) owner: u64,
}

impl Header<'_> {
    /// Returns the one block of the header, or three and more if PAX records precede it.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let split = split_name(self.name);
        match split {
            Some((prefix, name)) if self.size <= LARGEST_OCTAL_SIZE => self.main_block(prefix, name).to_vec(),
            _ => self.with_records(),
        }
    }

    fn with_records(self) -> Vec<u8> {
        let mut records = String::new();
        if self.name.len() > NAME_BYTES || !self.name.is_ascii() {
            records += &record("path", self.name);
        }
        if self.size > LARGEST_OCTAL_SIZE {
            records += &record("size", &self.size.to_string());
        }
        let mut bytes = extended_block(self.name, records.len()).to_vec();
        bytes.extend_from_slice(records.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes.extend_from_slice(&self.main_block("", &cut(&ascii_only(self.name))));
        bytes
    }

    fn main_block(self, prefix: &str, name: &str) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        text(&mut block[..NAME_BYTES], name);
        octal(&mut block[100..108], u64::from(self.mode));
        octal(&mut block[108..116], self.owner);
        octal(&mut block[116..124], 0);
        octal(&mut block[124..136], if self.size > LARGEST_OCTAL_SIZE { 0 } else { self.size });
        octal(&mut block[136..148], 0);
        block[156] = if self.is_directory { DIRECTORY } else { FILE };
        octal(&mut block[329..337], 0);
        octal(&mut block[337..345], 0);
        text(&mut block[345..500], prefix);
        seal(block)
    }
}

/// Returns the header of the PAX records of the member `name`. Its device fields stay empty, as in Go.
fn extended_block(name: &str, size: usize) -> [u8; BLOCK] {
    let name = match name.rsplit_once('/') {
        Some((folder, base)) => format!("{folder}/PaxHeaders.0/{base}"),
        None => format!("PaxHeaders.0/{name}"),
    };
    let mut block = [0; BLOCK];
    text(&mut block[..NAME_BYTES], &cut(&ascii_only(&name)));
    for field in [100..108, 108..116, 116..124, 136..148] {
        octal(&mut block[field], 0);
    }
    octal(&mut block[124..136], size as u64);
    block[156] = EXTENDED;
    seal(block)
}

/// Splits `name` for the prefix and the name field. Returns none if USTAR cannot represent it.
fn split_name(name: &str) -> Option<(&str, &str)> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= NAME_BYTES {
        return Some(("", name));
    }
    let slash = name[..name.len().min(PREFIX_BYTES + 1)].rfind('/')?;
    let (prefix, base) = (&name[..slash], &name[slash + 1..]);
    (!prefix.is_empty() && !base.is_empty() && base.len() <= NAME_BYTES).then_some((prefix, base))
}

fn ascii_only(name: &str) -> String {
    name.chars().filter(char::is_ascii).collect()
}

/// Returns the part that fits into the name field. With a slash at its end, old readers would read a directory.
fn cut(name: &str) -> String {
    name[..name.len().min(NAME_BYTES)].trim_end_matches('/').to_owned()
}

/// Returns a PAX record, whose length includes its own digits.
fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}")
}

fn text(field: &mut [u8], value: &str) {
    field[..value.len()].copy_from_slice(value.as_bytes());
}

/// Writes octal digits and a final NUL.
fn octal(field: &mut [u8], mut value: u64) {
    let width = field.len() - 1;
    for digit in field[..width].iter_mut().rev() {
        *digit = b'0' + (value & 7) as u8;
        value >>= 3;
    }
}

/// Completes a block with the magic and the checksum.
fn seal(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    text(&mut block[257..265], "ustar\x0000");
    block[148..156].fill(b' ');
    let sum = block.iter().map(|byte| u64::from(*byte)).sum();
    octal(&mut block[148..155], sum);
    block[154] = 0;
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn digest(name: &str, size: u64) -> String {
        let bytes = Header { name, is_directory: false, mode: 0o644, size, owner: KITOPS_OWNER }.to_bytes();
        format!("{} {}", bytes.len(), &Digest::of(&bytes).hex()[..16])
    }

    /// The expected values were computed with Go 1.26's `archive/tar`.
    #[test]
    fn headers_are_those_of_go() {
        let long_split = format!("{}/{}", "d".repeat(155), "n".repeat(100));
        let long_unsplit = format!("{}/{}", "d".repeat(156), "n".repeat(100));
        let cut_at_slash = format!("{}/{}", "é".repeat(5) + &"d".repeat(99), "n".repeat(101));
        let shown = [
            digest("a", 1),
            digest("a", LARGEST_OCTAL_SIZE),
            digest("a", LARGEST_OCTAL_SIZE + 1),
            digest(&long_split, 1),
            digest(&long_split, LARGEST_OCTAL_SIZE + 1),
            digest(&long_unsplit, 1),
            digest(&cut_at_slash, 1),
            digest(&format!("a/{}", "n".repeat(98)), 1),
            digest(&format!("a/{}", "n".repeat(99)), 1),
            digest(&"n".repeat(101), 1),
            digest("modèle/重み.bin", 1),
        ];
        expect_test::expect![[r"
            512 6abd1f4449748f6b
            512 8145f501215d8e0e
            1536 cfbaec56b42fd8c0
            512 a75d918e5d3f801a
            1536 04d072d8becf9ff7
            1536 aa4bac107d10fba9
            1536 dd317f5a389083ce
            512 30deec633d84857b
            512 0d121f13d7de9743
            1536 afd1d58fb676d15e
            1536 5c317e83391d4fd9"]]
        .assert_eq(&shown.join("\n"));
    }

    #[test]
    fn a_record_counts_its_own_digits() {
        assert_eq!(record("path", &"x".repeat(90)), format!("99 path={}\n", "x".repeat(90)));
        assert_eq!(record("path", &"x".repeat(91)), format!("101 path={}\n", "x".repeat(91)));
    }
}
