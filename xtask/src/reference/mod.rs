//! `cargo xtask reference`: what is made of the table of all settings, which is in `protocol/` beside their parser.

mod markdown;
mod typescript;

use std::fs;

use anyhow::{Context, Result, bail};
use oncegate_protocol::config::reference::definitions;
use serde_json::{Value as Json, json};

use crate::output;
use crate::project::Project;

/// How wide a line of a paragraph may be.
const WIDTH: usize = 120;

/// Writes the files anew.
pub(crate) fn write(project: &Project) -> Result<()> {
    for (name, text) in files()? {
        let file = project.path(name);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(|| format!("the folder {}", folder.display()))?;
        }
        fs::write(&file, text).with_context(|| format!("the file {}", file.display()))?;
        output::line(format_args!("wrote {name}"))?;
    }
    Ok(())
}

/// Fails if a file is not as it would be written.
pub(crate) fn check(project: &Project) -> Result<()> {
    for (name, text) in files()? {
        if fs::read_to_string(project.path(name)).ok().as_ref() != Some(&text) {
            bail!(
                "{name} is not what the table in protocol/src/config/reference says: `cargo xtask reference` writes it anew"
            );
        }
    }
    Ok(())
}

/// The files, each with what is in it.
fn files() -> Result<[(&'static str, String); 4]> {
    Ok([
        ("config/oncegate.schema.json", pretty(&schema())),
        ("config/wrangler.schema.json", pretty(&schema_with_wranglers())),
        ("config/oncegate.d.ts", typescript::declarations()?),
        ("docs/configuration.md", markdown::page()),
    ])
}

/// The schema of what Oncegate reads in a configuration file of wrangler.
fn schema() -> Json {
    let with_variables = json!({ "properties": { "vars": { "$ref": "#/definitions/Vars" } } });
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Made by `cargo xtask reference` of the table in protocol/src/config/reference.",
        "title": "What Oncegate reads in a configuration file of wrangler",
        "type": "object",
        "allOf": [with_variables],
        "properties": { "env": { "additionalProperties": with_variables } },
        "definitions": definitions(),
    })
}

/// The same, and all that wrangler reads.
fn schema_with_wranglers() -> Json {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Made by `cargo xtask reference`. The first is there when the npm packages are.",
        "title": "A configuration file of wrangler that deploys Oncegate",
        "allOf": [{ "$ref": "../node_modules/wrangler/config-schema.json" }, { "$ref": "oncegate.schema.json" }],
        "allowTrailingCommas": true,
    })
}

/// A paragraph in lines that are not too long; those after the first are indented by this. What is in backquotes stays in a line.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    let mut is_code = false;
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { continue };
        let is_long = line.chars().count().saturating_add(word.chars().count()) >= WIDTH;
        if is_long && !is_code && !line.trim().is_empty() {
            lines.push(format!("{indent}{word}"));
        } else {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        is_code ^= word.matches('`').count() % 2 == 1;
    }
    format!("{}\n", lines.join("\n"))
}

fn pretty(json: &Json) -> String {
    format!("{json:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_as_the_table_says() {
        check(&Project::here()).unwrap();
    }

    #[test]
    fn lines_end_between_words_and_not_in_code() {
        let long = "a ".repeat(100);
        let text = wrapped(&format!("- {long}"), "  ");
        assert!(text.lines().all(|line| line.len() <= WIDTH) && text.lines().count() == 2, "{text}");
        let code = format!("{} `x = [1, 2]` y", "a".repeat(WIDTH - 10));
        assert_eq!(wrapped(&code, "").lines().last(), Some("y"));
    }
}
