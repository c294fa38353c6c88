//! What is wrong with a configuration.

use core::fmt;

use thiserror::Error;

/// The longest value that an error repeats, in characters.
const SHOWN: usize = 120;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConfigError {
    field: String,
    value: Option<String>,
    expected: String,
}

impl ConfigError {
    pub(super) fn new(field: impl Into<String>, value: &str, expected: impl Into<String>) -> Self {
        let mut shown: String = value.chars().take(SHOWN).collect();
        if shown.len() < value.len() {
            shown.push('…');
        }
        Self { field: field.into(), value: Some(shown), expected: expected.into() }
    }

    pub(super) fn missing(field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { field: field.into(), value: None, expected: expected.into() }
    }

    /// Which field, for example `ROUTES[0].ttl`.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Its value, of which the end may be left out; `None` where it is missing.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// What is allowed.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} = {value}: allowed is {}", self.field, self.expected),
            None => write!(f, "{} is missing: it must be {}", self.field, self.expected),
        }
    }
}

/// Everything that is wrong, in the order of the configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConfigErrors(pub(super) Vec<ConfigError>);

impl ConfigErrors {
    /// The errors.
    pub fn errors(&self) -> &[ConfigError] {
        &self.0
    }
}

/// One line per error.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}
