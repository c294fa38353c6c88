//! Pays by reqwest-retry: `reqwest-retry-client default|guide URL KEY PAYMENT MILLISECONDS`. Prints the payment.

mod pay;

use std::time::Duration;

use reqwest_middleware::{ClientBuilder, Error};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rules, url, key, payment, milliseconds] = arguments.as_slice() else {
        return Err("expected default|guide URL KEY PAYMENT MILLISECONDS".into());
    };
    let payment = serde_json::from_str(payment)?;
    let timeout = Duration::from_millis(milliseconds.parse()?);
    let made = match rules.as_str() {
        "default" => pay_by_default(url, key, &payment, timeout).await?,
        "guide" => pay::pay(url, key, &payment, timeout).await?,
        _ => return Err(format!("there are no rules {rules:?}: it is one of default, guide").into()),
    };
    println!("{made}");
    Ok(())
}

/// With the library's own rules, told no more than how often.
async fn pay_by_default(url: &str, key: &str, payment: &Value, timeout: Duration) -> Result<Value, Error> {
    let once = ExponentialBackoff::builder().build_with_max_retries(1);
    let client = ClientBuilder::new(reqwest::Client::builder().timeout(timeout).build()?)
        .with(RetryTransientMiddleware::new_with_policy(once))
        .build();
    let answer = client.post(url).header("Idempotency-Key", format!("\"{key}\"")).json(payment).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}
