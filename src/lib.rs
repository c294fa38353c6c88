//! Oncegate: the Worker.
use worker::{Context, DurableObject, Env, Fetch, Request, Response, Result, State, durable_object, event};

#[event(fetch)]
async fn fetch(request: Request, _env: Env, _context: Context) -> Result<Response> {
    Fetch::Request(request).send().await
}

/// The ledger.
#[durable_object]
pub struct Ledger {
    _state: State,
}

impl DurableObject for Ledger {
    fn new(state: State, _env: Env) -> Self {
        Self { _state: state }
    }
    async fn fetch(&self, _request: Request) -> Result<Response> {
        Response::ok("ledger")
    }
}
