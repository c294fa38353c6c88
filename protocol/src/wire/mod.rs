//! What Worker and ledger say to each other: `fetch` with one framed, versioned, compact message each way, in a header where it is
//! short.
//!
//! During a deployment old and new versions of either side meet, so a frame says its version, and a side that does not know
//! it answers [`Reply::NotUnderstood`], on which the Worker fails closed.
//!
//! A begin that does not lead to the origin is answered with the very response that the client is to get. A frame, and a
//! response whose body the Worker has to open first, are told from such a response by the header [`KIND_HEADER`], which no
//! answer of an origin can carry.

mod command;
mod kind;
mod operator;
mod reply;

pub use command::{COMMAND_HEADER, Command, PREFIX_BYTES, SentBody, SentOutcome, from_header, head_length};
pub use kind::{KIND_HEADER, Kind};
pub use operator::{Entry, OperatorCommand, Page, Position, Report, SentIntervention, ShownBody, Tally};
pub use reply::Reply;

const VERSION: u8 = 1;
