//! The directory that the ledgers are kept in.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// The directory of the ledgers, which no other gate uses as long as this value lives.
pub(crate) struct State {
    path: PathBuf,
    _lock: File,
    /// Removed with this value.
    _temporary: Option<TempDir>,
}

impl State {
    /// Opens `directory`, and creates it where it is missing.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        Self::locked(directory, None)
    }

    /// A new directory, removed when this value is dropped.
    pub(crate) fn temporary() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("oncegate-state-").tempdir()?;
        Self::locked(directory.path().to_path_buf().as_path(), Some(directory))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn locked(directory: &Path, temporary: Option<TempDir>) -> Result<Self> {
        let named = || format!("the state directory {}", directory.display());
        fs::create_dir_all(directory).with_context(named)?;
        let path = directory.canonicalize().with_context(named)?;
        let lock = File::create(path.join(".in-use")).with_context(named)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock, _temporary: temporary }),
            // Two would both believe to be the only one that answers for a key.
            Err(TryLockError::WouldBlock) => {
                bail!("{} is in use by another gate; choose another with --state DIR", named())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(named),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_gate_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let wanted = directory.path().join("a/b");
        let state = State::open(&wanted).unwrap();
        assert!(state.path().is_absolute());
        let refused = State::open(&wanted).map(drop).unwrap_err().to_string();
        assert!(refused.contains("in use by another gate; choose another with --state"), "{refused}");
        drop(state);
        State::open(&wanted).unwrap();
    }

    #[test]
    fn a_temporary_one_is_removed() {
        let state = State::temporary().unwrap();
        let path = state.path().to_path_buf();
        assert!(path.is_dir());
        drop(state);
        assert!(!path.exists());
    }
}
