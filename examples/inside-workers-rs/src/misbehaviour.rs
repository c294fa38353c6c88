//! What a handler may do wrong, and unusual, so that tests can see what becomes of it: as a request's header `X-Test` says.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use worker::{Delay, Error, Request, Response, Result};

/// Longer than the route's `timeout`.
const SLOW: Duration = Duration::from_secs(5);

/// Less than that.
const A_WHILE: Duration = Duration::from_secs(1);

/// Answers by `handler`, and does with that what the request says.
pub(crate) async fn answer(
    request: Request,
    handler: impl AsyncFnOnce(Request) -> Result<Response>,
) -> Result<Response> {
    let how = request.headers().get("x-test")?.unwrap_or_default();
    let mut answer = handler(request).await?;
    match how.as_str() {
        "fail" => Err(Error::RustError("told to fail".to_owned())),
        "panic" => panic!("told to panic"),
        "take a while" => {
            Delay::from(A_WHILE).await;
            Ok(answer)
        }
        "slow" => {
            Delay::from(SLOW).await;
            Ok(answer)
        }
        "endless body" => Response::from_stream(stream::iter([Ok::<_, Error>(vec![0])]).chain(stream::pending())),
        "stream" => {
            let body = answer.bytes().await?;
            let pieces: Vec<_> = body.chunks(1000).map(|piece| Ok::<_, Error>(piece.to_vec())).collect();
            Response::from_stream(stream::iter(pieces))
        }
        "broken body" => {
            let pieces = [Ok(vec![0; 1000]), Err(Error::RustError("told to break off".to_owned()))];
            Response::from_stream(stream::iter(pieces))
        }
        "encode" => {
            answer.headers().set("content-encoding", "gzip")?;
            Ok(answer)
        }
        "refuse" => Ok(answer.with_status(503)),
        _ => Ok(answer),
    }
}
