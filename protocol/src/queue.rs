//! Messages of a queue (Cloudflare Queues) as keyed requests: a queue delivers each at least once, and the origin takes it once.

use core::time::Duration;

use crate::config::{Config, Mode, Route};

/// What a message's delivery has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The origin has taken it, now or before: it need not come again.
    Taken,
    /// It has not, or that is not known: it is to come again after this time, until the queue gives it up.
    Again(Duration),
}

/// After what time a message comes again, at least: one that came again at once would use up its deliveries while the origin restarts.
pub const PAUSE: Duration = Duration::from_secs(30);
/// And at most (Cloudflare, Queues, "Delay retries": 12 hours; this is less, since outcomes change sooner).
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

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

/// What the answer to a message's request says, by its `Idempotency-Status`, its status and its `Retry-After` in seconds. On a route that does
/// not enforce the mark is not the gate's.
pub fn verdict(mode: Mode, mark: Option<&str>, status: u16, retry_after: Option<&str>) -> Verdict {
    let is_taken = match mark.filter(|_| mode == Mode::Enforce) {
        Some("created" | "replayed" | "not-stored") => true,
        // No record says it: the route only observes, or its ledger has failed.
        None | Some("unguarded") => (200..300).contains(&status),
        Some(_) => false,
    };
    if is_taken {
        return Verdict::Taken;
    }
    let asked = retry_after.and_then(|seconds| seconds.parse().ok()).map_or(Duration::ZERO, Duration::from_secs);
    Verdict::Again(asked.clamp(PAUSE, LONGEST_PAUSE))
}

/// Where a message goes as a request: any host will do, since the path is sent to the configured origin.
pub fn address(route: &Route) -> String {
    format!("https://queue.invalid{}", route.path)
}

/// By which method. The route must guard it.
pub const METHOD: &str = "POST";

/// Its key as the header has it: a message keeps its id from one delivery to the next.
pub fn key(id: &str) -> String {
    format!("\"{}\"", id.replace(['"', '\\'], "_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Variables;

    fn enforced(mark: Option<&str>, status: u16) -> Verdict {
        verdict(Mode::Enforce, mark, status, None)
    }

    #[test]
    fn a_message_comes_again_when_the_gate_says_so_and_neither_at_once_nor_never() {
        let after = |seconds| verdict(Mode::Enforce, Some("unavailable"), 503, Some(seconds));
        for (seconds, expected) in [("1", 30), ("60", 60), ("999999", 3600), ("soon", 30), ("-1", 30)] {
            assert_eq!(after(seconds), Verdict::Again(Duration::from_secs(expected)), "{seconds}");
        }
    }

    #[test]
    fn where_nothing_is_enforced_only_success_counts() {
        for mode in [Mode::Observe, Mode::Off] {
            assert_eq!(verdict(mode, Some("created"), 500, None), Verdict::Again(PAUSE));
            assert_eq!(verdict(mode, Some("released"), 200, None), Verdict::Taken);
        }
    }

    #[test]
    fn a_message_is_taken_when_a_record_says_so() {
        let taken = [("created", 201), ("created", 204), ("replayed", 200), ("not-stored", 409)];
        for (mark, status) in taken {
            assert_eq!(enforced(Some(mark), status), Verdict::Taken, "{mark}");
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
            assert_eq!(enforced(Some(mark), status), Verdict::Again(PAUSE), "{mark}");
        }
        for (mark, status, expected) in [
            (None, 200, Verdict::Taken),
            (None, 500, Verdict::Again(PAUSE)),
            (Some("unguarded"), 201, Verdict::Taken),
            (Some("unguarded"), 404, Verdict::Again(PAUSE)),
        ] {
            assert_eq!(enforced(mark, status), expected, "{mark:?} {status}");
        }
    }

    fn config(origin: Option<&str>) -> Config {
        let route = r#"[{ "name": "orders", "path": "/v1/orders", "scope": "public", "queue": "orders" }]"#;
        let routes = vec![("ROUTES".to_owned(), route.to_owned())];
        Config::parse(&Variables { origin: origin.map(str::to_owned), routes, ..Variables::default() }).unwrap()
    }

    #[test]
    fn a_message_goes_to_the_path_of_its_queues_route_where_there_is_an_origin() {
        let (with_origin, without) = (config(Some("https://api.example")), config(None));
        for (config, has_service) in [(&with_origin, false), (&with_origin, true), (&without, true)] {
            assert_eq!(
                route(config, "orders", has_service).map(address),
                Ok("https://queue.invalid/v1/orders".to_owned())
            );
            assert!(route(config, "others", has_service).is_err_and(|reason| reason.contains("no route")));
        }
        assert!(route(&without, "orders", false).is_err_and(|reason| reason.contains("ORIGIN")));
    }

    #[test]
    fn a_key_is_a_string_of_rfc_9651() {
        assert_eq!(key("59b3a97345d3ac6179ab62b8c85e7fb7"), "\"59b3a97345d3ac6179ab62b8c85e7fb7\"");
        assert_eq!(key("a\"b\\"), "\"a_b_\"");
    }
}
