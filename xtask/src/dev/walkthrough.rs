//! The walk-through of `dev --once`: a retried payment, shown to a person and checked.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value as Json;
use ureq::Agent;

use crate::output::line;

const PAYMENT: &str = r#"{"amount":1200,"currency":"eur"}"#;
const OTHER_PAYMENT: &str = r#"{"amount":9900,"currency":"eur"}"#;
const STEPS: usize = 4;
/// How the payments are made.
pub(crate) const METHOD: &str = "POST";
pub(crate) const PATH: &str = "/v1/payments";

/// Shows the four cases. An error says what was not as promised.
pub(crate) fn run(gate: &str, origin: &str) -> Result<()> {
    let mut walkthrough = Walkthrough::new(gate, origin);
    let first = walkthrough.payment()?;
    walkthrough.retry(&first)?;
    walkthrough.concurrent_pair()?;
    walkthrough.changed_payload()?;
    walkthrough.conclude()
}

struct Walkthrough<'a> {
    agent: Agent,
    gate: &'a str,
    origin: &'a str,
    /// Two keys that no earlier run has used, because the ledger may be an old one.
    keys: [String; 2],
    requests: usize,
    differences: Vec<String>,
}

/// What the gate answered.
struct Reply {
    status: u16,
    /// The header `Idempotency-Status`.
    outcome: String,
    headers: Vec<String>,
    body: String,
}

impl<'a> Walkthrough<'a> {
    fn new(gate: &'a str, origin: &'a str) -> Self {
        let config =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30))).build();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        Self {
            agent: config.into(),
            gate,
            origin,
            keys: [format!("order-{now:x}-a"), format!("order-{now:x}-b")],
            requests: 0,
            differences: Vec::new(),
        }
    }

    fn payment(&mut self) -> Result<Reply> {
        line(format_args!("\n1. A payment. The gate sends it to the origin, and keeps the answer."))?;
        let [key, _] = self.keys.clone();
        let reply = self.send(&key, PAYMENT, &[])?;
        self.expect("the payment", &reply, 201, "created")?;
        self.expect_charges(1)?;
        Ok(reply)
    }

    fn retry(&mut self, first: &Reply) -> Result<()> {
        line(format_args!(
            "\n2. Its retry, as after a lost answer. The gate answers as before; the origin sees nothing."
        ))?;
        let [key, _] = self.keys.clone();
        let reply = self.send(&key, PAYMENT, &[])?;
        self.expect("the retry", &reply, 201, "replayed")?;
        if reply.body != first.body {
            self.differ(format!("the retry's body is {}, not {}", reply.body, first.body))?;
        }
        self.expect_charges(1)
    }

    fn concurrent_pair(&mut self) -> Result<()> {
        line(format_args!("\n3. The same payment twice at once, with a new key and a slow origin. One goes through."))?;
        let [_, key] = self.keys.clone();
        let slow = [("X-Test-Delay", "500ms")];
        let request = Request { agent: &self.agent, gate: self.gate, key: &key, body: PAYMENT, extra: &slow };
        let (one, other) = thread::scope(|scope| {
            let one = scope.spawn(|| request.send());
            let other = scope.spawn(|| request.send());
            (one.join(), other.join())
        });
        let failed = |_| anyhow!("a request of the pair failed");
        let mut pair = [one.map_err(failed)??, other.map_err(failed)??];
        self.requests = self.requests.saturating_add(pair.len());
        pair.sort_by_key(|reply| reply.outcome != "created");
        for reply in &pair {
            request.show()?;
            reply.show()?;
        }
        let [created, duplicate] = &pair;
        self.expect("the first of the pair", created, 201, "created")?;
        let (status, outcome) = if duplicate.status == 409 { (409, "in-progress") } else { (201, "replayed") };
        self.expect("the second of the pair", duplicate, status, outcome)?;
        self.expect_charges(2)
    }

    fn changed_payload(&mut self) -> Result<()> {
        line(format_args!("\n4. The first key again, with another amount. That is a mistake, and the gate says so."))?;
        let [key, _] = self.keys.clone();
        let reply = self.send(&key, OTHER_PAYMENT, &[])?;
        self.expect("the changed payment", &reply, 422, "mismatch")?;
        self.expect_charges(2)
    }

    fn conclude(self) -> Result<()> {
        line(format_args!(""))?;
        if !self.differences.is_empty() {
            bail!("not as promised:\n  {}", self.differences.join("\n  "));
        }
        line(format_args!(
            "{STEPS} of {STEPS} as promised: {} requests, {} executions",
            self.requests,
            charges(&self)?
        ))?;
        Ok(())
    }

    fn send(&mut self, key: &str, body: &str, extra: &[(&str, &str)]) -> Result<Reply> {
        let request = Request { agent: &self.agent, gate: self.gate, key, body, extra };
        request.show()?;
        let reply = request.send()?;
        self.requests = self.requests.saturating_add(1);
        reply.show()?;
        Ok(reply)
    }

    fn expect(&mut self, what: &str, reply: &Reply, status: u16, outcome: &str) -> Result<()> {
        if reply.status != status || reply.outcome != outcome {
            let Reply { status: found, outcome: found_outcome, .. } = reply;
            self.differ(format!("{what} got {found} {found_outcome:?}, not {status} {outcome:?}"))?;
        }
        Ok(())
    }

    fn expect_charges(&mut self, expected: u64) -> Result<()> {
        let found = charges(self)?;
        line(format_args!("   the origin has charged {}", times(found)))?;
        if found != expected {
            self.differ(format!("the origin has charged {}, not {}", times(found), times(expected)))?;
        }
        Ok(())
    }

    fn differ(&mut self, difference: String) -> Result<()> {
        line(format_args!("   NOT AS PROMISED: {difference}"))?;
        self.differences.push(difference);
        Ok(())
    }
}

