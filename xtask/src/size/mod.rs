//! `cargo xtask size`: how large the Worker is, and which crates its code is of.

mod attribution;
pub(crate) mod functions;
mod table;

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::output::line;
use crate::project::Project;
use crate::setup::rust_target::WasmToolchain;
use crate::worker_build;
use table::Table;

/// What a Worker may have, uncompressed, on every plan: 64 MiB. Until 2026-09-04 what counted was the compressed size.
///
/// <https://developers.cloudflare.com/workers/platform/limits/#worker-size>
const PLATFORM_LIMIT: usize = 67_108_864;

/// What this project aims at, compressed: a new isolate must load all of it before it can answer its first request.
const AIM: usize = 150_000;

/// Builds the Worker and prints its sizes. The caller holds the lock of [`crate::setup::under_lock`].
pub(crate) fn run(project: &Project, toolchain: &WasmToolchain) -> Result<()> {
    let with_names = worker_build::build_with_names(project, toolchain)?;
    print_files(project)?;
    let functions = functions::read(&read(&with_names)?).with_context(|| with_names.display().to_string())?;
    line(format_args!("\n{}", Table::of(&functions).to_string().trim_end()))
}

fn print_files(project: &Project) -> Result<()> {
    let (mut whole, mut whole_compressed) = (0_usize, 0_usize);
    line(format_args!("{:>9} {:>9}", "bytes", "gzip"))?;
    for file in worker_build::modules(project) {
        let bytes = read(&file)?;
        let compressed = gzip(&bytes)?;
        whole = whole.saturating_add(bytes.len());
        whole_compressed = whole_compressed.saturating_add(compressed);
        let name = file.strip_prefix(project.root()).unwrap_or(&file);
        line(format_args!("{:>9} {compressed:>9}  {}", bytes.len(), name.display()))?;
    }
    line(format_args!("{whole:>9} {whole_compressed:>9}  together"))?;
    line(format_args!("{PLATFORM_LIMIT:>9} {:>9}  is the limit of the platform, on every plan", ""))?;
    line(format_args!("{:>9} {AIM:>9}  is what this project aims at", ""))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("reading {}", file.display()))
}

/// The length of `bytes` once compressed.
fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_compresses() {
        assert!((20..100).contains(&gzip(&[7; 10_000]).unwrap()));
    }
}
