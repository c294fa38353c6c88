//! The page with all settings.

use oncegate_protocol::config::reference::{Default, Field, GROUPS, VARIABLES, Variable};
use serde_json::Value as Json;

use super::wrapped;

const HEAD: &str = "\
<!-- Made by `cargo xtask reference` of the table in protocol/src/config/reference. -->

# Configuration

All that a gate can be told, in the configuration file of wrangler: variables under `[vars]`, and in each environment under
`[env.NAME.vars]`, which do not inherit those of the top level. An unknown field and a bad value are errors; a Worker with a bad
configuration answers 500 to everything, with the reason in its log. Before that:

```
cargo xtask check-config                                  # wrangler.toml, as the Worker would read it
cargo xtask check-config --request 'POST /v1/payments' \\
  --header 'Authorization: Bearer alice' --header 'Idempotency-Key: \"order-1\"' --body '{}'
```

The first prints every mistake with its line, or the routes as they are, and the second also what the Worker would do with that request, and
why: its route, which source gave its key and its scope, and the id of its record.

## In an editor

An editor that knows a JSON Schema completes fields, shows what they are and underlines most mistakes; `check-config` knows the rest.

- **wrangler.toml**, with Taplo or Even Better TOML: this as the first line. It is about the variables only, because there a schema cannot
  be put together of two files.
  ```toml
  #:schema ./config/oncegate.schema.json
  ```
- **wrangler.jsonc**, with Visual Studio Code and others: this as the first field. It has wrangler's own schema in it, once the npm
  packages are there.
  ```json
  \"$schema\": \"./config/wrangler.schema.json\",
  ```

`config/oncegate.d.ts` has the same as types for TypeScript: `Route` and `Vars`.
";

/// The page.
pub(crate) fn page() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Variables and secrets\n");
    VARIABLES.iter().for_each(|variable| text.push_str(&of_variable(variable)));
    text.push_str(
        "\n## Routes\n\nEach route is a table `[[vars.ROUTES]]`. Only `name`, `path` and `scope` must be given.\n",
    );
    for group in &GROUPS {
        text.push_str(&format!("\n## {}\n", group.title));
        group.fields.iter().for_each(|field| text.push_str(&of_field(field)));
    }
    text
}

fn of_variable(variable: &Variable) -> String {
    let kind = if variable.is_secret {
        "A secret, set by `npx wrangler secret put`, which never stands in a file."
    } else {
        ""
    };
    format!("\n### {}\n\n{}", variable.name, wrapped(&linked(&format!("{} {kind}", variable.about)), ""))
}

fn of_field(field: &Field) -> String {
    let default = match field.default {
        Default::Required => "none: it must be given".to_owned(),
        Default::Value(json) => format!("`{}`", toml_of(json)),
        Default::Absent(meaning) => meaning.to_owned(),
    };
    let examples: Vec<String> =
        field.examples.iter().map(|json| format!("`{} = {}`", field.name, toml_of(json))).collect();
    let mut text = format!("\n### {}\n\n{}\n", field.name, wrapped(&linked(field.about), ""));
    for (what, said) in [("Default", default), ("Allowed", field.allowed()), ("Examples", examples.join(", "))] {
        text.push_str(&wrapped(&format!("- {what}: {said}"), "  "));
    }
    text
}

/// A value as wrangler.toml has it.
fn toml_of(json: &str) -> String {
    fn inline(value: &Json) -> String {
        match value {
            Json::Array(entries) => format!("[{}]", entries.iter().map(inline).collect::<Vec<_>>().join(", ")),
            Json::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| format!("{name} = {}", inline(value)));
                format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
            }
            plain => plain.to_string(),
        }
    }
    serde_json::from_str(json).map(|value| inline(&value)).unwrap_or_default()
}

/// A text in which the names of other pages are links to them.
fn linked(text: &str) -> String {
    let mut parts = text.split("docs/");
    let mut linked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(".md") {
            Some((page, rest)) => linked.push_str(&format!("[docs/{page}.md]({page}.md){rest}")),
            None => linked.push_str(&format!("docs/{part}")),
        }
    }
    linked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    #[test]
    fn a_value_is_written_as_in_toml() {
        for (json, expected) in [
            ("8", "8"),
            ("[\"POST\",\"PATCH\"]", "[\"POST\", \"PATCH\"]"),
            ("{\"count\": 16, \"previous\": 8}", "{ count = 16, previous = 8 }"),
        ] {
            assert_eq!(toml_of(json), expected);
            let parsed = crate::wrangler::parse(&format!("a = {expected}")).unwrap();
            assert_eq!(parsed["a"], serde_json::from_str::<Json>(json).unwrap(), "and is read so");
        }
    }

    #[test]
    fn the_name_of_a_page_is_a_link_to_it() {
        assert_eq!(linked("see docs/a.md, docs/b.md; docs/"), "see [docs/a.md](a.md), [docs/b.md](b.md); docs/");
        let folder = Project::here().path("docs");
        let page = page();
        let links = page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        links.for_each(|link| assert!(folder.join(link).is_file(), "{link}"));
    }
}
