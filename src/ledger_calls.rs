//! Calls to the ledger: a new stub for each try, a time limit on each, and few tries.

use core::time::Duration;

use oncegate_protocol::DecodeError;
use oncegate_protocol::config::Placement;
use oncegate_protocol::retry::{self, Failure, Progress};
use oncegate_protocol::seal::Seal;
use oncegate_protocol::wire::{Command, KIND_HEADER, Kind, OperatorCommand, Reply, Report};
use serde_json::json;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{JSON, Reflect, Uint8Array};
use worker::wasm_bindgen_futures::JsFuture;

use crate::log;
use crate::platform::{
    Bindings, Bytes, Fetcher, Namespace, Response, TimeLimit, describe, now, property, random_u32, sleep,
};

/// How a ledger is called. Its answer may be the client's: a redirect is not followed, and a compressed body stays as it is.
const INIT: &str = r#"{"method":"POST","redirect":"manual","encodeResponseBody":"manual"}"#;

/// What a ledger answers.
pub(crate) enum Answer<T = Reply> {
    /// The very response that the client is to get.
    ForClient(Response),
    /// The response for the client, with a body that has to be opened.
    Sealed(SealedAnswer),
    /// A frame.
    Frame(T),
}

/// A stored answer as the ledger gave it, whose body has yet to be opened.
pub(crate) struct SealedAnswer {
    pub(crate) response: Response,
    pub(crate) seal: Seal,
    /// That of the call to the ledger. It counts until the reply begins, and ends with its value.
    pub(crate) _time_limit: TimeLimit,
}

/// How a frame is read.
type Read<T> = fn(&[u8]) -> Result<T, DecodeError>;

/// Which ledger.
pub(crate) struct Ledger<'a> {
    pub(crate) bindings: &'a Bindings,
    pub(crate) placement: &'a Placement,
    pub(crate) name: &'a str,
}

impl Ledger<'_> {
    /// Asks until there is an answer, as often as [`retry`] allows; then gives up.
    ///
    /// `wait` is how long the ledger may keep the call waiting on purpose. An error says whether any of the tries may have
    /// been carried out.
    pub(crate) async fn ask(&self, command: &Command, body: Option<Bytes>, wait: Duration) -> Result<Answer, Failure> {
        let frame = match body {
            Some(body) => body.joined(&command.encode()),
            None => Uint8Array::from(command.encode().as_slice()),
        };
        self.insist(&frame, wait, Reply::decode).await
    }

    /// Asks as an operator. Behind the head of an intervention that gives an answer comes the body.
    pub(crate) async fn report(&self, command: OperatorCommand, body: &[u8]) -> Result<Report, Failure> {
        let mut frame = Command::Operator(command).encode();
        frame.extend_from_slice(body);
        match self.insist(&Uint8Array::from(frame.as_slice()), Duration::ZERO, Report::decode).await? {
            Answer::Frame(report) => Ok(report),
            // No ledger answers an operator like that.
            Answer::ForClient(_) | Answer::Sealed(_) => Err(Failure::Lost),
        }
    }

    async fn insist<T>(&self, frame: &Uint8Array, wait: Duration, read: Read<T>) -> Result<Answer<T>, Failure> {
        let begun_at = now();
        let mut progress = Progress { made: 0, elapsed: Duration::ZERO, wait };
        let mut worst = Failure::Overloaded;
        loop {
            let thrown = match self.ask_once(frame, retry::time_limit(progress), read).await {
                Ok(answer) => return Ok(answer),
                Err(thrown) => thrown,
            };
            progress = Progress { made: progress.made.saturating_add(1), elapsed: now().since(begun_at), wait };
            let failure = failure(&thrown);
            worst = worst.max(failure);
            log::error(
                "ledger failed",
                json!({ "ledger": self.name, "try": progress.made, "overloaded": failure == Failure::Overloaded,
                        "reason": describe(&thrown) }),
            );
            match retry::pause(failure, progress, random_u32()) {
                Some(pause) => sleep(pause).await,
                None => return Err(worst),
            }
        }
    }

    async fn ask_once<T>(&self, frame: &Uint8Array, limit: Duration, read: Read<T>) -> Result<Answer<T>, JsValue> {
        let init = JSON::parse(INIT)?;
        Reflect::set(&init, &"body".into(), frame)?;
        let time_limit = TimeLimit::begin(limit);
        Reflect::set(&init, &"signal".into(), &time_limit.signal())?;
        let response: Response = JsFuture::from(self.stub()?.fetch("https://ledger/", &init)?).await?.unchecked_into();
        let unreadable = |error: DecodeError| JsValue::from_str(&format!("its answer cannot be read: {error}"));
        match response.headers().get(KIND_HEADER)?.as_deref().map(Kind::from_header).transpose().map_err(unreadable)? {
            // The client reads it as slowly as it likes. The limit ends here, with its value.
            None => Ok(Answer::ForClient(response)),
            Some(Kind::Sealed(seal)) => Ok(Answer::Sealed(SealedAnswer { response, seal, _time_limit: time_limit })),
            Some(Kind::Frame) => {
                let buffer = JsFuture::from(response.array_buffer()?).await?;
                let reply = read(&Uint8Array::new(&buffer).to_vec());
                reply.map(Answer::Frame).map_err(unreadable)
            }
        }
    }

    fn stub(&self) -> Result<Fetcher, JsValue> {
        let namespace = self.bindings.ledger().ok_or("the binding LEDGER is missing")?;
        match *self.placement {
            Placement::Anywhere => namespace.get_by_name(self.name, &JsValue::UNDEFINED),
            Placement::Hint(hint) => namespace.get_by_name(self.name, &location(hint)?),
            Placement::Jurisdiction(name) => in_jurisdiction(&namespace, name, self.name),
        }
    }
}

fn location(hint: &str) -> Result<JsValue, JsValue> {
    JSON::parse(&json!({ "locationHint": hint }).to_string())
}

fn in_jurisdiction(namespace: &Namespace, jurisdiction: &str, ledger: &str) -> Result<Fetcher, JsValue> {
    namespace.jurisdiction(jurisdiction)?.get_by_name(ledger, &JsValue::UNDEFINED)
}

fn failure(thrown: &JsValue) -> Failure {
    if property(thrown, "overloaded").is_truthy() { Failure::Overloaded } else { Failure::Lost }
}
