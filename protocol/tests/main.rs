//! The tests of the whole crate from outside, in one program: each of its own would be linked for as long again.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod admission;
mod decision_table;
mod golden;
mod jwt;
mod operator;
mod problems;
mod record;
mod stored_forms;
#[path = "../../tests/data/structured_fields.rs"]
mod structured_fields;
