//! Every variable and every field of a route, once: what it is, its default, and its JSON Schema.
//!
//! The documentation, the schema for editors and the types for TypeScript are made of it by `cargo xtask reference`. What is allowed in a
//! field is not written down again here: [`Field::allowed`] asks the parser. The Worker has nothing of this.

mod answers;
mod requests;
mod schema;
mod variables;

use serde_json::{Map, Value};

use super::{Config, Variables};
pub use schema::{DEFINITIONS, Definition, definitions, route_schema, variables_schema};
pub use variables::{VARIABLES, Variable};

/// Fields that belong together.
#[derive(Debug)]
pub struct Group {
    /// A heading.
    pub title: &'static str,
    /// The fields, in the order in which they are explained.
    pub fields: &'static [Field],
}

/// A field of a route.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is, in sentences, in Markdown.
    pub about: &'static str,
    /// What it is where it is not given.
    pub default: Default,
    /// Values that it may have, as JSON; at least one.
    pub examples: &'static [&'static str],
    /// What it may be, as far as JSON Schema can tell.
    pub schema: fn() -> Value,
}

/// What a field is where it is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// It must be given.
    Required,
    /// This value, as JSON.
    Value(&'static str),
    /// No value means this.
    Absent(&'static str),
}

/// All fields of a route.
pub const GROUPS: [Group; 8] = [
    requests::WHICH,
    requests::KEY,
    requests::SCOPE,
    requests::PAYLOAD,
    answers::TIME,
    answers::TROUBLE,
    answers::ANSWERS,
    answers::RECORDS,
];

/// All fields of a route, without their groups.
pub fn fields() -> impl Iterator<Item = &'static Field> {
    const { &GROUPS }.iter().flat_map(|group| group.fields)
}

impl Field {
    /// What is allowed in it, in the words of the error that refuses anything else.
    pub fn allowed(&self) -> String {
        // No field may be a list of lists.
        let wrong = Value::Array(vec![Value::Array(Vec::new())]);
        let route = Map::from_iter([(self.name.to_owned(), wrong)]);
        let routes = vec![("ROUTES".to_owned(), Value::Array(vec![Value::Object(route)]).to_string())];
        let errors = Config::parse(&Variables { routes, ..Variables::default() }).err();
        let field = format!("ROUTES[0].{}", self.name);
        let error = errors.iter().flat_map(|errors| errors.errors()).find(|error| error.field() == field);
        error.map(|error| error.expected().to_owned()).unwrap_or_default()
    }
}

#[cfg(test)]
pub(super) mod tests;
