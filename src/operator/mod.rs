//! What an operator may see and change, below `/_oncegate/`. It is all decided in [`oncegate_protocol::operator`].

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Promise, Uint8Array};
use oncegate_protocol::config::Route;
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::limits;
use oncegate_protocol::operator::body::{self, Change};
use oncegate_protocol::operator::{
    Ask, ConsoleFile, Findings, METRICS_TYPE, Problem, Standing, Sums, Tour, places, show,
};
use oncegate_protocol::request::Place;
use oncegate_protocol::wire::{OperatorCommand, Report, Tally};
use serde_json::{Value, json};
use wasm_bindgen::JsValue;

use crate::gateway::{Deployment, forget};
use crate::ledger_calls::Ledger;
use crate::platform::{Gathered, Request, Response, console_file, discard, gather, new_attempt, reply, settled, start};
use crate::{log, sealing};

/// What an operator is shown.
enum Shown {
    Json(Value),
    Metrics(String),
}

/// What an operator gets, or is told in its place.
type Answer = Result<Value, Problem>;

/// Gives a file of the console.
pub(crate) fn console(file: ConsoleFile) -> Result<Response, JsValue> {
    let headers = file.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    reply(200, &headers, &console_file(file.name()))
}

/// Answers a request to one of the operator's addresses.
pub(crate) async fn handle(
    deployment: Rc<Deployment>,
    asked: Result<Ask<'static>, Problem>,
    request: Request,
) -> Result<JsValue, JsValue> {
    let answer = match asked {
        Ok(ask) => carry_out(&deployment, ask, &request).await?,
        Err(problem) => Err(problem),
    };
    let reply = match answer {
        Ok(Shown::Json(value)) => shown("application/json", &format!("{value:#}\n")),
        Ok(Shown::Metrics(text)) => shown(METRICS_TYPE, &text),
        Err(problem) => reply(problem.status(), &problem.headers(), &JsValue::from_str(&problem.body())),
    };
    reply.map(Into::into)
}

