//! Several pieces of work, all of them done even if one fails, with a summary at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// What was done so far.
#[derive(Default)]
pub(crate) struct Stages {
    done: Vec<Stage>,
}

struct Stage {
    name: &'static str,
    took: Duration,
    result: Result<()>,
}

impl Stages {
    /// Does `work`, and gives back whether it succeeded.
    pub(crate) fn run(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> bool {
        eprintln!("== {name}");
        let started = Instant::now();
        let result = work();
        let stage = Stage { name, took: started.elapsed(), result };
        if let Err(error) = &stage.result {
            eprintln!("error: {error:#}");
        }
        let succeeded = stage.result.is_ok();
        self.done.push(stage);
        succeeded
    }

    /// Prints a line for each stage; an error if one has failed.
    pub(crate) fn conclude(self) -> Result<()> {
        println!();
        for Stage { name, took, result } in &self.done {
            let verdict = if result.is_ok() { "ok    " } else { "FAILED" };
            println!("{verdict}  {name} ({:.1} s)", took.as_secs_f64());
        }
        let failed: Vec<&str> =
            self.done.iter().filter(|stage| stage.result.is_err()).map(|stage| stage.name).collect();
        if !failed.is_empty() {
            bail!("failed: {}", failed.join("; "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_stops_nothing_and_is_told_at_the_end() {
        let mut stages = Stages::default();
        let mut reached = false;
        assert!(!stages.run("first", || bail!("broken")));
        assert!(stages.run("second", || {
            reached = true;
            Ok(())
        }));
        assert!(reached);
        assert_eq!(stages.conclude().unwrap_err().to_string(), "failed: first");
    }
}
