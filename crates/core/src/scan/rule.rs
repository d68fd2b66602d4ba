//! The catalogue of rules: texts that explain what a finding means.

/// A rule, with its explanation.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The name, such as `pickle-global`.
    pub name: &'static str,
    /// A description in one sentence.
    pub summary: &'static str,
    /// The meaning of a finding, and what to do about it.
    pub help: &'static str,
}

const fn rule(name: &'static str, summary: &'static str, help: &'static str) -> Rule {
    Rule { name, summary, help }
}

/// All rules, by name.
pub const RULES: [Rule; 25] = [
    rule(
        "archive-not-read",
        "An archive was not read completely",
        "It is damaged, or readers differ on its members. Unpack it, and scan the files.",
    ),
    rule(
        "code",
        "Python source lies among weights",
        "A loader may run it. Read it before you load the model; its content is not analysed.",
    ),
    rule(
        "compressed-not-read",
        "A compressed file was not opened",
        "Its format is not supported, so its content was not examined. Decompress it and scan the result.",
    ),
    rule(
        "gguf-broken",
        "A GGUF file is not valid",
        "Its lengths, types or offsets are wrong. A reader may fail, or read memory that does not belong to the file.",
    ),
    rule(
        "json-broken",
        "A configuration is not valid JSON",
        "It could be examined only up to the mistake. Another reader may be more lenient and find something there.",
    ),
    rule(
        "keras-foreign-module",
        "A Keras model refers to a module outside of Keras",
        "Loading the model imports the module and calls what the configuration names.",
    ),
    rule(
        "keras-lambda",
        "A Keras model contains a Lambda layer or function",
        "Loading it runs Python code from the file. Ask for a model without Lambda layers.",
    ),
    rule(
        "limit",
        "A file exceeds a limit of the scan",
        "It was not examined completely. Findings before the limit are reported.",
    ),
    rule(
        "native-library",
        "A library or program for a processor",
        "It runs as soon as something loads it. Its content is not analysed.",
    ),
    rule(
        "numpy-broken",
        "The header of a NumPy array is not valid",
        "NumPy evaluates the header as a Python literal; this one is not a literal with the expected keys.",
    ),
    rule(
        "numpy-object",
        "A NumPy array contains Python objects",
        "Reading it needs `allow_pickle=True`, which runs the pickle inside. Store the array with a numeric type.",
    ),
    rule(
        "pickle-broken",
        "A pickle is not valid",
        "It does not reach its end. A loader runs what comes before the mistake.",
    ),
    rule(
        "pickle-carved",
        "Bytes that no pickle reader reached look like a dangerous import",
        "Another reader may begin at another place in the file, and run it.",
    ),
    rule(
        "pickle-computed-global",
        "A pickle computes the name of an import",
        "The imported object is not known before the pickle runs. No library writes such pickles.",
    ),
    rule(
        "pickle-extension",
        "A pickle uses a code of the extension registry",
        "The imported object depends on the process that loads the pickle.",
    ),
    rule(
        "pickle-global",
        "A pickle imports an object",
        "Loading the pickle imports the object and may call it. `high`: the object runs code. `medium`: the object is \
         not known; allow it with --allow-global if you trust it.",
    ),
    rule(
        "remote-code",
        "A model asks its loader to run Python code",
        "With `trust_remote_code`, the loader runs Python files of this or of another repository. Read them first.",
    ),
    rule(
        "safetensors-broken",
        "A safetensors file is not valid",
        "Its header does not describe the file exactly: tensors overlap, or bytes belong to no tensor.",
    ),
    rule(
        "secret",
        "A credential, or a file that usually holds one",
        "Remove it and revoke it: everyone who can read the file can use it.",
    ),
    rule(
        "template-escape",
        "A chat template reaches for the Python interpreter",
        "Without a sandbox, a server that renders the template runs code of its author.",
    ),
    rule("template-loads", "A chat template loads another template", "The other template was not examined."),
    rule(
        "template-url",
        "A chat template contains an address",
        "The template can steer the answers of the model towards it.",
    ),
    rule(
        "tensorflow-op",
        "A TensorFlow graph reads or writes files, or runs Python",
        "The operation runs when the model is used, with the permissions of the server.",
    ),
    rule(
        "torchscript",
        "A program in TorchScript",
        "It runs in an interpreter of PyTorch when the model is used. Its content is not analysed.",
    ),
    rule(
        "zip-odd",
        "A zip archive contradicts itself",
        "Readers differ on its content: names, checksums or flags are wrong, or bytes stand before it. All members \
         were examined.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_sorted_and_explained_in_sentences() {
        assert!(RULES.is_sorted_by(|one, other| one.name < other.name));
        for Rule { name, summary, help } in RULES {
            assert!(!summary.ends_with('.') && help.ends_with('.'), "{name}");
        }
    }
}
