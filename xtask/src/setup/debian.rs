//! Debian's packages, where this process may install them.

use anyhow::{Context, Result, bail};

use crate::project::Project;

/// Installs `packages`. `purpose` completes the sentence "needed ...".
pub(crate) fn install(project: &Project, packages: &[&str], purpose: &str) -> Result<()> {
    let list = packages.join(" ");
    let by_hand =
        || format!("{list}: needed {purpose}; install by hand with `apt-get install {list}` or your system's tools");
    if crate::run::find("apt-get").is_none() {
        bail!("{}", by_hand());
    }
    if !rustix::process::geteuid().is_root() {
        bail!("{} (only root may install packages)", by_hand());
    }
    eprintln!("installing the Debian packages {list}, {purpose}");
    apt_get(project, &["update", "-qq"]).with_context(by_hand)?;
    let arguments: Vec<&str> =
        ["install", "-y", "-qq", "--no-install-recommends"].into_iter().chain(packages.iter().copied()).collect();
    apt_get(project, &arguments).with_context(by_hand)
}

fn apt_get(project: &Project, arguments: &[&str]) -> Result<()> {
    let mut command = crate::run::command(project, "apt-get");
    command.args(arguments);
    // Nobody is there to answer a question.
    command.env("DEBIAN_FRONTEND", "noninteractive");
    // The tests start what they need, so no package should start a service, with systemd or without.
    command.env("SYSTEMD_OFFLINE", "1").env("RUNLEVEL", "1").env("PREVLEVEL", "N");
    crate::run::to_the_end(&mut command)
}
