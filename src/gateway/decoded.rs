//! A replay to a client that does not accept the coding in which the answer is kept.

use oncegate_protocol::encoding::{Decoder, decode_for};
use wasm_bindgen::{JsCast, JsValue};

use super::Deployment;
use super::answered::stream;
use crate::platform::{Decompression, Gathered, Pipe, Response, gather, header_list, reply};

/// The ledger's answer as it is; or decoded, where the client does not accept its coding and it has one.
pub(super) async fn as_accepted(
    deployment: &Deployment,
    answer: Response,
    client: &[(String, String)],
) -> Result<Response, JsValue> {
    if !answer.headers().has("content-encoding")? {
        return Ok(answer);
    }
    let accepted = client.iter().find(|(name, _)| name == "accept-encoding").map(|(_, value)| value.as_str());
    let (status, headers) = (answer.status(), header_list(&answer.headers())?);
    match (answer.body(), decode_for(&headers, status, accepted)) {
        (Some(body), Some((decoder, decoded))) => match gather(Some(&body), 0).await? {
            // There is nothing to decode, as after HEAD, and its headers are those of the answer to GET.
            Gathered::Whole(nothing) => reply(status, &headers, &nothing.joined(&[])),
            Gathered::More(begun, rest) => {
                let body = stream(deployment, begun, rest, &decompression(decoder)?);
                reply(status, &decoded, &body)
            }
        },
        _ => Ok(answer),
    }
}

fn decompression(decoder: Decoder) -> Result<Pipe, JsValue> {
    Ok(Decompression::new(decoder.format())?.unchecked_into())
}
