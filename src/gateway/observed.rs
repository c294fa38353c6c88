//! A request of a route that only observes: it goes on as it came, and the same steps are taken beside it with a copy of it, as if it
//! were guarded. What comes of them is reported, and changes nothing.

use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Promise;
use oncegate_protocol::account::is_logged;
use oncegate_protocol::config::Route;
use oncegate_protocol::deadline::came_in_time;
use oncegate_protocol::headers::{self, STATUS};
use oncegate_protocol::keeping::Keeping;
use oncegate_protocol::limits;
use oncegate_protocol::observe::{Instead, OBSERVED, Observation, Observed, PENDING};
use oncegate_protocol::outcome::{Class, Doubt, OriginWishes, Status, classify};
use oncegate_protocol::problem::Case;
use oncegate_protocol::request::ByToken;
use oncegate_protocol::time::Timestamp;
use oncegate_protocol::wire::SentOutcome;
use serde_json::json;
use wasm_bindgen::{JsCast, JsValue};

use super::begun::{Begun, begin};
use super::guarded::Attempt;
use super::passed::{not_passed, pass, passed};
use super::{Deployment, body, tokens};
use crate::log;
use crate::origin::{self, Passed};
use crate::platform::{
    Arrived, Gathered, Head, Request, Response, discard, gather, header_list, js_millis, now, settled, start,
    with_headers, within,
};

/// What the ledger says of a request.
enum Seen {
    /// It has the key.
    Granted(Attempt),
    /// It would have been answered. The attempt did not get the key.
    Answered(Attempt, Instead),
    /// It would have been refused, before there was an attempt.
    Refused(Case),
    /// It has no key and needs none.
    Unkeyed,
}

/// What is seen meanwhile.
#[derive(Default)]
struct Sight {
    /// When all of the request had come, once it has.
    whole_at: Cell<Option<Timestamp>>,
    /// What became of it, once that is known.
    seen: RefCell<Option<Seen>>,
}

/// What the origin's answer, or the lack of one, means; and a copy of the answer, to be kept.
struct Outcome {
    class: Class,
    copy: Option<Arrived>,
}

/// What is said of a request in the answer to it.
enum Report {
    /// That is not known yet.
    Pending,
    /// There is nothing to say.
    Nothing,
    /// This.
    Value(String),
}

/// Sends a request on as it came, and looks meanwhile at what would have become of it.
pub(super) async fn observe(
    deployment: Rc<Deployment>,
    request: Request,
    head: Head,
    route: &'static Route,
    observed: Observed<'static>,
) -> Result<JsValue, JsValue> {
    let Ok(copy) = request.tee() else { return pass(&deployment, &request, &head) };
    let method = head.method().to_owned();
    let answer = origin::pass(deployment.config, &deployment.bindings, &request, &head, Passed::Observed);
    let sight = Rc::new(Sight::default());
    let looking = look_beside(&deployment, &sight, copy, head, route, observed);
    let (answer, late) = match answer {
        Ok(promise) => match settled(within(js_millis(limits::OBSERVED_ANSWER), &promise)).await {
            Err(thrown) if origin::is_time_out(&thrown) => (Err(thrown), Some(promise)),
            answer => (answer, None),
        },
        Err(thrown) => (Err(thrown), None),
    };
    let came_at = now();
    // Fails where it takes too long.
    let _ = settled(within(js_millis(limits::OBSERVED_PATIENCE), &looking)).await;
    let answer = answer.map(JsCast::unchecked_into::<Response>);
    // A gate that guards calls the origin when all of the request has come.
    let took = came_at.since(sight.whole_at.get().unwrap_or(came_at));
    let (in_time, patience) = (came_in_time(took, route.timeout), route.timeout.saturating_sub(took));
    let outcome = outcome(route, answer.as_ref(), in_time, sight.is_grant());
    let reported = sight.report(route, outcome.class);
    let reply = match (late, answer, &reported) {
        (Some(promise), ..) => passed(&promise),
        (None, Err(thrown), _) => not_passed(thrown),
        (None, Ok(response), Report::Nothing) => response.into(),
        (None, Ok(response), Report::Pending) => {
            with_headers(&response, &[(OBSERVED, PENDING.to_owned())], &[])?.into()
        }
        (None, Ok(response), Report::Value(value)) => {
            with_headers(&response, &[(OBSERVED, value.clone())], &[])?.into()
        }
    };
    deployment.afterwards(async move {
        let _ = settled(looking).await;
        if matches!(reported, Report::Pending) {
            sight.report(route, outcome.class);
        }
        sight.settle(outcome, &method, patience).await;
    });
    Ok(reply)
}

