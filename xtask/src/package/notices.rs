//! The licences of what is compiled into the Worker. Who passes it on has to pass them on, too.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

use crate::project::Project;
use crate::run;
use crate::setup::rust_target::{TARGET, WasmToolchain};

const HEADER: &str = "\
The Wasm has code of these libraries in it, each under its own licence. It also has code of Rust's standard library, which is
Copyright (c) The Rust Project Contributors, and licensed under MIT or Apache-2.0, whose texts are in LICENSE-MIT and LICENSE-APACHE.
";

/// The licences of all that the Worker is compiled from, but for the project's own.
pub(super) fn of_the_worker(project: &Project, toolchain: &WasmToolchain) -> Result<String> {
    let linked = linked(project, toolchain)?;
    let mut command = run::command(project, "cargo");
    toolchain.select(&mut command);
    command.args(["metadata", "--quiet", "--locked", "--format-version", "1", "--filter-platform", TARGET]);
    let metadata: Json = serde_json::from_str(&run::output(&mut command)?).context("what cargo metadata printed")?;
    let mut notices = HEADER.to_owned();
    for package in metadata.get("packages").and_then(Json::as_array).into_iter().flatten() {
        let field = |name: &str| package.get(name).and_then(Json::as_str);
        let [Some(name), Some(version), Some(manifest)] = ["name", "version", "manifest_path"].map(field) else {
            bail!("cargo metadata tells too little of {package}");
        };
        // The project's own packages come from no registry.
        if field("source").is_some() && linked.contains(&format!("{name} v{version}")) {
            let licence = field("license").unwrap_or("a licence of its own");
            let texts = texts(Path::new(manifest)).with_context(|| format!("the licence of {name} {version}"))?;
            write!(notices, "\n== {name} {version}: {licence}\n\n{}", texts.join("\n"))?;
        }
    }
    Ok(notices)
}

/// The packages that are compiled into the Worker, as `NAME vVERSION`.
fn linked(project: &Project, toolchain: &WasmToolchain) -> Result<BTreeSet<String>> {
    let mut command = run::command(project, "cargo");
    toolchain.select(&mut command);
    // What runs while compiling, as procedural macros do, is not part of what is compiled.
    command.args(["tree", "--quiet", "--locked", "--package", "oncegate", "--edges", "normal,no-proc-macro"]).args([
        "--target",
        TARGET,
        "--prefix",
        "none",
        "--no-dedupe",
        "--format",
        "{p}",
    ]);
    Ok(run::output(&mut command)?.lines().map(|line| line.trim().to_owned()).collect())
}

/// The texts of the licences that lie beside a manifest. That of Apache-2.0 is in the package once, so it is left out where there is
/// another.
fn texts(manifest: &Path) -> Result<Vec<String>> {
    let folder = manifest.parent().unwrap_or(manifest);
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        files.extend(Some(entry?.path()).filter(|path| is_licence(path)));
    }
    files.sort();
    let is_apache = |file: &PathBuf| file.to_string_lossy().contains("APACHE");
    if !files.iter().all(is_apache) {
        files.retain(|file| !is_apache(file));
    }
    if files.is_empty() {
        bail!("there is no file LICENSE or COPYING in {}", folder.display());
    }
    files.iter().map(|file| fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))).collect()
}

fn is_licence(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ["LICENSE", "LICENCE", "COPYING"].iter().any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_library_is_named_with_its_licence() {
        let notices = of_the_worker(&Project::here(), &WasmToolchain::Usual).unwrap();
        let (_, matchit) = notices.split_once("\n== matchit ").unwrap();
        let (matchit, _) = matchit.split_once("\n== ").unwrap();
        for text in ["MIT AND BSD-3-Clause", "Permission is hereby granted", "Redistributions in binary form must"] {
            assert!(matchit.contains(text), "{matchit}");
        }
        assert!(notices.contains("\n== sha2 "));
        for absent in ["oncegate", "serde_derive", "wasm-bindgen-test", "anyhow"] {
            assert!(!notices.contains(&format!("\n== {absent} ")), "{absent}");
        }
    }

    #[test]
    fn a_library_without_a_licence_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("Cargo.toml");
        assert!(texts(&manifest).unwrap_err().to_string().contains("no file LICENSE"));
        fs::write(folder.path().join("LICENSE-APACHE"), "a").unwrap();
        assert_eq!(texts(&manifest).unwrap(), ["a"]);
        fs::write(folder.path().join("LICENSE-MIT"), "m").unwrap();
        assert_eq!(texts(&manifest).unwrap(), ["m"]);
    }
}
