//! Sealing of whole bodies, by the platform's cipher and as [`oncegate_protocol::seal`] has it.

use js_sys::Uint8Array;
use oncegate_protocol::ids::{AttemptId, RecordId};
use oncegate_protocol::outcome::Status;
use oncegate_protocol::seal::{self, Seal, SealKey, SealKeys, Segments, Unopenable};
use wasm_bindgen::JsValue;

use crate::platform::{Bytes, Cipher};

/// The cipher for the one body that an attempt brings to a record.
pub(crate) async fn cipher(key: &SealKey, attempt: AttemptId, record: &RecordId) -> Result<Cipher, JsValue> {
    Cipher::derive(key.as_bytes(), attempt.as_bytes(), &seal::info(record)).await
}

/// Seals the body that an attempt brings to a record, with this status.
pub(crate) async fn seal(
    key: &SealKey,
    attempt: AttemptId,
    record: &RecordId,
    status: Status,
    plain: &Uint8Array,
) -> Result<Bytes, JsValue> {
    let cipher = cipher(key, attempt, record).await?;
    let mut sealed = Bytes::default();
    for segment in Segments::of_plain(plain.length()).iter() {
        let part = plain.subarray(segment.plain_from, segment.plain_to);
        sealed.push(cipher.seal(&segment.nonce, &seal::additional_data(status), &part).await?);
    }
    Ok(sealed)
}

/// Opens a body that is there as a whole, and small.
pub(crate) async fn open(
    keys: &SealKeys,
    seal: &Seal,
    record: &RecordId,
    status: Status,
    sealed: &[u8],
) -> Result<Vec<u8>, Unopenable> {
    let (key, segments) = seal.opening(keys)?;
    let failed = |number| Unopenable::Altered(number);
    let cipher = cipher(key, seal.attempt, record).await.map_err(|_| failed(0))?;
    let (mut plain, mut rest) = (Vec::new(), sealed);
    for segment in segments.iter() {
        let length = usize::try_from(segment.sealed_length).unwrap_or(usize::MAX);
        let (part, after) = rest.split_at_checked(length).ok_or(failed(segment.number))?;
        let data = seal::additional_data(status);
        let opened = cipher.open(&segment.nonce, &data, &Uint8Array::from(part)).await;
        plain.extend_from_slice(&opened.map_err(|_| failed(segment.number))?.to_vec());
        rest = after;
    }
    Ok(plain)
}
