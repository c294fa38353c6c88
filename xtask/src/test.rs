//! `cargo xtask test`: every test, or those of some suites.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};

use crate::project::Project;
use crate::setup::rust_target::{TARGET, WasmToolchain};
use crate::setup::{self, cargo_tools, clients};
use crate::stages::Stages;
use crate::worker_build;

/// How long one test file may take, in milliseconds.
const FILE_TIMEOUT_MS: &str = "1200000";

/// How many seeds the simulator runs.
const SEEDS: &str = "1000000";

/// How many seeds it takes at most for each bug.
const HUNTING_SEEDS: &str = "500000";

/// How many runs of the simulator are compared with the same ones as Wasm.
const TRACES: &str = "1000";

/// Tests that run together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Suite {
    /// The crates that run on this machine.
    Host,
    /// The promises, in every small world and by many seeds.
    Simulator,
    /// The Worker's own functions, and runs of the simulator, as Wasm in Node.
    Wasm,
    /// The built Worker in workerd.
    EndToEnd,
    /// The built Worker, asked by clients that people use.
    Clients,
    /// The built Worker, as an npm package in an empty folder.
    Package,
    /// The operator's console of the built Worker, in a browser.
    Console,
    /// The gate inside other Workers.
    Library,
    /// The built Worker where everything goes wrong, and whether that would be seen.
    Torture,
}

impl Suite {
    const ALL: [Self; 9] = [
        Self::Host,
        Self::Simulator,
        Self::Wasm,
        Self::EndToEnd,
        Self::Clients,
        Self::Package,
        Self::Console,
        Self::Library,
        Self::Torture,
    ];

    fn needs_worker(self) -> bool {
        !matches!(self, Self::Host | Self::Simulator | Self::Wasm)
    }
}

impl FromStr for Suite {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "host" => Ok(Self::Host),
            "simulator" => Ok(Self::Simulator),
            "wasm" => Ok(Self::Wasm),
            "e2e" => Ok(Self::EndToEnd),
            "clients" => Ok(Self::Clients),
            "package" => Ok(Self::Package),
            "console" => Ok(Self::Console),
            "library" => Ok(Self::Library),
            "torture" => Ok(Self::Torture),
            _ => bail!(
                "there are no tests {name:?}: it is one of host, simulator, wasm, e2e, clients, package, console, library, torture"
            ),
        }
    }
}

/// Runs `chosen`, or every suite where nothing is chosen. All of them run, and it fails if one does.
pub(crate) fn run(project: &Project, chosen: &[Suite]) -> Result<()> {
    let suites: Vec<Suite> =
        Suite::ALL.into_iter().filter(|suite| chosen.is_empty() || chosen.contains(suite)).collect();
    let toolchain = setup::under_lock(project, |project| set_up(project, &suites))?;

    let mut stages = Stages::default();
    if suites.contains(&Suite::Host) {
        stages.run("tests on this machine", || test_host(project));
    }
    if suites.contains(&Suite::Simulator) {
        stages.run("the promises, in every state of small worlds", || simulate(project, &["check"]));
        stages.run("the promises, by seeds", || simulate(project, &["run", "--seeds", SEEDS]));
        stages.run("the bugs that the simulator must find", || {
            simulate(project, &["kill-list", "--seeds", HUNTING_SEEDS])
        });
    }
    if suites.contains(&Suite::Wasm) {
        stages.run("tests of the Worker as Wasm", || test_wasm(project, &toolchain));
    }
    if suites.iter().any(|suite| suite.needs_worker()) {
        let built =
            stages.run("the Worker", || setup::under_lock(project, |project| worker_build::build(project, &toolchain)));
        let node_tests =
            |folder: &str| if built { test_with_node(project, folder) } else { bail!("there is no Worker to test") };
        if suites.contains(&Suite::EndToEnd) {
            stages.run("end-to-end tests", || node_tests("tests/e2e"));
        }
        if suites.contains(&Suite::Clients) {
            stages.run("tests with clients people use", || node_tests("tests/clients"));
        }
        if suites.contains(&Suite::Package) {
            stages.run("the npm package, in an empty folder", || node_tests("tests/package"));
        }
        if suites.contains(&Suite::Console) {
            stages.run("tests of the console in a browser", || node_tests("tests/console"));
        }
        if suites.contains(&Suite::Library) {
            stages.run("tests of the gate inside other Workers", || {
                if built { test_library(project, &toolchain) } else { bail!("there is no Worker to test") }
            });
        }
        if suites.contains(&Suite::Torture) {
            stages.run("torture, and whether a broken gate is found out", || node_tests("tests/torture"));
        }
    }
    stages.conclude()
}

