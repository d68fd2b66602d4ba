//! The facts that are compared, the roles that each concerns, and why. `docs/guide/handoffs.md` has the same table.

use std::fmt;
use std::str::FromStr;

/// A group of people who are concerned by a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Developers of applications that call the model.
    App,
    /// Operators who run it.
    Sre,
    /// Data scientists and data engineers.
    Data,
    /// The people who answer for security and licences.
    Security,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::App, Self::Sre, Self::Data, Self::Security];

    /// The word for the role.
    pub fn word(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Sre => "sre",
            Self::Data => "data",
            Self::Security => "security",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The error for a word that is not a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of app, sre, data, security")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.word() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// The result for a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing changed that concerns the role.
    Compatible,
    /// Something changed that the role should know.
    Changed,
    /// Something changed that can stop the work of the role from functioning, or needs its decision.
    Breaking,
}

impl Level {
    /// The word for the level.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Changed => "changed",
            Self::Breaking => "breaking",
        }
    }
}

/// Defines the facts and their table.
macro_rules! facts {
    ($($(#[doc = $doc:literal])+ $fact:ident $word:literal { $($role:ident $level:ident $why:literal)+ })+) => {
        /// A property of a model that is compared.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fact {
            $($(#[doc = $doc])+ $fact,)+
        }

        impl Fact {
            /// All facts.
            pub const ALL: &[Self] = &[$(Self::$fact),+];

            /// The name of the fact.
            pub fn word(self) -> &'static str {
                match self { $(Self::$fact => $word),+ }
            }

            /// The roles that it concerns, each with the highest level that a change of it has, and the reason.
            pub fn roles(self) -> &'static [(Role, Level, &'static str)] {
                match self { $(Self::$fact => &[$((Role::$role, Level::$level, $why)),+]),+ }
            }
        }
    };
}

facts! {
    /// The names and shapes of the tensors.
    Tensors "tensors" {
        App Breaking "code that loads weights by name or shape fails"
        Sre Changed "another architecture may need another runtime"
    }
    /// The bytes of the weights.
    Weights "weights" {
        App Changed "outputs differ for the same inputs"
        Data Changed "results have to be evaluated again"
    }
    /// The class of the model.
    Architecture "architecture" {
        App Breaking "the model class that is loaded is another one"
        Sre Breaking "the runtime has to support the new architecture"
    }
    /// The vocabulary of the tokenizer.
    Tokenizer "tokenizer" {
        App Breaking "stored token numbers and token counts are no longer right"
        Data Changed "prepared data has to be tokenized again"
    }
    /// Tokens such as the end of a text.
    SpecialTokens "special tokens" {
        App Breaking "stop conditions and prompts that contain these tokens fail"
    }
    /// The template of conversations.
    ChatTemplate "chat template" {
        App Breaking "messages become other prompts, or cannot be used"
    }
    /// The number of tokens that the model can process.
    ContextLength "context length" {
        App Breaking "long prompts are refused or cut"
        Sre Changed "the cache of one request needs another amount of memory"
    }
    /// The classes that the model distinguishes.
    Labels "labels" {
        App Breaking "the meaning of an output changes"
        Data Changed "data has to be labelled with the same classes"
    }
    /// The signature of an MLflow model.
    Signature "signature" {
        App Breaking "requests or answers have another structure"
        Data Breaking "the features that pipelines deliver no longer fit"
    }
    /// The format of the weights.
    Format "format" {
        App Changed "another library loads the model"
        Sre Breaking "the runtime has to read the new format"
    }
    /// The number types of the weights.
    Precision "precision" {
        App Changed "outputs differ slightly"
        Sre Changed "the accelerator has to support the number type"
    }
    /// The quantization of the weights.
    Quantization "quantization" {
        App Changed "outputs differ"
        Sre Breaking "the runtime has to support the method"
    }
    /// The memory that serving takes, estimated from the headers.
    Memory "memory" {
        Sre Breaking "the memory request of a deployment may be too small"
    }
    /// Licences in the Kitfile, and licence files.
    Licence "licence" {
        App Changed "the terms of use of the application may change"
        Data Changed "the terms apply to derived models as well"
        Security Breaking "the new terms need a decision"
    }
    /// The ModelKit or model that this one was made from.
    BaseModel "base model" {
        App Changed "the behaviour is that of another base model"
        Data Changed "the training started from another model"
        Security Changed "the origin and its licence have to be checked again"
    }
    /// Code in the model that a runtime executes.
    RemoteCode "remote code" {
        Sre Breaking "the runtime loads the model only if it is allowed to run its code"
        Security Breaking "loading the model runs code of its authors"
    }
    /// The imports of pickles that are not known to be harmless.
    PickleImports "pickle imports" {
        Security Breaking "loading the file imports objects that can run any code"
    }
    /// The required version of Python.
    Python "python" {
        App Changed "the application may run in another environment"
        Sre Breaking "images have to be built with another version of Python"
    }
    /// The packages of lock files.
    Packages "packages" {
        Sre Changed "images have to be built again"
        Security Changed "packages have to be checked for known vulnerabilities"
    }
    /// Metrics in the parameters of the model.
    Metrics "metrics" {
        App Breaking "the quality is below the minimum that was agreed on"
        Data Breaking "the quality is below the minimum that was agreed on"
    }
    /// Files that define how the model is built and run.
    Deployment "deployment" {
        Sre Breaking "the deployment has to be changed as well"
    }
    /// Datasets, and files of them.
    Datasets "datasets" {
        Data Breaking "training and evaluation depend on the data"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_has_a_row_for_each_fact_and_role() {
        let guide = include_str!("../../../../docs/guide/handoffs.md");
        let rows: Vec<_> = guide.lines().filter(|line| line.starts_with("| ")).collect();
        for fact in Fact::ALL {
            for (role, level, why) in fact.roles() {
                let row = format!("| {} | {role} | {} | {why} |", fact.word(), level.word());
                assert!(rows.contains(&&*row), "the table of docs/guide/handoffs.md lacks:\n{row}");
            }
        }
        let expected: usize = Fact::ALL.iter().map(|fact| fact.roles().len()).sum();
        let is_of_table = |row: &&&str| Role::ALL.iter().any(|role| row.contains(&format!(" | {role} | ")));
        assert_eq!(
            rows.iter().filter(is_of_table).count(),
            expected,
            "the table of docs/guide/handoffs.md has more rows"
        );
    }

    #[test]
    fn words_of_roles_are_parsed() {
        for role in Role::ALL {
            assert_eq!(role.word().parse(), Ok(role));
        }
        assert!("ops".parse::<Role>().is_err());
    }
}
