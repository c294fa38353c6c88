//! Rust's futures as promises, and promises as futures.
//!
//! A future is driven by JavaScript's own `await` (`glue.js`): each step polls it, and gives the promise that it waits for. So
//! awaiting costs no closures and no microtasks of our own. A future waits for one promise at a time; what is to be done at once
//! is several of them.

use core::cell::RefCell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::Arc;
use std::task::Wake;

use js_sys::{Function, Promise};
use oncegate_protocol::under_way::UnderWay;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use super::bindings::{drive, over, wait_at_most};
use super::{clock, js_millis, now};

/// What is to be done, in one or more steps.
pub type Work = Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>>;

/// What the promise that was waited for came to.
type Arrived = Result<JsValue, JsValue>;

/// A future that is under way.
struct Task {
    /// `None` while it is polled.
    work: Option<Work>,
    waker: Waker,
    wakes: Wakes,
}

/// Whether a future that waits for something in Rust may go on.
enum Wakes {
    /// It waits for a promise, or nobody has woken it.
    No,
    /// It has been woken, and is yet to be told to wait.
    Early,
    /// It waits to be woken: by this.
    By(Function),
}

/// What passes between a step and the promise that is waited for in it.
#[derive(Default)]
struct Turn {
    arrived: Option<Arrived>,
    waits_for: Option<Wait>,
}

/// A promise that is waited for, and for how long at most.
struct Wait {
    promise: Promise,
    at_most: Option<Duration>,
}

impl Wait {
    /// The promise, for `glue.js`, which has been told of the limit.
    fn told(self) -> Promise {
        if let Some(limit) = self.at_most {
            wait_at_most(js_millis(limit));
        }
        self.promise
    }
}

thread_local! {
    static STEP: Function = Closure::<dyn Fn(u32, JsValue, bool) -> Arrived>::new(step).into_js_value().unchecked_into();
    static TASKS: RefCell<UnderWay<Task>> = RefCell::default();
    /// That of the innermost future that is polled right now.
    static TURN: RefCell<Option<Turn>> = const { RefCell::new(None) };
}

/// What has become of a future that was begun.
pub enum Begun {
    /// It has come to something at once.
    Over(Result<JsValue, JsValue>),
    /// The promise of what it will come to. It goes on whether anybody waits for that or not.
    UnderWay(Promise),
}

/// Begins a future at once.
pub fn begin(work: Work) -> Begun {
    let number = add(work);
    match poll(number, None) {
        Some(Step::WaitsFor(wait)) => Begun::UnderWay(STEP.with(|step| drive(step, number, &wait.told()))),
        Some(Step::Over(result)) => Begun::Over(result),
        None => Begun::Over(Err(no_such_task())),
    }
}

/// What is seldom done, out of the way: it takes no room in the future that it is in, and its code is not amid what is done often.
pub fn aside<'a, T>(rare: impl Future<Output = T> + 'a) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    Box::pin(rare)
}

fn add(work: Work) -> u32 {
    let task = |number| Task { work: Some(work), waker: Waker::from(Arc::new(Wakeup(number))), wakes: Wakes::No };
    let (number, is_look_due) = TASKS.with_borrow_mut(|tasks| (tasks.add(task), tasks.is_look_due()));
    if is_look_due {
        let given_up = TASKS.with_borrow_mut(|tasks| tasks.give_up(now()));
        // Not while they are borrowed: one may wake another when it goes.
        drop(given_up);
    }
    number
}

/// Begins a future at once, and gives the promise of what it comes to.
pub fn run(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    match begin(Box::pin(work)) {
        Begun::UnderWay(promise) => promise,
        Begun::Over(Ok(value)) => Promise::resolve(&value),
        Begun::Over(Err(thrown)) => Promise::reject(&thrown),
    }
}

/// As [`run`], for what comes to nothing that anybody waits for.
pub fn start(work: impl Future<Output = ()> + 'static) -> Promise {
    start_boxed(aside(work))
}

/// Not generic, so that it is there once.
fn start_boxed(work: Pin<Box<dyn Future<Output = ()>>>) -> Promise {
    run(async {
        work.await;
        Ok(JsValue::UNDEFINED)
    })
}

