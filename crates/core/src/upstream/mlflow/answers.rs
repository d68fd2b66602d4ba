//! The answers of a tracking server (mlflow.org/docs, "REST API").

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Run {
    /// Its identity and its times.
    pub info: RunInfo,
    /// Its parameters, metrics and tags.
    pub data: RunData,
}

/// The identity and the times of a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RunInfo {
    /// The identifier.
    pub run_id: String,
    /// The name.
    pub run_name: String,
    /// The identifier of the experiment.
    pub experiment_id: String,
    /// The user who started it.
    pub user_id: String,
    /// `FINISHED` if it succeeded.
    pub status: String,
    /// The start in milliseconds since 1970.
    #[serde(deserialize_with = "number")]
    pub start_time: Option<i64>,
    /// The end in milliseconds since 1970.
    #[serde(deserialize_with = "number")]
    pub end_time: Option<i64>,
    /// The place of its files.
    pub artifact_uri: String,
}

/// The parameters, metrics and tags of a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RunData {
    /// The last value of each metric.
    pub metrics: Vec<Pair<Value>>,
    /// The parameters.
    pub params: Vec<Pair<String>>,
    /// The tags. Those of MLflow itself begin with `mlflow.`.
    pub tags: Vec<Pair<String>>,
}

/// A name and its value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Pair<T: Default> {
    /// The name.
    pub key: String,
    /// The value.
    pub value: T,
}

/// A version of a registered model.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ModelVersion {
    /// The name of the model.
    pub name: String,
    /// The number of the version.
    pub version: String,
    /// The run that logged the model; empty if none did.
    pub run_id: String,
    /// `READY` if its files are complete.
    pub status: String,
}

#[derive(Deserialize)]
pub(super) struct RunAnswer {
    pub(super) run: Run,
}

#[derive(Deserialize)]
pub(super) struct VersionAnswer {
    pub(super) model_version: ModelVersion,
}

#[derive(Deserialize)]
pub(super) struct PlaceAnswer {
    pub(super) artifact_uri: String,
}

#[derive(Deserialize)]
pub(super) struct LoggedAnswer {
    pub(super) model: LoggedModel,
}

#[derive(Deserialize)]
pub(super) struct LoggedModel {
    pub(super) info: LoggedInfo,
}

/// A logged model of MLflow 3.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct LoggedInfo {
    pub(super) name: String,
    pub(super) artifact_uri: String,
    pub(super) source_run_id: String,
    pub(super) status: String,
}

/// A page of a list of files.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FilesAnswer {
    pub(super) files: Vec<FileAnswer>,
    pub(super) next_page_token: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FileAnswer {
    pub(super) path: String,
    pub(super) is_dir: bool,
    #[serde(deserialize_with = "number")]
    pub(super) file_size: Option<i64>,
}

/// Reads a whole number. Some servers write 64-bit numbers as texts (protobuf's JSON mapping).
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_be_texts() {
        let text = r#"{"run":{"info":{"run_id":"a","start_time":1,"end_time":"2","x":{}},
                       "data":{"metrics":[{"key":"acc","value":"NaN"},{"key":"loss","value":1e-05}]}}}"#;
        let run = serde_json::from_str::<RunAnswer>(text).unwrap().run;
        assert_eq!((run.info.start_time, run.info.end_time), (Some(1), Some(2)));
        assert_eq!(run.data.metrics[0].value, Value::from("NaN"));
        assert_eq!(run.data.metrics[1].value.to_string(), "1e-05");
        let files: FilesAnswer =
            serde_json::from_str(r#"{"files":[{"path":"a","file_size":"7"},{"path":"b","is_dir":true}]}"#).unwrap();
        assert_eq!(files.files[0].file_size, Some(7));
        assert!(files.files[1].is_dir && files.next_page_token.is_empty());
    }
}
