//! A configuration file of wrangler, and the line in which each of its values stands.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use serde_json::Value as Json;
use toml::de::{DeTable, DeValue};

use crate::project::Project;
use crate::wrangler;

/// The files that wrangler looks for, in its order.
pub(crate) const FILES: [&str; 3] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/// What a file says, and where.
#[derive(Debug)]
pub(crate) struct Document {
    /// As errors name it.
    pub(crate) file: String,
    pub(crate) json: Json,
    /// By JSON pointer (RFC 6901).
    lines: BTreeMap<String, usize>,
}

impl Document {
    /// Reads a file: TOML, or by the end of its name JSON, in which comments and commas at the end may be as wrangler allows them.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        Self::read_as(file, &file.display().to_string())
    }

    /// Reads the file that wrangler would find in the checkout; `None` where there is none.
    pub(crate) fn find(project: &Project) -> Result<Option<Self>> {
        let found = FILES.into_iter().find(|name| project.path(name).is_file());
        found.map(|name| Self::read_as(&project.path(name), name)).transpose()
    }

    fn read_as(file: &Path, shown: &str) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("the file {shown}"))?;
        Self::parse(shown, &text)
    }

    pub(crate) fn parse(file: &str, text: &str) -> Result<Self> {
        let mut lines = Lines { text, by_pointer: BTreeMap::new() };
        let is_json = file.ends_with(".json") || file.ends_with(".jsonc");
        let json = if is_json { lines.read_jsonc() } else { lines.read_toml() };
        let json = json.with_context(|| format!("the file {file}"))?;
        Ok(Self { file: file.to_owned(), json, lines: lines.by_pointer })
    }

    /// In which line the value stands, or else that which would hold it; the first line where nothing does.
    pub(crate) fn line(&self, pointer: &str) -> usize {
        let mut pointer = pointer;
        loop {
            match (self.lines.get(pointer), pointer.rsplit_once('/')) {
                (Some(line), _) => return *line,
                (None, Some((holder, _))) => pointer = holder,
                (None, None) => return 1,
            }
        }
    }
}

/// The pointer to a member of what `holder` points to.
pub(crate) fn member(holder: &str, name: &str) -> String {
    format!("{holder}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The lines of a text that is being read.
struct Lines<'t> {
    text: &'t str,
    by_pointer: BTreeMap<String, usize>,
}

impl Lines<'_> {
    fn read_toml(&mut self) -> Result<Json> {
        let table = DeTable::parse(self.text)?;
        self.add_toml_table(table.get_ref(), "");
        wrangler::parse(self.text)
    }

    fn add_toml_table(&mut self, table: &DeTable<'_>, pointer: &str) {
        for (name, value) in table {
            let pointer = member(pointer, name.get_ref());
            self.add(&pointer, name.span().start);
            self.add_toml(value.get_ref(), &pointer);
        }
    }

    fn add_toml(&mut self, value: &DeValue<'_>, pointer: &str) {
        match value {
            DeValue::Table(table) => self.add_toml_table(table, pointer),
            DeValue::Array(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    let pointer = member(pointer, &index.to_string());
                    self.add(&pointer, entry.span().start);
                    self.add_toml(entry.get_ref(), &pointer);
                }
            }
            _ => {}
        }
    }

    fn read_jsonc(&mut self) -> Result<Json> {
        let strict = jsonc_parser::ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let parsed = jsonc_parser::parse_to_ast(self.text, &jsonc_parser::CollectOptions::default(), &strict);
        let parsed = parsed.map_err(|error| anyhow!("{error}"))?;
        let Some(value) = parsed.value else { bail!("it is empty") };
        self.add_json(&value, "");
        Ok(value.into())
    }

    fn add_json(&mut self, value: &ast::Value<'_>, pointer: &str) {
        match value {
            ast::Value::Object(object) => {
                for property in &object.properties {
                    let pointer = member(pointer, property.name.as_str());
                    self.add(&pointer, property.start());
                    self.add_json(&property.value, &pointer);
                }
            }
            ast::Value::Array(array) => {
                for (index, entry) in array.elements.iter().enumerate() {
                    let pointer = member(pointer, &index.to_string());
                    self.add(&pointer, entry.start());
                    self.add_json(entry, &pointer);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, pointer: &str, offset: usize) {
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count().saturating_add(1);
        self.by_pointer.insert(pointer.to_owned(), line);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TOML: &str = "\
name = \"gate\"

[vars]
ORIGIN = \"https://a\"

[[vars.ROUTES]]
name = \"a\"
jwt.jwks = \"https://b\"

[[vars.ROUTES]]
shards = { count = 2,
  previous = 1 }
";

    const JSONC: &str = "\
{ // a comment
  \"name\": \"gate\",
  \"vars\": {
    \"ORIGIN\": \"https://a\",
    \"ROUTES\": [
      { \"name\": \"a\",
        \"jwt\": { \"jwks\": \"https://b\" } },
      {
        \"shards\": { \"count\": 2,
          \"previous\": 1, },
      },
    ],
  },
}
";

    #[test]
    fn both_kinds_of_file_say_the_same() {
        let expected = json!({ "name": "gate", "vars": { "ORIGIN": "https://a", "ROUTES": [
            { "name": "a", "jwt": { "jwks": "https://b" } },
            { "shards": { "count": 2, "previous": 1 } },
        ] } });
        assert_eq!(Document::parse("wrangler.toml", TOML).unwrap().json, expected);
        assert_eq!(Document::parse("wrangler.jsonc", JSONC).unwrap().json, expected);
    }

    #[test]
    fn a_value_stands_in_a_line_or_where_it_would_stand() {
        let toml = Document::parse("wrangler.toml", TOML).unwrap();
        let jsonc = Document::parse("a/wrangler.json", JSONC).unwrap();
        for (pointer, in_toml, in_jsonc) in [
            ("/vars/ORIGIN", 4, 4),
            ("/vars/ROUTES/0", 6, 6),
            ("/vars/ROUTES/0/name", 7, 6),
            ("/vars/ROUTES/0/scope", 6, 6),
            ("/vars/ROUTES/0/jwt/jwks", 8, 7),
            ("/vars/ROUTES/1/shards/previous", 12, 10),
            ("/vars/ROUTES/1/name", 10, 8),
            ("/durable_objects/bindings", 1, 1),
        ] {
            assert_eq!((toml.line(pointer), jsonc.line(pointer)), (in_toml, in_jsonc), "{pointer}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        let told = |file: &str, text: &str| format!("{:#}", Document::parse(file, text).unwrap_err());
        assert!(told("w.toml", "a = 1\nb =").contains("line 2"), "{}", told("w.toml", "a = 1\nb ="));
        assert!(told("w.json", "{\n\"a\": 'b'}").contains("line 2"), "{}", told("w.json", "{\n\"a\": 'b'}"));
        assert!(told("w.json", " ").contains("empty"));
    }
}
