//! The files of a model folder that name other files of the model: those of sentence-transformers, diffusers, PEFT and
//! transformers.

use serde_json::Value;

/// The file in which a model of sentence-transformers lists its modules, with the folder of each.
pub const MODULES: &str = "modules.json";
/// The file in which a pipeline of diffusers lists its components, each in a folder with its name.
pub const PIPELINE: &str = "model_index.json";
/// The configuration of an adapter of PEFT.
pub const ADAPTER: &str = "adapter_config.json";

/// Returns the folders of the modules in the text of [`MODULES`]. A file of another tool lists none.
pub fn module_folders(text: &str) -> Vec<String> {
    let modules: Value = parse(text);
    let modules = modules.as_array().map(Vec::as_slice).unwrap_or_default();
    let paths = modules.iter().filter(|module| module["type"].is_string()).filter_map(|module| module["path"].as_str());
    paths.map(|path| path.trim_end_matches('/').to_owned()).filter(|path| !path.is_empty()).collect()
}

/// Returns the folders of the components in the text of [`PIPELINE`]. Components without a class are left out of the
/// pipeline (diffusers, `DiffusionPipeline.save_pretrained`).
pub fn component_folders(text: &str) -> Vec<String> {
    let is_component = |value: &Value| {
        value.as_array().is_some_and(|class| class.len() == 2 && class.iter().any(|part| !part.is_null()))
    };
    let pipeline = parse(text);
    let components = pipeline.as_object().into_iter().flatten();
    components.filter(|(key, value)| !key.starts_with('_') && is_component(value)).map(|(key, _)| key.clone()).collect()
}

/// Returns the base model that the text of [`ADAPTER`] names.
pub fn base_model(text: &str) -> Option<String> {
    let base = parse(text)["base_model_name_or_path"].as_str()?.trim().to_owned();
    (!base.is_empty()).then_some(base)
}

/// Returns the files with the classes that a model brings itself: those in the `auto_map` of a configuration of
/// transformers, and the class of a pipeline of diffusers. Classes of other repositories are left out.
pub fn own_code(text: &str) -> Vec<String> {
    let config = parse(text);
    let mut classes = Vec::new();
    collect_texts(&config["auto_map"], &mut classes);
    let of_transformers = classes.iter().filter(|class| !class.contains("--"));
    let of_transformers = of_transformers.filter_map(|class| class.rsplit_once('.').map(|(module, _)| module));
    let of_diffusers = config["_class_name"].as_array().and_then(|class| class.first()?.as_str());
    of_transformers.chain(of_diffusers).map(file_of_module).collect()
}

/// Returns the files that Python code in the same folder imports with `from .NAME import`.
pub fn relative_imports(code: &str) -> Vec<String> {
    let modules = code.lines().filter_map(|line| line.trim_start().strip_prefix("from .")?.split_whitespace().next());
    modules.filter(|module| !module.starts_with('.') && *module != "import").map(file_of_module).collect()
}

fn file_of_module(module: &str) -> String {
    format!("{}.py", module.replace('.', "/"))
}

/// Collects the strings in a value and in its members.
fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(values) => values.values().for_each(|value| collect_texts(value, texts)),
        _ => {}
    }
}

/// A file that is not valid JSON belongs to no known layout.
fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_models_are_named_by_their_files() {
        let modules = r#"[{"path": "", "type": "t"}, {"path": "1_Pooling/", "type": "t"}, {"path": "other"}]"#;
        assert_eq!(module_folders(modules), ["1_Pooling"]);
        let pipeline = r#"{"_class_name": "StableDiffusionPipeline", "feature_extractor": [null, null], "scale": 1,
                           "size": [1, 2, 3], "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["a", "B"]}"#;
        assert_eq!(component_folders(pipeline), ["unet", "vae"]);
        for other in ["", "{", "[]", "{}", "1", r#"["type"]"#, r#"[{"type": "t", "path": 1}]"#] {
            assert!(module_folders(other).is_empty() && component_folders(other).is_empty(), "{other}");
            assert_eq!(base_model(other), None);
        }
        assert_eq!(base_model(r#"{"base_model_name_or_path": "org/base"}"#).unwrap(), "org/base");
    }

    #[test]
    fn code_of_a_model_is_named_by_its_configuration() {
        let config = r#"{"auto_map": {"AutoConfig": "configuration_net.NetConfig", "AutoModel": "org/x--modeling.Net",
                         "AutoTokenizer": ["tokenization_net.NetTokenizer", null]}}"#;
        assert_eq!(own_code(config), ["configuration_net.py", "tokenization_net.py"]);
        assert_eq!(own_code(r#"{"_class_name": ["pipeline", "Mine"]}"#), ["pipeline.py"]);
        assert_eq!(own_code(r#"{"_class_name": "StableDiffusionPipeline"}"#), [""; 0]);
        let code = "import os\nfrom .a_b import C\n    from .d.e import (\nfrom . import f\nfrom ..g import h\n";
        assert_eq!(relative_imports(code), ["a_b.py", "d/e.py"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[\\[\\]{}\":,. a-z_0-9\n-]{0,80}") {
            let found = [module_folders(&text), component_folders(&text), own_code(&text), relative_imports(&text)];
            drop((found, base_model(&text)));
        }
    }
}
