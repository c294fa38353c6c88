use std::time::Duration;

use reqwest_middleware::{ClientBuilder, Error};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{Jitter, RetryTransientMiddleware, Retryable, RetryableStrategy, default_on_request_failure};
use serde_json::Value;

struct AskAgain;

impl RetryableStrategy for AskAgain {
    fn handle(&self, answer: &Result<reqwest::Response, Error>) -> Option<Retryable> {
        match answer {
            Ok(answer) => matches!(answer.status().as_u16(), 408 | 409 | 425 | 429 | 502 | 503 | 504)
                .then_some(Retryable::Transient),
            Err(error) => default_on_request_failure(error),
        }
    }
}

/// Pays once. `key` names the payment, also when it is tried again later. Each try may take `timeout`.
pub async fn pay(url: &str, key: &str, payment: &Value, timeout: Duration) -> Result<Value, Error> {
    // Retry-After is not read. The gate asks for a second or more.
    let waits = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_secs(1), Duration::from_secs(4))
        .jitter(Jitter::Bounded)
        .build_with_max_retries(5);
    let client = ClientBuilder::new(reqwest::Client::builder().timeout(timeout).build()?)
        .with(RetryTransientMiddleware::new_with_policy_and_strategy(waits, AskAgain))
        .build();
    let answer = client.post(url).header("Idempotency-Key", format!("\"{key}\"")).json(payment).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}
