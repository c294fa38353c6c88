//! The kinds of values that fields have.

use core::time::Duration;

use serde_json::Value;

use super::fields::Expected;

pub(super) fn text(value: &Value, expected: &str) -> Result<String, Expected> {
    value.as_str().map(str::to_owned).ok_or_else(|| expected.to_owned())
}

pub(super) fn boolean(value: &Value) -> Result<bool, Expected> {
    value.as_bool().ok_or_else(|| "true or false".to_owned())
}

/// One of several words.
pub(super) fn word<T: Copy>(value: &Value, words: &[(&str, T)]) -> Result<T, Expected> {
    let given = value.as_str();
    words
        .iter()
        .find(|(word, _)| Some(*word) == given)
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(" or "))
}

/// A list of texts, each parsed.
pub(super) fn list<T>(
    value: &Value,
    expected: &str,
    parse: impl Fn(&str) -> Result<T, Expected>,
) -> Result<Vec<T>, Expected> {
    let entries = value.as_array().ok_or_else(|| expected.to_owned())?;
    entries.iter().map(|entry| entry.as_str().ok_or_else(|| expected.to_owned()).and_then(&parse)).collect()
}

/// A duration such as `"24h"` or `"250ms"`, in whole milliseconds between the two bounds.
pub(super) fn duration(value: &Value, least: Duration, most: Duration) -> Result<Duration, Expected> {
    value
        .as_str()
        .and_then(|text| humantime::parse_duration(text).ok())
        .filter(|duration| (least..=most).contains(duration))
        .filter(|duration| duration.subsec_nanos().checked_rem(1_000_000) == Some(0))
        .ok_or_else(|| {
            format!(
                "a duration in whole milliseconds such as \"24h\" or \"250ms\", from {} to {}",
                humantime::format_duration(least),
                in_days(most)
            )
        })
}

/// A bound as a person would say it: humantime would make months and odd hours of days.
fn in_days(duration: Duration) -> String {
    match duration.as_secs().checked_div(24 * 3600) {
        Some(days @ 1..) => format!("{days} days"),
        _ => humantime::format_duration(duration).to_string(),
    }
}

/// A size such as `"1MiB"`, or a number of bytes.
pub(super) fn size(value: &Value, most: u64) -> Result<u64, Expected> {
    let bytes = match value {
        Value::String(text) => parse_size::parse_size(text).ok(),
        other => other.as_u64(),
    };
    bytes
        .filter(|bytes| (1..=most).contains(bytes))
        .ok_or_else(|| format!("a size such as \"1MiB\" or \"500KB\", from 1 to {most} bytes"))
}

/// An address without what may be a password in it, which does not belong into a log.
pub(super) fn without_user(address: &str) -> String {
    address.rsplit_once('@').map_or(address.to_owned(), |(_, host)| format!("…@{host}"))
}

/// A header's name, in lower case (RFC 9110, section 5.1).
pub(super) fn header_name(name: &str) -> Option<String> {
    (!name.is_empty() && name.len() <= 128 && name.bytes().all(is_token_byte)).then(|| name.to_ascii_lowercase())
}

/// Whether a byte may stand in a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