/// Looks at what would become of a request, and gives the promise of when that has been seen.
fn look_beside(
    deployment: &Rc<Deployment>,
    sight: &Rc<Sight>,
    copy: Request,
    head: Head,
    route: &'static Route,
    observed: Observed<'static>,
) -> Promise {
    let (deployment_of_look, sight) = (Rc::clone(deployment), Rc::clone(sight));
    let looking = start(async move {
        let read = read(&deployment_of_look, copy, head, route, observed).await;
        sight.whole_at.set(Some(now()));
        let seen = match read {
            Ok(read) => look(&deployment_of_look, read).await,
            Err(thrown) => Err(thrown),
        };
        sight.seen.replace(Some(seen.unwrap_or(Seen::Refused(Case::Unavailable))));
    });
    deployment.wait_until(&looking);
    looking
}

async fn read(
    deployment: &Deployment,
    copy: Request,
    head: Head,
    route: &Route,
    observed: Observed<'static>,
) -> Result<body::Read, JsValue> {
    match observed {
        Observed::Guarded(guarded) => body::read(copy, head, guarded).await,
        Observed::ByToken(by_token) => read_by_token(deployment, copy, head, route, by_token).await,
        Observed::Refused(problem) => {
            discard(copy.body());
            Ok(body::Read::Refused(problem))
        }
    }
}

async fn look(deployment: &Rc<Deployment>, read: body::Read) -> Result<Seen, JsValue> {
    let request = match read {
        body::Read::Identified(request) => request,
        body::Read::PassThrough(..) => return Ok(Seen::Unkeyed),
        body::Read::Refused(problem) => return Ok(Seen::Refused(problem.case())),
    };
    if let Err(problem) = headers::check_request(request.head.headers()?) {
        return Ok(Seen::Refused(problem.case()));
    }
    let (attempt, begun) = begin(deployment, &request, request.identity.on_unknown(), now()).await?;
    Ok(match begun {
        Begun::Granted(_) => Seen::Granted(attempt),
        Begun::Answered(response) => {
            let mark = response.headers().get(STATUS)?;
            discard(response.body());
            let instead = mark.as_deref().and_then(Instead::from_mark);
            Seen::Answered(attempt, instead.unwrap_or(Instead::Told(Case::Unavailable)))
        }
        Begun::Sealed(answer) => {
            discard(answer.response.body());
            Seen::Answered(attempt, Instead::Replayed)
        }
        Begun::Memorable { answer, .. } => {
            discard(answer.response.body());
            Seen::Answered(attempt, Instead::Replayed)
        }
        Begun::Outrun => Seen::Answered(attempt, Instead::Told(Case::InProgress)),
        Begun::Asked(_) => Seen::Answered(attempt, Instead::Told(Case::Unknown)),
        Begun::Exhausted(_) => Seen::Answered(attempt, Instead::Told(Case::Limited)),
        Begun::Lost | Begun::Lapsed => {
            // The claim may have arrived after all, or yet arrive, and the origin has been asked all the same.
            attempt.tell(SentOutcome::Doubted(Doubt::NotRecorded), None, attempt.route.retention()).await;
            Seen::Answered(attempt, Instead::Told(Case::Unavailable))
        }
        Begun::Failed | Begun::Full | Begun::Moved { .. } | Begun::Refused => {
            Seen::Answered(attempt, Instead::Told(Case::Unavailable))
        }
    })
}

