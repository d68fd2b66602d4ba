//! A summary of a model from the headers of all its files.

use std::collections::BTreeMap;

use super::header::{Header, Tensor};
use super::hyperparameters::{Hyperparameters, Quantization};
use super::memory::Memory;

/// The properties of a model that matter for serving it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The hyperparameters in the documents of the model.
    pub hyperparameters: Hyperparameters,
    /// The number of weights. For packed weights the original weights are counted, if the packing is known.
    pub parameters: u64,
    /// The number of tensors.
    pub tensors: u64,
    /// The types of the tensors, those with the most bytes first.
    pub types: Vec<TypeCount>,
    /// The memory needed to serve the model.
    pub memory: Memory,
}

/// The tensors of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeCount {
    /// The name of the type.
    pub name: &'static str,
    /// The number of tensors with this type.
    pub tensors: u64,
    /// The size of these tensors in bytes.
    pub size: u64,
}

impl Summary {
    /// Summarizes the files of one model.
    pub fn new(hyperparameters: Hyperparameters, headers: &[&Header]) -> Self {
        let tensors = || headers.iter().flat_map(|header| &header.tensors);
        let parameters = tensors().map(|tensor| parameters(tensor, hyperparameters.quantization.as_ref()));
        let parameters = parameters.fold(0, u64::saturating_add);
        let size = headers.iter().map(|header| header.weight_bytes()).fold(0, u64::saturating_add);
        let memory = Memory::estimate(size, &hyperparameters);
        Self { parameters, tensors: tensors().count() as u64, types: types(tensors()), memory, hyperparameters }
    }
}

/// The types of `tensors`, those with the most bytes first.
fn types<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> Vec<TypeCount> {
    let mut counts = BTreeMap::new();
    for tensor in tensors {
        let new = TypeCount { name: tensor.element_type, tensors: 0, size: 0 };
        let count = counts.entry(tensor.element_type).or_insert(new);
        count.tensors += 1;
        count.size = count.size.saturating_add(tensor.size);
    }
    let mut types: Vec<_> = counts.into_values().collect();
    types.sort_by_key(|count| std::cmp::Reverse(count.size));
    types
}

/// The number of weights in `tensor`. The scales, zero points and tables that belong to packed weights do not count.
fn parameters(tensor: &Tensor, quantization: Option<&Quantization>) -> u64 {
    let elements = tensor.elements();
    let Some(Quantization { method, bits }) = quantization else { return elements };
    let last = tensor.name.rsplit('.').next().unwrap_or_default();
    match method.as_str() {
        "gptq" | "awq" => match last {
            "qweight" => tensor.size.saturating_mul(8) / bits.unwrap_or(4).max(1),
            "qzeros" | "scales" | "g_idx" => 0,
            _ => elements,
        },
        "bitsandbytes" if tensor.name.contains(".weight.") || last == "SCB" => 0,
        "bitsandbytes" if tensor.element_type == "U8" => elements.saturating_mul(2),
        "mxfp4" if last.ends_with("_blocks") => elements.saturating_mul(2),
        "mxfp4" if last.ends_with("_scales") => 0,
        "fp8" if last.ends_with("_scale_inv") || last.ends_with("_scale") => 0,
        _ => elements,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::header::Format;
    use kit_testkit::samples;

    fn header(format: Format, file: &[u8]) -> Header {
        Header::read(format, file, Some(file.len() as u64)).unwrap()
    }

    #[test]
    fn shards_are_summed_up_as_one_model() {
        let shard = header(Format::Safetensors, &samples::small_safetensors());
        let summary = Summary::new(Hyperparameters::default(), &[&shard, &shard]);
        assert_eq!((summary.parameters, summary.tensors, summary.memory.total()), (72, 4, 160));
        let types =
            [TypeCount { name: "BF16", tensors: 2, size: 128 }, TypeCount { name: "F32", tensors: 2, size: 32 }];
        assert_eq!(summary.types, types);
    }

    #[test]
    fn gguf_blocks_count_as_their_weights() {
        let file = header(Format::Gguf, &samples::small_gguf(3, false).bytes());
        let summary = Summary::new(Hyperparameters::of_gguf(&file.metadata), &[&file]);
        assert_eq!((summary.parameters, summary.memory.weights), (320 + 32, 180 + 128));
        assert_eq!(summary.memory.cache, Some(48 * 2 * 2048));
    }

    #[test]
    fn packed_weights_count_as_unpacked_parameters() {
        let tensor = |name: &str, element_type: &'static str, elements: u64, size: u64| Tensor {
            name: name.into(),
            element_type,
            shape: [elements].into(),
            offset: 0,
            size,
        };
        for (method, bits, tensor, expected) in [
            ("gptq", Some(4), tensor("q_proj.qweight", "I32", 10, 40), 80),
            ("gptq", Some(8), tensor("q_proj.qweight", "I32", 10, 40), 40),
            ("gptq", Some(0), tensor("q_proj.qweight", "I32", 10, 40), 320),
            ("awq", Some(4), tensor("q_proj.qzeros", "I32", 10, 40), 0),
            ("awq", Some(4), tensor("norm.weight", "F16", 10, 20), 10),
            ("bitsandbytes", Some(4), tensor("q_proj.weight", "U8", 10, 10), 20),
            ("bitsandbytes", Some(4), tensor("q_proj.weight.absmax", "U8", 10, 10), 0),
            ("bitsandbytes", Some(8), tensor("q_proj.weight", "I8", 10, 10), 10),
            ("mxfp4", None, tensor("down_proj_blocks", "U8", 10, 10), 20),
            ("mxfp4", None, tensor("down_proj_scales", "U8", 10, 10), 0),
            ("fp8", None, tensor("q_proj.weight", "F8_E4M3", 10, 10), 10),
            ("fp8", None, tensor("q_proj.weight_scale_inv", "F32", 10, 40), 0),
        ] {
            let quantization = Quantization { method: method.to_owned(), bits };
            assert_eq!(parameters(&tensor, Some(&quantization)), expected, "{method} {}", tensor.name);
        }
    }
}
