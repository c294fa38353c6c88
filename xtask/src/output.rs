//! Writing to standard output and standard error, of which either may be closed by whoever reads it.

use std::error::Error;
use std::fmt;
use std::io::{ErrorKind, Write};

use anyhow::Result;

/// Nobody reads standard output any more, as after `| head`. It is no mistake to be told of.
#[derive(Debug)]
pub(crate) struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output is closed")
    }
}

impl Error for Closed {}

/// Prints a line to standard output, at once. The error is [`Closed`] where nobody reads it.
pub(crate) fn line(text: fmt::Arguments<'_>) -> Result<()> {
    line_to(&mut std::io::stdout().lock(), text)
}

/// Prints a line to standard error, in one piece: beside standard output, a part of it could hide the beginning of
/// another line. That nobody reads it is no error.
pub(crate) fn notice(text: fmt::Arguments<'_>) {
    std::io::stderr().lock().write_all(format!("{text}\n").as_bytes()).ok();
}

fn line_to(output: &mut impl Write, text: fmt::Arguments<'_>) -> Result<()> {
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Closed.into()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_nobody_reads_is_told_from_other_errors() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        line_to(&mut writer, format_args!("read by nobody yet")).unwrap();
        drop(reader);
        let error = line_to(&mut writer, format_args!("read by nobody")).unwrap_err();
        assert!(error.context("the walk-through").downcast_ref::<Closed>().is_some());
    }
}
