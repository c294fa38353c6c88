//! What is told of each keyed request when it has been answered: a line in the log, a data point, and a header if the client asks.

use core::cell::{Cell, OnceCell};
use core::time::Duration;

use js_sys::Object;
use oncegate_protocol::account::{
    Account, SERVER_TIMING, TIMING_WISH, TRACE_PARENT, Times, is_ever_logged, is_logged, wishes_times,
};
use oncegate_protocol::config::Route;
use oncegate_protocol::cors::{Added, Maker, SITE, readable};
use oncegate_protocol::headers::STATUS;
use oncegate_protocol::ids::{AttemptId, RecordId};
use oncegate_protocol::problem::Problem;
use oncegate_protocol::time::Timestamp;
use wasm_bindgen::JsValue;

use super::{Deployment, replies};
use crate::log;
use crate::platform::{Head, Response, now, with_headers, write_data_point};

/// What is noted on the way.
#[derive(Default)]
pub(super) struct Notes {
    ledger: Cell<Duration>,
    origin: Cell<Duration>,
    attempt: Cell<Option<(AttemptId, u32)>>,
}

impl Notes {
    /// A call to the ledger has taken so long.
    pub(super) fn ledger_took(&self, time: Duration) {
        self.ledger.set(self.ledger.get().saturating_add(time));
    }

    /// The origin's answer has begun after so long.
    pub(super) fn origin_took(&self, time: Duration) {
        self.origin.set(time);
    }

    /// It is an attempt to execute.
    pub(super) fn granted(&self, attempt: AttemptId, number: u32) {
        self.attempt.set(Some((attempt, number)));
    }
}

/// What is known of a request before it is carried out.
pub(super) struct Opened {
    route: &'static Route,
    record: Option<RecordId>,
    arrived_at: Timestamp,
    wishes_times: bool,
    trace_parent: Option<String>,
    /// The site whose script has sent it.
    site: Option<String>,
}

impl Opened {
    pub(super) fn new(route: &'static Route, head: &Head, arrived_at: Timestamp) -> Self {
        Self {
            route,
            record: None,
            arrived_at,
            wishes_times: wishes_times(head.header(TIMING_WISH).as_deref()),
            trace_parent: if is_ever_logged(route) { head.header(TRACE_PARENT) } else { None },
            site: if route.cors.is_empty() { None } else { head.header(SITE) },
        }
    }

    /// It has this record.
    pub(super) fn of(self, record: RecordId) -> Self {
        Self { record: Some(record), ..self }
    }

    /// Tells of a request what it has come to, and gives its answer.
    ///
    /// # Errors
    /// Where the platform refuses.
    pub(super) fn close(self, deployment: &Deployment, response: Response) -> Result<Response, JsValue> {
        let told = Told::of(deployment, Some(self.route), self.record.as_ref());
        if told.is_nothing() && self.route.cors.is_empty() && !self.wishes_times {
            return Ok(response);
        }
        let outcome = response.headers().get(STATUS)?.unwrap_or_default();
        let notes = &deployment.notes;
        let total = now().since(self.arrived_at);
        let times = Times { total, ledger: notes.ledger.get(), origin: notes.origin.get() };
        let account = Account {
            route: Some(self.route),
            record: self.record,
            attempt: notes.attempt.get(),
            outcome: &outcome,
            status: response.status(),
            times,
            trace_parent: self.trace_parent.as_deref(),
        };
        told.tell(&account);
        let maker = Maker::of(&outcome, notes.attempt.get().is_some());
        let mut added = readable(self.route, self.site.as_deref(), maker);
        if self.wishes_times {
            added.set.push((SERVER_TIMING, times.server_timing()));
        }
        add(response, &added)
    }
}

fn add(response: Response, added: &Added) -> Result<Response, JsValue> {
    if *added == Added::default() {
        return Ok(response);
    }
    with_headers(&response, &added.set, &added.appended)
}

/// Tells of a request that was refused before it had a record, and gives the answer.
///
/// # Errors
/// Where the platform refuses.
pub(super) fn refuse(
    deployment: &Deployment,
    route: Option<&Route>,
    head: &Head,
    problem: &Problem,
) -> Result<Response, JsValue> {
    let trace_parent = head.header(TRACE_PARENT);
    let account = Account {
        route,
        record: None,
        attempt: None,
        outcome: problem.case().name(),
        status: problem.status(),
        times: Times::default(),
        trace_parent: trace_parent.as_deref(),
    };
    Told::of(deployment, route, None).tell(&account);
    let added = route.map(|route| readable(route, head.header(SITE).as_deref(), Maker::Gate)).unwrap_or_default();
    add(replies::problem(problem)?, &added)
}

thread_local! {
    /// Bindings do not change while an isolate lives.
    static HAS_ANALYTICS: OnceCell<bool> = const { OnceCell::new() };
}

/// To whom a request is told of.
struct Told {
    is_logged: bool,
    analytics: Option<Object>,
}

impl Told {
    fn of(deployment: &Deployment, route: Option<&Route>, record: Option<&RecordId>) -> Self {
        let bindings = &deployment.bindings;
        let has_analytics = HAS_ANALYTICS.with(|known| *known.get_or_init(|| bindings.analytics().is_some()));
        let analytics = if has_analytics { bindings.analytics() } else { None };
        Self { is_logged: is_logged(route, record), analytics }
    }

    fn is_nothing(&self) -> bool {
        !self.is_logged && self.analytics.is_none()
    }

    fn tell(&self, account: &Account<'_>) {
        if self.is_logged {
            log::info("request", account.line());
        }
        if let Some(analytics) = &self.analytics {
            let [route, outcome] = account.texts();
            // What the platform does not take is lost; the request is not.
            let _ = write_data_point(analytics, route, outcome, &account.numbers());
        }
    }
}
