//! What a panic does, and an exception out of the blue. There should be none; but after one the Wasm may be in any state, and is
//! started anew at the next request or command (worker-build's shim and wasm-bindgen see to that).

use std::panic;

use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::log;

#[wasm_bindgen(module = "/src/platform/glue.js")]
extern "C" {
    type State;
    #[wasm_bindgen(thread_local_v2, js_name = lifecycle)]
    static STATE: State;
    #[wasm_bindgen(method, setter, js_name = criticalError)]
    fn set_critical_error(this: &State, value: bool);
    #[wasm_bindgen(method, getter, js_name = instanceId)]
    fn instance_id(this: &State) -> u32;
    #[wasm_bindgen(method, setter, js_name = instanceId)]
    fn set_instance_id(this: &State, value: u32);
}

/// Runs when the Wasm starts.
#[wasm_bindgen(start, private)]
fn start() {
    panic::set_hook(Box::new(|info| {
        // First, since what comes after it may fail as well.
        STATE.with(|state| state.set_critical_error(true));
        log::error("panicked", json!({ "reason": info.to_string() }));
    }));
    // What JavaScript throws where nothing is expected to be thrown, as when there is no memory left, is no panic.
    wasm_bindgen::handler::set_on_abort(wasm_bindgen::handler::schedule_reinit);
    STATE.with(|state| state.set_instance_id(state.instance_id().wrapping_add(1)));
}

/// For worker-build's shim.
#[wasm_bindgen(js_name = "__worker_init_state")]
pub fn worker_init_state() -> JsValue {
    STATE.with(|state| state.into())
}
