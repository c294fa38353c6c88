//! What a panic does, and an exception out of the blue. There should be none; but after one the Wasm may be in any state, and is
//! started anew at the next request or command (`src/entry.js` sees to that).

use std::panic;

use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::handler::{schedule_reinit, set_on_abort};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::log;

#[wasm_bindgen(module = "/src/platform/glue.js")]
extern "C" {
    type Lifecycle;
    #[wasm_bindgen(thread_local_v2, js_name = lifecycle)]
    static LIFECYCLE: Lifecycle;
    #[wasm_bindgen(method, setter, js_name = hasFallen)]
    fn set_has_fallen(this: &Lifecycle, value: bool);
    #[wasm_bindgen(method, getter)]
    fn starts(this: &Lifecycle) -> u32;
    #[wasm_bindgen(method, setter)]
    fn set_starts(this: &Lifecycle, value: u32);
}

/// Runs when the Wasm starts.
#[wasm_bindgen(start, private)]
fn start() {
    panic::set_hook(Box::new(|info| {
        // First, since what comes after it may fail as well.
        fall();
        log::error("panicked", json!({ "reason": info.to_string() }));
    }));
    // What JavaScript throws where nothing is expected to be thrown, as when there is no memory left, is no panic.
    set_on_abort(fall);
    LIFECYCLE.with(|lifecycle| lifecycle.set_starts(lifecycle.starts().wrapping_add(1)));
}

fn fall() {
    LIFECYCLE.with(|lifecycle| lifecycle.set_has_fallen(true));
    // What is under way may come to its next step before the next request does. It must not go on in this Wasm.
    schedule_reinit();
}

/// What `src/entry.js` looks at before each call.
#[wasm_bindgen]
pub fn lifecycle() -> JsValue {
    LIFECYCLE.with(|lifecycle| lifecycle.into())
}
