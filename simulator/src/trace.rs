//! What a run was like, as a hash: to compare runs of the same seed with, also those of other machines.

use core::fmt::{self, Write};
use core::hash::Hasher;
use std::hash::DefaultHasher;

use crate::run::run;

/// A line for each of `count` seeds from `from` on: the seed, and a hash over every state of its world, every step, and all that
/// came of it.
pub fn trace_lines(from: u64, count: u64) -> impl Iterator<Item = String> {
    (from..from.saturating_add(count)).map(|seed| format!("{seed} {:016x}", trace(seed)))
}

fn trace(seed: u64) -> u64 {
    let mut hash = Hashed(DefaultHasher::new());
    let ran = run(seed, None, &mut |_, world, action| hash.add(format_args!("{world:?} {action:?}\n")));
    hash.add(format_args!("{ran:?}"));
    hash.0.finish()
}

/// The hash of what is written to it. Text is the same for all word sizes, which what `Hash` feeds a hasher is not.
struct Hashed(DefaultHasher);

impl Hashed {
    fn add(&mut self, text: fmt::Arguments<'_>) {
        // It never fails, because `write_str` below does not.
        let _ = self.write_fmt(text);
    }
}

impl Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_run() {
        let once: Vec<String> = trace_lines(0, 1_000).collect();
        let again: Vec<String> = trace_lines(0, 1_000).collect();
        assert_eq!(once, again);
        assert_eq!(once.len(), 1_000);
        assert_ne!(trace(1), trace(2));
    }
}
