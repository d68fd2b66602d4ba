//! The properties of a model other than its tensors: from the metadata of GGUF, or from the `config.json` of Hugging
//! Face's transformers.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value as Json};

use super::ggml;
use super::header::Value;

/// The architecture of a model and the sizes of its parts, as far as its files contain them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hyperparameters {
    /// The architecture: `llama` in GGUF, a class such as `LlamaForCausalLM` in transformers.
    pub architecture: Option<String>,
    /// The quantization of the weights.
    pub quantization: Option<Quantization>,
    /// The context length in tokens that it was trained with.
    pub context_length: Option<u64>,
    /// The number of tokens in the vocabulary.
    pub vocabulary: Option<u64>,
    /// The number of blocks of attention and feed-forward layers.
    pub layers: Option<u64>,
    /// The number of attention heads in a layer.
    pub heads: Option<u64>,
    /// The number of heads of keys and values in a layer; the maximum if layers differ.
    pub key_value_heads: Option<u64>,
    /// The number of values that all layers together keep of one token during generation.
    pub cached_per_token: Option<u64>,
}

/// The quantization of weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantization {
    /// The method by its name in the files: `Q4_K_M`, `gptq`.
    pub method: String,
    /// The number of bits of one weight, if it is given.
    pub bits: Option<u64>,
}

impl fmt::Display for Quantization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits {
            Some(bits) => write!(f, "{}, {bits} bits", self.method),
            None => f.write_str(&self.method),
        }
    }
}

impl Hyperparameters {
    /// Reads the standardized keys of GGUF (ggml, `docs/gguf.md`, "LLM").
    pub fn of_gguf(metadata: &BTreeMap<String, Value>) -> Self {
        let architecture = metadata.get("general.architecture").and_then(Value::text);
        let find = |key: &str| metadata.get(&format!("{}.{key}", architecture.unwrap_or_default()));
        let number = |key: &str| find(key).and_then(Value::integer);
        let words = match metadata.get("tokenizer.ggml.tokens") {
            Some(Value::Array { elements }) => Some(*elements),
            _ => None,
        };
        let file_type = metadata.get("general.file_type").and_then(Value::integer).and_then(ggml::file_type);
        let heads = number("attention.head_count");
        let mut found = Self {
            architecture: architecture.map(str::to_owned),
            quantization: file_type.map(|name| Quantization { method: name.to_owned(), bits: None }),
            context_length: number("context_length"),
            vocabulary: number("vocab_size").or(words),
            layers: number("block_count"),
            heads,
            ..Self::default()
        };
        let per_layer = match find("attention.head_count_kv") {
            Some(Value::Integers(per_layer)) => Heads::Listed(per_layer),
            Some(value) => Heads::Same(value.integer()),
            None => Heads::Same(heads),
        };
        found.key_value_heads = per_layer.most();
        let by_default = || number("embedding_length")?.checked_div(heads?);
        let length = |key: &str| number(key).or_else(by_default);
        let speaks = find("attention.causal") != Some(&Value::Boolean(false));
        let is_compressed = find("attention.kv_lora_rank").is_some();
        if speaks && !is_compressed {
            found.cached_per_token =
                per_layer.cached(found.layers, length("attention.key_length"), length("attention.value_length"));
        }
        found
    }

    /// Reads a `config.json` of transformers, or of programs that write the same names; returns `None` if it is
    /// something else.
    pub fn of_config(text: &str) -> Option<Self> {
        let Ok(Json::Object(config)) = serde_json::from_str(text) else { return None };
        let config = Config(&config);
        let heads = config.number(&["num_attention_heads", "n_head", "n_heads"]);
        let has_one_pair = config.find("multi_query").and_then(Json::as_bool) == Some(true);
        let pairs = config.number(&["num_key_value_heads", "num_kv_heads", "n_head_kv"]);
        let mut found = Self {
            architecture: config.architecture(),
            quantization: config.quantization(),
            context_length: config.number(&["max_position_embeddings", "n_positions", "max_seq_len", "seq_length"]),
            vocabulary: config.number(&["vocab_size"]),
            layers: config.number(&["num_hidden_layers", "n_layer", "n_layers", "num_layers"]),
            heads,
            key_value_heads: if has_one_pair { Some(1) } else { pairs.or(heads) },
            cached_per_token: None,
        };
        // The latent attention of DeepSeek keeps one compressed vector for all heads.
        let is_compressed = config.find("kv_lora_rank").is_some();
        if found.speaks() && !is_compressed {
            let by_default = || config.number(&["hidden_size", "n_embd", "d_model"])?.checked_div(heads?);
            let length = config.number(&["head_dim"]).or_else(by_default);
            found.cached_per_token = Heads::Same(found.key_value_heads).cached(found.layers, length, length);
        }
        Some(found)
    }

