//! Messages of a queue (Cloudflare Queues) as keyed requests: a queue delivers each at least once, and the origin takes it once.

use crate::config::{Config, Route};

/// What a message's delivery has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The origin has taken it, now or before: it need not come again.
    Taken,
    /// It has not, or that is not known: it is to come again, until the queue gives it up.
    Again,
}

/// The route that takes the messages of a queue. `has_service` is whether there is a service binding to the origin.
///
/// # Errors
/// Why none does, for the log.
pub fn route<'c>(config: &'c Config, queue: &str, has_service: bool) -> Result<&'c Route, &'static str> {
    if config.origin.is_none() && !has_service {
        return Err("a message has no address of its own: there must be ORIGIN, or a service binding ORIGIN_SERVICE");
    }
    config.routes.of_queue(queue).ok_or("no route takes the messages of this queue")
}

/// What the answer to a message's request says, by its `Idempotency-Status` and its status.
pub fn verdict(mark: Option<&str>, status: u16) -> Verdict {
    let is_taken = match mark {
        Some("created" | "replayed" | "not-stored") => true,
        // No record says it: the route only observes, or its ledger has failed.
        None | Some("unguarded") => (200..300).contains(&status),
        Some(_) => false,
    };
    if is_taken { Verdict::Taken } else { Verdict::Again }
}

/// Where a message goes as a request: any host will do, since the path is sent to the configured origin.
pub fn address(route: &Route) -> String {
    format!("https://queue.invalid{}", route.path)
}

/// By which method: the first of the route's that has a body.
pub fn method(route: &Route) -> &str {
    let with_body = route.methods.iter().find(|method| !matches!(method.as_str(), "GET" | "HEAD"));
    with_body.map_or("POST", String::as_str)
}

/// Its key as the header has it: a message keeps its id from one delivery to the next.
pub fn key(id: &str) -> String {
    format!("\"{}\"", id.replace(['"', '\\'], "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_when_a_record_says_so() {
        let taken = [("created", 201), ("created", 204), ("replayed", 200), ("not-stored", 409)];
        for (mark, status) in taken {
            assert_eq!(verdict(Some(mark), status), Verdict::Taken, "{mark}");
        }
        let again = [
            ("released", 503),
            ("in-progress", 409),
            ("unknown", 502),
            ("unavailable", 503),
            ("mismatch", 422),
            ("malformed", 400),
        ];
        for (mark, status) in again {
            assert_eq!(verdict(Some(mark), status), Verdict::Again, "{mark}");
        }
        for (mark, status, expected) in [
            (None, 200, Verdict::Taken),
            (None, 500, Verdict::Again),
            (Some("unguarded"), 201, Verdict::Taken),
            (Some("unguarded"), 404, Verdict::Again),
        ] {
            assert_eq!(verdict(mark, status), expected, "{mark:?} {status}");
        }
    }

    #[test]
    fn a_key_is_a_string_of_rfc_9651() {
        assert_eq!(key("59b3a97345d3ac6179ab62b8c85e7fb7"), "\"59b3a97345d3ac6179ab62b8c85e7fb7\"");
        assert_eq!(key("a\"b\\"), "\"a_b_\"");
    }
}
