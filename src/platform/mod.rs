//! The few pieces of JavaScript that the Worker touches, and nothing that decides. What costs less when it is put together there
//! is in `glue.js`.
//!
//! The types of the crate `worker` copy headers one by one, know no unusual methods, and read compressed bodies decoded. So
//! requests and responses are handled through thin bindings of our own: headers cross in one piece as text, and bodies stay
//! in JavaScript's memory, since Wasm memory that has grown never shrinks.

mod bindings;
mod body;
mod clock;
mod crypto;
mod head;
mod message;
#[cfg(feature = "entry")]
mod panic;
mod relay;
mod signature;
mod stream;
mod task;

pub use bindings::*;
pub use body::{Bytes, Gathered, gather, pipe};
pub use clock::{TimeLimit, in_one_step, now};
pub use crypto::Cipher;
pub use head::Head;
pub use message::{
    Arrived, GivenUp, OutgoingRequest, Purpose, Repeated, TIME_LIMIT_OVER, header_list, reply, with_headers,
};
#[cfg(feature = "entry")]
pub use panic::lifecycle;
pub use relay::Relay;
pub use signature::check_signature;
pub use stream::{at_least, discard};
pub use task::{Begun, Work, aside, begin, run, settled, settled_within, start};

use core::time::Duration;

use js_sys::Promise;
use oncegate_protocol::ids::AttemptId;
use wasm_bindgen::JsValue;

/// A new attempt's id: 128 random bits.
///
/// # Errors
/// Where the platform gives no randomness, as outside a request.
pub fn new_attempt() -> Result<AttemptId, JsValue> {
    let mut bytes = [0; AttemptId::LENGTH];
    fill_with_random(&mut bytes)?;
    Ok(AttemptId::from_bytes(bytes))
}

/// A random number for jitter; zero where there is none.
pub fn random_u32() -> u32 {
    let mut bytes = [0; 4];
    match fill_with_random(&mut bytes) {
        Ok(()) => u32::from_be_bytes(bytes),
        Err(_) => 0,
    }
}

/// A span in milliseconds, as JavaScript counts them.
pub fn js_millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

/// Waits.
pub async fn sleep(span: Duration) {
    let promise = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, js_millis(span));
    });
    // A timer does not fail; if it did, not having waited would harm nothing.
    let _ = settled(promise).await;
}

/// A property of a value that may be anything, such as what was thrown.
pub fn property(value: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(value, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// What was thrown, as text for the log.
pub fn describe(thrown: &JsValue) -> String {
    property(thrown, "message").as_string().or_else(|| thrown.as_string()).unwrap_or_else(|| format!("{thrown:?}"))
}
