//! Reading of one table, field by field, so that each error can name its field and no field is overlooked.

use serde_json::{Map, Value};

use super::error::ConfigError;

/// Why a value is refused: what would be allowed.
pub(super) type Expected = String;

/// What became of a field that may be absent.
pub(super) enum Given<T> {
    /// It is not there.
    Absent,
    /// It is there and wrong, which has been reported.
    Wrong,
    /// It is there, and this.
    Right(T),
}

pub(super) struct Fields<'a> {
    path: String,
    map: Map<String, Value>,
    known: Vec<&'static str>,
    errors: &'a mut Vec<ConfigError>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(path: String, map: Map<String, Value>, errors: &'a mut Vec<ConfigError>) -> Self {
        Self { path, map, known: Vec::new(), errors }
    }

    /// A field that may be absent.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Value) -> Result<T, Expected>,
    ) -> Option<T> {
        let value = self.take(name)?;
        parse(&value).map_err(|expected| self.refuse(name, &value, expected)).ok()
    }

    // What does not depend on the field's type is compiled once, not for each field.

    #[inline(never)]
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.map.remove(name)
    }

    #[inline(never)]
    fn refuse(&mut self, name: &str, value: &Value, expected: Expected) {
        self.wrong(name, &value.to_string(), expected);
    }

    /// A field with a default.
    pub(super) fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        parse: impl FnOnce(&Value) -> Result<T, Expected>,
    ) -> T {
        self.optional(name, parse).unwrap_or(default)
    }

    /// A field that must be there.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&Value) -> Result<T, Expected>,
    ) -> Option<T> {
        if !self.map.contains_key(name) {
            self.known.push(name);
            self.missing(name, expected);
            return None;
        }
        self.optional(name, parse)
    }

    /// A field that is a table, with fields of its own.
    pub(super) fn table<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Given<T> {
        match self.take(name) {
            None => Given::Absent,
            Some(Value::Object(map)) => {
                let mut inner = Fields::new(format!("{}.{name}", self.path), map, self.errors);
                let parsed = parse(&mut inner);
                inner.finish();
                parsed.map_or(Given::Wrong, Given::Right)
            }
            Some(other) => {
                self.wrong(name, &other.to_string(), expected);
                Given::Wrong
            }
        }
    }

    /// Reports that a field is missing.
    pub(super) fn missing(&mut self, name: &str, expected: &str) {
        self.errors.push(ConfigError::missing(format!("{}.{name}", self.path), expected));
    }

    /// Reports what is wrong with a field, also one that was read already.
    pub(super) fn wrong(&mut self, name: &str, value: &str, expected: impl Into<String>) {
        self.errors.push(ConfigError::new(format!("{}.{name}", self.path), value, expected));
    }

    /// Reports the fields that nobody has asked for.
    pub(super) fn finish(self) {
        for (name, value) in &self.map {
            let expected = format!("no field of this name; the fields are {}", self.known.join(", "));
            self.errors.push(ConfigError::new(format!("{}.{name}", self.path), &value.to_string(), expected));
        }
    }
}
