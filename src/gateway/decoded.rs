//! A replay to a client that does not accept the coding in which the answer is kept.

use js_sys::Uint8Array;
use oncegate_protocol::decoding::Decoding;
use oncegate_protocol::encoding::decode_for;
use oncegate_protocol::limits::{DECODE_STEP_BYTES, DECODE_WINDOW_BYTES};
use wasm_bindgen::JsValue;

use super::Deployment;
use crate::platform::{
    Bytes, Gathered, Head, ReadableStream, Reader, Response, WritableStream, Writer, aside, at_least, gather,
    header_list, pipe, reply, settled,
};

/// The ledger's answer as it is; or decoded, where the client does not accept its coding and it has one.
pub(super) async fn as_accepted(deployment: &Deployment, answer: Response, client: &Head) -> Result<Response, JsValue> {
    if !answer.headers().has("content-encoding")? {
        return Ok(answer);
    }
    aside(decoded(deployment, answer, client)).await
}

/// An answer that has a coding, as the client accepts it.
async fn decoded(deployment: &Deployment, answer: Response, client: &Head) -> Result<Response, JsValue> {
    let accepted = client.header("accept-encoding");
    let (status, headers) = (answer.status(), header_list(&answer.headers())?);
    match (answer.body(), decode_for(&headers, status, accepted.as_deref())) {
        (Some(body), Some((decoder, decoded))) => match gather(Some(&body), 0, None, None).await? {
            // There is nothing to decode, as after HEAD, and its headers are those of the answer to GET.
            Gathered::Whole(nothing) => reply(status, &headers, &nothing.joined(&[])),
            Gathered::More(begun, rest) => {
                let body = stream(deployment, begun, rest, Decoding::new(decoder))?;
                reply(status, &decoded, &body)
            }
        },
        _ => Ok(answer),
    }
}

/// What has been read of a body, and then the rest of it, decoded as fast as it is taken. The platform's own decoder would
/// decode all that it is given, whether anybody takes it or not.
fn stream(deployment: &Deployment, begun: Bytes, rest: ReadableStream, decoding: Decoding) -> Result<JsValue, JsValue> {
    let through = pipe(None)?;
    let writable = through.writable();
    let reader = rest.byob_reader()?;
    deployment.afterwards(async move {
        // Nobody is left to be told of a failure here: the client sees its body break off.
        let _ = send(&begun, &reader, decoding, &writable).await;
        // What is left of it nobody wants.
        let _ = reader.cancel();
    });
    Ok(through.readable())
}

/// Sends a body decoded. Where it cannot be read or decoded it breaks off: never a short body that looks whole.
async fn send(begun: &Bytes, rest: &Reader, decoding: Decoding, into: &WritableStream) -> Result<(), JsValue> {
    let writer = into.get_writer()?;
    match decode(begun, rest, decoding, &writer).await {
        Ok(()) => settled(writer.close()?).await.map(|_| ()),
        Err(thrown) => {
            writer.break_off(&thrown)?;
            Err(thrown)
        }
    }
}

async fn decode(begun: &Bytes, rest: &Reader, mut decoding: Decoding, into: &Writer) -> Result<(), JsValue> {
    let at_least = at_least(DECODE_WINDOW_BYTES)?;
    let array = Uint8Array::new_with_length(DECODE_STEP_BYTES);
    let mut encoded = begun.to_vec();
    loop {
        let mut left = encoded.as_slice();
        while !left.is_empty() {
            let decoded = decoding.step(&mut left).map_err(|reason| JsValue::from_str(&reason.to_string()))?;
            write(into, &decoded, &array).await?;
        }
        let result = rest.next_piece(&Uint8Array::new_with_length(DECODE_WINDOW_BYTES), &at_least, None).await?;
        encoded = result.value().map(|piece| piece.to_vec()).unwrap_or_default();
        if encoded.is_empty() && result.done() {
            return decoding.finish().map_err(|reason| JsValue::from_str(&reason.to_string()));
        }
    }
}

/// Writes what has been decoded, by way of one array, and waits until it has been taken. A new array each time would be garbage
/// that comes faster than it is collected.
async fn write(into: &Writer, decoded: &[u8], array: &Uint8Array) -> Result<(), JsValue> {
    for bytes in decoded.chunks(DECODE_STEP_BYTES as usize) {
        // No longer than the array.
        let filled = array.subarray(0, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        filled.copy_from(bytes);
        settled(into.write(&filled)?).await?;
    }
    Ok(())
}
