//! What an operator sends: one JSON object, each member of which is known.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::Problem;
use crate::config::Route;
use crate::headers::{self, Headers};
use crate::ids::{AttemptId, SealKeyId};
use crate::outcome::Status;
use crate::record::Note;
use crate::request::{Place, given, parse_json};
use crate::seal::SealKey;
use crate::wire::SentIntervention;

/// A change that an operator wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The attempt that the operator has looked at.
    pub fence: AttemptId,
    /// What to do.
    pub intervention: SentIntervention,
    /// The body of the answer that is given; empty where none is.
    pub body: Vec<u8>,
    /// Who wants it, and why.
    pub note: Note,
}

impl Change {
    /// What the body is to be sealed with before it is sent, and its status, if the route seals. There is no need to where it
    /// is empty.
    pub fn seal<'r>(&self, route: &'r Route) -> Option<(&'r SealKey, Status)> {
        match self.intervention {
            SentIntervention::Complete { status, length: 1.., .. } => route.seal.as_ref().map(|key| (key, status)),
            _ => None,
        }
    }

    /// The same change with its body sealed.
    #[must_use]
    pub fn sealed(mut self, by: SealKeyId, body: Vec<u8>) -> Self {
        if let SentIntervention::Complete { length, sealed_by, .. } = &mut self.intervention {
            *length = u32::try_from(body.len()).unwrap_or(u32::MAX);
            *sealed_by = Some(by);
            self.body = body;
        }
        self
    }

    /// What it is, for the log.
    pub fn name(&self) -> &'static str {
        match self.intervention {
            SentIntervention::Complete { .. } => "resolved as completed",
            SentIntervention::Release => "resolved as released",
            SentIntervention::Forget => "forgotten",
        }
    }
}

/// Reads `{ "scope": { … }, "key": [ … ] }`, and gives where the record would be, in the order in which to ask.
///
/// # Errors
/// What is wrong with it; without the scope's values and the key's.
pub fn find(route: &Route, body: &[u8]) -> Result<Vec<Place>, Problem> {
    let mut members = Members::parse(body)?;
    let scope = match members.take("scope") {
        Some(Value::Object(scope)) => scope,
        None if route.scope.sources().is_empty() => Map::new(),
        _ => return Err(expected("scope", "an object such as {\"header:Authorization\": \"Bearer alice\"}")),
    };
    let Some(Value::Array(key)) = members.take("key") else {
        return Err(expected("key", "a list of the key's parts, such as [\"order-1\"]"));
    };
    members.finish(&["scope", "key"])?;
    given(route, &scope, &key).map_err(|reason| Problem::malformed(format!("{reason}.")))
}

/// Reads `{ "as": "completed", "response": { … }, "fence": …, "who": …, "why": … }`, or `{ "as": "released", … }` without a
/// response.
///
/// # Errors
/// What is wrong with it.
pub fn resolve(route: &Route, body: &[u8]) -> Result<Change, Problem> {
    let mut members = Members::parse(body)?;
    let (fence, note) = (members.fence()?, members.note()?);
    let (intervention, body) = match members.text("as")?.as_deref() {
        Some("released") => (SentIntervention::Release, Vec::new()),
        Some("completed") => match members.take("response") {
            Some(Value::Object(response)) => read_response(route, response)?,
            _ => {
                return Err(expected("response", "an object with status, and perhaps headers and body or body_base64"));
            }
        },
        _ => return Err(expected("as", "\"completed\" or \"released\"")),
    };
    members.finish(&["as", "response (with \"completed\")", "fence", "who", "why"])?;
    Ok(Change { fence, intervention, body, note })
}

/// Reads `{ "fence": …, "who": …, "why": … }`.
///
/// # Errors
/// What is wrong with it.
pub fn forget(body: &[u8]) -> Result<Change, Problem> {
    let mut members = Members::parse(body)?;
    let (fence, note) = (members.fence()?, members.note()?);
    members.finish(&["fence", "who", "why"])?;
    Ok(Change { fence, intervention: SentIntervention::Forget, body: Vec::new(), note })
}