/// What the origin's own counter says.
fn charges(walkthrough: &Walkthrough<'_>) -> Result<u64> {
    let url = format!("{}/_test/charges", walkthrough.origin);
    let text = walkthrough.agent.get(&url).call().context("asking the origin")?.body_mut().read_to_string()?;
    let counts: Json = serde_json::from_str(&text).context("the origin's counter")?;
    counts.get("count").and_then(Json::as_u64).context("the origin's counter has no count")
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

/// A payment to be sent through the gate.
struct Request<'a> {
    agent: &'a Agent,
    gate: &'a str,
    key: &'a str,
    body: &'a str,
    extra: &'a [(&'a str, &'a str)],
}

impl Request<'_> {
    fn url(&self) -> String {
        format!("{}{PATH}", self.gate)
    }

    fn headers(&self) -> Vec<(&str, String)> {
        let mut headers = vec![
            ("Authorization", "Bearer walk-through".to_owned()),
            ("Content-Type", "application/json".to_owned()),
            ("Idempotency-Key", format!("\"{}\"", self.key)),
        ];
        headers.extend(self.extra.iter().map(|(name, value)| (*name, (*value).to_owned())));
        headers
    }

    /// Prints the request as a curl command.
    fn show(&self) -> Result<()> {
        line(format_args!("   $ curl {} \\", self.url()))?;
        for (name, value) in self.headers() {
            line(format_args!("       -H '{name}: {value}' \\"))?;
        }
        line(format_args!("       -d '{}'", self.body))
    }

    fn send(&self) -> Result<Reply> {
        let mut request = self.agent.post(self.url());
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let mut response = request.send(self.body).context("asking the gate")?;
        let headers = response.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let shown = ["Idempotency-Status", "Idempotency-Replayed", "Retry-After"];
        Ok(Reply {
            status: response.status().as_u16(),
            outcome: text("Idempotency-Status").unwrap_or_default(),
            headers: shown.iter().filter_map(|name| Some(format!("{name}: {}", text(name)?))).collect(),
            body: response.body_mut().read_to_string().context("reading the gate's answer")?,
        })
    }
}

impl Reply {
    fn show(&self) -> Result<()> {
        line(format_args!("   {}", self.status))?;
        for header in &self.headers {
            line(format_args!("   {header}"))?;
        }
        line(format_args!("   {}", self.body.trim_end()))
    }
}
