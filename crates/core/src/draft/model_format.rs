//! The format and the framework of a file of weights, identified by its name and its first bytes.

use memchr::memmem;

/// The properties of a file of weights, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelFormat {
    /// The storage format of the weights, in the terms of ModelPack where it has one.
    pub format: Option<&'static str>,
    /// The framework that writes such files.
    pub framework: Option<&'static str>,
}

/// The number of leading bytes that identify a file: a pickle names its modules where its objects begin.
pub const TELLING_BYTES: u64 = 64 * 1024;

/// The formats with an extension of their own, and the framework that writes them if there is only one.
const FORMATS: [(&str, &str, Option<&str>); 22] = [
    ("safetensors", "safetensors", None),
    ("gguf", "gguf", Some("llama.cpp")),
    ("ggml", "ggml", Some("llama.cpp")),
    ("ggmf", "ggml", Some("llama.cpp")),
    ("llamafile", "llamafile", Some("llamafile")),
    ("onnx", "onnx", None),
    ("keras", "keras", Some("keras")),
    ("h5", "hdf5", Some("keras")),
    ("tflite", "tflite", Some("tensorflow")),
    ("caffemodel", "caffemodel", Some("caffe")),
    ("coreml", "coreml", Some("coreml")),
    ("pmml", "pmml", None),
    ("mar", "mar", Some("torchserve")),
    ("pt2", "pt2", Some("pytorch")),
    ("ptl", "ptl", Some("pytorch")),
    ("npy", "npy", Some("numpy")),
    ("npz", "npz", Some("numpy")),
    ("ubj", "ubj", Some("xgboost")),
    ("cbm", "cbm", Some("catboost")),
    ("skops", "skops", Some("scikit-learn")),
    ("mlmodel", "mlmodel", Some("coreml")),
    ("msgpack", "msgpack", Some("flax")),
];
/// The file in the folder of a `SavedModel` that contains its graph (`tensorflow.org/guide/saved_model`).
const SAVED_MODEL: &str = "saved_model.pb";
/// The packages whose objects are pickled, by the prefix of their modules.
const PICKLED: [(&str, &str); 7] = [
    ("sklearn", "scikit-learn"),
    ("xgboost", "xgboost"),
    ("lightgbm", "lightgbm"),
    ("catboost", "catboost"),
    ("statsmodels", "statsmodels"),
    ("torch", "pytorch"),
    ("numpy", "numpy"),
];

impl ModelFormat {
    /// Identifies a file by its name alone, if its extension is specific enough.
    pub fn of_name(name: &str) -> Option<Self> {
        if name.rsplit('/').next() == Some(SAVED_MODEL) {
            return Some(Self { format: Some("saved_model"), framework: Some("tensorflow") });
        }
        let known = FORMATS.iter().find(|(own, ..)| *own == ending(name));
        known.map(|(_, format, framework)| Self { format: Some(format), framework: *framework })
    }

    /// Identifies any other file by its first bytes.
    pub fn of_content(name: &str, beginning: &[u8]) -> Self {
        let holds = |text: &str| memmem::find(beginning, text.as_bytes()).is_some();
        match beginning {
            [b'G', b'G', b'U', b'F', ..] => Self { format: Some("gguf"), framework: Some("llama.cpp") },
            // torch.save writes a zip archive with a pickle as its first member.
            [b'P', b'K', 3, 4, ..] if holds("/data.pkl") => Self { format: Some("pt"), framework: Some("pytorch") },
            // The opcode PROTO, the beginning of every pickle since 2003.
            [0x80, 2..=5, ..] => {
                let framework = PICKLED.iter().find(|(module, _)| holds(module)).map(|(_, framework)| *framework);
                let format = match (&*ending(name), framework) {
                    ("joblib", _) => "joblib",
                    (_, Some("pytorch")) => "pt",
                    _ => "pickle",
                };
                Self { format: Some(format), framework }
            }
            _ => Self::of_text(beginning).unwrap_or_else(|| match &*ending(name) {
                // Older versions of `XGBoost` write their own binary format.
                "bst" => Self { format: Some("bst"), framework: Some("xgboost") },
                _ => Self::default(),
            }),
        }
    }

    /// Identifies the text of a model: the JSON of `XGBoost`, whose only keys are `learner` and `version`, and the text
    /// of `LightGBM`. `beginning` contains the first [`TELLING_BYTES`].
    pub fn of_text(beginning: &[u8]) -> Option<Self> {
        let starts = |start: &[u8]| beginning.starts_with(start);
        let holds = |text: &str| memmem::find(beginning, text.as_bytes()).is_some();
        let is_object = beginning.trim_ascii_start().starts_with(b"{");
        match () {
            () if starts(b"tree\nversion=") || starts(b"tree\r\nversion=") => {
                Some(Self { format: Some("txt"), framework: Some("lightgbm") })
            }
            () if is_object && holds("\"learner\"") && holds("\"gradient_booster\"") => {
                Some(Self { format: Some("json"), framework: Some("xgboost") })
            }
            () => None,
        }
    }
}

/// Returns true for the name of a format whose files run code that they contain when they are loaded
/// (docs.python.org/3/library/pickle.html).
pub fn is_pickle_format(format: &str) -> bool {
    ["pickle", "joblib", "pt"].contains(&format)
}

fn ending(name: &str) -> String {
    name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_identified_by_names_and_first_bytes() {
        let known = |format, framework| ModelFormat { format: Some(format), framework };
        for (name, beginning, expected) in [
            ("w/a.SafeTensors", &b""[..], known("safetensors", None)),
            ("a.onnx", b"", known("onnx", None)),
            ("a.h5", b"", known("hdf5", Some("keras"))),
            ("pytorch_model.bin", b"PK\x03\x04\0\0\x0barchive/data.pkl", known("pt", Some("pytorch"))),
            ("a.bin", b"PK\x03\x04word/document.xml", ModelFormat::default()),
            ("a.bin", b"GGUF\x03", known("gguf", Some("llama.cpp"))),
            ("a.pkl", b"\x80\x04\x95\0\x8c\x14sklearn.linear_model\x94", known("pickle", Some("scikit-learn"))),
            ("a.joblib", b"\x80\x04\x95\0\x8c\x14sklearn.linear_model\x94", known("joblib", Some("scikit-learn"))),
            ("a.pth", b"\x80\x02ctorch._utils\n", known("pt", Some("pytorch"))),
            ("a.pkl", b"\x80\x04\x95\0", known("pickle", None)),
            ("a.pkl", b"import sklearn", ModelFormat::default()),
            ("m/saved_model.pb", b"", known("saved_model", Some("tensorflow"))),
            ("m.ubj", b"", known("ubj", Some("xgboost"))),
            ("m.json", b"{\"learner\":{\"gradient_booster\":{", known("json", Some("xgboost"))),
            ("config.json", b"{\"learner\": 1}", ModelFormat::default()),
            ("m.txt", b"tree\nversion=v4\n", known("txt", Some("lightgbm"))),
            ("notes.txt", b"tree\nhouse", ModelFormat::default()),
            ("m.bst", b"binf", known("bst", Some("xgboost"))),
            ("m.bst", b"tree\nversion=v3\n", known("txt", Some("lightgbm"))),
            ("a.bin", b"", ModelFormat::default()),
            ("none", b"", ModelFormat::default()),
        ] {
            let found = ModelFormat::of_name(name).unwrap_or_else(|| ModelFormat::of_content(name, beginning));
            assert_eq!(found, expected, "{name}");
        }
    }
}
