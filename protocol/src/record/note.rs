//! Who changed a record by hand, and why.

use thiserror::Error;

use crate::bytes::{DecodeError, Reader, Writer};
use crate::limits;

/// Who changed a record by hand, and why. It is kept in the record's history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    who: String,
    why: String,
}

/// Why a note is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoteFault {
    /// It says nothing.
    #[error("{0:?} is empty")]
    Empty(&'static str),
    /// It is too long.
    #[error("{what:?} has {length} bytes, and at most {most} are allowed")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// How many bytes it has.
        length: usize,
        /// How many it may have.
        most: usize,
    },
    /// It has a control character, which could forge lines where it is shown.
    #[error("{0:?} has a control character")]
    Control(&'static str),
}

impl Note {
    /// From both texts, of which surrounding white space is dropped.
    ///
    /// # Errors
    /// Where one of them is empty, longer than [`limits::WHO_BYTES`] or [`limits::WHY_BYTES`], or has a control character.
    pub fn new(who: &str, why: &str) -> Result<Self, NoteFault> {
        Ok(Self { who: text("who", who, limits::WHO_BYTES)?, why: text("why", why, limits::WHY_BYTES)? })
    }

    /// Who.
    pub fn who(&self) -> &str {
        &self.who
    }

    /// Why.
    pub fn why(&self) -> &str {
        &self.why
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.text(&self.who);
        writer.text(&self.why);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { who: reader.text("a note's who")?.to_owned(), why: reader.text("a note's why")?.to_owned() })
    }
}

fn text(what: &'static str, given: &str, most: usize) -> Result<String, NoteFault> {
    let trimmed = given.trim();
    match trimmed.len() {
        0 => Err(NoteFault::Empty(what)),
        length if length > most => Err(NoteFault::TooLong { what, length, most }),
        _ if trimmed.contains(char::is_control) => Err(NoteFault::Control(what)),
        _ => Ok(trimmed.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_who_and_why_in_bounds() {
        let note = Note::new(" alice ", "found in the bank's file").unwrap();
        assert_eq!((note.who(), note.why()), ("alice", "found in the bank's file"));
        assert_eq!(Note::new("", "x"), Err(NoteFault::Empty("who")));
        assert_eq!(Note::new("a", " \n "), Err(NoteFault::Empty("why")));
        assert_eq!(Note::new("a", "x\ny"), Err(NoteFault::Control("why")));
        assert_eq!(Note::new("a\u{9b}b", "x"), Err(NoteFault::Control("who")));
        assert!(Note::new(&"a".repeat(limits::WHO_BYTES), &"b".repeat(limits::WHY_BYTES)).is_ok());
        let fault = Note::new("a", &"b".repeat(limits::WHY_BYTES + 1)).unwrap_err();
        assert_eq!(fault.to_string(), "\"why\" has 501 bytes, and at most 500 are allowed");
    }
}
