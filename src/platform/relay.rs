//! A body that is kept and sent on at the same time: it is read as fast as it comes, and sent as fast as it is taken.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;

use super::bindings::{ReadableStream, WritableStream};
use super::body::{Bytes, FIRST_READ, NEXT_READ};
use super::clock::TimeLimit;
use super::stream::at_least;
use super::task::settled;

/// A body between the one who reads it and the one who sends it on, each in a promise of its own. What is held is at most
/// the limit of the reader.
#[derive(Clone, Default)]
pub struct Relay(Rc<RefCell<Shared>>);

/// What is between the two.
#[derive(Default)]
struct Shared {
    /// What was read, packed: a body may come in pieces of a byte.
    blocks: Vec<Uint8Array>,
    /// How much of the last block is filled.
    filled: u32,
    unsent: VecDeque<Span>,
    /// What became of reading, once that is known.
    end: Option<End>,
    /// Whether nobody takes the body any more.
    is_abandoned: bool,
    sender: Option<Waker>,
}

/// Bytes of a block.
struct Span {
    block: Uint8Array,
    from: u32,
    to: u32,
}

/// How reading ended.
enum End {
    /// The body is whole.
    Whole,
    /// It broke off.
    Broken(JsValue),
    /// It goes on beyond the limit: the rest of it.
    GoesOn(ReadableStream),
}

enum Next {
    Bytes(Uint8Array),
    End(End),
}

impl Relay {
    /// Reads a body to its end, however slowly it is sent on, and gives it; `None` where it exceeds `limit` bytes: then
    /// nothing of it is kept, and the rest is left to the sender, and may take as long as it takes.
    ///
    /// # Errors
    /// What the body failed with, or that the time is over. What is sent on breaks off too.
    pub async fn read(
        &self,
        body: ReadableStream,
        limit: u64,
        time_limit: TimeLimit,
    ) -> Result<Option<Bytes>, JsValue> {
        let read = self.fill(&body, limit, time_limit).await;
        let mut shared = self.0.borrow_mut();
        let (end, whole) = match read {
            Ok(true) => (End::Whole, Ok(Some(shared.take_whole()))),
            Ok(false) => {
                shared.blocks.clear();
                if shared.is_abandoned {
                    // Nobody wants the rest.
                    let _ = body.cancel();
                }
                (End::GoesOn(body), Ok(None))
            }
            Err(thrown) => (End::Broken(thrown.clone()), Err(thrown)),
        };
        shared.end = Some(end);
        shared.wake_sender();
        whole
    }

    /// Reads as long as `limit` allows, and says whether that was all.
    async fn fill(&self, body: &ReadableStream, limit: u64, time_limit: TimeLimit) -> Result<bool, JsValue> {
        let reader = body.byob_reader()?;
        // What there is, be it a byte: it is to be sent on at once.
        let at_least = at_least(1)?;
        let mut view = Uint8Array::new_with_length(FIRST_READ);
        let (mut length, mut left) = (0_u64, time_limit.left());
        loop {
            // Never more than was left before, wherever the clock has been set.
            left = left.min(time_limit.left());
            let result = match reader.next_piece(&view, &at_least, Some(left)).await {
                Ok(result) => result,
                Err(thrown) => {
                    let _ = reader.cancel();
                    return Err(thrown);
                }
            };
            let Some(piece) = result.value().filter(|piece| piece.length() > 0) else {
                if result.done() {
                    return Ok(true);
                }
                view = Uint8Array::new_with_length(FIRST_READ);
                continue;
            };
            length = length.saturating_add(u64::from(piece.length()));
            self.0.borrow_mut().push(&piece);
            if length > limit {
                reader.release_lock()?;
                return Ok(false);
            }
            // The platform has moved the view's memory to the piece, which has been copied.
            let is_full = piece.length() == view_length(&piece);
            view = if is_full && view_length(&piece) < NEXT_READ {
                Uint8Array::new_with_length(NEXT_READ)
            } else {
                Uint8Array::new(&piece.buffer())
            };
        }
    }

    /// Sends what is read, as fast as it is taken.
    ///
    /// # Errors
    /// Where nobody takes it any more.
    pub async fn send(&self, into: &WritableStream) -> Result<(), JsValue> {
        let sent = self.drain(into).await;
        if sent.is_err() {
            let mut shared = self.0.borrow_mut();
            shared.is_abandoned = true;
            shared.unsent.clear();
        }
        sent
    }

    async fn drain(&self, into: &WritableStream) -> Result<(), JsValue> {
        let writer = into.get_writer()?;
        let end = loop {
            match poll_fn(|context| self.0.borrow_mut().next(context)).await {
                Next::Bytes(bytes) => settled(writer.write(&bytes)?).await?,
                Next::End(end) => break end,
            };
        };
        let sent = match end {
            End::Whole => writer.close()?,
            // Never a short body that looks whole.
            End::Broken(reason) => writer.abort(&reason)?,
            End::GoesOn(rest) => {
                writer.release_lock()?;
                rest.pipe_to(into)?
            }
        };
        settled(sent).await.map(|_| ())
    }
}

/// The length of the view that was filled with this piece.
fn view_length(piece: &Uint8Array) -> u32 {
    piece.buffer().byte_length()
}

impl Shared {
    /// Takes in a piece, by copying it.
    fn push(&mut self, piece: &Uint8Array) {
        let mut from = 0;
        while from < piece.length() {
            let (block, room) = self.last_block();
            let to = from.saturating_add(room).min(piece.length());
            block.set(&piece.subarray(from, to), self.filled);
            let until = self.filled.saturating_add(to.saturating_sub(from));
            self.announce(block, until);
            self.filled = until;
            from = to;
        }
        self.wake_sender();
    }

    /// A block that has room, and how much.
    fn last_block(&mut self) -> (Uint8Array, u32) {
        if let Some(block) = self.blocks.last() {
            let room = block.length().saturating_sub(self.filled);
            if room > 0 {
                return (block.clone(), room);
            }
        }
        let size = if self.blocks.is_empty() { FIRST_READ } else { NEXT_READ };
        let block = Uint8Array::new_with_length(size);
        self.blocks.push(block.clone());
        self.filled = 0;
        (block, size)
    }

    /// Leaves for the sender what the last block has been filled with, up to here.
    fn announce(&mut self, block: Uint8Array, until: u32) {
        match self.unsent.back_mut() {
            _ if self.is_abandoned => {}
            // It is of this block: nothing of an earlier one ends where nothing has been filled yet.
            Some(last) if last.to == self.filled => last.to = until,
            _ => self.unsent.push_back(Span { block, from: self.filled, to: until }),
        }
    }

    fn next(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        if let Some(span) = self.unsent.pop_front() {
            return Poll::Ready(Next::Bytes(span.block.subarray(span.from, span.to)));
        }
        match self.end.take() {
            Some(end) => Poll::Ready(Next::End(end)),
            None => {
                self.sender = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// All that was read.
    fn take_whole(&mut self) -> Bytes {
        let mut bytes = Bytes::default();
        let last = self.blocks.pop().map(|block| block.subarray(0, self.filled));
        for block in self.blocks.drain(..).chain(last) {
            bytes.push(block);
        }
        bytes
    }

    fn wake_sender(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.wake();
        }
    }
}
