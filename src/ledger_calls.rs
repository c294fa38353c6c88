//! Calls to the ledger: a new stub for each try, a time limit on each, and few tries.

use core::cell::Cell;
use core::time::Duration;

use js_sys::{Array, Uint8Array};
use oncegate_protocol::DecodeError;
use oncegate_protocol::config::Placement;
use oncegate_protocol::retry::{self, Failure, Progress};
use oncegate_protocol::seal::Seal;
use oncegate_protocol::wire::{COMMAND_HEADER, Command, KIND_HEADER, Kind, OperatorCommand, Reply, Report};
use serde_json::json;
use wasm_bindgen::{JsCast, JsValue};

use crate::log;
use crate::platform::{
    Bindings, Bytes, LedgerCalls, Response, TimeLimit, aside, describe, now, property, random_u32, settled_within,
    sleep,
};

thread_local! {
    /// How many calls have failed in this isolate of which no ledger has been told: one that fails cannot count it.
    static UNTOLD_FAILURES: Cell<u16> = const { Cell::new(0) };
    static CALLS: LedgerCalls = LedgerCalls::new(KIND_HEADER, Kind::FRAME);
}

/// How many calls have failed since a ledger was told of some.
pub(crate) fn untold_failures() -> u16 {
    UNTOLD_FAILURES.get()
}

/// A ledger has been told of so many. Where several are told at the same time, some may be counted twice.
pub(crate) fn told(failures: u16) {
    UNTOLD_FAILURES.set(UNTOLD_FAILURES.get().saturating_sub(failures));
}

/// What a ledger answers.
pub(crate) enum Answer<T = Reply> {
    /// The very response that the client is to get.
    ForClient(Response),
    /// The response for the client, with a body that has to be opened.
    Sealed(SealedAnswer),
    /// The response for the client, which may be remembered.
    Memorable(Memorable),
    /// A frame.
    Frame(T),
}

/// A stored answer that may be remembered.
pub(crate) struct Memorable {
    pub(crate) response: Response,
    /// For how long to come it is on record.
    pub(crate) left: Duration,
    /// How long its body may yet take to come.
    pub(crate) patience: Duration,
}

/// A stored answer as the ledger gave it, whose body has yet to be opened.
pub(crate) struct SealedAnswer {
    pub(crate) response: Response,
    pub(crate) seal: Seal,
    /// How long its body may yet take to begin.
    pub(crate) patience: Duration,
}

/// What a ledger is sent.
struct Message {
    /// The line of the header, if there is one.
    header: String,
    body: Option<Uint8Array>,
}

impl Message {
    /// A command, with the body of an answer behind it, if one is kept.
    fn new(command: &Command, body: Option<Bytes>) -> Self {
        let head = command.encode();
        match command.to_header(&head) {
            Some(value) => Self { header: format!("{COMMAND_HEADER}:{value}\n"), body: None },
            None => Self { header: String::new(), body: Some(body.unwrap_or_default().joined(&head)) },
        }
    }
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
        self.insist(&Message::new(command, body), wait, Reply::decode).await
    }

    /// Asks as an operator. Behind the head of an intervention that gives an answer comes the body.
    pub(crate) async fn report(&self, command: OperatorCommand, body: &[u8]) -> Result<Report, Failure> {
        let mut follows = Bytes::default();
        if !body.is_empty() {
            follows.push(Uint8Array::from(body));
        }
        let message = Message::new(&Command::Operator(command), Some(follows));
        match self.insist(&message, Duration::ZERO, Report::decode).await? {
            Answer::Frame(report) => Ok(report),
            // No ledger answers an operator like that.
            Answer::ForClient(_) | Answer::Sealed(_) | Answer::Memorable(_) => Err(Failure::Lost),
        }
    }

    async fn insist<T>(&self, message: &Message, wait: Duration, read: Read<T>) -> Result<Answer<T>, Failure> {
        let begun_at = now();
        let mut progress = Progress { made: 0, elapsed: Duration::ZERO, wait };
        let mut worst = Failure::Overloaded;
        loop {
            let thrown = match self.ask_once(message, retry::time_limit(progress), read).await {
                Ok(answer) => return Ok(answer),
                Err(thrown) => thrown,
            };
            progress = Progress { made: progress.made.saturating_add(1), elapsed: now().since(begun_at), wait };
            let failure = self.note_failure(&thrown, progress);
            worst = worst.max(failure);
            match retry::pause(failure, progress, random_u32()) {
                Some(pause) => aside(sleep(pause)).await,
                None => return Err(worst),
            }
        }
    }

    /// Counts a try that has failed, and says so in the log.
    fn note_failure(&self, thrown: &JsValue, progress: Progress) -> Failure {
        let failure = failure(thrown);
        UNTOLD_FAILURES.set(UNTOLD_FAILURES.get().saturating_add(1));
        log::error(
            "ledger failed",
            json!({ "ledger": self.name, "try": progress.made, "overloaded": failure == Failure::Overloaded,
                    "reason": describe(thrown) }),
        );
        failure
    }

    async fn ask_once<T>(&self, message: &Message, limit: Duration, read: Read<T>) -> Result<Answer<T>, JsValue> {
        let (hint, jurisdiction) = match *self.placement {
            Placement::Anywhere => (None, None),
            Placement::Hint(hint) => (Some(hint), None),
            Placement::Jurisdiction(name) => (None, Some(name)),
        };
        let (body, time_limit) = (message.body.as_ref(), TimeLimit::begin(limit));
        let asked = CALLS.with(|calls| calls.ask(self.bindings, self.name, hint, jurisdiction, &message.header, body));
        let answer = settled_within(limit, asked).await?;
        if !Array::is_array(&answer) {
            return Ok(Answer::ForClient(answer.unchecked_into()));
        }
        let answer: Array = answer.unchecked_into();
        let kind = answer.get(1).as_string().unwrap_or_default();
        let answer = answer.get(0);
        let unreadable = |error: DecodeError| JsValue::from_str(&format!("its answer cannot be read: {error}"));
        let frame = match Kind::from_header(&kind).map_err(unreadable)? {
            Kind::Sealed(seal) => {
                let response = answer.unchecked_into();
                return Ok(Answer::Sealed(SealedAnswer { response, seal, patience: time_limit.left() }));
            }
            Kind::For(left) => {
                let response = answer.unchecked_into();
                return Ok(Answer::Memorable(Memorable { response, left, patience: time_limit.left() }));
            }
            Kind::Short(frame) => frame,
            Kind::Frame => answer.unchecked_into::<Uint8Array>().to_vec(),
        };
        read(&frame).map(Answer::Frame).map_err(unreadable)
    }
}

fn failure(thrown: &JsValue) -> Failure {
    if property(thrown, "overloaded").is_truthy() { Failure::Overloaded } else { Failure::Lost }
}
