//! What a target did, from what libFuzzer printed.

use std::path::PathBuf;

/// What a target did.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Summary {
    executions: u64,
    per_second: u64,
    new_inputs: u64,
    /// The input for which its properties do not hold, or the log where there is none.
    pub(super) finding: Option<PathBuf>,
}

impl Summary {
    pub(super) const HEADING: &str = "target          executions  per second  new inputs  finding";

    /// Reads the statistics at the end of a log.
    pub(super) fn read(log: &str, finding: Option<PathBuf>) -> Self {
        let number = |name: &str| {
            let line = log.lines().rev().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name));
            line.and_then(|rest| rest.trim_start_matches(':').trim().parse().ok()).unwrap_or(0)
        };
        Self {
            executions: number("number_of_executed_units"),
            per_second: number("average_exec_per_sec"),
            new_inputs: number("new_units_added"),
            finding,
        }
    }

    /// A line of the table.
    pub(super) fn told(&self, target: &str) -> String {
        let Self { executions, per_second, new_inputs, finding } = self;
        let finding = finding.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
        format!("{target:<12}  {executions:>12}  {per_second:>10}  {new_inputs:>10}  {finding}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "#7\tNEW    cov: 5\nstat::number_of_executed_units: 1200\nstat::average_exec_per_sec:     60\n\
        stat::new_units_added:          3\nstat::slowest_unit_time_sec:    0\n";

    #[test]
    fn statistics_are_read_from_the_end_of_a_log() {
        let summary = Summary::read(LOG, None);
        assert_eq!(summary, Summary { executions: 1200, per_second: 60, new_inputs: 3, finding: None });
        assert_eq!(Summary::read("it could not start", None), Summary::default());
    }

    #[test]
    fn a_line_stands_below_its_heading() {
        let line = Summary::read(LOG, Some("findings/crash-1".into())).told("key");
        for (word, heading) in [("1200", "executions"), ("60", "per second"), ("3", "new inputs")] {
            let end = |text: &str, word: &str| text.find(word).unwrap() + word.len();
            assert_eq!(end(&line, word), end(Summary::HEADING, heading), "{line}");
        }
        assert_eq!(line.find("findings/crash-1"), Summary::HEADING.find("finding"));
    }
}
