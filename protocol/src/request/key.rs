//! The parts of an idempotency key (draft-ietf-httpapi-idempotency-key-header).

use serde_json::Value;
use sfv::visitor::{ItemVisitor, ParameterVisitor};
use sfv::{BareItemFromInput, Parser};

use crate::config::{KeyFormat, KeySyntax};
use crate::limits;

/// One part of a key, in the form that is compared: 1 to 255 bytes, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyPart(String);

impl KeyPart {
    /// From a header's value, as it was sent. Where a header is sent twice, the platform joins the values by a comma.
    pub(super) fn from_header(value: &str, syntax: KeySyntax) -> Result<Self, String> {
        let trimmed = value.trim_matches([' ', '\t']);
        if trimmed.is_empty() {
            return Err("it is empty".to_owned());
        }
        let text = match syntax {
            KeySyntax::Lenient if !trimmed.starts_with('"') => bare(trimmed)?,
            KeySyntax::Lenient => structured(trimmed)?,
            KeySyntax::Strict => structured(value)?,
        };
        Self::new(text)
    }

    /// From a value in a JSON body.
    pub(super) fn from_json(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Self::new(text.clone()),
            Value::Number(number) if !number.is_f64() => Self::new(number.to_string()),
            _ => Err("it must be a string or a whole number".to_owned()),
        }
    }

    /// From any other source.
    pub(super) fn new(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if text.len() > limits::KEY_BYTES {
            return Err(format!("it is {} bytes long, and at most {} are allowed", text.len(), limits::KEY_BYTES));
        }
        if text.contains(|character: char| character.is_control() || character == char::REPLACEMENT_CHARACTER) {
            return Err("it contains a control character, or one that is not UTF-8".to_owned());
        }
        Ok(Self(text))
    }

    /// Checks the form, and brings it to the one spelling that is compared.
    pub(super) fn in_format(self, format: KeyFormat) -> Result<Self, String> {
        match format {
            KeyFormat::Any => Ok(self),
            KeyFormat::Uuid if is_uuid(&self.0) => Ok(Self(self.0.to_ascii_lowercase())),
            KeyFormat::Uuid => Err("it is not a UUID such as 8e03978e-40d5-43e8-bc93-6894a57f9324".to_owned()),
            KeyFormat::Ulid if is_ulid(&self.0) => Ok(Self(self.0.to_ascii_uppercase())),
            KeyFormat::Ulid => Err("it is not a ULID such as 01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned()),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// One value for the origin out of all parts: `%`, the separator `:` and what may not stand in a header are escaped, so that
/// different keys stay different.
pub(super) fn for_origin(parts: &[KeyPart]) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const ESCAPED: &AsciiSet = &CONTROLS.add(b'%').add(b':').add(b' ').add(b',').add(b'"').add(b'\\');
    parts.iter().map(|part| utf8_percent_encode(part.as_str(), ESCAPED).to_string()).collect::<Vec<_>>().join(":")
}

/// The key as it is compared: as it is where it has one part, else as [`for_origin`].
pub(super) fn as_compared(parts: &[KeyPart]) -> String {
    match parts {
        [single] => single.0.clone(),
        several => for_origin(several),
    }
}

/// A bare key: visible ASCII without quotes, and without the comma that would mean two of them.
fn bare(value: &str) -> Result<String, String> {
    if value.contains(',') {
        return Err(
            "it has a comma, as it has when it is sent twice; a key with a comma must stand in quotes".to_owned()
        );
    }
    match value.chars().find(|character| !character.is_ascii_graphic() || matches!(character, '"' | '\\' | ';')) {
        Some(character) => Err(format!("it has {character:?}, which a key without quotes may not have")),
        None => Ok(value.to_owned()),
    }
}

/// An Item whose value is a String (RFC 9651, sections 3.3 and 3.3.3); parameters say nothing about the key.
fn structured(value: &str) -> Result<String, String> {
    Parser::new(value)
        .parse_item_with_visitor(StringItem)
        .map_err(|error| format!("it is not one RFC 9651 String such as \"8e03978e\" in quotes: {error}"))
}

struct StringItem;

impl<'de> ItemVisitor<'de> for StringItem {
    type Out = String;
    type Error = NotAString;

    fn bare_item(
        self,
        bare_item: BareItemFromInput<'de>,
    ) -> Result<impl ParameterVisitor<'de, Out = Self::Out>, Self::Error> {
        match bare_item {
            BareItemFromInput::String(text) => Ok(Text(text.as_str().to_owned())),
            _ => Err(NotAString),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it is another type of item")]
struct NotAString;

/// Passes the parameters over and gives the value.
struct Text(String);

impl<'de> ParameterVisitor<'de> for Text {
    type Out = String;
    type Error = core::convert::Infallible;

    fn parameter(&mut self, _: &'de sfv::KeyRef, _: BareItemFromInput<'de>) -> Result<(), Self::Error> {
        Ok(())
    }

    fn finish(self) -> Result<Self::Out, Self::Error> {
        Ok(self.0)
    }
}

/// 8-4-4-4-12 hexadecimal digits (RFC 9562, section 4).
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// 26 digits of Crockford's base 32, the first at most 7: 128 bits.
fn is_ulid(text: &str) -> bool {
    text.len() == 26
        && text.starts_with(|first: char| ('0'..='7').contains(&first))
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() && !b"ILOUilou".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lenient(value: &str) -> Result<String, String> {
        KeyPart::from_header(value, KeySyntax::Lenient).map(|part| part.0)
    }

    fn strict(value: &str) -> Result<String, String> {
        KeyPart::from_header(value, KeySyntax::Strict).map(|part| part.0)
    }

    #[test]
    fn quoted_and_bare_are_the_same_key() {
        assert_eq!(lenient("\"k-1\""), lenient("k-1"));
        assert_eq!(lenient(" order:12/ab== "), Ok("order:12/ab==".to_owned()));
        assert_eq!(strict("\"a \\\"b\\\"\""), Ok("a \"b\"".to_owned()));
        assert_eq!(strict("\"k\";v=1"), Ok("k".to_owned()), "parameters say nothing");
    }

    #[test]
    fn strict_takes_a_structured_string_only() {
        for value in ["k", "1", "?1", ":YQ==:", "k;a", "\"k", "k\"", "(\"k\")", "@1", "%\"k\""] {
            assert!(strict(value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_key_that_is_empty_long_broken_or_sent_twice_is_refused() {
        let long = "k".repeat(256);
        for value in ["", " ", "\"\"", "a, b", "a,a", "\"a\", \"a\"", "a b", "a\"b", "ü", "a\u{fffd}", "a;b", &long] {
            assert!(lenient(value).is_err(), "{value}");
        }
        assert!(lenient(&"k".repeat(255)).is_ok());
        assert!(lenient("a, b").unwrap_err().contains("sent twice"));
    }

    #[test]
    fn a_format_is_checked_and_its_case_does_not_matter() {
        let part = |text: &str| KeyPart::new(text.to_owned()).unwrap();
        let uuid = "8E03978E-40D5-43E8-BC93-6894A57F9324";
        assert_eq!(part(uuid).in_format(KeyFormat::Uuid), part(&uuid.to_lowercase()).in_format(KeyFormat::Uuid));
        assert!(part("8e03978e40d543e8bc936894a57f9324").in_format(KeyFormat::Uuid).is_err());
        assert!(part("01ARZ3NDEKTSV4RRFFQ69G5FAV").in_format(KeyFormat::Ulid).is_ok());
        assert!(part("81ARZ3NDEKTSV4RRFFQ69G5FAV").in_format(KeyFormat::Ulid).is_err());
        assert!(part("01ARZ3NDEKTSV4RRFFQ69G5FAU").in_format(KeyFormat::Ulid).is_err());
    }

    #[test]
    fn different_combined_keys_stay_different_for_the_origin() {
        let joined = |parts: &[&str]| {
            for_origin(&parts.iter().map(|part| KeyPart::new((*part).to_owned()).unwrap()).collect::<Vec<_>>())
        };
        assert_eq!(joined(&["a", "b"]), "a:b");
        assert_ne!(joined(&["a:b"]), joined(&["a", "b"]));
        assert_ne!(joined(&["a%3Ab"]), joined(&["a:b"]));
        assert!(joined(&["ключ"]).is_ascii());
    }
}
