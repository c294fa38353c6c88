//! What is said in the log: one JSON object per line. Never a key, a credential or a body: a record is named by its id,
//! which tells nothing about them. JSON escapes control characters, so that nothing can forge a line.

use serde_json::{Value, json};

use crate::platform;

/// Something went wrong that an operator should look at.
pub(crate) fn error(event: &str, details: Value) {
    platform::console_error(&line("error", event, details));
}

/// Something that an operator may want to know.
pub(crate) fn info(event: &str, details: Value) {
    platform::console_log(&line("info", event, details));
}

fn line(level: &str, event: &str, details: Value) -> String {
    json!({ "oncegate": event, "level": level, "details": details }).to_string()
}
