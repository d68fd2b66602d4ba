//! Facts about a model from the headers of its weights, in the terms of the ModelPack config.

use super::weights::WeighedModel;
use crate::modelkit::ModelFacts;
use crate::tensors::{Format, Summary, TypeCount};

/// The facts about the largest of `models`: the others are its adapters.
pub(crate) fn facts(models: &[WeighedModel]) -> ModelFacts {
    let largest = models.iter().max_by_key(|model| model.summary.parameters);
    let of = |model: &WeighedModel| facts_of(&model.summary, model.files.first().map(|file| file.format));
    largest.map(of).unwrap_or_default()
}

/// The facts about a model with files of this format.
pub(crate) fn facts_of(summary: &Summary, format: Option<Format>) -> ModelFacts {
    let Summary { hyperparameters, parameters, types, .. } = summary;
    let quantization = hyperparameters.quantization.as_ref().map(|quantization| quantization.method.clone());
    ModelFacts {
        architecture: hyperparameters.architecture.clone(),
        format: format.map(|format| format.name().to_lowercase()),
        param_size: param_size(*parameters),
        precision: precision(types),
        // GGUF gives the type of most tensors in this field, and a plain type is not a quantization.
        quantization: quantization.filter(|method| number_name(method).is_none()),
    }
}

/// The number of weights with a unit letter, rounded down to at most one decimal place (ModelPack, "paramSize").
fn param_size(count: u64) -> Option<String> {
    const UNITS: [(u64, char); 5] =
        [(1_000_000_000_000_000, 'Q'), (1_000_000_000_000, 'T'), (1_000_000_000, 'B'), (1_000_000, 'M'), (1000, 'K')];
    // There is no letter for less than a thousand, so such numbers are given in tenths of a thousand.
    let (unit, letter) = UNITS.into_iter().find(|(unit, _)| count >= *unit).unwrap_or((1000, 'K'));
    let (whole, tenths) = (count / unit, count % unit / (unit / 10));
    match (whole, tenths) {
        (0, 0) => None,
        (whole, 0) => Some(format!("{whole}{letter}")),
        (whole, tenths) => Some(format!("{whole}.{tenths}{letter}")),
    }
}

/// The plain number types among `types`, in their order. Packed types belong to the quantization.
fn precision(types: &[TypeCount]) -> Option<String> {
    let names: Vec<_> = types.iter().filter_map(|count| number_name(count.name)).collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// The general name of a number type, if weights of this type are used for computations without conversion.
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
    fn sizes_have_a_letter_and_at_most_one_decimal_place() {
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
    fn precision_lists_plain_types_and_omits_packed_ones() {
        let types = |names: &[&'static str]| -> Vec<_> {
            names.iter().map(|name| TypeCount { name, tensors: 1, size: 1 }).collect()
        };
        assert_eq!(precision(&types(&["BF16", "F32"])).as_deref(), Some("bfloat16,float32"));
        assert_eq!(precision(&types(&["Q4_K", "F32"])).as_deref(), Some("float32"));
        assert_eq!(precision(&types(&["Q4_0", "I32"])), None);
    }
}
