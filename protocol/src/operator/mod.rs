//! What an operator may see and change: the addresses below `/_oncegate/`, which are there only where a token is set.
//!
//! 1. [`admit`] checks the token and reads the address into an [`Ask`];
//! 2. [`body`] reads what an operator sends;
//! 3. [`Walk`] leads a ledger through its records, and [`Tour`] the Worker through a route's ledgers, a bounded piece at a
//!    time;
//! 4. [`show`] writes down what was found, and [`Problem`] what was not.
//!
//! [`ConsoleFile`] is what a browser needs to do all that.
//!
//! What becomes of a record that is changed by hand is decided in [`crate::record`], like all else about it.

mod admission;
pub mod body;
mod console;
mod metrics;
mod problem;
pub mod show;
mod standing;
mod sums;
mod token;
mod tour;
mod walk;

pub use admission::{Ask, admit};
pub use console::ConsoleFile;
pub use metrics::MEDIA_TYPE as METRICS_TYPE;
pub use problem::{Case, Problem};
pub use standing::{Findings, Standing, places};
pub use sums::Sums;
pub use token::AdminToken;
pub use tour::{Cursor, Tour};
pub use walk::{Listed, Row, Step, Walk};
