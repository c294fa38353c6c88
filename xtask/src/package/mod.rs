//! `cargo xtask package`: the built Worker as an npm package, for those who have no Rust.

mod notices;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;

use crate::output::line;
use crate::project::Project;
use crate::{run, setup, worker_build};

/// What the package is made of: each file's place in the checkout, and in the package.
const FILES: &[(&str, &str)] = &[
    ("package/package.json", "package.json"),
    ("package/README.md", "README.md"),
    ("package/index.d.ts", "index.d.ts"),
    ("build/index.js", "index.js"),
    ("build/index_bg.wasm", "index_bg.wasm"),
    ("LICENSE", "LICENSE"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("package/template/package.json", "template/package.json"),
    ("package/template/wrangler.toml", "template/wrangler.toml"),
    ("package/template/.dev.vars.example", "template/.dev.vars.example"),
];

/// The licences of what else is in the Wasm. Wrangler would deploy a file whose name ends in `.txt`.
const NOTICES: &str = "LICENSE-THIRD-PARTY";

/// Types of the configuration. They are packaged where there are any.
const CONFIGURATION_TYPES: (&str, &str) = ("config/oncegate.d.ts", "config.d.ts");

/// Builds the Worker, packs it, and prints where the package is.
pub(crate) fn run(project: &Project) -> Result<()> {
    let tarball = setup::under_lock(project, |project| {
        check_versions(project)?;
        let toolchain = setup::for_build(project)?;
        worker_build::build(project, &toolchain)?;
        let folder = assemble(project)?;
        let notices = notices::of_the_worker(project, &toolchain)?;
        fs::write(folder.join(NOTICES), notices).with_context(|| format!("writing {NOTICES}"))?;
        pack(project, &folder)
    })?;
    let bytes = fs::metadata(&tarball).with_context(|| format!("reading {}", tarball.display()))?.len();
    line(format_args!("{} ({bytes} bytes)", tarball.display()))
}

/// Refuses what would be published under another version than the workspace's, or with a template for another one.
fn check_versions(project: &Project) -> Result<()> {
    let package = read_json(&project.path("package/package.json"))?;
    let template = read_json(&project.path("package/template/package.json"))?;
    let version = env!("CARGO_PKG_VERSION");
    let places = [
        ("package/package.json", package.get("version"), version.to_owned()),
        ("package/template/package.json", template.pointer("/dependencies/oncegate"), format!("^{version}")),
    ];
    for (file, found, expected) in places {
        let found = found.and_then(Json::as_str).unwrap_or("none");
        ensure!(found == expected, "{file} has oncegate's version {found}: by Cargo.toml it is {expected}");
    }
    Ok(())
}

fn read_json(file: &Path) -> Result<Json> {
    let named = || format!("the file {}", file.display());
    serde_json::from_slice(&fs::read(file).with_context(named)?).with_context(named)
}

/// Puts the package together anew, so that nothing of an earlier one is in it. Gives the folder.
fn assemble(project: &Project) -> Result<PathBuf> {
    let folder = output_folder(project).join("oncegate");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    for (from, to) in FILES {
        copy(&project.path(from), &folder.join(to))?;
    }
    let (from, to) = CONFIGURATION_TYPES;
    if project.path(from).is_file() {
        copy(&project.path(from), &folder.join(to))?;
        export_configuration_types(&folder.join("index.d.ts"))?;
    }
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let named = || format!("copying {} to {}", from.display(), to.display());
    fs::create_dir_all(to.parent().unwrap_or(to)).with_context(named)?;
    fs::copy(from, to).with_context(named)?;
    Ok(())
}

fn export_configuration_types(index: &Path) -> Result<()> {
    let named = || format!("the file {}", index.display());
    let types = fs::read_to_string(index).with_context(named)?;
    fs::write(index, format!("{types}\nexport type * from './config.js';\n")).with_context(named)
}

/// Packs `folder` as npm publishes it. Gives the tarball.
fn pack(project: &Project, folder: &Path) -> Result<PathBuf> {
    let destination = output_folder(project);
    let mut command = run::command(project, "npm");
    command.args(["pack", "--loglevel=error", "--pack-destination"]).arg(&destination).current_dir(folder);
    run::to_the_end(&mut command).context("the package could not be packed")?;
    Ok(destination.join(concat!("oncegate-", env!("CARGO_PKG_VERSION"), ".tgz")))
}

fn output_folder(project: &Project) -> PathBuf {
    project.target().join("package")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(file: &str) -> Json {
        read_json(&Project::here().path(file)).unwrap()
    }

    #[test]
    fn the_package_and_its_template_have_the_version_of_the_workspace() {
        check_versions(&Project::here()).unwrap();
    }

    #[test]
    fn the_package_has_the_licence_of_the_workspace_and_needs_nothing() {
        let package = json("package/package.json");
        assert_eq!(package["license"], env!("CARGO_PKG_LICENSE"));
        for absent in ["dependencies", "peerDependencies", "scripts", "bin", "private"] {
            assert!(package.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn the_routes_of_the_template_and_the_readme_are_such_as_the_worker_takes() {
        let read = |file| fs::read_to_string(Project::here().path(file)).unwrap();
        let readme = read("package/README.md");
        let example = readme.split("```").find(|block| block.contains("[[vars.ROUTES]]")).unwrap();
        let example = example.strip_prefix("toml\n").unwrap();
        for (document, name) in [(&*read("package/template/wrangler.toml"), "payments"), (example, "orders")] {
            let routes = crate::wrangler::routes(&crate::wrangler::parse(document).unwrap());
            assert_eq!(routes.iter().map(|(_, route)| &*route.name).collect::<Vec<_>>(), [name]);
        }
    }

    #[test]
    fn the_template_has_the_wrangler_and_the_date_that_are_tested() {
        let wrangler = |file| json(file)["devDependencies"]["wrangler"].as_str().unwrap().to_owned();
        assert_eq!(wrangler("package/template/package.json"), format!("^{}", wrangler("package.json")));
        let date = |file| {
            let text = fs::read_to_string(Project::here().path(file)).unwrap();
            crate::wrangler::parse(&text).unwrap()["compatibility_date"].clone()
        };
        assert_eq!(date("package/template/wrangler.toml"), date("wrangler.toml"));
    }
}
