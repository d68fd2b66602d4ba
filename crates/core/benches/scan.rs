//! The speed of a scan of large files in the page cache: `cargo bench -p kit-core --bench scan`.

#![allow(clippy::unwrap_used, reason = "a program that is run by hand and may panic")]

use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use divan::Bencher;
use divan::counter::BytesCount;
use kit_core::scan::{Rules, scan_file};

const LARGE: u64 = 256 * 1024 * 1024;

/// The tensors of an archive.
const TENSORS: u64 = 64;

/// The pickles of an old torch file: a magic number, the version, facts about the system, the state, and the keys of
/// the tensors that follow.
const OLD_TORCH: &[&[u8]] = &[
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
    b"\x80\x02M\xe9\x03.",
    b"\x80\x02}.",
    b"\x80\x02ccollections\nOrderedDict\n)R.",
    b"\x80\x02]X\x01\0\0\x000a.",
];

fn main() {
    divan::main();
}

/// Its tensors are searched for imports.
#[divan::bench]
fn old_torch_file(bencher: Bencher) {
    scan(bencher, "model.pth", |file| {
        file.write_all(&OLD_TORCH.concat()).unwrap();
        write_weights(file, LARGE);
    });
}

#[divan::bench]
fn safetensors(bencher: Bencher) {
    scan(bencher, "model.safetensors", |file| {
        let tensor = format!(r#"{{"w":{{"dtype":"U8","shape":[{LARGE}],"data_offsets":[0,{LARGE}]}}}}"#);
        file.write_all(&(tensor.len() as u64).to_le_bytes()).unwrap();
        file.write_all(tensor.as_bytes()).unwrap();
        write_weights(file, LARGE);
    });
}

#[divan::bench]
fn torch_archive(bencher: Bencher) {
    scan(bencher, "model.pt", |file| {
        let mut directory = Vec::new();
        for number in 0..TENSORS {
            let (name, size) = (format!("model/data/{number:04}"), u32::try_from(LARGE / TENSORS).unwrap());
            let sizes = [[0; 4], size.to_le_bytes(), size.to_le_bytes()].concat();
            let common = [&[0; 10], &sizes[..], &[15, 0, 0, 0]].concat();
            let offset = u32::try_from(file.stream_position().unwrap()).unwrap().to_le_bytes();
            directory.extend([b"PK\x01\x02\0\0", &common[..], &[0; 10], &offset, name.as_bytes()].concat());
            file.write_all(&[b"PK\x03\x04", &common[..], name.as_bytes()].concat()).unwrap();
            write_weights(file, u64::from(size));
        }
        let start = u32::try_from(file.stream_position().unwrap()).unwrap().to_le_bytes();
        let (count, size) = (u16::try_from(TENSORS).unwrap(), u32::try_from(directory.len()).unwrap().to_le_bytes());
        file.write_all(&directory).unwrap();
        let counts = [count.to_le_bytes(), count.to_le_bytes()].concat();
        file.write_all(&[b"PK\x05\x06\0\0\0\0", &counts[..], &size, &start, &[0; 2]].concat()).unwrap();
    });
}

/// Scans a file with this name and content, which is clean.
fn scan(bencher: Bencher, name: &str, write: impl FnOnce(&mut BufWriter<fs_err::File>)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let mut file = BufWriter::new(fs_err::File::create(&path).unwrap());
    write(&mut file);
    kit_core::sys::sync_file(file.into_inner().unwrap().file()).unwrap();
    assert_eq!(findings(&path), 0);
    bencher.counter(BytesCount::new(LARGE)).bench(|| findings(&path));
}

fn findings(path: &Path) -> usize {
    let mut file = fs_err::File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    scan_file(&mut file, size, path.to_str().unwrap(), &Rules::default()).unwrap().findings.len()
}

/// Writes numbers like those of a model: small, with any mantissa.
fn write_weights(file: &mut impl Write, bytes: u64) {
    let mut state = 1_u64;
    for _ in 0..bytes / 4 {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let mantissa = u32::try_from(state >> 41).unwrap();
        file.write_all(&(mantissa | 0x3c00_0000).to_le_bytes()).unwrap();
    }
}
