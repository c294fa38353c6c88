//! Bodies. They stay in JavaScript's memory, in the pieces in which they came.

use core::time::Duration;

use js_sys::{Array, Uint8Array};
use oncegate_protocol::hashing::BodyDigest;
use wasm_bindgen::{JsCast, JsValue};

use super::bindings::{FixedLengthStream, Pipe, ReadableStream, bytes_of, gather_pieces, length_of_whole, sha256};
use super::task::{settled, settled_at_most};

/// How many bytes are copied into Wasm memory to be digested there.
const SMALL: u32 = 8 << 10;

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
        match self.pieces.as_slice() {
            [single] => bytes_of(single),
            pieces => pieces.iter().flat_map(bytes_of).collect(),
        }
    }

    /// The digest. A small body's is computed here, a large one's by the platform, which is faster and has it in memory anyway.
    ///
    /// # Errors
    /// Where the platform refuses.
    pub async fn digest(&self) -> Result<BodyDigest, JsValue> {
        if self.length <= SMALL {
            return Ok(BodyDigest::of(&self.to_vec()));
        }
        let digest: Uint8Array = settled(sha256(&self.joined(&[]))).await?.unchecked_into();
        let mut bytes = [0; BodyDigest::LENGTH];
        if digest.length() != BodyDigest::LENGTH as u32 {
            return Err(JsValue::from_str("the platform's digest has another length"));
        }
        digest.copy_to(&mut bytes);
        Ok(BodyDigest::from_sha256(bytes))
    }
}

/// What came of reading a stream up to a limit.
pub enum Gathered {
    /// It ended within the limit: it is in one piece.
    Whole(Bytes),
    /// It goes on beyond the limit: what was read, and the rest, which may come to nothing.
    More(Bytes, ReadableStream),
}

/// How much is read at first, and then at a time, of a body that is sent on as it comes.
pub(super) const FIRST_READ: u32 = 4 << 10;
pub(super) const NEXT_READ: u32 = 64 << 10;

/// Reads a stream to its end, or until it exceeds `limit` bytes. Bytes are counted as they come: what is `announced` only
/// spares a last look for more.
///
/// # Errors
/// What the stream failed with; or where it takes longer than `at_most`.
#[allow(clippy::cast_precision_loss, reason = "limits are below 2^53, and so is what is announced")]
pub async fn gather(
    stream: Option<&ReadableStream>,
    limit: u64,
    announced: Option<u64>,
    at_most: Option<Duration>,
) -> Result<Gathered, JsValue> {
    let Some(stream) = stream else { return Ok(Gathered::Whole(Bytes::default())) };
    let reading = gather_pieces(stream, limit as f64, announced.map(|announced| announced as f64))?;
    let gathered = settled_at_most(at_most, reading).await?;
    if let Some(length) = length_of_whole(&gathered) {
        return Ok(Gathered::Whole(Bytes { pieces: vec![gathered.unchecked_into()], length }));
    }
    let mut bytes = Bytes::default();
    for piece in gathered.unchecked_into::<Array>().iter() {
        bytes.push(piece.unchecked_into());
    }
    Ok(Gathered::More(bytes, stream.clone()))
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