/// What a promise comes to.
///
/// # Errors
/// What it is rejected with; or that it is not awaited in [`run`], or beside another one.
pub async fn settled(promise: Promise) -> Arrived {
    settled_at_most(None, promise).await
}

/// As [`settled`], unless that takes longer than this. What comes after all is let go.
///
/// # Errors
/// Also where it does: a `TimeoutError`.
pub async fn settled_within(limit: Duration, promise: Promise) -> Arrived {
    settled_at_most(Some(limit), promise).await
}

/// As [`settled_within`] where there is a limit, and else as [`settled`].
pub(super) async fn settled_at_most(at_most: Option<Duration>, promise: Promise) -> Arrived {
    let mut is_awaited = false;
    core::future::poll_fn(move |_| {
        TURN.with_borrow_mut(|turn| match turn {
            Some(Turn { arrived, .. }) if is_awaited && arrived.is_some() => {
                Poll::Ready(arrived.take().unwrap_or(Ok(JsValue::UNDEFINED)))
            }
            Some(Turn { waits_for: waits_for @ None, .. }) => {
                *waits_for = Some(Wait { promise: promise.clone(), at_most });
                is_awaited = true;
                Poll::Pending
            }
            _ => Poll::Ready(Err(JsValue::from_str("a promise is awaited beside another one"))),
        })
    })
    .await
}

/// What a step has come to.
enum Step {
    WaitsFor(Wait),
    Over(Result<JsValue, JsValue>),
}

/// For `glue.js`: polls a future, having told it what has arrived. Gives what it waits for next, or an array with what it has come to.
fn step(number: u32, value: JsValue, failed: bool) -> Arrived {
    match poll(number, Some(if failed { Err(value) } else { Ok(value) })) {
        Some(Step::WaitsFor(wait)) => Ok(wait.told().into()),
        Some(Step::Over(result)) => result.map(|value| over(&value)),
        None => Err(no_such_task()),
    }
}

/// Polls a future. `None` where there is none of this number.
fn poll(number: u32, arrived: Option<Arrived>) -> Option<Step> {
    let (mut work, waker) = with_task(number, |task| Some((task.work.take()?, task.waker.clone()))).flatten()?;
    let outer = TURN.replace(Some(Turn { arrived, waits_for: None }));
    let polled = clock::in_one_step(|| work.as_mut().poll(&mut Context::from_waker(&waker)));
    let turn = TURN.replace(outer).unwrap_or_default();
    Some(match polled {
        Poll::Ready(result) => {
            TASKS.with_borrow_mut(|tasks| tasks.remove(number));
            Step::Over(result)
        }
        Poll::Pending => {
            with_task(number, |task| task.work = Some(work));
            Step::WaitsFor(turn.waits_for.unwrap_or_else(|| Wait { promise: woken(number), at_most: None }))
        }
    })
}

fn no_such_task() -> JsValue {
    JsValue::from_str("there is no such task")
}

/// A promise for when the task is woken.
fn woken(number: u32) -> Promise {
    Promise::new(&mut |resolve, _| {
        let was_early = with_task(number, |task| {
            matches!(core::mem::replace(&mut task.wakes, Wakes::By(resolve.clone())), Wakes::Early)
        });
        if was_early == Some(true) {
            Wakeup(number).wake();
        }
    })
}

struct Wakeup(u32);

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.as_ref().wake();
    }
}

impl Wakeup {
    fn wake(&self) {
        let by = with_task(self.0, |task| match core::mem::replace(&mut task.wakes, Wakes::Early) {
            Wakes::By(resolve) => {
                task.wakes = Wakes::No;
                Some(resolve)
            }
            Wakes::No | Wakes::Early => None,
        });
        if let Some(resolve) = by.flatten() {
            // What resolves a promise does not throw.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    }
}

fn with_task<T>(number: u32, work: impl FnOnce(&mut Task) -> T) -> Option<T> {
    TASKS.with_borrow_mut(|tasks| tasks.moved(number).map(work))
}
