//! Who has sent an event: webhooks are verified before there is a record of them, so that nobody else can use up their ids.
//!
//! - Standard Webhooks (github.com/standard-webhooks/standard-webhooks, "Verifying signatures"): `webhook-id`, `webhook-timestamp`,
//!   `webhook-signature`.
//! - Stripe ("Receive Stripe events in your webhook endpoint", "Verify manually"): `Stripe-Signature`; the event's id is in the body.
//! - GitHub ("Validating webhook deliveries"): `X-Hub-Signature-256`, over the body alone; the id in `X-GitHub-Delivery` is not signed.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::bytes::from_hex;
use crate::limits;
use crate::problem::Problem;
use crate::time::Timestamp;

/// Whose signatures a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// Everybody who follows Standard Webhooks.
    Standard,
    /// Stripe.
    Stripe,
    /// GitHub.
    Github,
}

impl Sender {
    /// The header whose value is the event's id, where that is not in the body.
    pub const fn id_header(self) -> Option<&'static str> {
        match self {
            Self::Standard => Some("webhook-id"),
            Self::Stripe => None,
            Self::Github => Some("x-github-delivery"),
        }
    }
}

/// The events that a route takes.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    sender: Sender,
    /// One, or several while it is being changed.
    secrets: Vec<Vec<u8>>,
}

/// Printing it shows nothing of the secrets.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("sender", &self.sender).finish_non_exhaustive()
    }
}

/// What a secret must be.
pub const SECRET: &str = "the secret that the sender has given, of 16 bytes or more (for Standard Webhooks whsec_ and base64); two with a \
     space between them while it is being changed";

const SHORTEST_SECRET: usize = 16;
const MOST_SECRETS: usize = 4;
/// How many signatures of an event are looked at.
const MOST_SIGNATURES: usize = 16;

impl Webhook {
    /// From the sender and the variable with its secrets; `None` where they are not what they must be.
    pub fn new(sender: Sender, secrets: &str) -> Option<Self> {
        let secrets: Option<Vec<Vec<u8>>> = secrets.split_whitespace().map(|text| secret(sender, text)).collect();
        let secrets = secrets.filter(|secrets| (1..=MOST_SECRETS).contains(&secrets.len()))?;
        Some(Self { sender, secrets })
    }

    /// Whose signatures these are.
    pub const fn sender(&self) -> Sender {
        self.sender
    }

    /// Checks that the sender has signed this event, and not long ago. `header` gives a header's value by its name in lower case.
    ///
    /// # Errors
    /// What whoever has sent it is told: 401.
    pub fn verify(&self, header: impl Fn(&str) -> Option<String>, body: &[u8], now: Timestamp) -> Result<(), Problem> {
        match self.sender {
            Sender::Standard => {
                let (id, at) = (required(&header, "webhook-id")?, required(&header, "webhook-timestamp")?);
                let given = required(&header, "webhook-signature")?;
                recent(&at, now)?;
                let signatures = given.split(' ').filter_map(|one| one.strip_prefix("v1,")).map(base64);
                self.check(&[id.as_bytes(), b".", at.as_bytes(), b".", body], signatures)
            }
            Sender::Stripe => {
                let given = required(&header, "stripe-signature")?;
                let parts = || given.split(',').filter_map(|part| part.trim().split_once('='));
                let at = parts().find(|(name, _)| *name == "t").map(|(_, value)| value);
                let at = at.ok_or_else(|| {
                    Problem::unverified("The header Stripe-Signature has no t, which says when it was signed.")
                })?;
                recent(at, now)?;
                let signatures = parts().filter(|(name, _)| *name == "v1").map(|(_, value)| hex(value));
                self.check(&[at.as_bytes(), b".", body], signatures)
            }
            Sender::Github => {
                let given = required(&header, "x-hub-signature-256")?;
                self.check(&[body], given.strip_prefix("sha256=").map(hex).into_iter())
            }
        }
    }

    /// That one of these signatures is one of this text by one of the secrets.
    fn check(&self, signed: &[&[u8]], signatures: impl Iterator<Item = Option<Vec<u8>>>) -> Result<(), Problem> {
        let signatures: Vec<Vec<u8>> = signatures.take(MOST_SIGNATURES).flatten().collect();
        if signatures.is_empty() {
            return Err(Problem::unverified("The event has no signature that could be its sender's."));
        }
        let holds = |secret: &Vec<u8>| {
            // An HMAC takes a key of any length.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
            signed.iter().for_each(|part| mac.update(part));
            // In a time that tells nothing of where they differ.
            signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
        };
        if self.secrets.iter().any(holds) {
            return Ok(());
        }
        Err(Problem::unverified("The event's signature is not that of its sender."))
    }
}

fn secret(sender: Sender, text: &str) -> Option<Vec<u8>> {
    let bytes = match sender {
        Sender::Standard => base64(text.strip_prefix("whsec_").unwrap_or(text))?,
        Sender::Stripe | Sender::Github => text.as_bytes().to_vec(),
    };
    (bytes.len() >= SHORTEST_SECRET).then_some(bytes)
}

fn required(header: &impl Fn(&str) -> Option<String>, name: &str) -> Result<String, Problem> {
    header(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Problem::unverified(format!("The event must have the header {name}.")))
}

