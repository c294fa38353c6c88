//! Requests to a gate, from their head to their identity.

use oncegate_protocol::config::{Config, Variables};
use oncegate_protocol::hashing::BodyDigest;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::request::{Admission, Guarded, Identity, RequestHead, RequestUrl, Unidentified, admit};
use serde_json::Value;

/// The configuration of a deployment with these routes.
pub(crate) fn config(origin: Option<&str>, routes: &Value) -> Config {
    let routes = vec![("ROUTES".to_owned(), routes.to_string())];
    let variables = Variables { origin: origin.map(str::to_owned), routes, ..Variables::default() };
    Config::parse(&variables).expect("the configuration of a target is right")
}

/// A request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) href: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) certificate: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// What becomes of a request before its record is asked for.
pub(crate) enum Admitted<'c> {
    Identity(Box<Identity<'c>>),
    PassThrough,
    Refused(Problem),
    /// It never reaches the origin, nor a record.
    Own,
}

impl Request {
    /// With this method and address.
    pub(crate) fn new(method: &str, href: &str) -> Self {
        Self { method: method.to_owned(), href: href.to_owned(), ..Self::default() }
    }

    /// With a header more, whose name is in lower case.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What its head leads to.
    pub(crate) fn admission<'c>(&self, config: &'c Config) -> Admission<'c> {
        let header =
            |wanted: &str| self.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let certificate = || self.certificate.clone();
        let url = RequestUrl::parse(&self.href);
        admit(config, &RequestHead { method: &self.method, url, header: &header, certificate: &certificate })
    }

    /// What head and body lead to.
    pub(crate) fn admitted<'c>(&self, config: &'c Config) -> Admitted<'c> {
        match self.admission(config) {
            Admission::PassThrough => Admitted::PassThrough,
            Admission::Documentation | Admission::Console(_) | Admission::Operator(_) | Admission::Nothing => {
                Admitted::Own
            }
            Admission::Refuse(_, problem) => Admitted::Refused(problem),
            Admission::Guarded(guarded) => self.identify(guarded),
            Admission::ByToken(_) => panic!("a route without tokens asks for one"),
            Admission::Observed(..) => panic!("a route that enforces only observes"),
        }
    }

    /// What the body leads to.
    pub(crate) fn identify<'c>(&self, guarded: Guarded<'c>) -> Admitted<'c> {
        match guarded {
            Guarded::ByBytes(request) => Admitted::Identity(Box::new(request.identify(BodyDigest::of(&self.body)))),
            Guarded::ByJson(request) => match request.identify(&self.body) {
                Ok(identity) => Admitted::Identity(Box::new(identity)),
                Err(Unidentified::PassThrough) => Admitted::PassThrough,
                Err(Unidentified::Refuse(problem)) => Admitted::Refused(problem),
            },
        }
    }
}

/// Bytes in the form in which they can stand anywhere in an address.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

/// What an address says in this form (RFC 3986, section 2.1): `%` and two digits are a byte.
pub(crate) fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let digits = others.get(..2).filter(|two| *first == b'%' && two.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|two| u8::from_str_radix(core::str::from_utf8(two).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &others[2..] } else { others };
    }
    bytes
}

/// The input's first byte, and the text behind it. `None` where it has none, or that is not UTF-8.
pub(crate) fn choice_and_text(input: &[u8]) -> Option<(usize, &str)> {
    let (choice, text) = input.split_first()?;
    Some((usize::from(*choice), core::str::from_utf8(text).ok()?))
}