    /// Returns true if the model generates tokens one by one, by the suffix of the class name in transformers.
    fn speaks(&self) -> bool {
        let architecture = self.architecture.as_deref().unwrap_or_default();
        ["ForCausalLM", "ForConditionalGeneration", "LMHeadModel"].iter().any(|end| architecture.ends_with(end))
    }
}

/// The numbers of heads of keys and values.
enum Heads<'a> {
    /// The same number in each layer.
    Same(Option<u64>),
    /// The number in each layer.
    Listed(&'a [u64]),
}

impl Heads<'_> {
    fn most(&self) -> Option<u64> {
        match self {
            Self::Same(heads) => *heads,
            Self::Listed(heads) => heads.iter().copied().max(),
        }
    }

    /// The number of cached values, if each head of each layer keeps a key and a value of these lengths.
    fn cached(&self, layers: Option<u64>, key_length: Option<u64>, value_length: Option<u64>) -> Option<u64> {
        let heads = match self {
            Self::Same(heads) => heads.as_ref()?.checked_mul(layers?)?,
            Self::Listed(heads) => heads.iter().try_fold(0_u64, |sum, heads| sum.checked_add(*heads))?,
        };
        heads.checked_mul(key_length?.checked_add(value_length?)?)
    }
}

/// A `config.json`. Models of text and images have the language model in `text_config`.
struct Config<'a>(&'a Map<String, Json>);

