//! Noticing that the user asked `dev` to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

/// Whether Ctrl-C was pressed, or SIGTERM or SIGHUP came.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes these signals from now on: they no longer end the process by themselves.
    pub(crate) fn listen() -> Result<Self> {
        let interrupt = Self::never();
        let requested = interrupt.clone();
        ctrlc::set_handler(move || requested.0.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")?;
        Ok(interrupt)
    }

    /// One that nobody requests.
    pub(crate) fn never() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
