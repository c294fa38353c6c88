//! Events: what their sender has signed with one of the secrets is taken, and nothing else is.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use oncegate_protocol::time::Timestamp;
use oncegate_protocol::webhook::{Sender, Webhook};
use sha2::Sha256;

use crate::gate::choice_and_text;

const SECRET: &str = "a secret of some length";
/// In seconds since 1970.
const NOW: u64 = 1_800_000_000;

/// The first byte says whose events they are, and which byte of what was signed is changed, if it is. The first line is the id, the second
/// the header with the signatures as somebody else might send it; the rest is the body.
pub fn check(input: &[u8]) {
    let Some((choice, text)) = choice_and_text(input) else { return };
    let lines: Vec<&str> = text.splitn(3, '\n').collect();
    let [id, forged, body] = lines[..] else { return };
    let sender = [Sender::Standard, Sender::Stripe, Sender::Github][choice % 3];
    let event = Event { sender, id, at: NOW.to_string(), body: body.as_bytes().to_vec() };
    assert!(!event.is_taken(forged, &event.body) || event.is_proven_by(forged), "{forged:?} was taken");
    // An event without an id is none.
    if sender == Sender::Standard && id.is_empty() {
        return;
    }
    assert!(event.is_taken(&event.signature(), &event.body));
    let mut changed = event.body.clone();
    match changed.len() {
        0 => changed.push(b'x'),
        length => changed[choice % length] ^= 1,
    }
    assert!(!event.is_taken(&event.signature(), &changed), "another body was taken");
}

struct Event<'a> {
    sender: Sender,
    id: &'a str,
    at: String,
    body: Vec<u8>,
}

impl Event<'_> {
    fn webhook(&self) -> Webhook {
        let secret = match self.sender {
            Sender::Standard => format!("whsec_{}", STANDARD.encode(SECRET)),
            Sender::Stripe | Sender::Github => SECRET.replace(' ', "-"),
        };
        Webhook::new(self.sender, &secret).expect("it is long enough")
    }

    fn is_taken(&self, signatures: &str, body: &[u8]) -> bool {
        let header = |name: &str| {
            let value = match name {
                "webhook-id" => self.id,
                "webhook-timestamp" => &self.at,
                _ => signatures,
            };
            Some(value.to_owned())
        };
        self.webhook().verify(header, body, Timestamp::from_millis(NOW * 1000)).is_ok()
    }

    fn digest(&self) -> Vec<u8> {
        let (secret, before) = match self.sender {
            Sender::Standard => (SECRET.to_owned(), format!("{}.{}.", self.id, self.at)),
            Sender::Stripe => (SECRET.replace(' ', "-"), format!("{}.", self.at)),
            Sender::Github => (SECRET.replace(' ', "-"), String::new()),
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("of any length");
        mac.update(before.as_bytes());
        mac.update(&self.body);
        mac.finalize().into_bytes().to_vec()
    }

    fn signature(&self) -> String {
        let proof = self.proof();
        match self.sender {
            Sender::Standard => format!("v1,{proof}="),
            Sender::Stripe => format!("t={},v1={proof}", self.at),
            Sender::Github => format!("sha256={proof}"),
        }
    }

    /// What must be in a header for it to hold: base64 without what only fills it up, or hexadecimal digits.
    fn proof(&self) -> String {
        match self.sender {
            Sender::Standard => STANDARD_NO_PAD.encode(self.digest()),
            Sender::Stripe | Sender::Github => self.digest().iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    fn is_proven_by(&self, header: &str) -> bool {
        header.contains(&self.proof()) || header.to_ascii_lowercase().contains(&self.proof())
    }
}
