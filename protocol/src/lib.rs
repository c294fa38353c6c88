//! The decisions of Oncegate.
//!
//! Everything here is pure: input, state and time go in, what to do comes out. There is no IO, no clock, no randomness,
//! no async and no panic. The Worker and the ledger carry the decisions out and take none of their own; a model check or
//! a simulator can call the same functions.
//!
//! The path of one keyed request through these modules:
//!
//! 1. [`config`] parsed the deployment's variables into a [`config::Config`] once;
//! 2. [`request`] matches the route and turns the request into an identity: record id and fingerprint;
//! 3. [`record`] decides what a begin, completion, release or doubt does to the record;
//! 4. [`wire`] carries both between Worker and ledger;
//! 5. [`outcome`] says what an answer of the origin means, [`keeping`] what is kept of it, [`headers`] which headers
//!    travel, [`encoding`] in which coding a body does, [`problem`] what a client is told when it gets no answer of the origin's;
//! 6. [`seal`] says how a body is sealed before the ledger gets it, and what opens it again;
//! 7. [`operator`] is what an operator may see and change of all that;
//! 8. [`observe`] says what a route reports that does not guard yet;
//! 9. [`replay_cache`] is what a Worker's isolate remembers for a short time, so that it need not ask a ledger;
//! 10. [`webhook`] verifies who has sent an event, [`queue`] makes requests of a queue's messages, and [`cors`] says what scripts of
//!     other sites may read;
//! 11. [`account`] is what is told of each request;
//! 12. [`under_way`] says what an isolate gives up of what it has begun;
//! 13. [`retention`] says where records are kept, and when they may go; [`ledger_state`] is what a ledger remembers of it.

pub mod account;
mod bytes;
pub mod config;
pub mod cors;
pub mod deadline;
pub mod decoding;
pub mod encoding;
pub mod hashing;
pub mod headers;
pub mod ids;
pub mod keeping;
pub mod ledger_state;
pub mod limits;
pub mod observe;
pub mod operator;
pub mod outcome;
pub mod problem;
pub mod queue;
pub mod quota;
pub mod record;
pub mod replay_cache;
pub mod replaying;
pub mod request;
pub mod retention;
pub mod retry;
pub mod seal;
pub mod slot;
pub mod time;
pub mod under_way;
pub mod webhook;
pub mod wire;

pub use bytes::DecodeError;
