//! A setting: its names, where it can be set, and how its value is read and shown.

use std::ffi::OsStr;

use serde_json::Value as Json;

use super::environment::Environment;
use super::file::{Decoder, Set, Table, Value};
use super::network::NetworkArgs;
use super::values::{Config, Origin, Sourced};

/// A setting with a value of type `T`. [`KEYS`](super::keys::KEYS) lists all of them.
pub(crate) struct Setting<T: 'static> {
    /// The key in `config.toml`, and the name in `kit config`.
    pub(super) name: &'static str,
    /// The flag.
    pub(super) flag: Option<Flag<T>>,
    /// The environment variable.
    pub(super) variable: Option<Variable<T>>,
    /// The key in `config.toml`.
    pub(super) file: Option<InFile<T>>,
    /// Returns the value if nothing sets it.
    pub(super) default: fn() -> T,
    /// Returns the value as `kit config` shows it.
    pub(super) show: fn(&T) -> Json,
}

/// A flag that sets a value.
pub(super) struct Flag<T> {
    /// The name, without the dashes.
    pub(super) name: &'static str,
    pub(super) read: fn(&NetworkArgs, &Environment) -> Option<T>,
}

/// An environment variable that sets a value. An empty variable counts as not set.
pub(super) struct Variable<T> {
    pub(super) name: &'static str,
    /// Reads the value, or returns `None` if it is not valid.
    pub(super) read: fn(&OsStr, &Environment) -> Option<T>,
    /// A description of a valid value, which completes "must be …".
    pub(super) expected: &'static str,
}

/// The part of a setting that concerns `config.toml`.
pub(super) struct InFile<T> {
    /// The tables that may contain the key.
    pub(super) tables: &'static [TableKind],
    /// A description of a valid value, which completes "must be …".
    pub(super) expected: &'static str,
    /// Reads the value, or returns `None` if it is not valid. The text is the name of the table, for messages.
    pub(super) read: fn(&mut Decoder<'_>, &str, &Value<'_>) -> Option<T>,
    pub(super) get: fn(&Table) -> &Option<Set<T>>,
    pub(super) set: fn(&mut Table, Set<T>),
}

/// A kind of table in `config.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableKind {
    /// `[defaults]`
    Defaults,
    /// `[registry."HOST"]`
    Host,
}

/// A setting of any type.
pub(crate) trait Key: Sync {
    /// The key in `config.toml`, and the name in `kit config`.
    fn name(&self) -> &'static str;

    /// The flag, without the dashes.
    fn flag(&self) -> Option<&'static str>;

    /// The environment variable.
    fn variable(&self) -> Option<&'static str>;

    /// Returns the description of a valid value if the environment variable is set to another one.
    fn check_variable(&self, environment: &Environment) -> Result<(), &'static str>;

    /// The tables of `config.toml` that may contain the key.
    fn tables(&self) -> &'static [TableKind];

    /// Reads `value`, which is set at `line` of a table, into `table`; or returns the description of a valid value.
    fn decode(&self, decoder: &mut Decoder<'_>, value: Located<'_, '_>, table: &mut Table) -> Result<(), &'static str>;

    /// Returns the value for `host`, or for all hosts, as `kit config` shows it.
    fn show(&self, config: &Config<'_>, host: Option<&str>) -> Sourced<Json>;

    /// Returns true if the setting can have a value for all hosts.
    fn is_general(&self) -> bool {
        self.flag().is_some() || self.tables().contains(&TableKind::Defaults)
    }
}

/// A value in `config.toml`, and its place.
#[derive(Clone, Copy)]
pub(crate) struct Located<'v, 't> {
    /// The name of the table, for messages.
    pub(super) section: &'v str,
    pub(super) line: usize,
    pub(super) value: &'v Value<'t>,
}

impl<T: Clone> Setting<T> {
    /// The value that the command line sets.
    pub(super) fn given_by_flag(&self, flags: &NetworkArgs, environment: &Environment) -> Option<Sourced<T>> {
        let flag = self.flag.as_ref()?;
        Some(Sourced::new((flag.read)(flags, environment)?, Origin::Flag(flag.name)))
    }

    /// The value that the environment sets.
    pub(super) fn given_by_variable(&self, environment: &Environment) -> Option<Sourced<T>> {
        let variable = self.variable.as_ref()?;
        let text = environment.settings.get(variable.name)?;
        Some(Sourced::new((variable.read)(text, environment)?, Origin::Variable(variable.name)))
    }

    /// The value that a table of `config.toml` sets.
    pub(super) fn given_by_table(&self, table: &Table) -> Option<Set<T>> {
        (self.file.as_ref()?.get)(table).clone()
    }
}

impl<T: Clone> Key for Setting<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn flag(&self) -> Option<&'static str> {
        Some(self.flag.as_ref()?.name)
    }

    fn variable(&self) -> Option<&'static str> {
        Some(self.variable.as_ref()?.name)
    }

    fn check_variable(&self, environment: &Environment) -> Result<(), &'static str> {
        let Some(variable) = &self.variable else { return Ok(()) };
        let Some(text) = environment.settings.get(variable.name) else { return Ok(()) };
        (variable.read)(text, environment).map(drop).ok_or(variable.expected)
    }

    fn tables(&self) -> &'static [TableKind] {
        self.file.as_ref().map(|file| file.tables).unwrap_or_default()
    }

    fn decode(&self, decoder: &mut Decoder<'_>, value: Located<'_, '_>, table: &mut Table) -> Result<(), &'static str> {
        let file = self.file.as_ref().ok_or("set by a flag")?;
        let Located { section, line, value } = value;
        let value = (file.read)(decoder, section, value).ok_or(file.expected)?;
        (file.set)(table, Set { value, line });
        Ok(())
    }

    fn show(&self, config: &Config<'_>, host: Option<&str>) -> Sourced<Json> {
        config.get(self, host).map(|value| (self.show)(&value))
    }
}
