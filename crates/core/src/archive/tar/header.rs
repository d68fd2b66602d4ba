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
            Some((prefix, name)) if self.size <= LARGEST_OCTAL_SIZE => self.block(prefix, name_field(name)).to_vec(),
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
        bytes.extend_from_slice(&self.block("", fallback_name(self.name)));
        bytes
    }

    fn block(self, prefix: &str, name: [u8; NAME_BYTES]) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[..NAME_BYTES].copy_from_slice(&name);
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
    let name = ascii_only(&name);
    text(&mut block[..NAME_BYTES], name[..name.len().min(NAME_BYTES)].trim_end_matches('/'));
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

fn name_field(name: &str) -> [u8; NAME_BYTES] {
    let mut field = [0; NAME_BYTES];
    text(&mut field, name);
    field
}

/// Returns the name field beside a PAX record of `name`: its ASCII characters, as far as they fit. Components without
/// any leave their slashes behind, so `δ/α` becomes `/`.
///
/// If the cut leaves a slash at the end, some readers take the file for a directory. Go therefore ends the name before
/// the last slashes, but overwrites only the first of them (`archive/tar`, `formatString`).
fn fallback_name(name: &str) -> [u8; NAME_BYTES] {
    let ascii = ascii_only(name);
    let Some(cut) = ascii.get(..NAME_BYTES).filter(|_| ascii.len() > NAME_BYTES) else { return name_field(&ascii) };
    let mut field = name_field(cut);
    if let Some(before_slash) = cut.strip_suffix('/') {
        field[before_slash.trim_end_matches('/').len()] = 0;
    }
    field
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

    /// The expected values were computed with Go 1.26's `archive/tar`. The names leave slashes and empty components in
    /// the name field beside their PAX record.
    #[test]
    fn names_without_ascii_components_have_the_headers_of_go() {
        let (d98, d99, d100) = ("d".repeat(98), "d".repeat(99), "d".repeat(100));
        let names = [
            "ñ".to_owned(),
            "d/ñ".to_owned(),
            "δεδομένα/α".to_owned(),
            "d/データ/学習/あ".to_owned(),
            "学/習.txt".to_owned(),
            format!("d/{}/x", "ب".repeat(60)),
            format!("{d98}/ñ"),
            format!("{d99}/ñ"),
            format!("{d99}/ñ/x"),
            format!("{d99}/ñ/ñ"),
            format!("{d98}/ñ/x"),
            format!("{d98}/ñ/ñ/x"),
            format!("{d100}/ñ"),
            "ñ/".repeat(101) + "ñ",
        ];
        let shown: Vec<_> = names.iter().map(|name| digest(name, 1)).collect();
        expect_test::expect![[r#"
            1536 1707fe0b5d9bb520
            1536 8f43f7be22720069
            1536 49d3b2338292de7a
            1536 c4b20b92a1f65aaa
            1536 732452b6b9126926
            1536 adc2fd479525c74e
            1536 4bbf8460f7bd830f
            1536 04afc9e9c04e0deb
            1536 8588043be18ede7c
            1536 4ec474fd6c5665eb
            1536 ef273708f862fc74
            1536 5b49b4318e375e1f
            1536 8cec9f036a38b4c4
            1536 0b1072426486b10f"#]]
        .assert_eq(&shown.join("\n"));
    }

    /// A transcription of Go's `writePAXHeader` for a file of one byte with mode 0644 (`archive/tar/writer.go`,
    /// `strconv.go` and `common.go`), kept apart from the code above.
    fn pax_header_of_go(path: &str) -> Vec<u8> {
        let ascii = |text: &str| text.bytes().filter(|byte| *byte < 0x80).collect::<Vec<u8>>();
        let block = |name: &[u8], mode: &str, owner: &str, size: usize, kind: char, devices: &str| {
            let mut block = [0_u8; 512];
            block[..name.len()].copy_from_slice(name);
            let numbers = format!("0000{mode}\x00000{owner}\x000000000\x00{size:011o}\x0000000000000\0        {kind}");
            block[100..157].copy_from_slice(numbers.as_bytes());
            block[257..265].copy_from_slice(b"ustar\x0000");
            block[329..329 + devices.len()].copy_from_slice(devices.as_bytes());
            let sum: u32 = block.iter().copied().map(u32::from).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            block
        };

        let rest = format!(" path={path}\n");
        let length = (1..1 << 20).find(|length: &usize| length.to_string().len() + rest.len() == *length).unwrap();
        let record = format!("{length}{rest}");
        let (folder, file) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
        let mut extended = ascii(&format!("{folder}PaxHeaders.0/{file}"));
        extended.truncate(100);
        while extended.last() == Some(&b'/') {
            extended.pop();
        }

        let name = ascii(path);
        let mut field = name.clone();
        field.truncate(100);
        if name.len() > 100 && field[99] == b'/' {
            let end = field[..99].iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
            field[end] = 0;
        }
        let mut bytes = block(&extended, "000", "0000", record.len(), 'x', "").to_vec();
        bytes.extend(record.bytes());
        bytes.resize(bytes.len().div_ceil(512) * 512, 0);
        bytes.extend(block(&field, "644", "1750", 1, '0', "0000000\x000000000\0"));
        bytes
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_unicode_paths_have_the_headers_of_go(
            components in proptest::collection::vec("[^/.\0]{1,3}|[a-zñ]{1,60}|[ñب学]{1,20}", 1..50),
            folder in 95..102_usize,
        ) {
            for path in [components.join("/"), format!("{}/{}", "d".repeat(folder), components.join("/"))] {
                let header = Header { name: &path, is_directory: false, mode: 0o644, size: 1, owner: KITOPS_OWNER };
                let bytes = header.to_bytes();
                if path.is_ascii() && bytes.len() == BLOCK {
                    continue;
                }
                proptest::prop_assert_eq!(bytes, pax_header_of_go(&path), "{}", path);
            }
        }
    }

    #[test]
    fn a_record_counts_its_own_digits() {
        assert_eq!(record("path", &"x".repeat(90)), format!("99 path={}\n", "x".repeat(90)));
        assert_eq!(record("path", &"x".repeat(91)), format!("101 path={}\n", "x".repeat(91)));
    }
}