fn read_response(route: &Route, response: Map<String, Value>) -> Result<(SentIntervention, Vec<u8>), Problem> {
    let mut members = Members(response);
    let status = members.take("status").and_then(|status| Status::new(u16::try_from(status.as_u64()?).ok()?));
    let status = status.ok_or_else(|| expected("status", "a number from 200 to 599"))?;
    let headers = read_headers(route, members.take("headers"))?;
    let body = match (members.text("body")?, members.text("body_base64")?) {
        (None, None) => Vec::new(),
        (Some(text), None) => text.into_bytes(),
        (None, Some(encoded)) => STANDARD
            .decode(&encoded)
            .map_err(|error| expected("body_base64", &format!("base64 (RFC 4648, section 4); reading it: {error}")))?,
        (Some(_), Some(_)) => return Err(Problem::malformed("Either body or body_base64 may be given, not both.")),
    };
    members.finish(&["status", "headers", "body", "body_base64"])?;
    if status.forbids_body() && !body.is_empty() {
        let status = status.as_u16();
        return Err(Problem::malformed(format!(
            "An answer with status {status} has no body (RFC 9110, section 6.4.1)."
        )));
    }
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    if u64::from(length) > route.max_response {
        let most = route.max_response;
        return Err(Problem::malformed(format!(
            "The body has {length} bytes, and max_response of the route is {most}."
        )));
    }
    Ok((SentIntervention::Complete { status, headers, length, sealed_by: None }, body))
}

/// The headers to be replayed: what the gate would not keep of an origin's is refused, so that nobody misses it later.
fn read_headers(route: &Route, given: Option<Value>) -> Result<Headers, Problem> {
    const EXPECTED: &str = "a list of pairs such as [[\"content-type\", \"application/json\"]]";
    let list = match given {
        None => Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(expected("headers", EXPECTED)),
    };
    let pair = |pair: &Value| {
        let pair = pair.as_array().map(Vec::as_slice).unwrap_or_default();
        let [Value::String(name), Value::String(value)] = pair else { return Err(expected("headers", EXPECTED)) };
        headers::to_be_replayed(name, value, &route.keep_headers)
            .map_err(|reason| Problem::malformed(format!("The header {name:?} {reason}.")))
    };
    let headers = list.iter().map(pair).collect::<Result<Headers, _>>()?;
    if headers::are_storable(&headers) {
        return Ok(headers);
    }
    Err(Problem::malformed("The headers are too many or too large."))
}

fn expected(name: &str, expected: &str) -> Problem {
    Problem::malformed(format!("{name:?} must be {expected}."))
}

/// The members of an object that have not been asked for yet.
struct Members(Map<String, Value>);

impl Members {
    fn parse(body: &[u8]) -> Result<Self, Problem> {
        match parse_json(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(Problem::malformed("The body must be a JSON object.")),
            Err(error) => Err(Problem::malformed(format!("The body must be a JSON object. Reading it: {error}."))),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(expected(name, "a text")),
        }
    }

    fn fence(&mut self) -> Result<AttemptId, Problem> {
        const EXPECTED: &str = "32 hexadecimal digits: the fence that was shown of the record when you looked at it";
        self.text("fence")?.as_deref().and_then(AttemptId::parse).ok_or_else(|| expected("fence", EXPECTED))
    }

    fn note(&mut self) -> Result<Note, Problem> {
        let mut text = |name, what| self.text(name)?.ok_or_else(|| expected(name, what));
        let who = text("who", "a text: who changes the record")?;
        let why = text("why", "a text: how it is known, or for what reason")?;
        Note::new(&who, &why).map_err(|fault| Problem::malformed(format!("{fault}.")))
    }

    fn finish(self, known: &[&str]) -> Result<(), Problem> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(Problem::malformed(format!("There is no member {name:?} here; there are {}.", known.join(", "))))
            }
        }
    }
}
