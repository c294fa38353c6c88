//! Oncegate: an idempotency gate at the edge.
//!
//! This crate is the Worker: it carries out what [`oncegate_protocol`] decides, and decides nothing itself.
//!
//! - [`gateway`] is the path of a request: admission, body, claim, origin, outcome, reply.
//! - [`ledger`] is the Durable Object that keeps the records.
//! - [`operator`] is what an operator may see and change.
//! - [`origin`] calls the origin.
//! - [`configuration`] reads the deployment's variables, once per isolate.
//! - [`platform`] is the few pieces of JavaScript that all of these touch.

pub mod configuration;
pub mod gateway;
pub mod ledger;
mod ledger_calls;
mod log;
pub mod operator;
pub mod origin;
pub mod platform;
mod sealing;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use platform::{Bindings, Context, Request};

/// The entry point of the Worker: one HTTP request.
#[wasm_bindgen]
pub fn fetch(request: Request, bindings: Bindings, context: Context) -> JsValue {
    gateway::handle(request, bindings, context)
}
