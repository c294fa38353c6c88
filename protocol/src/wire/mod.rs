//! What Worker and ledger say to each other: `fetch` with one framed, versioned, compact body each way.
//!
//! During a deployment old and new versions of either side meet, so a frame says its version, and a side that does not know
//! it answers [`Reply::NotUnderstood`], on which the Worker fails closed.
//!
//! A begin that does not lead to the origin is answered with the very response that the client is to get. A frame is told
//! from such a response by the header [`FRAME_HEADER`], which no answer of an origin can carry.

mod command;
mod reply;

pub use command::{Command, PREFIX_BYTES, SentBody, SentOutcome, head_length};
pub use reply::Reply;

/// The header of a ledger's answer that is a frame. Its prefix is stripped from all that an origin sends.
pub const FRAME_HEADER: &str = "oncegate-frame";

const VERSION: u8 = 1;
