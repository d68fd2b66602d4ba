//! An estimate of the memory needed to serve a model.

use super::hyperparameters::Hyperparameters;

/// The approximate minimum of memory for one copy of a model; runtimes differ.
///
/// The weights are counted with their size in the files. A model that generates tokens one by one also keeps, for each
/// token of each text that it processes, a key and a value in each layer: 2 × layers × key-value heads × head size ×
/// bytes of a number (Kwon et al., "Efficient Memory Management for Large Language Model Serving with
/// `PagedAttention`", arXiv:2309.06180, section 3; for fewer heads of keys and values than of queries see Ainslie et
/// al., arXiv:2305.13245). The estimate is for one text of full length with 16-bit numbers, the default of vLLM and
/// llama.cpp. Activations, buffers of the runtime, and the savings of layers with a sliding window are not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// The weights in bytes.
    pub weights: u64,
    /// The cache for one text that fills the context, in bytes; `None` if the files do not contain enough information,
    /// or if the model does not use a cache.
    pub cache: Option<u64>,
}

/// The size of a number in half precision.
const CACHED_NUMBER_BYTES: u64 = 2;

impl Memory {
    /// The estimate for weights of this size in bytes.
    pub fn estimate(weights: u64, hyperparameters: &Hyperparameters) -> Self {
        let cached = hyperparameters.cached_per_token.zip(hyperparameters.context_length);
        let cache = cached.and_then(|(each, tokens)| each.checked_mul(tokens)?.checked_mul(CACHED_NUMBER_BYTES));
        Self { weights, cache }
    }

    /// The total in bytes.
    pub fn total(&self) -> u64 {
        self.weights.saturating_add(self.cache.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_of_opt_13b_is_as_large_as_in_the_paper() {
        let config = r#"{"architectures":["OPTForCausalLM"],"hidden_size":5120,"num_attention_heads":40,
            "num_hidden_layers":40,"max_position_embeddings":2048}"#;
        let memory = Memory::estimate(26_000_000_000, &Hyperparameters::of_config(config).unwrap());
        // 800 KB for each token, and therefore "up to 1.6 GB" for a text of 2048 tokens.
        assert_eq!(memory.cache, Some(800 * 1024 * 2048));
        assert_eq!(memory.total(), 26_000_000_000 + 1_677_721_600);
    }

    #[test]
    fn unknown_sizes_are_not_counted() {
        let memory = Memory::estimate(7, &Hyperparameters { context_length: Some(1), ..Hyperparameters::default() });
        assert_eq!((memory.cache, memory.total()), (None, 7));
    }
}
