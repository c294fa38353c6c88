//! JSON bodies, read so that two different ones are never taken for the same.

use core::cell::Cell;
use core::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::canonical::canonical;
use crate::config::Pointer;
use crate::hashing::Parts;
use crate::limits;

/// How much of a name an error repeats, in characters.
const SHOWN_NAME: usize = 60;

/// The largest integer up to which every integer is exact as a double (I-JSON, RFC 7493, section 2.2).
const EXACT: u64 = (1 << 53) - 1;

/// Reads a document. An object with a name twice is refused: readers do not agree on which of them counts (RFC 8259,
/// section 4), so the origin might see another document than the one that was compared.
pub(crate) fn parse(body: &[u8]) -> Result<Value, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let left = Cell::new(limits::JSON_VALUES);
    let value = Strict { left: &left }.deserialize(&mut deserializer).map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())?;
    Ok(value)
}

/// Adds a document to a digest in its canonical form (RFC 8785): the order of names, white space and the spelling of
/// strings and numbers do not count.
///
/// RFC 8785 takes every number for a double, so that large integers which differ in their last digits would be the same.
/// Their digits are added behind the canonical form, each with its place among all numbers.
pub(super) fn digest(parts: Parts, value: &Value) -> Parts {
    let mut numbers = Numbers::default();
    numbers.collect(value);
    let parts = parts.part(canonical(value).as_bytes()).count(numbers.large.len());
    numbers.large.iter().fold(parts, |parts, (place, digits)| parts.count(*place).part(digits.as_bytes()))
}

/// Takes a value out of a document. An element of a list becomes null, so that the others keep their places.
pub(super) fn exclude(document: &mut Value, pointer: &Pointer) {
    let (parent, last) = pointer.split_last();
    match document.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.remove(&last);
        }
        Some(Value::Array(list)) => {
            if let Some(element) = last.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
                *element = Value::Null;
            }
        }
        _ => {}
    }
}

/// The large integers of a document, each with its place among all numbers.
#[derive(Default)]
struct Numbers {
    seen: usize,
    large: Vec<(usize, String)>,
}

impl Numbers {
    fn collect(&mut self, value: &Value) {
        match value {
            Value::Number(number) => {
                self.seen = self.seen.saturating_add(1);
                let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
                if magnitude.is_some_and(|magnitude| magnitude > EXACT) {
                    self.large.push((self.seen, number.to_string()));
                }
            }
            Value::Array(list) => list.iter().for_each(|element| self.collect(element)),
            Value::Object(map) => map.values().for_each(|element| self.collect(element)),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
}

/// Reads a [`Value`], refuses names that occur twice, and stops when there are more values than `left`.
#[derive(Clone, Copy)]
struct Strict<'a> {
    left: &'a Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self
            .left
            .get()
            .checked_sub(1)
            .ok_or_else(|| D::Error::custom(format_args!("it has more than {} values", limits::JSON_VALUES)))?;
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(self)? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key_seed(Name)? {
            let value = members.next_value_seed(self)?;
            if map.contains_key(&name) {
                let shown: String = name.chars().take(SHOWN_NAME).collect();
                return Err(A::Error::custom(format_args!("the name {shown:?} occurs twice in one object")));
            }
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let digest = |text: &str| digest(Parts::new("t"), &parse(text.as_bytes()).unwrap()).finish();
        digest(one) == digest(other)
    }

    #[test]
    fn spelling_does_not_count_and_content_does() {
        assert!(same(r#"{"a":1,"b":[true,null]}"#, " {\"b\" : [ true, null ],\n\"a\": 1.0e0 } "));
        assert!(same(r#""\u00fc""#, "\"ü\""));
        assert!(!same("[1,2]", "[2,1]"));
        assert!(!same(r#"{"a":1}"#, r#"{"a":"1"}"#));
        assert!(!same("{}", "[]"));
        assert!(!same("true", "false") && !same("false", "null"));
    }

    #[test]
    fn large_integers_differ_to_their_last_digit() {
        assert!(!same("9007199254740992", "9007199254740993"));
        assert!(!same("-9007199254740992", "-9007199254740993"));
        assert!(!same("[9007199254740993]", "[[9007199254740993]]"));
        let places = |a, b| format!("{{\"a\":{a},\"b\":{b}}}");
        let (whole, double) = ("9007199254740993", "9007199254740992.0");
        assert!(!same(&places(whole, double), &places(double, whole)), "which of them has the digits");
        assert!(same("9007199254740991", "9007199254740991.0"), "every integer up to here is exact as a double");
        assert!(!same("9007199254740992", "9007199254740993.0"));
        assert!(same(r#"{"id":18446744073709551615}"#, r#"{ "id": 18446744073709551615 }"#));
    }

    #[test]
    fn a_document_that_readers_would_disagree_on_is_refused() {
        assert!(parse(br#"{"a":1,"a":1}"#).unwrap_err().contains("twice"));
        assert!(parse(br#"{"a":{"b":1,"\u0062":2}}"#).is_err());
        for broken in ["", "{", "{} x", "nul", "\u{feff}{}", "1e999", "[1,]"] {
            assert!(parse(broken.as_bytes()).is_err(), "{broken}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse("[".repeat(100_000).as_bytes()).is_err(), "nesting has a limit");
        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        assert!(parse(list(limits::JSON_VALUES).as_bytes()).is_ok());
        assert!(parse(list(limits::JSON_VALUES + 1).as_bytes()).unwrap_err().contains("more than 50000 values"));
    }

    #[test]
    fn what_is_excluded_does_not_count() {
        let without = |text: &str, pointer: &str| {
            let mut value = parse(text.as_bytes()).unwrap();
            exclude(&mut value, &Pointer::parse(pointer).unwrap());
            value.to_string()
        };
        assert_eq!(without(r#"{"a":1,"b":{"c":2,"d":3}}"#, "/b/c"), r#"{"a":1,"b":{"d":3}}"#);
        assert_eq!(without(r#"{"a/b":1,"c":2}"#, "/a~1b"), r#"{"c":2}"#);
        assert_eq!(without("[1,2,3]", "/1"), "[1,null,3]");
        assert_eq!(without("[1]", "/7"), "[1]");
        assert_eq!(without("3", "/a"), "3");
    }
}
