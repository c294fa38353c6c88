//! Bodies. They stay in JavaScript's memory, in the pieces in which they came.

use oncegate_protocol::hashing::BodyDigest;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::Uint8Array;

use super::bindings::{FixedLengthStream, Pipe, ReadableStream};
use super::stream::at_least;

/// How many bytes are copied into Wasm memory at a time.
const WINDOW: u32 = 64 << 10;

/// Bytes in JavaScript's memory.
#[derive(Clone, Debug, Default)]
pub struct Bytes {
    pieces: Vec<Uint8Array>,
    length: u32,
}

impl Bytes {
    /// Adds a piece.
    pub fn push(&mut self, piece: Uint8Array) {
        self.length = self.length.saturating_add(piece.length());
        self.pieces.push(piece);
    }

    /// The same bytes in one piece, so that joining them no longer copies.
    pub fn whole(self) -> Self {
        let piece = self.joined(&[]);
        Self { length: piece.length(), pieces: vec![piece] }
    }

    /// How many bytes there are.
    pub fn length(&self) -> u32 {
        self.length
    }

    /// The pieces.
    pub fn pieces(&self) -> &[Uint8Array] {
        &self.pieces
    }

    /// All in one array, behind `head`. Without a head, a single piece is not copied.
    pub fn joined(&self, head: &[u8]) -> Uint8Array {
        if let ([single], true) = (self.pieces.as_slice(), head.is_empty()) {
            return single.clone();
        }
        // A head is some kilobytes at most.
        let mut offset = u32::try_from(head.len()).unwrap_or(u32::MAX);
        let joined = Uint8Array::new_with_length(offset.saturating_add(self.length));
        joined.subarray(0, offset).copy_from(head);
        for piece in &self.pieces {
            joined.set(piece, offset);
            offset = offset.saturating_add(piece.length());
        }
        joined
    }

    /// A copy in Wasm memory, for a body that must be understood.
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(Uint8Array::to_vec).collect()
    }

    /// The digest, computed over a small window so that Wasm memory does not grow with the body.
    pub fn digest(&self) -> BodyDigest {
        let mut digest = BodyDigest::default();
        for piece in &self.pieces {
            let mut from = 0;
            while from < piece.length() {
                let to = from.saturating_add(WINDOW).min(piece.length());
                digest.update(&piece.subarray(from, to).to_vec());
                from = to;
            }
        }
        digest
    }
}

/// What came of reading a stream up to a limit.
pub enum Gathered {
    /// It ended within the limit.
    Whole(Bytes),
    /// It goes on beyond the limit: what was read, and the rest, which may come to nothing.
    More(Bytes, ReadableStream),
}

/// How much is read at first, and then at a time. A body may come in pieces of a byte, each of which would cost a crossing
/// and some kilobytes; so the platform is asked to fill a view before it answers.
pub(super) const FIRST_READ: u32 = 4 << 10;
pub(super) const NEXT_READ: u32 = 64 << 10;

/// Reads a stream to its end, or until it exceeds `limit` bytes. Bytes are counted as they come: what a Content-Length says
/// does not matter.
///
/// # Errors
/// What the stream failed with.
pub async fn gather(stream: Option<&ReadableStream>, limit: u64) -> Result<Gathered, JsValue> {
    let mut bytes = Bytes::default();
    let Some(stream) = stream else { return Ok(Gathered::Whole(bytes)) };
    let reader = stream.byob_reader()?;
    let mut size = FIRST_READ;
    loop {
        // Never more than what would be too much, so that a body which is too large is refused as soon as it is.
        let too_much = limit.saturating_add(1).saturating_sub(u64::from(bytes.length()));
        let size_now = size.min(u32::try_from(too_much).unwrap_or(u32::MAX));
        let result = reader.next_piece(&Uint8Array::new_with_length(size_now), &at_least(size_now)?).await?;
        if let Some(piece) = result.value().filter(|piece| piece.length() > 0) {
            bytes.push(piece);
        }
        if u64::from(bytes.length()) > limit {
            reader.release_lock()?;
            return Ok(Gathered::More(bytes, stream.clone()));
        }
        if result.done() {
            return Ok(Gathered::Whole(bytes));
        }
        size = NEXT_READ;
    }
}

/// A pipe for a body of this length, which is announced and held to: a body of another length breaks off. Without a length,
/// any body passes.
///
/// # Errors
/// Where the platform gives none.
pub fn pipe(length: Option<u64>) -> Result<Pipe, JsValue> {
    #[allow(clippy::cast_precision_loss, reason = "lengths that are announced are below 2^53")]
    match length {
        Some(length) => Ok(FixedLengthStream::new(length as f64)?.unchecked_into()),
        None => Pipe::new(),
    }
}
