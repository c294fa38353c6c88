//! When a request is put inside `waitUntil`: what is there goes on when its client has hung up.
//!
//! That is at once, save on a route whose answers may be remembered: to answer from memory is little more work than to be in there. Then it is
//! after the request has been read, before anything is claimed. A client who hangs up while it sends leaves its future behind,
//! until that is given up (`oncegate_protocol::under_way`), so only so many may be read like that.

use core::cell::{Cell, OnceCell};

use js_sys::Promise;
use oncegate_protocol::config::Route;
use oncegate_protocol::limits;
use oncegate_protocol::replay_cache::Use;

use crate::platform::Context;

thread_local! {
    static READ_UNHELD: Cell<usize> = const { Cell::new(0) };
}

/// Whether a request is inside `waitUntil`.
#[derive(Default)]
pub(super) struct Hold {
    is_put_off: Cell<bool>,
    /// What is to be put there.
    promise: OnceCell<Promise>,
}

/// A request that is read before it is held.
pub(super) struct ReadUnheld(());

impl Hold {
    /// Puts the promise of a request inside `waitUntil`, now or later. Where the platform does not take it, it goes on as long as the
    /// request does.
    pub(super) fn begin(&self, context: &Context, promise: &Promise) {
        if self.is_put_off.get() {
            let _ = self.promise.set(promise.clone());
        } else {
            let _ = context.wait_until(promise);
        }
    }

    /// Puts it off, where that may spare it: as long as this is there it counts as being read.
    pub(super) fn put_off(&self, route: &Route) -> Option<ReadUnheld> {
        let read = READ_UNHELD.get();
        if route.use_of_replays() == Use::HandOn || read >= limits::READ_UNHELD {
            return None;
        }
        READ_UNHELD.set(read.saturating_add(1));
        self.is_put_off.set(true);
        Some(ReadUnheld(()))
    }

    /// From now on it goes on without its client.
    pub(super) fn now(&self, context: &Context) {
        if self.is_put_off.replace(false)
            && let Some(promise) = self.promise.get()
        {
            let _ = context.wait_until(promise);
        }
    }
}

impl Drop for ReadUnheld {
    fn drop(&mut self) {
        READ_UNHELD.set(READ_UNHELD.get().saturating_sub(1));
    }
}
