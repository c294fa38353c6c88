//! A payments API as a Worker, with Oncegate in front of its handler.

mod misbehaviour;

use std::cell::RefCell;
use std::collections::BTreeMap;

use oncegate_workers_rs::Gate;
use serde_json::{Value, json};
use worker::{Context, Env, Method, Request, Response, Result, event, js_sys, web_sys};

/// Which requests are keyed is in wrangler.toml.
static GATE: Gate = Gate::from_variables();

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<web_sys::Response> {
    GATE.handle(request, env, context, answer).await
}

thread_local! {
    /// How often each key was executed, since the isolate began.
    static EXECUTIONS: RefCell<BTreeMap<String, u32>> = RefCell::default();
}

/// The Worker's own handler, which need not know of the gate.
async fn answer(request: Request, _env: Env, _context: Context) -> Result<Response> {
    match (request.method(), request.path().as_str()) {
        (Method::Post, "/v1/payments") => pay(request).await,
        (Method::Post, "/v1/documents") => misbehaviour::answer(request, file).await,
        (Method::Get, "/_test/executions") => EXECUTIONS.with_borrow(Response::from_json),
        _ => Response::error("Not found", 404),
    }
}

/// Takes a payment.
async fn pay(mut request: Request) -> Result<Response> {
    count(&request)?;
    let Ok(payment) = request.json::<Value>().await else {
        return Response::error("a payment is JSON", 400);
    };
    let id = format!("pay_{}", js_sys::Math::random());
    Ok(Response::from_json(&json!({ "id": id, "amount": payment["amount"] }))?.with_status(201))
}

/// Takes a document, and gives it back.
async fn file(mut request: Request) -> Result<Response> {
    count(&request)?;
    Response::from_bytes(request.bytes().await?)
}

/// The gate hands over the key that it has read, wherever that was.
fn count(request: &Request) -> Result<()> {
    if let Some(key) = request.headers().get("idempotency-key")? {
        EXECUTIONS.with_borrow_mut(|executions| *executions.entry(key).or_default() += 1);
    }
    Ok(())
}
