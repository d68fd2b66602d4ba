//! The numbers that GGUF uses for types of tensors and of files, and their meaning.

/// A storage type of ggml, which stores numbers in blocks with a fixed number of elements and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockType {
    pub(super) name: &'static str,
    pub(super) elements: u64,
    pub(super) bytes: u64,
}

impl BlockType {
    /// The type with this number; `None` for one that was removed or is newer than this table.
    pub(super) fn of(number: u32) -> Option<Self> {
        let found = TYPES.iter().find(|(listed, ..)| *listed == number);
        found.map(|(_, name, elements, bytes)| Self { name, elements: *elements, bytes: *bytes })
    }
}

/// The name of the type that most tensors of a file have.
pub(super) fn file_type(number: u64) -> Option<&'static str> {
    FILE_TYPES.iter().find(|(listed, _)| *listed == number).map(|(_, name)| *name)
}

/// The number, name, elements and bytes of each block type (llama.cpp, `GGMLQuantizationType` and `GGML_QUANT_SIZES` in
/// `gguf-py/gguf/constants.py`).
const TYPES: [(u32, &str, u64, u64); 35] = [
    (0, "F32", 1, 4),
    (1, "F16", 1, 2),
    (2, "Q4_0", 32, 18),
    (3, "Q4_1", 32, 20),
    (6, "Q5_0", 32, 22),
    (7, "Q5_1", 32, 24),
    (8, "Q8_0", 32, 34),
    (9, "Q8_1", 32, 40),
    (10, "Q2_K", 256, 84),
    (11, "Q3_K", 256, 110),
    (12, "Q4_K", 256, 144),
    (13, "Q5_K", 256, 176),
    (14, "Q6_K", 256, 210),
    (15, "Q8_K", 256, 292),
    (16, "IQ2_XXS", 256, 66),
    (17, "IQ2_XS", 256, 74),
    (18, "IQ3_XXS", 256, 98),
    (19, "IQ1_S", 256, 50),
    (20, "IQ4_NL", 32, 18),
    (21, "IQ3_S", 256, 110),
    (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136),
    (24, "I8", 1, 1),
    (25, "I16", 1, 2),
    (26, "I32", 1, 4),
    (27, "I64", 1, 8),
    (28, "F64", 1, 8),
    (29, "IQ1_M", 256, 56),
    (30, "BF16", 1, 2),
    (34, "TQ1_0", 256, 54),
    (35, "TQ2_0", 256, 66),
    (39, "MXFP4", 32, 17),
    (40, "NVFP4", 64, 36),
    (41, "Q1_0", 128, 18),
    (42, "Q2_0", 64, 18),
];

/// The values of `general.file_type` (llama.cpp, `LlamaFileType` in `gguf-py/gguf/constants.py`).
const FILE_TYPES: [(u64, &str); 36] = [
    (0, "F32"),
    (1, "F16"),
    (2, "Q4_0"),
    (3, "Q4_1"),
    (7, "Q8_0"),
    (8, "Q5_0"),
    (9, "Q5_1"),
    (10, "Q2_K"),
    (11, "Q3_K_S"),
    (12, "Q3_K_M"),
    (13, "Q3_K_L"),
    (14, "Q4_K_S"),
    (15, "Q4_K_M"),
    (16, "Q5_K_S"),
    (17, "Q5_K_M"),
    (18, "Q6_K"),
    (19, "IQ2_XXS"),
    (20, "IQ2_XS"),
    (21, "Q2_K_S"),
    (22, "IQ3_XS"),
    (23, "IQ3_XXS"),
    (24, "IQ1_S"),
    (25, "IQ4_NL"),
    (26, "IQ3_S"),
    (27, "IQ3_M"),
    (28, "IQ2_S"),
    (29, "IQ2_M"),
    (30, "IQ4_XS"),
    (31, "IQ1_M"),
    (32, "BF16"),
    (36, "TQ1_0"),
    (37, "TQ2_0"),
    (38, "MXFP4_MOE"),
    (39, "NVFP4"),
    (40, "Q1_0"),
    (41, "Q2_0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_sizes_of_ggml() {
        // The results of `2 + QK_K // 4 + QK_K // 8` and similar expressions in the table of gguf-py.
        for (number, name, elements, bytes) in [
            (0, "F32", 1, 4),
            (12, "Q4_K", 256, 2 + 2 + 256 / 2 + 12),
            (14, "Q6_K", 256, 2 + 256 / 2 + 256 / 4 + 256 / 16),
            (21, "IQ3_S", 256, 2 + 256 / 4 + 256 / 8 + 256 / 32 + 4),
            (29, "IQ1_M", 256, 256 / 8 + 256 / 16 + 256 / 32),
            (34, "TQ1_0", 256, 2 + 4 * 13),
        ] {
            assert_eq!(BlockType::of(number), Some(BlockType { name, elements, bytes }));
        }
        assert_eq!(BlockType::of(4), None);
    }
}
