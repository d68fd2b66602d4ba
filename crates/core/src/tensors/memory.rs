//! An estimate of the memory that it takes to serve a model.

use super::hyperparameters::Hyperparameters;

/// What one copy of a model needs, at least and roughly: estimates, since runtimes differ.
///
/// The weights are counted as they are in the files. A model that writes token after token also keeps, of each token of each
/// text that it is at, a key and a value in each layer: 2 × layers × key-value heads × head size × bytes of a number (Kwon et
/// al., "Efficient Memory Management for Large Language Model Serving with `PagedAttention`", arXiv:2309.06180, section 3; fewer
/// heads of keys and values than of queries as in Ainslie et al., arXiv:2305.13245). Counted is one text of full length with
/// 16-bit numbers, which is what vLLM and llama.cpp take if nobody says otherwise. Not counted are activations, buffers of
/// the runtime, and that layers with a sliding window keep less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// In bytes.
    pub weights: u64,
    /// Of one text that fills the context, in bytes; unknown if the files do not tell enough, or if the model keeps nothing.
    pub cache: Option<u64>,
}

/// Half precision.
const CACHED_NUMBER_BYTES: u64 = 2;

impl Memory {
    /// Estimates for weights of this size.
    pub fn estimate(weights: u64, hyperparameters: &Hyperparameters) -> Self {
        let cached = hyperparameters.cached_per_token.zip(hyperparameters.context_length);
        let cache = cached.and_then(|(each, tokens)| each.checked_mul(tokens)?.checked_mul(CACHED_NUMBER_BYTES));
        Self { weights, cache }
    }

    /// Both together, in bytes.
    pub fn total(&self) -> u64 {
        self.weights.saturating_add(self.cache.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_of_opt_13b_is_as_large_as_in_the_paper() {
        let config = r#"{"architectures":["OPTForCausalLM"],"hidden_size":5120,"num_attention_heads":40,"num_hidden_layers":40,"max_position_embeddings":2048}"#;
        let memory = Memory::estimate(26_000_000_000, &Hyperparameters::of_config(config).unwrap());
        // 800 KB a token, and so "up to 1.6 GB" for a text of 2048 tokens.
        assert_eq!(memory.cache, Some(800 * 1024 * 2048));
        assert_eq!(memory.total(), 26_000_000_000 + 1_677_721_600);
    }

    #[test]
    fn what_is_unknown_is_not_counted() {
        let memory = Memory::estimate(7, &Hyperparameters { context_length: Some(1), ..Hyperparameters::default() });
        assert_eq!((memory.cache, memory.total()), (None, 7));
    }
}
