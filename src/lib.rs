//! Oncegate: an idempotency gate at the edge.
//!
//! This crate is the Worker: it carries out what [`oncegate_protocol`] decides, and decides nothing itself.
//!
//! - [`gateway`] is the path of a request: admission, body, claim, origin, outcome, reply.
//! - [`ledger`] is the Durable Object that keeps the records.
//! - [`operator`] is what an operator may see and change.
//! - [`origin`] calls the origin.
//! - [`mod@queue`] takes the messages of a queue.
//! - [`configuration`] reads the deployment's variables, once per isolate.
//! - [`platform`] is the few pieces of JavaScript that all of these touch.
//!
//! Without the feature `entry` it is a library: the program has an entry of its own, and calls [`gateway::handle_as`]. The crate
//! `oncegate-workers-rs` does that for Workers made with the crate `worker`.

pub mod configuration;
pub mod gateway;
pub mod ledger;
mod ledger_calls;
mod log;
pub mod operator;
pub mod origin;
pub mod platform;
pub mod queue;
mod sealing;

#[cfg(feature = "entry")]
use js_sys::Promise;
#[cfg(feature = "entry")]
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

#[cfg(feature = "entry")]
use platform::{Batch, Bindings, Context, Request};

/// The entry point of the Worker: one HTTP request.
#[cfg(feature = "entry")]
#[wasm_bindgen]
pub fn fetch(request: Request, bindings: Bindings, context: Context) -> JsValue {
    gateway::handle(request, bindings, context)
}

/// Another: a batch of messages of a queue. The promise is of when each has been acknowledged, or is to come again.
#[cfg(feature = "entry")]
#[wasm_bindgen]
pub fn queue(batch: Batch, bindings: Bindings, context: Context) -> Promise {
    queue::take(batch, bindings, context)
}
