//! The purpose of a cell, as its code suggests.

use std::sync::LazyLock;

use regex::Regex;

use super::python::{Statement, StatementKind};

/// The purpose of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It trains a model, or saves it.
    Training,
    /// It measures a model.
    Evaluation,
    /// It offers a model to others.
    Serving,
}

static SERVING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\b(?:FastAPI|Flask|Starlette|LitServer|BentoService)\(|\buvicorn\.run\(|",
        r"\bgr\.(?:Interface|Blocks|ChatInterface)\(|",
        r"\bbentoml\.|\bserve\.(?:run|deployment)\b|\.launch\(|@\w+\.(?:get|post|route|api)\(|",
        r"\bstreamlit\b|\bapp\.run\(",
    ))
    .expect("the pattern is valid")
});
static TRAINING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\.(?:fit|partial_fit|fit_generator|backward|train_on_batch|minimize)\(|",
        r"\b(?:xgb|lgb|xgboost|lightgbm)\.train\(|",
        r"\b\w*[tT]rainer\.(?:train|fit)\(|\b\w*optim\w*\.step\(|\btrain(?:_\w+)?\([^)\s]|",
        r"\b(?:torch\.save|joblib\.dump|save_pretrained|save_model|save_weights|save_state_dict|log_model)\(|",
        r"\bmodel\.save\(",
    ))
    .expect("the pattern is valid")
});
/// Objects that are fitted to data before a model is trained.
static PREPARATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b\w*(?:scaler|encoder|vectori[sz]er|tokeni[sz]er|imputer|binarizer|pca|preprocessor)\w*(?:\(\))?\.fit\(",
    )
    .expect("the pattern is valid")
});
static EVALUATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\b(?:accuracy_score|classification_report|confusion_matrix|ConfusionMatrixDisplay|roc_auc_score|roc_curve|",
        r"f1_score|precision_score|recall_score|precision_recall_\w+|mean_squared_error|mean_absolute_error|r2_score|",
        r"log_loss|cross_val_\w+|evaluate(?:_\w+)?)\(|\.(?:evaluate|score|predict|predict_proba)\(|\bmodel\.eval\(|",
        r"\b(?:bleu|rouge|perplexity)\w*\.?\w*\(",
    ))
    .expect("the pattern is valid")
});

/// Returns the purpose of a cell, if its statements suggest one.
pub(super) fn role(statements: &[Statement]) -> Option<Role> {
    let code = |statement: &&Statement| !matches!(statement.kind, StatementKind::Import | StatementKind::Comment);
    let masked: String = statements.iter().filter(code).map(|statement| &*statement.masked).collect();
    let masked = PREPARATION.replace_all(&masked, " ");
    match () {
        () if SERVING.is_match(&masked) => Some(Role::Serving),
        () if TRAINING.is_match(&masked) => Some(Role::Training),
        () if EVALUATION.is_match(&masked) => Some(Role::Evaluation),
        () => None,
    }
}

impl Role {
    /// The word for the purpose.
    pub fn word(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Evaluation => "evaluation",
            Self::Serving => "serving",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::python::statements;
    use super::*;

    #[test]
    fn cells_look_like_their_purpose() {
        for (code, expected) in [
            ("model.fit(x, y)\n", Some(Role::Training)),
            ("scaler.fit(x)\n", None),
            ("StandardScaler().fit(x)\n", None),
            ("for e in range(3):\n    loss.backward()\n    optimizer.step()\n", Some(Role::Training)),
            ("trainer = Trainer(model)\ntrainer.train()\n", Some(Role::Training)),
            ("torch.save(m, 'x')\n", Some(Role::Training)),
            ("print(accuracy_score(a, b))\n", Some(Role::Evaluation)),
            ("model.score(x)\n", Some(Role::Evaluation)),
            ("app = FastAPI()\n", Some(Role::Serving)),
            ("@app.post('/p')\ndef f(x): return model.predict(x)\n", Some(Role::Serving)),
            ("x = 'model.fit()'  # model.fit()\n", None),
            ("from sklearn.metrics import accuracy_score\n", None),
            ("df.describe()\n", None),
        ] {
            assert_eq!(role(&statements(code)), expected, "{code}");
        }
    }
}
