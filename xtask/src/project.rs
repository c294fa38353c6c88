//! Where things lie in the checkout.

use std::path::{Path, PathBuf};

/// The checkout that this program was compiled in.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    root: PathBuf,
}

impl Project {
    /// The checkout that this program was compiled in.
    pub(crate) fn here() -> Self {
        let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self { root: xtask.parent().unwrap_or(xtask).to_path_buf() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What lies at `relative` in the checkout, whether it is there or not.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// Where Cargo puts what it builds for this project.
    pub(crate) fn target(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(directory) => self.root.join(directory),
            None => self.path("target"),
        }
    }

    /// A program that setup installed with `cargo install`.
    pub(crate) fn cargo_tool(&self, name: &str) -> PathBuf {
        self.target().join("tools/bin").join(name)
    }

    /// A program that an npm package brings.
    pub(crate) fn npm_program(&self, name: &str) -> PathBuf {
        self.path("node_modules/.bin").join(name)
    }
}
