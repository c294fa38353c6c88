//! Programs of the machine that the tests and the bench use.

use anyhow::Result;

use crate::project::Project;
use crate::setup::debian;

/// A program, the Debian package that brings it, and what it is needed for.
pub(crate) struct SystemProgram {
    name: &'static str,
    package: &'static str,
    purpose: &'static str,
}

pub(crate) const NGINX: SystemProgram = SystemProgram {
    name: "nginx",
    package: "nginx-light",
    purpose: "to test how the gate stands behind a proxy that retries, and as an origin that costs little",
};

pub(crate) const CURL: SystemProgram =
    SystemProgram { name: "curl", package: "curl", purpose: "to test what the manual shows with it" };

pub(crate) const CHROMIUM: SystemProgram =
    SystemProgram { name: "chromium", package: "chromium", purpose: "to test the operator's console in a browser" };

pub(crate) const WRK: SystemProgram =
    SystemProgram { name: "wrk", package: "wrk", purpose: "to load what is measured" };

pub(crate) const REDIS: SystemProgram = SystemProgram {
    name: "redis-server",
    package: "redis-server",
    purpose: "to measure a gate that keeps its keys there",
};

/// Installs those that are missing.
pub(crate) fn ensure(project: &Project, programs: &[SystemProgram]) -> Result<()> {
    let missing = programs.iter().filter(|program| crate::run::find(program.name).is_none());
    missing.into_iter().try_for_each(|program| debian::install(project, &[program.package], program.purpose))
}
