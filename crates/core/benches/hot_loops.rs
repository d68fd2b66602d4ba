//! The loops over large or many files, each alone and in memory: `cargo bench --bench hot_loops [-- WORDS]`.

#![allow(clippy::unwrap_used, reason = "a program that is run by hand and may panic")]

use std::io::{self, Write};
use std::path::Path;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use kit_core::archive::{
    Destination, IgnoreRules, LayerShape, LayerSource, Links, Modes, Overwrite, extract_layer, write_layer,
};
use kit_core::compression::Compression;
use kit_core::digest::{Digest, DigestWriter};
use kit_core::layer_format::Format;
use kit_core::progress::Silent;
use kit_core::recipe::RecipeWriter;
use kit_core::tensors::{self, Header};

const LARGE: usize = 64 * 1024 * 1024;
const FILES: usize = 1000;
const TENSORS: usize = 1000;

fn main() {
    divan::main();
}

#[divan::bench]
fn digest(bencher: Bencher) {
    let content = lines(LARGE);
    bencher.counter(BytesCount::new(LARGE)).bench(|| Digest::of(&content));
}

/// Includes the thread that hashes the written bytes.
#[divan::bench]
fn digest_in_passing(bencher: Bencher) {
    let content = lines(LARGE);
    bencher.counter(BytesCount::new(LARGE)).bench(|| {
        let mut writer = DigestWriter::new(io::sink());
        content.chunks(1024 * 1024).for_each(|piece| writer.write_all(piece).unwrap());
        writer.finish().1
    });
}

#[divan::bench]
fn write_a_tar_of_small_files(bencher: Bencher) {
    let folder = small_files();
    bencher.counter(ItemsCount::new(FILES)).bench(|| pack(folder.path(), None, io::sink()));
}

#[divan::bench]
fn write_a_tar_of_one_large_file(bencher: Bencher) {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("model"), lines(LARGE)).unwrap();
    bencher.counter(BytesCount::new(LARGE)).bench(|| pack(folder.path(), None, io::sink()));
}

#[divan::bench]
fn unpack_small_files(bencher: Bencher) {
    let (mut layer, target) = (Vec::new(), tempfile::tempdir().unwrap());
    pack(small_files().path(), None, &mut layer);
    let shape = LayerShape { path: "".parse().unwrap(), base: "".parse().unwrap() };
    // Files that are not committed are removed when the destination is dropped, which is not timed.
    bencher.counter(ItemsCount::new(FILES)).bench(|| {
        let destination = Destination::open(target.path(), Overwrite::Refuse).unwrap();
        extract_layer(&layer[..], Compression::None, &shape, &destination, &Silent).unwrap();
        destination
    });
}

#[divan::bench]
fn read_a_layer_by_its_recipe(bencher: Bencher) {
    let folder = small_files();
    let mut recipe = RecipeWriter::new().unwrap();
    pack(folder.path(), Some(&mut recipe), io::sink());
    let recipe = recipe.finish().unwrap();
    bencher
        .counter(ItemsCount::new(FILES))
        .bench(|| io::copy(&mut recipe.open_at(0).unwrap(), &mut io::sink()).unwrap());
}

#[divan::bench(args = [Compression::Gzip, Compression::Zstd])]
fn compress(bencher: Bencher, compression: Compression) {
    let content = lines(LARGE);
    bencher.counter(BytesCount::new(LARGE)).bench(|| compressed(compression, &content));
}

#[divan::bench(args = [Compression::Gzip, Compression::Zstd])]
fn decompress(bencher: Bencher, compression: Compression) {
    let content = compressed(compression, &lines(LARGE));
    bencher
        .counter(BytesCount::new(LARGE))
        .bench(|| io::copy(&mut compression.decoder(&content[..]).unwrap(), &mut io::sink()).unwrap());
}

#[divan::bench]
fn read_a_header_of_safetensors(bencher: Bencher) {
    let tensor = |number: usize| {
        let (begin, end) = (number * 64, (number + 1) * 64);
        format!(r#""model.layers.{number}.weight":{{"dtype":"BF16","shape":[4,8],"data_offsets":[{begin},{end}]}}"#)
    };
    let header = format!("{{{}}}", (0..TENSORS).map(tensor).collect::<Vec<_>>().join(","));
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    let size = (file.len() + TENSORS * 64) as u64;
    bencher
        .counter(ItemsCount::new(TENSORS))
        .bench(|| Header::read(tensors::Format::Safetensors, &file[..], Some(size)).unwrap());
}

fn pack(root: &Path, recipe: Option<&mut RecipeWriter>, sink: impl Write) {
    let ignore = IgnoreRules::parse("").unwrap();
    let links = Links::InsideContext;
    let source = LayerSource {
        root,
        path: "".parse().unwrap(),
        excluded: Vec::new(),
        ignore: &ignore,
        links,
        modes: Modes::default(),
    };
    let sink = DigestWriter::new(sink);
    write_layer(&source, Format::Tar, Compression::None, recipe, sink, &Silent).unwrap();
}

fn compressed(compression: Compression, content: &[u8]) -> Vec<u8> {
    let mut encoder = compression.encoder(Vec::new(), || ()).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Creates a folder with files of 1 to 7 KiB.
fn small_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..FILES {
        fs_err::write(folder.path().join(number.to_string()), lines(1024 + number % 7 * 1024)).unwrap();
    }
    folder
}

/// Returns text like that of a table, which compresses to about a third.
fn lines(size: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(size + 80);
    for row in 0_u64.. {
        if text.len() >= size {
            break;
        }
        let noise = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        writeln!(text, "{row},customer-{:05},{}.{:02}", noise % 90_000, noise % 7919, noise % 97).unwrap();
    }
    text.truncate(size);
    text
}
