//! The protocol decides as Wasm what it decides on the machine that tests it: runs of the simulator are the same on both, in every
//! step and every state.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use js_sys::Function;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(module = "node:fs")]
extern "C" {
    #[wasm_bindgen(js_name = readFileSync)]
    fn read_file(path: &str, encoding: &str) -> String;
}

/// The file with what `simulator traces` has printed, which `cargo xtask test wasm` names.
fn native_traces() -> String {
    let path = Function::new_no_args("return process.env.ONCEGATE_TRACES;").call0(&"".into()).unwrap();
    read_file(&path.as_string().expect("ONCEGATE_TRACES names no file"), "utf8")
}

#[wasm_bindgen_test]
fn a_thousand_runs_are_the_same_as_wasm() {
    let native = native_traces();
    let native: Vec<&str> = native.lines().collect();
    let wasm: Vec<String> = simulator::trace_lines(0, 1_000).collect();
    assert_eq!(wasm, native);
}
