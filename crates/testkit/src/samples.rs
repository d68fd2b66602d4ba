//! Small files of weights for tests.

/// The bytes of a safetensors file with this header, and `data_bytes` zeros for the tensors.
pub fn safetensors(header: &str, data_bytes: usize) -> Vec<u8> {
    let length = header.len() as u64;
    [&length.to_le_bytes()[..], header.as_bytes(), &vec![0; data_bytes]].concat()
}

/// A file with a matrix and a vector.
pub fn small_safetensors() -> Vec<u8> {
    let header = concat!(
        r#"{"__metadata__":{"format":"pt"},"w":{"dtype":"BF16","shape":[4,8],"data_offsets":[0,64]},"#,
        r#""b":{"dtype":"F32","shape":[4],"data_offsets":[64,80]}}"#
    );
    safetensors(header, 80)
}

/// A GGUF file, assembled part by part. Values passed as bytes must already have the byte order of the file.
pub struct Gguf {
    version: u32,
    is_big_endian: bool,
    entries: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    data_bytes: usize,
}

impl Gguf {
    pub fn new(version: u32, is_big_endian: bool) -> Self {
        Self { version, is_big_endian, entries: Vec::new(), tensors: Vec::new(), data_bytes: 0 }
    }

    /// Adds metadata of a type by its number, with the bytes of the value as they are.
    pub fn entry(mut self, key: &str, kind: u32, value: &[u8]) -> Self {
        self.entries.push([self.text(key), self.u32(kind), value.to_vec()].concat());
        self
    }

    pub fn text_entry(self, key: &str, text: &str) -> Self {
        let value = self.text(text);
        self.entry(key, 8, &value)
    }

    pub fn number_entry(self, key: &str, number: u32) -> Self {
        let value = self.u32(number);
        self.entry(key, 4, &value)
    }

    pub fn numbers_entry(self, key: &str, numbers: &[u32]) -> Self {
        let items: Vec<_> = numbers.iter().map(|number| self.u32(*number)).collect();
        let value = [self.u32(4), self.length(items.len()), items.concat()].concat();
        self.entry(key, 9, &value)
    }

    pub fn texts_entry(self, key: &str, texts: &[&str]) -> Self {
        let items: Vec<_> = texts.iter().map(|text| self.text(text)).collect();
        let value = [self.u32(8), self.length(items.len()), items.concat()].concat();
        self.entry(key, 9, &value)
    }

    /// Adds a tensor of a type by its number.
    pub fn tensor(mut self, name: &str, shape: &[u64], kind: u32, offset: u64) -> Self {
        let dimensions: Vec<_> =
            shape.iter().map(|dimension| self.length(usize::try_from(*dimension).unwrap())).collect();
        let count = self.u32(u32::try_from(shape.len()).unwrap());
        let offset = self.ordered(&offset.to_le_bytes());
        self.tensors.push([self.text(name), count, dimensions.concat(), self.u32(kind), offset].concat());
        self
    }

    /// Appends so many zeros after the header.
    pub fn data(mut self, bytes: usize) -> Self {
        self.data_bytes = bytes;
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let counts = [self.length(self.tensors.len()), self.length(self.entries.len())].concat();
        let mut file = [b"GGUF".to_vec(), self.u32(self.version), counts].concat();
        file.extend(self.entries.concat());
        file.extend(self.tensors.concat());
        file.resize(file.len().next_multiple_of(32) + self.data_bytes, 0);
        file
    }

    fn text(&self, text: &str) -> Vec<u8> {
        [self.length(text.len()), text.as_bytes().to_vec()].concat()
    }

    fn length(&self, length: usize) -> Vec<u8> {
        if self.version == 1 {
            return self.u32(u32::try_from(length).unwrap());
        }
        self.ordered(&(length as u64).to_le_bytes())
    }

    fn u32(&self, number: u32) -> Vec<u8> {
        self.ordered(&number.to_le_bytes())
    }

    fn ordered(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        if self.is_big_endian {
            bytes.reverse();
        }
        bytes
    }
}

/// A language model with two layers, far too small to be usable.
pub fn small_gguf(version: u32, is_big_endian: bool) -> Gguf {
    Gguf::new(version, is_big_endian)
        .text_entry("general.architecture", "llama")
        .number_entry("general.file_type", 2)
        .number_entry("llama.context_length", 2048)
        .number_entry("llama.embedding_length", 32)
        .number_entry("llama.block_count", 2)
        .number_entry("llama.attention.head_count", 4)
        .numbers_entry("llama.attention.head_count_kv", &[1, 2])
        .texts_entry("tokenizer.ggml.tokens", &["<s>", "a", "b"])
        .tensor("token_embd.weight", &[32, 10], 2, 128)
        .tensor("blk.0.attn_norm.weight", &[32], 0, 0)
        .data(320)
}
