//! The Worker in workerd.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::dev::deployment::Deployment;
use crate::dev::processes::{self, Process};
use crate::dev::workerd_config;
use crate::project::Project;
use crate::worker_build;

/// A copy of the built Worker with a configuration beside it, so that a build meanwhile changes nothing for this gate.
pub(crate) struct Installation {
    directory: TempDir,
    modules: Vec<String>,
}

impl Installation {
    /// Copies what `build` made.
    pub(crate) fn copy(project: &Project) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("oncegate-dev-").tempdir()?;
        let mut modules = Vec::new();
        for file in worker_build::modules(project) {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            fs::copy(&file, directory.path().join(&name)).with_context(|| format!("copying {}", file.display()))?;
            modules.push(name);
        }
        Ok(Self { directory, modules })
    }

    /// Starts workerd; it announces the port it listens on.
    pub(crate) fn start(&self, project: &Project, deployment: &Deployment, state: &Path, port: u16) -> Result<Process> {
        let config = self.directory.path().join("config.capnp");
        fs::write(&config, workerd_config::text(deployment, &self.modules, state, port)?)?;
        let mut command = processes::bound_to_this_process(project, &workerd(project)?);
        // Durable Objects on a local disk are an experimental feature of workerd. What it has to say about its sockets
        // goes to its standard output.
        command.args(["serve", "--experimental", "--control-fd=1"]).arg(config);
        Process::start("workerd", command, listening_port)
    }
}

/// An error where something listens on `port` already. workerd would say so too, but not to a person.
pub(crate) fn check_port_is_free(port: u16) -> Result<()> {
    TcpListener::bind(("127.0.0.1", port)).map(drop).with_context(|| {
        format!("port {port} cannot be used; choose another with --port, or --port 0 for any free port")
    })
}

/// The port in workerd's message that its socket listens.
fn listening_port(line: &str) -> Option<String> {
    let message: Json = serde_json::from_str(line).ok()?;
    let listens = message.get("event")?.as_str()? == "listen" && message.get("socket")?.as_str()? == "http";
    listens.then_some(message.get("port")?.as_u64()?.to_string())
}

/// The program itself: what npm puts into `.bin` is a Node program that starts it.
fn workerd(project: &Project) -> Result<PathBuf> {
    let package = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "workerd-linux-64",
        ("linux", "aarch64") => "workerd-linux-arm64",
        ("macos", "x86_64") => "workerd-darwin-64",
        ("macos", "aarch64") => "workerd-darwin-arm64",
        (system, processor) => bail!("workerd does not exist for {system} on {processor}"),
    };
    let program = project.path("node_modules/@cloudflare").join(package).join("bin/workerd");
    if !program.is_file() {
        bail!("{} is missing; remove node_modules and try again", program.display());
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_in_workerds_message() {
        let line = r#"{"event":"listen","socket":"http","port":41234}"#;
        assert_eq!(listening_port(line).as_deref(), Some("41234"));
        for other in ["", "hello", "{}", r#"{"event":"listen-inspector","port":1}"#] {
            assert_eq!(listening_port(other), None, "{other}");
        }
    }

    #[test]
    fn a_port_in_use_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = check_port_is_free(port).unwrap_err().to_string();
        assert!(error.contains(&format!("port {port} ")), "{error}");
    }
}