fn shown(media_type: &str, text: &str) -> Result<Response, JsValue> {
    let headers = [("content-type", media_type), ("cache-control", "no-store")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    reply(200, &headers, &JsValue::from_str(text))
}

/// Carries out what is asked. An error is the platform's.
async fn carry_out(
    deployment: &Rc<Deployment>,
    ask: Ask<'static>,
    request: &Request,
) -> Result<Result<Shown, Problem>, JsValue> {
    let answer = match ask {
        Ask::Metrics(sums) => return Ok(Ok(Shown::Metrics(sums.metrics(&count(deployment, &sums).await)))),
        Ask::Configuration => Ok(show::configuration(deployment.config)),
        Ask::Counters(sums) => Ok(sums.reply(&count(deployment, &sums).await)),
        Ask::Records(tour) => Ok(list(deployment, tour).await),
        Ask::Record { route, id, with_body } => look(deployment, route, &places(route, id), with_body).await,
        Ask::Find(route) => match read(request, |sent| body::find(route, sent)).await {
            Ok(places) => look(deployment, route, &places, false).await,
            Err(problem) => Err(problem),
        },
        Ask::Resolve(route, id) => match read(request, |sent| body::resolve(route, sent)).await {
            Ok(change) => self::change(deployment, route, id, change).await?,
            Err(problem) => Err(problem),
        },
        Ask::Forget(route, id) => match read(request, body::forget).await {
            Ok(change) => self::change(deployment, route, id, change).await?,
            Err(problem) => Err(problem),
        },
    };
    Ok(answer.map(Shown::Json))
}

/// What an operator has sent, as `parse` reads it.
async fn read<T>(request: &Request, parse: impl FnOnce(&[u8]) -> Result<T, Problem>) -> Result<T, Problem> {
    match gather(request.body().as_ref(), limits::OPERATOR_REQUEST_BYTES, None, None).await {
        Ok(Gathered::Whole(bytes)) => parse(&bytes.to_vec()),
        Ok(Gathered::More(_, rest)) => {
            discard(Some(rest));
            Err(Problem::too_large())
        }
        Err(_) => Err(Problem::broken_off()),
    }
}

/// Looks at a record.
async fn look(deployment: &Deployment, route: &Route, places: &[Place], with_body: bool) -> Answer {
    let command = |place: &Place| OperatorCommand::Look { id: place.id, with_body };
    let mut standing = ask(deployment, route, places, &[], command).await?;
    if let Some((seal, status, sealed)) = standing.sealed() {
        let keys = &deployment.config.seal_keys;
        let opened = sealing::open(keys, &seal, &standing.place.id, status, sealed).await;
        standing = standing.opened(opened);
    }
    Ok(show::record(route, &standing))
}

/// Changes a record by hand, and says so in the log.
async fn change(deployment: &Deployment, route: &Route, id: RecordId, change: Change) -> Result<Answer, JsValue> {
    let by = new_attempt()?;
    let change = match change.seal(route) {
        Some((key, status)) => {
            let plain = Uint8Array::from(change.body.as_slice());
            let sealed = sealing::seal(key, by, &id, status, &plain).await?;
            change.sealed(key.id(), sealed.to_vec())
        }
        None => change,
    };
    let command = |place: &Place| OperatorCommand::Intervene {
        id: place.id,
        fence: change.fence,
        by,
        retention: route.retention(),
        intervention: change.intervention.clone(),
        note: change.note.clone(),
    };
    let standing = ask(deployment, route, &places(route, id), &change.body, command).await;
    forget(&id);
    Ok(standing.map(|standing| {
        let details = json!({ "route": route.name, "record": standing.place.id.to_string(), "who": change.note.who(),
                              "what": change.name() });
        log::info("changed by an operator", details);
        show::record(route, &standing)
    }))
}

/// Asks the ledgers of a record's layouts in turn.
async fn ask(
    deployment: &Deployment,
    route: &Route,
    places: &[Place],
    body: &[u8],
    command: impl Fn(&Place) -> OperatorCommand,
) -> Result<Standing, Problem> {
    let mut findings = Findings::default();
    for place in places {
        let report = ledger(deployment, route, &place.ledger).report(command(place), body).await;
        let report = report.map_err(|_| Problem::unavailable(&place.ledger))?;
        if findings.take(place, report) {
            break;
        }
    }
    findings.finish(route)
}

/// A page of records.
async fn list(deployment: &Deployment, mut tour: Tour<'_>) -> Value {
    while let Some((name, command)) = tour.step() {
        let page = match ledger(deployment, tour.route(), &name).report(command, &[]).await {
            Ok(Report::Page(page)) => Some(page),
            _ => None,
        };
        tour.saw(&name, page);
    }
    tour.reply()
}

/// What each ledger has counted. A few are asked at a time.
async fn count(deployment: &Rc<Deployment>, sums: &Sums<'static>) -> Vec<(String, Option<Tally>)> {
    let tallies = Rc::new(RefCell::new(Vec::new()));
    for few in sums.ledgers().chunks(limits::COUNTED_AT_A_TIME) {
        let at_once: Vec<Promise> =
            few.iter().map(|(route, name)| tally(deployment, route, name.clone(), &tallies)).collect();
        for promise in at_once {
            // What it came to is among the tallies.
            let _ = settled(promise).await;
        }
    }
    tallies.take()
}

/// Asks a ledger for its counters, and adds them to the tallies.
fn tally(deployment: &Rc<Deployment>, route: &'static Route, name: String, tallies: &Tallies) -> Promise {
    let (deployment, tallies) = (Rc::clone(deployment), Rc::clone(tallies));
    start(async move {
        let tally = match ledger(&deployment, route, &name).report(OperatorCommand::Tally, &[]).await {
            Ok(Report::Tally(tally)) => Some(*tally),
            _ => None,
        };
        tallies.borrow_mut().push((name, tally));
    })
}

/// What ledgers have counted, by their names; `None` where one did not say.
type Tallies = Rc<RefCell<Vec<(String, Option<Tally>)>>>;

fn ledger<'a>(deployment: &'a Deployment, route: &'a Route, name: &'a str) -> Ledger<'a> {
    Ledger { bindings: &deployment.bindings, placement: &route.placement, name }
}
