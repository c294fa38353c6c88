//! The clients that people use, for the tests with them: those that are no npm packages.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::build_stamp::Stamp;
use crate::project::Project;
use crate::setup::{debian, system_programs};

/// Where the clients lie that are installed and built here.
pub(crate) fn folder(project: &Project) -> PathBuf {
    project.target().join("clients")
}

/// Installs and builds those that are missing or have changed.
pub(crate) fn ensure(project: &Project) -> Result<()> {
    system_programs::ensure(project, &[system_programs::CURL, system_programs::NGINX])?;
    install_python_packages(project).context("the tests of Python's requests need its packages")?;
    build_rust_client(project).context("the tests of reqwest-retry need the client in tests/clients/reqwest-retry")
}

/// Into an environment of their own, so that nothing of the machine's Python changes.
fn install_python_packages(project: &Project) -> Result<()> {
    let environment = folder(project).join("python");
    let python = environment.join("bin/python");
    let requirements = project.path("tests/clients/requirements.txt");
    let stamp = Stamp::of(environment.join(".made-from"), std::slice::from_ref(&requirements), &[])?;
    // The program is a link to the machine's, which may have gone.
    if stamp.is_current() && python.exists() {
        return Ok(());
    }
    ensure_venv(project)?;
    eprintln!("installing Python packages into target/clients, to test the gate with requests (10 seconds)");
    let mut create = crate::run::command(project, "python3");
    crate::run::to_the_end(create.args(["-m", "venv", "--clear"]).arg(&environment))?;
    crate::run::to_the_end(install(project, &python).arg("--requirement").arg(&requirements))?;
    stamp.store()
}

fn install(project: &Project, python: &Path) -> std::process::Command {
    let mut pip = crate::run::command(project, python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    // Just what is listed, as it was published, and nothing that would have to be compiled.
    pip.args(["--require-hashes", "--no-deps", "--only-binary", ":all:"]);
    pip
}

/// Debian's Python comes without what makes environments.
fn ensure_venv(project: &Project) -> Result<()> {
    let mut probe = crate::run::command(project, "python3");
    let found = probe.args(["-c", "import ensurepip, venv"]).output().is_ok_and(|output| output.status.success());
    if found { Ok(()) } else { debian::install(project, &["python3-venv"], "to test the gate with Python's requests") }
}

fn build_rust_client(project: &Project) -> Result<()> {
    let target = folder(project).join("reqwest-retry");
    if !target.exists() {
        eprintln!("building a client of reqwest-retry, to test the gate with it (about 1 minute)");
    }
    let mut command = crate::run::command(project, "cargo");
    command
        .args(["build", "--quiet", "--locked", "--manifest-path", "tests/clients/reqwest-retry/Cargo.toml"])
        .arg("--target-dir")
        .arg(target);
    crate::run::to_the_end(&mut command)
}
