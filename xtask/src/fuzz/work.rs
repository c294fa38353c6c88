//! One target at work: in a folder of its own below `target/fuzzing/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::summary::Summary;
use crate::project::Project;

/// How long one input may take, in seconds, and how much memory, in MiB: everything in `protocol/` is bounded.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=1024"];

/// The folder of one target, with a copy of its corpus.
pub(super) struct Work {
    target: String,
    folder: PathBuf,
    committed: PathBuf,
}

impl Work {
    /// Makes the folder anew, from the committed corpus.
    pub(super) fn prepare(project: &Project, target: &str) -> Result<Self> {
        let folder = project.target().join("fuzzing").join(target);
        let work = Self { target: target.to_owned(), folder, committed: project.path("fuzz/corpus").join(target) };
        work.copy_corpus()
            .with_context(|| format!("copying {} to {}", work.committed.display(), work.folder.display()))?;
        Ok(work)
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    fn corpus(&self) -> PathBuf {
        self.folder.join("corpus")
    }

    fn findings(&self) -> PathBuf {
        self.folder.join("findings")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn copy_corpus(&self) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir_all(self.corpus())?;
        fs::create_dir_all(self.findings())?;
        for entry in fs::read_dir(&self.committed)? {
            let entry = entry?;
            fs::copy(entry.path(), self.corpus().join(entry.file_name()))?;
        }
        Ok(())
    }

    /// Lets the target's program think up inputs for so long, or until one does not hold.
    pub(super) fn fuzz(&self, mut program: Command, time: Duration) -> Result<Summary> {
        let log = File::create(self.log()).with_context(|| format!("creating {}", self.log().display()))?;
        program
            .arg(self.corpus())
            .args([format!("-artifact_prefix={}/", self.findings().display())])
            .args([format!("-max_total_time={}", time.as_secs())])
            .args(LIMITS)
            .arg("-print_final_stats=1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let status = program.status().with_context(|| format!("cannot start `{}`", crate::run::shown(&program)))?;
        let log = fs::read(self.log()).with_context(|| format!("reading {}", self.log().display()))?;
        let finding = if status.success() { None } else { Some(self.finding().unwrap_or_else(|| self.log())) };
        Ok(Summary::read(&String::from_utf8_lossy(&log), finding))
    }

    /// The input that does not hold. Those that were only slow do not count.
    fn finding(&self) -> Option<PathBuf> {
        let mut files = fs::read_dir(self.findings()).ok()?.flatten().map(|entry| entry.path());
        files.find(|path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with("slow-unit")))
    }

    /// A line of the table.
    pub(super) fn told(&self, summary: &Result<Summary>) -> String {
        match summary {
            Ok(summary) => summary.told(&self.target),
            Err(error) => format!("{:<12} error: {error:#}", self.target),
        }
    }

    /// What a person does about a finding.
    pub(super) fn how_to_reproduce(&self, finding: &Path) -> String {
        let (target, log, corpus) = (&self.target, self.log(), &self.committed);
        if finding == log {
            return format!("{target} stopped without an input that shows why; see {}", log.display());
        }
        format!(
            "{target} found an input for which its properties do not hold; what was expected is at the end of {}\n\
             to reproduce it, and to keep it:\n  cp {} {}/\n  cargo test --package properties",
            log.display(),
            finding.display(),
            corpus.display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A work whose committed corpus has one input.
    fn work(folder: &Path) -> Work {
        let committed = folder.join("committed");
        fs::create_dir(&committed).unwrap();
        fs::write(committed.join("a"), "one").unwrap();
        let work = Work { target: "key".to_owned(), folder: folder.join("work"), committed };
        work.copy_corpus().unwrap();
        work
    }

    /// Runs what is as a target's program, but has its mind made up; `$1` is the corpus.
    fn fuzz(work: &Work, script: &str) -> Summary {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "a-target"]);
        work.fuzz(shell, Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn a_target_works_on_a_copy_of_its_corpus() {
        let folder = tempfile::tempdir().unwrap();
        let work = work(folder.path());
        assert_eq!(fuzz(&work, "echo two > $1/b; echo changed > $1/a").finding, None);
        assert_eq!(fs::read_to_string(work.corpus().join("a")).unwrap(), "changed\n");
        assert_eq!(fs::read_to_string(work.committed.join("a")).unwrap(), "one");
        assert!(!work.committed.join("b").exists());
        work.copy_corpus().unwrap();
        assert!(!work.corpus().join("b").exists(), "each run begins anew");
    }

    #[test]
    fn a_finding_is_the_input_and_else_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let work = work(folder.path());
        assert_eq!(fuzz(&work, "echo slow > $1/../findings/slow-unit-1").finding, None);
        let gone = fuzz(&work, "echo 'no such library' >&2; exit 1").finding.unwrap();
        assert_eq!(gone, work.log());
        assert!(work.how_to_reproduce(&gone).contains("without an input"));
        let found = fuzz(&work, "echo x > $1/../findings/crash-1; exit 77").finding.unwrap();
        assert!(found.ends_with("findings/crash-1"), "{}", found.display());
        assert!(work.how_to_reproduce(&found).contains("cargo test --package properties"));
    }
}