/// That a time in seconds since 1970 is not far from now: an event that somebody has overheard could else be sent for ever.
fn recent(at: &str, now: Timestamp) -> Result<(), Problem> {
    let is_number = !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = at.parse::<u64>().ok().filter(|_| is_number);
    let at = seconds.and_then(|seconds| seconds.checked_mul(1000)).map(Timestamp::from_millis);
    let apart = |at: Timestamp| at.since(now).max(now.since(at));
    if at.is_some_and(|at| apart(at) <= limits::EVENT_AGE) {
        return Ok(());
    }
    let age = humantime::format_duration(limits::EVENT_AGE);
    Err(Problem::unverified(format!("The event must have been signed within {age} of now.")))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    from_hex::<32>(text).map(Vec::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(webhook: &Webhook, headers: &[(&str, &str)], body: &[u8], seconds: u64) -> Result<(), Problem> {
        let header =
            |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        webhook.verify(header, body, Timestamp::from_millis(seconds.saturating_mul(1000)))
    }

    const AT: u64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    /// The example of the reference implementations ("Standard Webhooks", libraries).
    fn standard() -> (Webhook, [(&'static str, &'static str); 3]) {
        let webhook = Webhook::new(Sender::Standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let headers = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ];
        (webhook, headers)
    }

    #[test]
    fn the_reference_s_own_example_is_verified() {
        let (webhook, headers) = standard();
        assert_eq!(verify(&webhook, &headers, BODY, AT), Ok(()));
        let several = format!("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,xyz {}", headers[2].1);
        assert_eq!(verify(&webhook, &[headers[0], headers[1], (headers[2].0, &several)], BODY, AT), Ok(()));
        let changing = Webhook::new(
            Sender::Standard,
            "whsec_bmV3IHNlY3JldCBvZiB0aGUgc2VuZGVy whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        );
        assert_eq!(verify(&changing.unwrap(), &headers, BODY, AT), Ok(()));
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let (webhook, headers) = standard();
        for (index, (name, _)) in headers.iter().enumerate() {
            for value in ["", "msg_other", "1614265331", "v1,", "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="] {
                let mut changed = headers;
                changed[index] = (name, value);
                let problem = verify(&webhook, &changed, BODY, AT).unwrap_err();
                assert_eq!((problem.status(), problem.case().name()), (401, "unverified"), "{name}: {value}");
            }
        }
        assert!(verify(&webhook, &headers, b"{}", AT).is_err());
        for signature in headers[2].1.split("v1") {
            assert!(verify(&webhook, &[headers[0], headers[1], (headers[2].0, signature)], BODY, AT).is_err());
        }
    }

    #[test]
    fn an_old_event_is_refused_and_one_from_the_future() {
        let (webhook, headers) = standard();
        for (now, is_recent) in [(AT + 300, true), (AT + 301, false), (AT - 300, true), (AT - 301, false)] {
            assert_eq!(verify(&webhook, &headers, BODY, now).is_ok(), is_recent, "{now}");
        }
        for at in ["", "x", "-1", "+1614265330", "1614265330.0", "18446744073709551615"] {
            assert!(recent(at, Timestamp::from_millis(AT * 1000)).is_err(), "{at}");
        }
    }

    #[test]
    fn events_of_stripe_and_github_are_verified() {
        let stripe = Webhook::new(Sender::Stripe, "whsec_test_secret_of_stripe").unwrap();
        // Computed by OpenSSL: printf '1614265330.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test_secret_of_stripe
        let signature = "fa24a3923b918c79e70d2e3b6088e6e35141c66306a1d5de5d2f6f290eeb949c";
        let header = format!("t=1614265330,v1={},v1={signature},v0=abc", "0".repeat(64));
        assert_eq!(verify(&stripe, &[("stripe-signature", &header)], br#"{"id":"evt_1"}"#, AT), Ok(()));
        assert!(verify(&stripe, &[("stripe-signature", &header)], br#"{"id":"evt_2"}"#, AT).is_err());
        let without = format!("v1={signature}");
        assert!(verify(&stripe, &[("stripe-signature", &without)], br#"{"id":"evt_1"}"#, AT).is_err());

        // The example of GitHub's documentation; a variable cannot hold its secret, which has spaces.
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let github = Webhook { sender: Sender::Github, secrets: vec![b"It's a Secret to Everybody".to_vec()] };
        assert_eq!(verify(&github, &[("x-hub-signature-256", signature)], b"Hello, World!", AT), Ok(()));
        assert!(verify(&github, &[("x-hub-signature-256", signature)], b"Hello, World", AT).is_err());
        assert!(verify(&github, &[("x-hub-signature", "sha1=1")], b"Hello, World!", AT).is_err());
    }

    #[test]
    fn a_secret_is_long_enough_and_never_shown() {
        for (sender, text) in [
            (Sender::Standard, "whsec_c2hvcnQ="),
            (Sender::Standard, "not base64!"),
            (Sender::Stripe, "short"),
            (Sender::Github, ""),
        ] {
            assert_eq!(Webhook::new(sender, text), None, "{text}");
        }
        assert_eq!(format!("{:?}", standard().0), "Webhook { sender: Standard, .. }");
    }
}
