//! What the clock shows.

use core::cell::Cell;
use core::time::Duration;

use oncegate_protocol::time::Timestamp;

use super::bindings::date_now;

thread_local! {
    /// What it shows in the step that is being taken, once somebody has asked.
    static STANDS_AT: Cell<Option<Timestamp>> = const { Cell::new(None) };
    static STANDS: Cell<bool> = const { Cell::new(false) };
}

/// What the clock shows. Within a request it stands still between operations that leave the isolate (Cloudflare, Workers, "Performance
/// and timers"), so that in one step it is asked once.
pub fn now() -> Timestamp {
    if !STANDS.get() {
        return read();
    }
    let now = STANDS_AT.get().unwrap_or_else(read);
    STANDS_AT.set(Some(now));
    now
}

fn read() -> Timestamp {
    // A time before 1970 or beyond all calendars saturates; fractions of a millisecond are dropped.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
    Timestamp::from_millis(date_now() as u64)
}

/// Does something in which nothing leaves the isolate, such as a step of a future: meanwhile the clock stands still.
pub fn in_one_step<T>(step: impl FnOnce() -> T) -> T {
    let is_outermost = !STANDS.replace(true);
    let taken = step();
    if is_outermost {
        STANDS.set(false);
        STANDS_AT.set(None);
    }
    taken
}

/// A limit on the time of a call, to the end of the answer's body.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit {
    begun_at: Timestamp,
    limit: Duration,
}

impl TimeLimit {
    /// Begins to count.
    pub fn begin(limit: Duration) -> Self {
        Self { begun_at: now(), limit }
    }

    /// How long what is still to come may take, by the clock; never more than the limit.
    pub fn left(&self) -> Duration {
        self.limit.saturating_sub(now().since(self.begun_at))
    }
}
