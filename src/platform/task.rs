//! Rust's futures as promises, and promises as futures.
//!
//! A future is driven by JavaScript's own `await` (`glue.js`): each step polls it, and gives the promise that it waits for. So
//! awaiting costs no closures and no microtasks of our own. A future waits for one promise at a time; what is to be done at once
//! is several of them.

use core::cell::RefCell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::task::Wake;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use super::bindings::drive;

type Work = Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>>;

/// What the promise that was waited for came to.
type Arrived = Result<JsValue, JsValue>;

/// A future that is under way.
struct Task {
    /// `None` while it is polled.
    work: Option<Work>,
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
    waits_for: Option<Promise>,
}

/// All that are under way.
#[derive(Default)]
struct Tasks {
    /// By their numbers.
    places: Vec<Option<Task>>,
    /// The numbers that are to be used again.
    free: Vec<u32>,
}

impl Tasks {
    fn add(&mut self, task: Task) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len().saturating_sub(1)).unwrap_or(u32::MAX)
        });
        if let Some(place) = self.places.get_mut(index(number)) {
            *place = Some(task);
        }
        number
    }

    fn remove(&mut self, number: u32) {
        if self.places.get_mut(index(number)).and_then(Option::take).is_some() {
            self.free.push(number);
        }
    }
}

thread_local! {
    static STEP: Function = Closure::<dyn Fn(u32, JsValue, bool) -> Arrived>::new(step).into_js_value().unchecked_into();
    static TASKS: RefCell<Tasks> = RefCell::default();
    /// That of the innermost future that is polled right now.
    static TURN: RefCell<Option<Turn>> = const { RefCell::new(None) };
}

/// Begins a future at once, and gives the promise of what it comes to. It goes on whether anybody waits for that or not.
pub fn run(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let task = Task { work: Some(Box::pin(work)), wakes: Wakes::No };
    let number = TASKS.with_borrow_mut(|tasks| tasks.add(task));
    STEP.with(|step| drive(step, number))
}

/// As [`run`], for what comes to nothing that anybody waits for.
pub fn start(work: impl Future<Output = ()> + 'static) -> Promise {
    run(async move {
        work.await;
        Ok(JsValue::UNDEFINED)
    })
}

/// What a promise comes to.
///
/// # Errors
/// What it is rejected with; or that it is not awaited in [`run`], or beside another one.
pub async fn settled(promise: Promise) -> Arrived {
    let mut is_awaited = false;
    core::future::poll_fn(move |_| {
        TURN.with_borrow_mut(|turn| match turn {
            Some(Turn { arrived, .. }) if is_awaited && arrived.is_some() => {
                Poll::Ready(arrived.take().unwrap_or(Ok(JsValue::UNDEFINED)))
            }
            Some(Turn { waits_for: waits_for @ None, .. }) => {
                *waits_for = Some(promise.clone());
                is_awaited = true;
                Poll::Pending
            }
            _ => Poll::Ready(Err(JsValue::from_str("a promise is awaited beside another one"))),
        })
    })
    .await
}

/// Polls a future, having told it what has arrived. Gives what it waits for next, or an array with what it has come to.
fn step(number: u32, value: JsValue, failed: bool) -> Arrived {
    let Some(mut work) = with_task(number, |task| task.work.take()).flatten() else {
        return Err(JsValue::from_str("there is no such task"));
    };
    let arrived = Some(if failed { Err(value) } else { Ok(value) });
    let outer = TURN.replace(Some(Turn { arrived, waits_for: None }));
    let waker = Waker::from(Arc::new(Wakeup(number)));
    let polled = work.as_mut().poll(&mut Context::from_waker(&waker));
    let turn = TURN.replace(outer).unwrap_or_default();
    match polled {
        Poll::Ready(result) => {
            TASKS.with_borrow_mut(|tasks| tasks.remove(number));
            result.map(|value| Array::of1(&value).into())
        }
        Poll::Pending => {
            let waits_for = turn.waits_for;
            let woken = || woken(number);
            with_task(number, |task| task.work = Some(work));
            Ok(waits_for.unwrap_or_else(woken).into())
        }
    }
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
    TASKS.with_borrow_mut(|tasks| tasks.places.get_mut(index(number))?.as_mut().map(work))
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
