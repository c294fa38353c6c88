//! Oncegate inside a Worker that is made with the crate [`worker`]: a [`Gate`] in front of the Worker's own handler.
//!
//! ```ignore
//! static GATE: Gate = Gate::from_variables();
//!
//! #[event(fetch)]
//! async fn fetch(request: Request, env: Env, context: Context) -> Result<web_sys::Response> {
//!     GATE.handle(request, env, context, pay).await
//! }
//!
//! async fn pay(request: Request, env: Env, context: Context) -> Result<Response> {
//!     // …
//! }
//! ```
//!
//! The Worker exports the Durable Object class `Ledger` by depending on this crate, and needs a binding `LEDGER` to it. The page
//! `docs/library.md` tells how, and what holds there that differs from the gate as a Worker of its own.

mod origin;

use std::sync::OnceLock;

use oncegate::configuration;
use oncegate::gateway;
use oncegate::platform::Bindings;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Context, Env, Request, Response, Result, web_sys};

/// The Durable Object that keeps the records. worker-build exports it from the Worker, under this name.
pub use oncegate::ledger::Ledger;

/// A gate in front of a handler. It is a `static` of the Worker, since its configuration is read once per isolate.
#[derive(Debug)]
pub struct Gate {
    /// What the program itself says; without it, the variables do.
    routes: Option<&'static str>,
    config: OnceLock<std::result::Result<&'static configuration::Config, String>>,
}

impl Gate {
    /// A gate whose routes are in the Worker's variables `ROUTES`, `ROUTES_1` and so on.
    #[must_use]
    pub const fn from_variables() -> Self {
        Self { routes: None, config: OnceLock::new() }
    }

    /// A gate with these routes: an array of tables as JSON, with the fields that the variable `ROUTES` has. The variables may then
    /// not name any; the secrets (`ADMIN_TOKEN`, `SEAL_KEY`) are still read there.
    #[must_use]
    pub const fn with_routes(json: &'static str) -> Self {
        Self { routes: Some(json), config: OnceLock::new() }
    }

    /// Answers a request: with what `handler` answers, or, where the request has a key that is on record, without asking it. The answer
    /// is the platform's own: a [`Response`] that is made of it would be compressed a second time.
    ///
    /// The handler gets a keyed request with its body whole in memory, at most the route's `max_request`, and with the headers
    /// `Oncegate-Attempt`, `Oncegate-Fence` and `Oncegate-Deadline`. Other requests pass through to it as they came. It is called
    /// more than once for one request only where the route has `on_unknown = { probe = … }`: then first with the probe.
    ///
    /// - A handler that answers has executed, unless its status, or a header `Oncegate-Store: no`, says otherwise, as an origin's would.
    /// - A handler that fails, that takes longer than the route's `timeout`, or whose body breaks off leaves the outcome unknown:
    ///   the client gets 502 or 504, and retries do not reach the handler until the record ends, or as `on_unknown` says.
    /// - A handler that panics takes all that is under way in the isolate with it, as anywhere in a Worker. The key is in progress
    ///   until its lease ends (`timeout` and 10 s), and its outcome unknown from then on.
    /// - A handler may go on after its `timeout`; nobody can stop it. Nothing of what it then gives is used.
    ///
    /// With a bad configuration all requests get 500, and the log says what is wrong.
    ///
    /// # Errors
    /// What the platform throws. What fails in the gate or the handler is an answer.
    pub async fn handle<H, F>(
        &self,
        request: Request,
        env: Env,
        context: Context,
        handler: H,
    ) -> Result<web_sys::Response>
    where
        H: Fn(Request, Env, Context) -> F + 'static,
        F: Future<Output = Result<Response>> + 'static,
    {
        let origin = origin::Origin::new(&request, &env, &context, handler);
        let bindings: Bindings = origin.bound_in(&env)?.unchecked_into();
        let config = self.config.get_or_init(|| self.read(&bindings)).clone();
        let (request, context) = (JsValue::from(request.inner()), JsValue::from(context.as_ref()));
        let answer = gateway::handle_as(|_| config, request.unchecked_into(), bindings, context.unchecked_into());
        origin.answered(answer).await
    }

    fn read(&self, bindings: &Bindings) -> std::result::Result<&'static configuration::Config, String> {
        match self.routes {
            Some(routes) => configuration::read_with_routes(bindings, routes),
            None => configuration::read(bindings),
        }
    }
}
