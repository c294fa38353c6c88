//! The Durable Object that keeps the records of one shard of one route. It is only a ledger and never calls the origin.
//!
//! A command is carried out in one go: from reading the record to writing it nothing is awaited, so that no other command
//! comes between, and the platform holds the answer back until what was written is durable.

mod bodies;
mod by_hand;
mod claimed;
mod commands;
mod generations;
mod operator;
mod pieces;
mod records;
mod replies;
mod scopes;
mod sql;
mod state;
mod statements;
mod waiters;

use std::cell::RefCell;
use std::rc::Rc;

use oncegate_protocol::DecodeError;
use oncegate_protocol::wire;
use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::log;
use crate::platform::{Begun, ObjectState, Request, begin, in_one_step, now};
use commands::{Carried, read_command};
use records::Records;
use sql::Fault;
use waiters::Waiters;

/// The object. Named by route, number of shards, and shard.
///
/// It is `src/entry.js` that the platform makes an object of, and that has this one made.
#[wasm_bindgen]
pub struct Ledger(Rc<Shard>);

/// What the object has in memory.
struct Shard {
    records: RefCell<Records>,
    waiters: Waiters,
}

#[wasm_bindgen]
impl Ledger {
    /// Made when the first command comes, and again when the Wasm had to be started anew.
    #[wasm_bindgen(constructor)]
    pub fn new(state: ObjectState) -> Self {
        Self(Rc::new(Shard { records: RefCell::new(Records::new(state.storage())), waiters: Waiters::default() }))
    }

    /// Carries out one command: gives the response, or where it waits for something the promise of it.
    ///
    /// # Errors
    /// What storage threw: whether the command was carried out is then not known.
    pub fn fetch(&self, request: Request) -> Result<JsValue, JsValue> {
        let shard = Rc::clone(&self.0);
        in_one_step(|| match request.headers().get(wire::COMMAND_HEADER)? {
            Some(head) => match shard.carry_out(read_command(&head))? {
                Carried::Out(response) => Ok(response.into()),
                Carried::Parked(parked) => under_way(async move { shard.wait(parked).await.map(Into::into) }),
            },
            None => under_way(async move { shard.read_and_carry_out(&request).await.map(Into::into) }),
        })
    }

    /// The standing alarm: drops what has expired, and writes the counters down.
    ///
    /// # Errors
    /// What kept it from that, so that the platform tries the alarm again. Where it gives up, the next generation to be
    /// opened sets the alarm anew.
    pub fn alarm(&self) -> Result<(), JsValue> {
        let mut records = self.0.records.borrow_mut();
        match records.sweep(now()) {
            Ok(state) => {
                let counters = state.counters.shown();
                log::info("swept", json!({ "generations": state.generations.count(), "counters": counters }));
                Ok(())
            }
            Err(fault) => {
                if let Fault::Unreadable(error) = &fault {
                    unreadable("the ledger's state", *error);
                }
                Err(fault.into())
            }
        }
    }
}

/// Begins to do what takes several steps.
fn under_way(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Result<JsValue, JsValue> {
    match begin(Box::pin(work)) {
        Begun::Over(result) => result,
        Begun::UnderWay(promise) => Ok(promise.into()),
    }
}

fn unreadable(what: &str, error: DecodeError) {
    log::error("unreadable", json!({ "record": what, "reason": error.to_string() }));
}
