//! The record of one key: a finite state machine.
//!
//! ```text
//! Absent ─begin→ InProgress ─complete→ Completed
//!                    │ ─release→ Released ─begin→ InProgress
//!                    └─doubt, or its lease ends→ Unknown ─complete (the same attempt, late)→ Completed
//!                                                    └─an operator resolves it→ Completed or Released
//!
//! Unknown ─begin (probe)→ Probing ─complete→ Completed
//!                            │ ─not executed→ Released
//!                            └─doubt, or its time is over→ Unknown
//! ```
//!
//! An operator may also have a Completed or Unknown forgotten, which leaves a Released.
//!
//! All but a live InProgress expire to Absent. A lease that has ended is not written down when it ends, nobody may be
//! there to do so: [`Record::view`] derives it from the time whenever the record is read.

mod answer;
mod arrival;
mod begin;
mod codec;
mod history;
mod intervene;
mod note;
mod settle;

pub use answer::{Answer, KeptBody};
pub use arrival::{Arrival, Crowd, Visit, arrive};
pub use begin::{Begin, Claim, Counting, Layout, OnUnknown, begin};
pub use codec::STATE_OFFSET;
pub(crate) use codec::{read_headers, read_sealed_by, read_status, write_headers, write_sealed_by};
pub use history::{Event, History, Transition};
pub use intervene::{Intervened, Intervention, Order, intervene};
pub use note::{Note, NoteFault};
pub use settle::{Outcome, Settle, StaleReason, Witness, settle};

use crate::DecodeError;
use crate::ids::{AttemptId, Fingerprint, LayoutId};
use crate::outcome::Doubt;
use crate::time::Timestamp;

/// What is stored for one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// What the request asked for that claimed the key.
    pub fingerprint: Fingerprint,
    /// The attempt that holds, or last held, the record.
    pub attempt: AttemptId,
    /// Which attempt that is, from 1.
    pub number: u32,
    /// Where it stands, as written.
    pub state: State,
    /// When it ceases to be, unless its lease is live.
    pub expires_at: Timestamp,
    /// How it came there.
    pub history: History,
}

/// Where a record stands, as written down.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// An attempt has claimed it, and may be calling the origin.
    InProgress {
        /// Until then the attempt may still bring an outcome; nobody else may call the origin.
        lease_until: Timestamp,
    },
    /// The origin has answered, and this is what it said.
    Completed(Answer),
    /// The origin is known not to have executed.
    Released,
    /// The origin may have executed or not.
    Unknown(Doubt),
    /// As unknown; and an attempt asks the origin, or has asked it in vain, what became of the one that holds the record.
    Probing {
        /// Which attempt. It has not claimed the key, and brings only what the origin says of it.
        by: AttemptId,
        /// Until then nobody else asks. In the past once it has asked in vain.
        until: Timestamp,
        /// Why it is not known.
        doubt: Doubt,
    },
    /// The key is kept in the next layout of its route; see [`Layout`].
    Moved {
        /// Which that is.
        next: LayoutId,
    },
}

/// Where a record stands at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View<'a> {
    /// There is none, or it has expired.
    Absent,
    /// An attempt holds a live lease.
    InProgress {
        /// Until when.
        lease_until: Timestamp,
    },
    /// As [`State::Completed`].
    Completed(&'a Answer),
    /// As [`State::Released`].
    Released,
    /// As [`State::Unknown`], or its lease has ended without an outcome.
    Unknown(Doubt),
    /// An attempt is asking the origin what became of the one that holds the record.
    Probing {
        /// Which attempt.
        by: AttemptId,
        /// Until when.
        until: Timestamp,
        /// Why it is not known.
        doubt: Doubt,
    },
    /// As [`State::Moved`].
    Moved {
        /// To which layout.
        next: LayoutId,
    },
}

impl Record {
    /// Where the record stands at `now`. The lease ends, and the record expires, when the time is *reached*.
    pub fn view(&self, now: Timestamp) -> View<'_> {
        match &self.state {
            State::InProgress { lease_until } if now < *lease_until => View::InProgress { lease_until: *lease_until },
            State::Probing { by, until, doubt } if now < *until => {
                View::Probing { by: *by, until: *until, doubt: *doubt }
            }
            _ if now >= self.expires_at => View::Absent,
            State::InProgress { .. } => View::Unknown(Doubt::LeaseExpired),
            State::Completed(answer) => View::Completed(answer),
            State::Released => View::Released,
            State::Unknown(doubt) | State::Probing { doubt, .. } => View::Unknown(*doubt),
            State::Moved { next } => View::Moved { next: *next },
        }
    }
}

/// What storage holds for a key.
///
/// A record that cannot be read is a case of its own: taking it for absent would execute a request twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// No row.
    Absent,
    /// A record.
    Record(Record),
    /// A row that this program cannot read, perhaps because a newer one wrote it.
    Unreadable(DecodeError),
}

impl Stored {
    /// Reads what storage holds: `None` where there is no row.
    pub fn read(row: Option<&[u8]>) -> Self {
        match row.map(Record::decode) {
            None => Self::Absent,
            Some(Ok(record)) => Self::Record(record),
            Some(Err(error)) => Self::Unreadable(error),
        }
    }
}