fn set_up(project: &Project, suites: &[Suite]) -> Result<WasmToolchain> {
    if suites.contains(&Suite::Clients) {
        clients::ensure(project)?;
    }
    if suites.contains(&Suite::Console) {
        setup::for_console(project)?;
    }
    if suites.contains(&Suite::Library) {
        cargo_tools::ensure(project, &[&cargo_tools::WORKER_BUILD])?;
    }
    let needs_wasm = suites.iter().any(|suite| !matches!(suite, Suite::Host | Suite::Simulator));
    if !needs_wasm { Ok(WasmToolchain::Usual) } else { setup::for_build(project) }
}

/// Everything but the Worker, which is made for Wasm.
fn test_host(project: &Project) -> Result<()> {
    let mut command = crate::run::command(project, "cargo");
    command.args(["test", "--workspace", "--exclude", "oncegate"]);
    crate::run::showing(&mut command)
}

fn simulate(project: &Project, arguments: &[&str]) -> Result<()> {
    crate::run::showing(simulator(project).args(arguments))
}

fn simulator(project: &Project) -> Command {
    let mut command = crate::run::command(project, "cargo");
    command.args(["run", "--quiet", "--release", "--package", "simulator", "--"]);
    command
}

fn test_wasm(project: &Project, toolchain: &WasmToolchain) -> Result<()> {
    let mut command = crate::run::command(project, "cargo");
    toolchain.select(&mut command);
    command
        .args(["test", "--package", "oncegate", "--target", TARGET, "--tests"])
        .env("ONCEGATE_TRACES", write_traces(project)?)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", project.cargo_tool("wasm-bindgen-test-runner"));
    crate::run::showing(&mut command)
}

/// Writes down what runs of the simulator are like on this machine, for a test to compare with. Gives the file.
fn write_traces(project: &Project) -> Result<PathBuf> {
    let mut command = simulator(project);
    let traces = crate::run::output(command.args(["traces", "--seeds", TRACES]))?;
    let file = project.target().join("traces.txt");
    std::fs::write(&file, traces).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

/// Runs the files `*.test.mjs` of `folder`. Each starts gates by this program, as a person would.
fn test_with_node(project: &Project, folder: &str) -> Result<()> {
    crate::run::showing(&mut node_tests(project, folder)?)
}

/// The tests of the gate inside other Workers, which compile one of them.
fn test_library(project: &Project, toolchain: &WasmToolchain) -> Result<()> {
    let mut command = node_tests(project, "tests/library")?;
    toolchain.select(&mut command);
    crate::run::showing(&mut command)
}

fn node_tests(project: &Project, folder: &str) -> Result<Command> {
    let files = test_files(&project.path(folder)).with_context(|| format!("looking for tests in {folder}"))?;
    if files.is_empty() {
        bail!("there is no test in {folder}");
    }
    let mut command = crate::run::command(project, crate::run::node(project)?);
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    command
        .args(["--test", &format!("--test-concurrency={jobs}"), &format!("--test-timeout={FILE_TIMEOUT_MS}")])
        .args(files)
        .env("ONCEGATE_XTASK", std::env::current_exe().context("this program's own path")?)
        .env("ONCEGATE_CLIENTS", clients::folder(project));
    Ok(command)
}

fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let is_test = |path: &PathBuf| path.to_string_lossy().ends_with(".test.mjs");
    let mut files: Vec<PathBuf> = entries.into_iter().filter(is_test).collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_files_are_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.test.mjs", "a.test.mjs", "helper.mjs"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let files = test_files(folder.path()).unwrap();
        assert_eq!(files, [folder.path().join("a.test.mjs"), folder.path().join("b.test.mjs")]);
        assert!(test_files(&folder.path().join("missing")).is_err());
    }

    #[test]
    fn a_suite_has_a_name() {
        assert_eq!("e2e".parse::<Suite>().unwrap(), Suite::EndToEnd);
        let error = "all".parse::<Suite>().unwrap_err().to_string();
        assert!(error.contains("host, simulator, wasm, e2e, clients, package, console, library, torture"), "{error}");
    }
}
