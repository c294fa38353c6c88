//! Duplicates that wait until the first request is done. They live in memory only: when the object restarts they are asked
//! to come again.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::collections::HashMap;

use js_sys::{Function, Promise};
use oncegate_protocol::ids::RecordId;
use wasm_bindgen::JsValue;

use crate::platform::{js_millis, set_timeout, settled};

/// All that wait in this ledger.
#[derive(Default)]
pub(super) struct Waiters {
    parked: RefCell<HashMap<RecordId, Vec<Waiter>>>,
    last_ticket: Cell<u64>,
}

struct Waiter {
    ticket: u64,
    wake: Function,
}

impl Waiters {
    /// How many wait for this record, and in all.
    pub(super) fn count(&self, id: &RecordId) -> (usize, usize) {
        let parked = self.parked.borrow();
        let in_all = parked.values().fold(0_usize, |sum, waiters| sum.saturating_add(waiters.len()));
        (parked.get(id).map_or(0, Vec::len), in_all)
    }

    /// Waits until the record is settled, or for so long.
    pub(super) async fn park(&self, id: RecordId, longest: Duration) {
        let ticket = self.last_ticket.get().wrapping_add(1);
        self.last_ticket.set(ticket);
        let promise = Promise::new(&mut |resolve, _| {
            set_timeout(&resolve, js_millis(longest));
            self.parked.borrow_mut().entry(id).or_default().push(Waiter { ticket, wake: resolve });
        });
        // It is only ever resolved.
        let _ = settled(promise).await;
        self.leave(&id, ticket);
    }

    /// Wakes all who wait for a record.
    pub(super) fn wake(&self, id: &RecordId) {
        let waiters = self.parked.borrow_mut().remove(id).unwrap_or_default();
        for waiter in waiters {
            // Resolving a promise does not fail.
            let _ = waiter.wake.call0(&JsValue::UNDEFINED);
        }
    }

    fn leave(&self, id: &RecordId, ticket: u64) {
        let mut parked = self.parked.borrow_mut();
        if let Some(waiters) = parked.get_mut(id) {
            waiters.retain(|waiter| waiter.ticket != ticket);
            if waiters.is_empty() {
                parked.remove(id);
            }
        }
    }
}
