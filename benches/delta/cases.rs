//! Two versions of a project, for each of the ways in which projects change.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::Path;

use fs_err as fs;

/// A way in which a project changes.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Writes the project with about this number of bytes into a folder.
    pub(crate) write: fn(&Path, u64, Version),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    First,
    Second,
}

impl Version {
    fn choose<T>(self, first: T, second: T) -> T {
        if self == Self::First { first } else { second }
    }
}

pub(crate) const CASES: &[Case] = &[
    Case { name: "1 % of rows appended", write: appended_rows },
    Case { name: "one file of fifty", write: one_of_fifty },
    Case { name: "tokenizer beside the weights", write: tokenizer },
    Case {
        name: "header of the weights",
        write: |folder, size, version| weights(folder, size, version.choose(HEADER, MORE), 1),
    },
    Case {
        name: "new head on a frozen backbone",
        write: |folder, size, version| weights(folder, size, HEADER, version.choose(1, 2)),
    },
    Case {
        name: "0.1 % of blocks of 4 KiB",
        write: |folder, size, version| blocks(folder, size, version.choose(0, size / BLOCK / 1000)),
    },
    Case {
        name: "1 % of blocks of 4 KiB",
        write: |folder, size, version| blocks(folder, size, version.choose(0, size / BLOCK / 100)),
    },
    Case { name: "everything", write: everything },
];

const DATA: &str = "manifestVersion: 1.0.0\ndatasets: [{name: data, path: data}]\n";
const MODEL: &str = "manifestVersion: 1.0.0\nmodel: {name: model, path: model}\n";
const HEADER: &str = "one epoch";
const MORE: &str = "two epochs, and more words about it";

fn appended_rows(folder: &Path, size: u64, version: Version) {
    let mut file = begin(folder, DATA, "data/rows.csv");
    rows(&mut file, size, 1);
    rows(&mut file, version.choose(0, size / 100), 2);
}

fn one_of_fifty(folder: &Path, size: u64, version: Version) {
    for number in 0..50 {
        let seed = if number == 20 { version.choose(20, 50) } else { number };
        rows(&mut begin(folder, DATA, &format!("data/{number}.csv")), size / 50, seed);
    }
}

fn tokenizer(folder: &Path, size: u64, version: Version) {
    rows(&mut begin(folder, MODEL, "model/tokenizer.json"), 2 << 20, version.choose(1, 2));
    weights(folder, size, HEADER, 1);
}

const WORDS: usize = 512;
const BLOCK: u64 = 8 * WORDS as u64;

/// Writes random blocks, of which `changed` are others than in the first version.
fn blocks(folder: &Path, size: u64, changed: u64) {
    let count = size / BLOCK;
    let changed: HashSet<u64> =
        numbers(7).map(|number| number % count).take(usize::try_from(changed).unwrap()).collect();
    let mut file = begin(folder, DATA, "data/blocks.bin");
    for number in 0..count {
        let seed = if changed.contains(&number) { count + number } else { number };
        numbers(seed).take(WORDS).for_each(|number| file.write_all(&number.to_le_bytes()).unwrap());
    }
}

fn everything(folder: &Path, size: u64, version: Version) {
    rows(&mut begin(folder, DATA, "data/rows.csv"), size, version.choose(1, 2));
}

/// Writes a backbone of 32 layers and a head, all of the same size.
fn weights(folder: &Path, size: u64, note: &str, head: u64) {
    const LAYERS: u64 = 32;
    let each = size / (LAYERS + 1) / 8 * 8;
    let mut header = format!(r#"{{"__metadata__":{{"note":"{note}"}}"#);
    for number in 0..=LAYERS {
        let name = if number == LAYERS { "head".to_owned() } else { format!("layers.{number}") };
        let (begin, end) = (number * each, (number + 1) * each);
        write!(header, r#","{name}":{{"dtype":"U8","shape":[{each}],"data_offsets":[{begin},{end}]}}"#).unwrap();
    }
    header.push('}');
    let mut file = begin(folder, MODEL, "model/model.safetensors");
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    for number in 0..=LAYERS {
        let seed = if number == LAYERS { 100 + head } else { number };
        numbers(seed).take(usize::try_from(each / 8).unwrap()).for_each(|number| {
            file.write_all(&number.to_le_bytes()).unwrap();
        });
    }
}

/// Writes lines that never repeat.
fn rows(file: &mut impl Write, size: u64, seed: u64) {
    let (mut written, mut numbers) = (0, numbers(seed));
    while written < size {
        let mut next = || numbers.next().unwrap_or_default();
        let line = format!("{},{},{}\n", next() % 1_000_000, next() >> 20, next() >> 32);
        file.write_all(line.as_bytes()).unwrap();
        written += line.len() as u64;
    }
}

/// Returns pseudorandom numbers, different ones for each seed.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    })
}

/// Begins a file of the project.
fn begin(folder: &Path, kitfile: &str, path: &str) -> BufWriter<fs::File> {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(folder.join("Kitfile"), kitfile).unwrap();
    BufWriter::with_capacity(1 << 20, fs::File::create(path).unwrap())
}