/// The body comes before the token: what has been sent on, and is not yet read here, is in memory.
async fn read_by_token(
    deployment: &Deployment,
    copy: Request,
    head: Head,
    route: &Route,
    by_token: ByToken<'static>,
) -> Result<body::Read, JsValue> {
    let body = match body::gather_body(&copy, &head, route).await {
        Ok(body) => body,
        Err(problem) => return Ok(body::Read::Refused(problem)),
    };
    match tokens::verify(deployment, by_token).await {
        Ok(guarded) => body::identify(copy, head, body, guarded).await,
        Err(problem) => Ok(body::Read::Refused(problem)),
    }
}

/// What an answer means for the record, with a copy of it where it is to be kept.
fn outcome(route: &Route, answer: Result<&Response, &JsValue>, in_time: bool, is_granted: bool) -> Outcome {
    let unknown = |doubt| Outcome { class: Class::Unknown(doubt), copy: None };
    let response = match answer {
        Err(thrown) => return unknown(origin::doubt(thrown)),
        Ok(_) if !in_time => return unknown(Doubt::OriginTimeout),
        Ok(response) => response,
    };
    let Ok(headers) = header_list(&response.headers()) else { return unknown(Doubt::BodyCut) };
    let class = classify(response.status(), OriginWishes::read(&headers).not_to_be_stored, &route.outcomes);
    let is_kept = is_granted && matches!(class, Class::Store(_));
    let copy = if is_kept { response.tee().ok().map(|response| Arrived { response, headers }) } else { None };
    Outcome { class, copy }
}

impl Sight {
    fn is_grant(&self) -> bool {
        matches!(*self.seen.borrow(), Some(Seen::Granted(_)))
    }

    /// Says in the log what would have become of the request, and gives what the header says.
    fn report(&self, route: &Route, class: Class) -> Report {
        let (record, instead) = match &*self.seen.borrow() {
            None => return Report::Pending,
            Some(Seen::Unkeyed) => return Report::Nothing,
            Some(Seen::Granted(attempt)) => (Some(attempt.place.id), Instead::SentOn),
            Some(Seen::Answered(attempt, instead)) => (Some(attempt.place.id), *instead),
            Some(Seen::Refused(case)) => (None, Instead::Told(*case)),
        };
        let observation = Observation::new(instead, class);
        if observation.would_differ() && is_logged(Some(route), record.as_ref()) {
            log::info(
                "observed",
                json!({ "route": route.name, "record": record.map(|id| id.to_string()), "would_be": observation.would_be(),
                        "duplicate": observation.is_duplicate() }),
            );
        }
        Report::Value(observation.value())
    }

    /// Brings the outcome to the ledger. It refuses that of a duplicate, and counts it.
    async fn settle(&self, Outcome { class, copy }: Outcome, method: &str, patience: Duration) {
        let attempt = match self.seen.take() {
            Some(Seen::Granted(attempt)) => attempt,
            Some(Seen::Answered(attempt, instead)) if Observation::new(instead, class).is_duplicate() => attempt,
            _ => return,
        };
        let outcome = match (class, copy) {
            (Class::Store(status), Some(copy)) => return attempt.keep_copy(status, copy, method, patience).await,
            (Class::Store(status), None) => Keeping::without_body(status),
            (Class::Release, _) => SentOutcome::Released,
            (Class::Unknown(doubt), _) => SentOutcome::Doubted(doubt),
        };
        attempt.tell(outcome, None, attempt.route.retention()).await;
    }
}

impl Attempt {
    /// Keeps an answer of which this is a copy, if all of it comes in this time.
    async fn keep_copy(&self, status: Status, copy: Arrived, method: &str, patience: Duration) {
        let ttl = OriginWishes::read(&copy.headers).ttl;
        let answer = self.answer(status, copy.headers, ttl, method);
        let limit = answer.kept.body_limit(self.route.max_response);
        let gathered = gather(copy.response.body().as_ref(), limit, None, Some(patience)).await;
        let read = gathered.map(|gathered| match gathered {
            Gathered::Whole(bytes) => Some(bytes),
            Gathered::More(_, rest) => {
                discard(Some(rest));
                None
            }
        });
        self.tell_read(&answer, read).await;
    }
}
