//! Files of models whose content is not what their names say.

use super::facts::weight;
use crate::ops::scan::FirstBytes;
use crate::trust::policy::{DisguisedFile, WeightFormat};

/// Extensions of files beside weights that are not texts: pictures, documents and tokenizers.
const NOT_TEXTS: &[&str] = &["png", "jpg", "jpeg", "pdf", "model", "spm"];

/// Compares the name of the file at `path` with its content. Returns `None` if they fit.
pub(super) fn disguised(path: &str, content: FirstBytes, is_pickle: bool) -> Option<DisguisedFile> {
    use WeightFormat as Format;
    let named = weight(path);
    let by_name = named.as_ref().and_then(|file| file.format);
    let file = |reason: &str, formats: &[WeightFormat]| {
        Some(DisguisedFile { path: path.to_owned(), reason: reason.to_owned(), formats: formats.to_vec() })
    };
    let is_archive = matches!(content, FirstBytes::Zip);
    let may_contain_pickles = match by_name {
        Some(Format::Pytorch | Format::Pickle) => true,
        Some(Format::Keras) => is_archive || content == FirstBytes::Hdf5,
        Some(Format::Numpy) => is_archive || content == FirstBytes::Numpy,
        _ => false,
    };
    if is_pickle {
        let reason = "its content is a pickle, or contains one";
        return if may_contain_pickles { None } else { file(reason, &[Format::Pickle, Format::Pytorch]) };
    }
    let found = match content {
        FirstBytes::Safetensors => Some(Format::Safetensors),
        FirstBytes::Gguf => Some(Format::Gguf),
        FirstBytes::Hdf5 => Some(Format::Keras),
        FirstBytes::Numpy => Some(Format::Numpy),
        FirstBytes::Zip | FirstBytes::Text | FirstBytes::Other => None,
    };
    if let Some(found) = found {
        let reason = format!("its content is {}", found.as_str());
        return if by_name == Some(found) { None } else { file(&reason, &[found]) };
    }
    match by_name {
        Some(Format::Keras | Format::Numpy) if is_archive => None,
        Some(format @ (Format::Safetensors | Format::Gguf | Format::Keras | Format::Numpy)) => {
            file(&format!("its content is not {}", format.as_str()), &[])
        }
        Some(Format::Onnx) if is_archive => file("its content is an archive", &[]),
        Some(_) => None,
        // The name alone decides about files of unknown formats.
        None if named.is_some() => None,
        None => {
            let extension = path.rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_lowercase());
            let is_text = content == FirstBytes::Text || NOT_TEXTS.contains(&&*extension) && !is_archive;
            if is_text { None } else { file("its content is not a text", &[]) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides_about_a_file_of_a_model() {
        let check = |path: &str, content: FirstBytes, is_pickle: bool, expected: Option<&str>| {
            let reason = disguised(path, content, is_pickle).map(|file| file.reason);
            assert_eq!(reason.as_deref(), expected, "{path} {content:?}");
        };
        let pickle = Some("its content is a pickle, or contains one");
        for name in ["b.safetensors", "x.txt", "README.md", "conf.json", "a.onnx", "a.npy", "a.model", "a.png"] {
            check(name, FirstBytes::Other, true, pickle);
            check(name, FirstBytes::Text, true, pickle);
        }
        check("a.pt", FirstBytes::Zip, true, None);
        check("a.keras", FirstBytes::Zip, true, None);
        check("a.safetensors", FirstBytes::Safetensors, false, None);
        check("a.safetensors", FirstBytes::Gguf, false, Some("its content is gguf"));
        check("a.safetensors", FirstBytes::Other, false, Some("its content is not safetensors"));
        check("a.json", FirstBytes::Safetensors, false, Some("its content is safetensors"));
        check("a.json", FirstBytes::Text, false, None);
        check("a.json", FirstBytes::Other, false, Some("its content is not a text"));
        check("README", FirstBytes::Zip, false, Some("its content is not a text"));
        check("tokenizer.model", FirstBytes::Other, false, None);
        check("a.onnx", FirstBytes::Other, false, None);
    }
}
