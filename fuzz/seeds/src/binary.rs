//! Seeds of binary formats without a small sample in the repository.

use std::io;

use crate::Seeds;

pub(crate) fn write(seeds: &Seeds) -> io::Result<()> {
    for version in 1..=3 {
        seeds.put("gguf", &format!("version-{version}"), gguf(version))?;
    }
    seeds.put("onnx", "external-data", b"\x3a\x1a\x2a\x18\x6a\x16\x0a\x08location\x12\x0amodel.data")?;
    let header = br#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#;
    let length = (header.len() as u64).to_le_bytes();
    seeds.put("safetensors", "header", header)?;
    seeds.put("safetensors", "one-tensor", [&length[..], header, &[0; 24]].concat())?;
    for (name, entry_bytes, descriptor) in [("plain", 8, 0), ("checksums", 12, 0x80)] {
        seeds.put("seek_table", name, seek_table(entry_bytes, descriptor))?;
    }
    Ok(())
}

/// Metadata of each type and two tensors (ggml, `docs/gguf.md`).
fn gguf(version: u32) -> Vec<u8> {
    let number = |number: u32| number.to_le_bytes().to_vec();
    let length = |length: u64| if version == 1 { number(length as u32) } else { length.to_le_bytes().to_vec() };
    let text = |text: &str| [length(text.len() as u64), text.as_bytes().to_vec()].concat();
    let entries = [
        [text("general.architecture"), number(8), text("llama")].concat(),
        [text("general.alignment"), number(4), number(32)].concat(),
        [text("general.file_type"), number(4), number(2)].concat(),
        [text("llama.block_count"), number(4), number(2)].concat(),
        [text("llama.attention.head_count"), number(9), number(4), length(2), number(8), number(4)].concat(),
        [text("tokenizer.ggml.tokens"), number(9), number(8), length(2), text("a"), text("b")].concat(),
        [text("nested"), number(9), number(9), length(1), number(0), length(2), vec![1, 2]].concat(),
        [text("flag"), number(7), vec![1]].concat(),
        [text("scale"), number(12), 0.5_f64.to_le_bytes().to_vec()].concat(),
    ];
    let tensors = [
        [text("token_embd.weight"), number(2), length(32), length(2), number(2), vec![0; 8]].concat(),
        [text("output.weight"), number(1), length(4), number(0), 64_u64.to_le_bytes().to_vec()].concat(),
    ];
    let counts = [length(tensors.len() as u64), length(entries.len() as u64)].concat();
    let mut file = [b"GGUF".to_vec(), number(version), counts, entries.concat(), tensors.concat()].concat();
    file.resize(file.len().next_multiple_of(32) + 80, 0);
    file
}

/// Two frames of ten bytes and their table (zstd, `contrib/seekable_format`).
fn seek_table(entry_bytes: usize, descriptor: u8) -> Vec<u8> {
    let mut entry = vec![0; entry_bytes];
    (entry[0], entry[4]) = (10, 100);
    let size = u32::try_from(2 * entry_bytes + 9).expect("two entries are small");
    let frame = [0x184D_2A5E_u32.to_le_bytes(), size.to_le_bytes()].concat();
    let footer = [&2_u32.to_le_bytes()[..], &[descriptor], &0x8F92_EAB1_u32.to_le_bytes()].concat();
    [vec![0; 20], frame, entry.clone(), entry, footer].concat()
}
