//! The configuration that workerd serves the Worker by, in Cap'n Proto's text form.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value as Json;

use crate::dev::deployment::Deployment;

/// The configuration for `deployment`.
///
/// `modules` are the names of the Worker's files, which must lie beside the configuration; the first starts it. The
/// Durable Objects are kept in `state`, an absolute path. `port` 0 stands for any free port.
pub(crate) fn text(deployment: &Deployment, modules: &[String], state: &Path, port: u16) -> Result<String> {
    let state = state.to_str().context("the path of the state directory is not valid Unicode")?;
    let modules: Vec<String> = modules.iter().map(|name| module(name)).collect();
    let bindings: Vec<String> = variables(deployment).chain(ledger_bindings(deployment)).collect();
    let namespaces: Vec<String> = namespaces(deployment).collect();
    let flags: Vec<String> = deployment.compatibility_flags.iter().map(|flag| quoted(flag)).collect();
    Ok(format!(
        r#"using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "gate", worker = .gate),
    (name = "state", disk = (path = {state}, writable = true)),
    # The origin may be on this machine or in a private network.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "gate")],
);

const gate :Workerd.Worker = (
  compatibilityDate = {date},
  compatibilityFlags = [{flags}],
  modules = [
    {modules},
  ],
  bindings = [
    {bindings},
  ],
  durableObjectNamespaces = [
    {namespaces},
  ],
  durableObjectStorage = (localDisk = "state"),
  globalOutbound = "internet",
);
"#,
        state = quoted(state),
        date = quoted(&deployment.compatibility_date),
        flags = flags.join(", "),
        modules = modules.join(",\n    "),
        bindings = bindings.join(",\n    "),
        namespaces = namespaces.join(",\n    "),
    ))
}

fn module(name: &str) -> String {
    let kind = if name.ends_with(".wasm") { "wasm" } else { "esModule" };
    let name = quoted(name);
    format!("(name = {name}, {kind} = embed {name})")
}

/// Text is bound as text, anything else as the value it is, like wrangler does.
fn variables(deployment: &Deployment) -> impl Iterator<Item = String> {
    deployment.variables.iter().map(|(name, value)| match value {
        Json::String(text) => format!("(name = {}, text = {})", quoted(name), quoted(text)),
        other => format!("(name = {}, json = {})", quoted(name), quoted(&other.to_string())),
    })
}

fn ledger_bindings(deployment: &Deployment) -> impl Iterator<Item = String> {
    deployment.ledgers.iter().map(|ledger| {
        format!("(name = {}, durableObjectNamespace = {})", quoted(&ledger.binding), quoted(&ledger.class))
    })
}

fn namespaces(deployment: &Deployment) -> impl Iterator<Item = String> {
    deployment.ledgers.iter().map(|ledger| {
        let unique_key = format!("{}-{}", deployment.name, ledger.class);
        format!("(className = {}, uniqueKey = {}, enableSql = true)", quoted(&ledger.class), quoted(&unique_key))
    })
}

/// `text` as a Cap'n Proto string literal. Control characters are escaped by their byte; the rest is UTF-8 as it is.
fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            control if control.is_ascii_control() => literal.push_str(&format!("\\x{:02x}", u32::from(control))),
            other => literal.push(other),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::deployment;

    #[test]
    fn any_text_can_be_quoted() {
        assert_eq!(quoted("a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(quoted("a\nb\tc\u{7f}"), r#""a\x0ab\x09c\x7f""#);
        assert_eq!(quoted("grün €"), "\"grün €\"");
    }

    #[test]
    fn everything_of_the_deployment_is_there() {
        let modules = ["index.js".to_owned(), "index_bg.wasm".to_owned()];
        let text = text(&deployment::tests::example(), &modules, Path::new("/s p"), 8787).unwrap();
        for part in [
            "(name = \"index.js\", esModule = embed \"index.js\")",
            "(name = \"index_bg.wasm\", wasm = embed \"index_bg.wasm\")",
            "(name = \"ORIGIN\", text = \"https://api.example.com\")",
            r#"(name = "ROUTES_1", json = "[{\"name\":\"x\"}]")"#,
            "(name = \"LEDGER\", durableObjectNamespace = \"Ledger\")",
            "(className = \"Ledger\", uniqueKey = \"gate-Ledger\", enableSql = true)",
            "(path = \"/s p\", writable = true)",
            "address = \"127.0.0.1:8787\"",
            "compatibilityDate = \"2026-11-17\"",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }
}
