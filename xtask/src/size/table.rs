//! The table of code by crate.

use std::collections::BTreeMap;
use std::fmt;

use crate::size::attribution::{Owner, owner};
use crate::size::functions::Function;

/// Crates with less code than this share a line.
const SMALL: usize = 1000;

/// How much code is counted for whom.
#[derive(Debug, PartialEq)]
pub(crate) struct Table {
    /// The largest first.
    rows: Vec<(Owner, usize)>,
    functions: usize,
}

impl Table {
    pub(crate) fn of(functions: &[Function]) -> Self {
        let mut sizes: BTreeMap<Owner, usize> = BTreeMap::new();
        let mut counted: usize = 0;
        for function in functions {
            let Some(owner) = owner(&function.symbol) else { continue };
            let size = sizes.entry(owner).or_default();
            *size = size.saturating_add(function.size);
            counted = counted.saturating_add(1);
        }
        let mut rows: Vec<(Owner, usize)> = sizes.into_iter().collect();
        rows.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        Self { rows, functions: counted }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = sum(&self.rows);
        let line = |out: &mut fmt::Formatter<'_>, size: usize, what: &str| {
            let permille = size.saturating_mul(1000).checked_div(total).unwrap_or(0);
            writeln!(out, "{size:>9} {:>4}.{} %  {what}", permille / 10, permille % 10)
        };
        writeln!(
            out,
            "Bytes of code by crate, and of our own by module, as compiled: before wasm-opt, uncompressed, without data."
        )?;
        // They are in order, so the small ones are together at the end.
        let (large, small) = self.rows.split_at(self.rows.partition_point(|(_, size)| *size >= SMALL));
        for (owner, size) in large {
            line(out, *size, name(owner))?;
        }
        if !small.is_empty() {
            let names: Vec<&str> = small.iter().map(|(owner, _)| name(owner)).collect();
            line(out, sum(small), &format!("less than {SMALL} each: {}", names.join(", ")))?;
        }
        line(out, total, &format!("in all, in {} functions", self.functions))
    }
}

fn sum(rows: &[(Owner, usize)]) -> usize {
    rows.iter().fold(0, |sum, (_, size)| sum.saturating_add(*size))
}

fn name(owner: &Owner) -> &str {
    match owner {
        Owner::Crate(name) => name,
        Owner::StandardLibrary => "(core, alloc, std)",
        Owner::Unmangled => "(exports, and helpers of the compiler)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_the_small_share_a_line() {
        let function = |symbol: &str, size| Function { symbol: symbol.to_owned(), size };
        let table = Table::of(&[
            function("_RNvC3one1f", 400),
            function("_RNvC3two1f", 3000),
            function("_RNvC4core1f", 5000),
            function("_RNvC3two1g", 1500),
            function("memcmp", 100),
            function("__wbindgen_describe_x", 9999),
        ]);
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "     5000   50.0 %  (core, alloc, std)",
                "     4500   45.0 %  two",
                "      500    5.0 %  less than 1000 each: one, (exports, and helpers of the compiler)",
                "    10000  100.0 %  in all, in 5 functions",
            ]
        );
    }
}