impl<'a> Config<'a> {
    fn find(&self, key: &str) -> Option<&'a Json> {
        self.0.get(key).or_else(|| self.0.get("text_config")?.get(key))
    }

    /// The first of `keys` that exists; the keys are names of the same property.
    fn number(&self, keys: &[&str]) -> Option<u64> {
        keys.iter().find_map(|key| self.find(key)?.as_u64())
    }

    fn architecture(&self) -> Option<String> {
        let class = self.find("architectures").and_then(|classes| classes.get(0));
        let name = class.or_else(|| self.find("model_type")).or_else(|| self.find("architecture"));
        name.and_then(Json::as_str).map(str::to_owned)
    }

    fn quantization(&self) -> Option<Quantization> {
        let config = self.find("quantization_config")?;
        let method = config.get("quant_method")?.as_str()?.to_owned();
        let says = |key: &str| config.get(key).and_then(Json::as_bool) == Some(true);
        let written = ["bits", "w_bit"].iter().find_map(|key| config.get(key)?.as_u64());
        let bits = match method.as_str() {
            "bitsandbytes" if says("load_in_4bit") => Some(4),
            "bitsandbytes" if says("load_in_8bit") => Some(8),
            _ => written,
        };
        Some(Quantization { method, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::header::{Format, Header};
    use kit_testkit::samples;

    #[test]
    fn gguf_contains_all_properties() {
        let file = samples::small_gguf(3, false).bytes();
        let header = Header::read(Format::Gguf, &file[..], None).unwrap();
        let expected = Hyperparameters {
            architecture: Some("llama".to_owned()),
            quantization: Some(Quantization { method: "Q4_0".to_owned(), bits: None }),
            context_length: Some(2048),
            vocabulary: Some(3),
            layers: Some(2),
            heads: Some(4),
            key_value_heads: Some(2),
            // Three heads in two layers, a key and a value of 32 / 4 each.
            cached_per_token: Some(3 * 16),
        };
        assert_eq!(Hyperparameters::of_gguf(&header.metadata), expected);
        assert_eq!(Hyperparameters::of_gguf(&BTreeMap::new()), Hyperparameters::default());
    }

    #[test]
    fn models_that_do_not_generate_need_no_cache() {
        let gguf = |key: &str, value: Value| {
            let numbers = ["block_count", "attention.head_count", "embedding_length"];
            let mut metadata: BTreeMap<_, _> =
                numbers.map(|key| (format!("x.{key}"), Value::Unsigned(8))).into_iter().collect();
            metadata.insert("general.architecture".to_owned(), Value::Text("x".to_owned()));
            metadata.insert(key.to_owned(), value);
            Hyperparameters::of_gguf(&metadata).cached_per_token
        };
        assert_eq!(gguf("x.attention.causal", Value::Boolean(true)), Some(8 * 8 * 2));
        assert_eq!(gguf("x.attention.causal", Value::Boolean(false)), None);
        assert_eq!(gguf("x.attention.kv_lora_rank", Value::Unsigned(512)), None);
        assert_eq!(gguf("x.attention.head_count", Value::Unsigned(0)), None);
    }

    fn config(text: &str) -> Hyperparameters {
        Hyperparameters::of_config(text).unwrap()
    }

    #[test]
    fn configs_of_transformers_are_read_under_all_their_names() {
        let llama = config(
            r#"{"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":4096,"num_attention_heads":32,
            "num_key_value_heads":8,"num_hidden_layers":32,"max_position_embeddings":8192,"vocab_size":128256}"#,
        );
        let expected = Hyperparameters {
            architecture: Some("LlamaForCausalLM".to_owned()),
            quantization: None,
            context_length: Some(8192),
            vocabulary: Some(128_256),
            layers: Some(32),
            heads: Some(32),
            key_value_heads: Some(8),
            cached_per_token: Some(32 * 8 * 2 * 128),
        };
        assert_eq!(llama, expected);
        let gpt2 = config(
            r#"{"architectures":["GPT2LMHeadModel"],"n_embd":768,"n_head":12,"n_layer":12,"n_positions":1024,
                "vocab_size":50257}"#,
        );
        assert_eq!((gpt2.context_length, gpt2.cached_per_token), (Some(1024), Some(12 * 12 * 2 * 64)));
        let nested = config(
            r#"{"architectures":["Gemma3ForConditionalGeneration"],"text_config":{"hidden_size":64,"head_dim":4,
            "num_attention_heads":8,"num_key_value_heads":2,"num_hidden_layers":3}}"#,
        );
        assert_eq!((nested.layers, nested.cached_per_token), (Some(3), Some(3 * 2 * 2 * 4)));
        let bert = config(
            r#"{"architectures":["BertForMaskedLM"],"hidden_size":768,"num_attention_heads":12,
                "num_hidden_layers":12}"#,
        );
        assert_eq!((bert.layers, bert.cached_per_token), (Some(12), None));
        let falcon = config(
            r#"{"architectures":["FalconForCausalLM"],"multi_query":true,"num_attention_heads":71,
                "hidden_size":4544,"num_hidden_layers":32}"#,
        );
        assert_eq!((falcon.key_value_heads, falcon.cached_per_token), (Some(1), Some(32 * 2 * 64)));
    }

    #[test]
    fn quantizations_are_named_with_their_bits() {
        for (text, expected) in [
            (r#"{"quant_method":"gptq","bits":4}"#, Some("gptq, 4 bits")),
            (r#"{"quant_method":"bitsandbytes","load_in_8bit":true}"#, Some("bitsandbytes, 8 bits")),
            (r#"{"quant_method":"fp8"}"#, Some("fp8")),
            ("{}", None),
        ] {
            let found = config(&format!(r#"{{"quantization_config":{text}}}"#)).quantization;
            assert_eq!(found.map(|found| found.to_string()).as_deref(), expected);
        }
    }

    #[test]
    fn other_documents_have_no_hyperparameters() {
        assert_eq!(Hyperparameters::of_config("[1]"), None);
        assert_eq!(Hyperparameters::of_config("model: x"), None);
        assert_eq!(Hyperparameters::of_config(&"[".repeat(100_000)), None);
        assert_eq!(config(r#"{"layers":[64,10],"hidden_size":-1}"#), Hyperparameters::default());
        let huge = config(
            r#"{"model_type":"xForCausalLM","hidden_size":18446744073709551615,
                "num_hidden_layers":18446744073709551615,"n_head":1}"#,
        );
        assert_eq!(huge.cached_per_token, None);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text: String) {
            Hyperparameters::of_config(&text);
        }
    }
}
