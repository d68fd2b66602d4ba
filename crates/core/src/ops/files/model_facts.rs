//! What the headers of its weights tell of a model, in the words that the config of a ModelPack has for it.

use super::weights::WeighedModel;
use crate::modelkit::ModelFacts;
use crate::tensors::{Format, Summary, TypeCount};

/// What is known of the largest of `models`: the others are its adapters.
pub(crate) fn facts(models: &[WeighedModel]) -> ModelFacts {
    let largest = models.iter().max_by_key(|model| model.summary.parameters);
    let of = |model: &WeighedModel| facts_of(&model.summary, model.files.first().map(|file| file.format));
    largest.map(of).unwrap_or_default()
}

/// What is known of a model whose files are of this format.
pub(crate) fn facts_of(summary: &Summary, format: Option<Format>) -> ModelFacts {
    let Summary { hyperparameters, parameters, types, .. } = summary;
    let quantization = hyperparameters.quantization.as_ref().map(|quantization| quantization.method.clone());
    ModelFacts {
        architecture: hyperparameters.architecture.clone(),
        format: format.map(|format| format.name().to_lowercase()),
        param_size: param_size(*parameters),
        precision: precision(types),
        // GGUF tells the type of most tensors here, and a plain one is no quantization.
        quantization: quantization.filter(|method| number_name(method).is_none()),
    }
}

/// A number of weights with a letter behind it, rounded down to at most one digit behind the point (ModelPack, "paramSize").
fn param_size(count: u64) -> Option<String> {
    const UNITS: [(u64, char); 5] =
        [(1_000_000_000_000_000, 'Q'), (1_000_000_000_000, 'T'), (1_000_000_000, 'B'), (1_000_000, 'M'), (1000, 'K')];
    // There is no letter for fewer than a thousand: those are tenths of one.
    let (unit, letter) = UNITS.into_iter().find(|(unit, _)| count >= *unit).unwrap_or((1000, 'K'));
    let (whole, tenths) = (count / unit, count % unit / (unit / 10));
    match (whole, tenths) {
        (0, 0) => None,
        (whole, 0) => Some(format!("{whole}{letter}")),
        (whole, tenths) => Some(format!("{whole}.{tenths}{letter}")),
    }
}

/// The types of plain numbers among `types`, in their order. Packed ones are told by the quantization.
fn precision(types: &[TypeCount]) -> Option<String> {
    let names: Vec<_> = types.iter().filter_map(|count| number_name(count.name)).collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// What a type of numbers is called in general, if it is one that weights are computed with as it is.
fn number_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "F64" => "float64",
        "F32" => "float32",
        "F16" => "float16",
        "BF16" => "bfloat16",
        "F8_E4M3" => "float8_e4m3",
        "F8_E5M2" => "float8_e5m2",
        "I8" => "int8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_letter_and_at_most_one_digit_behind_the_point() {
        for (count, expected) in [
            (0, None),
            (99, None),
            (650, Some("0.6K")),
            (1000, Some("1K")),
            (999_999, Some("999.9K")),
            (7_241_732_096, Some("7.2B")),
            (8_030_261_248, Some("8B")),
            (671_026_419_200, Some("671B")),
            (u64::MAX, Some("18446.7Q")),
        ] {
            assert_eq!(param_size(count).as_deref(), expected, "{count}");
        }
    }

    #[test]
    fn precision_lists_numbers_and_leaves_packed_ones_out() {
        let types = |names: &[&'static str]| -> Vec<_> {
            names.iter().map(|name| TypeCount { name, tensors: 1, size: 1 }).collect()
        };
        assert_eq!(precision(&types(&["BF16", "F32"])).as_deref(), Some("bfloat16,float32"));
        assert_eq!(precision(&types(&["Q4_K", "F32"])).as_deref(), Some("float32"));
        assert_eq!(precision(&types(&["Q4_0", "I32"])), None);
    }
}
