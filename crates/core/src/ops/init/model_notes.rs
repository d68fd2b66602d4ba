//! Comments on the model of a draft: its base model, the risk of loading it, its variants, and what was left out.

use crate::draft::is_pickle_format;
use crate::file_kind::has_extension;
use crate::kitfile::Model;

/// The number of names in a comment. Further names are only counted.
const NAMED: usize = 4;

/// Returns the comments to write above the path of the model.
pub(super) fn model_notes(model: &Model, base_model: Option<&str>, left_out: &[String]) -> Vec<String> {
    let adapter = base_model.map(|base| format!("an adapter, which is loaded on top of its base model {base}"));
    [adapter, pickle(model), quantizations(model), checkpoints(left_out)].into_iter().flatten().collect()
}

fn pickle(model: &Model) -> Option<String> {
    let safer = if model.framework == "scikit-learn" { "skops or ONNX" } else { "safetensors" };
    is_pickle_format(&model.format).then(|| format!("pickle runs code when loaded; prefer {safer}"))
}

/// The variants of a model of llama.cpp, of which a user needs only one.
fn quantizations(model: &Model) -> Option<String> {
    let paths = std::iter::once(&model.path).chain(model.parts.iter().map(|part| &part.path));
    // Only the first shard stands for a model in several files, and a projector is not a variant.
    let is_variant = |path: &&String| {
        has_extension(path, "gguf")
            && !path.contains("mmproj")
            && (!path.contains("-of-") || path.contains("-00001-of-"))
    };
    let variants: Vec<_> = paths.filter(is_variant).cloned().collect();
    (variants.len() > 1).then(|| format!("holds {} variants: {}", variants.len(), in_a_row(&variants)))
}

fn checkpoints(left_out: &[String]) -> Option<String> {
    let verb = if left_out.len() == 1 { "is a checkpoint" } else { "are checkpoints" };
    (!left_out.is_empty()).then(|| format!("{} {verb} of the training and not packed", in_a_row(left_out)))
}

fn in_a_row(names: &[String]) -> String {
    let (first, more) = names.split_at(names.len().min(NAMED));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    format!("{}{more}", first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kitfile::ModelPart;

    #[test]
    fn comments_state_what_a_reviewer_should_know() {
        let parts = ["a-Q8_0.gguf", "a-F16-00001-of-00002.gguf", "a-F16-00002-of-00002.gguf", "mmproj-a.gguf"];
        let parts = parts.map(|path| ModelPart { path: path.to_owned(), ..ModelPart::default() });
        let gguf = Model { path: "a-Q4_0.gguf".to_owned(), parts: parts.to_vec(), ..Model::default() };
        let pickle = |framework: &str| Model {
            format: "pickle".to_owned(),
            framework: framework.to_owned(),
            ..Model::default()
        };
        let old = ["checkpoint-1".to_owned(), "checkpoint-2".to_owned()];
        for (model, base, left_out, expected) in [
            (&gguf, None, &[][..], "holds 3 variants: a-Q4_0.gguf, a-Q8_0.gguf, a-F16-00001-of-00002.gguf"),
            (&pickle("scikit-learn"), None, &[], "pickle runs code when loaded; prefer skops or ONNX"),
            (&pickle(""), None, &[], "pickle runs code when loaded; prefer safetensors"),
            (&Model::default(), Some("o/b"), &[], "an adapter, which is loaded on top of its base model o/b"),
            (&Model::default(), None, &old[..1], "checkpoint-1 is a checkpoint of the training and not packed"),
            (
                &Model::default(),
                None,
                &old[..],
                "checkpoint-1, checkpoint-2 are checkpoints of the training and not packed",
            ),
        ] {
            assert_eq!(model_notes(model, base, left_out), [expected]);
        }
        assert_eq!(model_notes(&Model::default(), None, &[]), [""; 0]);
    }
}
