//! What must hold of `oncegate-protocol` whatever comes in.
//!
//! Each module has a function `check`, which takes any bytes, makes an input of them, and panics where a property does not
//! hold. The targets in `fuzz/fuzz_targets/` call it with what the fuzzer thinks up; `tests/corpora.rs` with what has been kept
//! of that in `fuzz/corpus/`. Expectations are worked out here anew, from the documents and the RFCs, and by other libraries.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "a property that does not hold is told by panicking"
)]

pub mod config;
pub mod decoding;
mod document;
pub mod encodings;
pub mod fingerprint;
pub mod frames;
mod gate;
pub mod headers;
pub mod identity;
pub mod key;
pub mod operations;
pub mod operator;
pub mod origin;
pub mod record;
pub mod tokens;
pub mod webhook;

/// A fuzz target: its name, and the check that it makes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them. Each has a program in `fuzz/fuzz_targets/` and a folder in `fuzz/corpus/`.
pub const TARGETS: [Target; 14] = [
    ("config", config::check),
    ("decoding", decoding::check),
    ("encodings", encodings::check),
    ("fingerprint", fingerprint::check),
    ("frames", frames::check),
    ("headers", headers::check),
    ("identity", identity::check),
    ("key", key::check),
    ("operations", operations::check),
    ("operator", operator::check),
    ("origin", origin::check),
    ("record", record::check),
    ("tokens", tokens::check),
    ("webhook", webhook::check),
];
