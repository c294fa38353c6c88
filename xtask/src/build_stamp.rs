//! Telling by content whether something must be done again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// A digest of what a result was made from, kept beside the result.
pub(crate) struct Stamp {
    file: PathBuf,
    digest: String,
}

impl Stamp {
    /// The stamp kept in `file` for what is made from `inputs` (files and whole folders; what does not exist counts as
    /// empty) and `settings`.
    pub(crate) fn of(file: PathBuf, inputs: &[PathBuf], settings: &[&str]) -> Result<Self> {
        let mut hasher = Sha256::new();
        for setting in settings {
            add(&mut hasher, setting.as_bytes());
        }
        for input in inputs {
            add_files(&mut hasher, input).with_context(|| format!("reading {}", input.display()))?;
        }
        let digest = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { file, digest })
    }

    /// Whether the result was made from just this.
    pub(crate) fn is_current(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|stored| stored == self.digest)
    }

    /// Forgets what the result was made from.
    pub(crate) fn forget(&self) -> Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", self.file.display()))
            }
            _ => Ok(()),
        }
    }

    /// Remembers that the result is now made from this.
    pub(crate) fn store(&self) -> Result<()> {
        fs::write(&self.file, &self.digest).with_context(|| format!("writing {}", self.file.display()))
    }
}

fn add_files(hasher: &mut Sha256, path: &Path) -> Result<()> {
    if path.is_dir() {
        let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        entries.sort();
        return entries.iter().try_for_each(|entry| add_files(hasher, entry));
    }
    if path.is_file() {
        add(hasher, path.as_os_str().as_encoded_bytes());
        add(hasher, &fs::read(path)?);
    }
    Ok(())
}

/// Adds the length too, so that no two lists of parts look alike.
fn add(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update(bytes.len().to_le_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_anywhere_makes_the_stamp_stale() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("src");
        fs::create_dir_all(source.join("deep")).unwrap();
        fs::write(source.join("deep/a.rs"), "a").unwrap();
        let stamp = |setting: &str| {
            Stamp::of(directory.path().join("stamp"), std::slice::from_ref(&source), &[setting]).unwrap()
        };

        assert!(!stamp("x").is_current());
        stamp("x").store().unwrap();
        assert!(stamp("x").is_current());
        assert!(!stamp("y").is_current());
        fs::write(source.join("deep/a.rs"), "b").unwrap();
        assert!(!stamp("x").is_current());
    }
}
