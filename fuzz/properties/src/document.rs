//! JSON documents, read and written independently of how the gate does it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON document. Two are equal where they mean the same: numbers are doubles, but for whole ones of so many digits that a
/// double need not hold them, which are compared to the last one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Document {
    Null,
    Bool(bool),
    Whole(i128),
    Double(f64),
    Text(String),
    List(Vec<Document>),
    Object(BTreeMap<String, Document>),
}

impl Document {
    /// `None` where it is not JSON, or an object has a name twice.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// What an object has under this name.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(name),
            _ => None,
        }
    }

    fn whole(number: i128) -> Self {
        // The largest up to which every whole number is a double (RFC 7493, section 2.2).
        if number.abs() < 1 << 53 { Self::Double(number as f64) } else { Self::Whole(number) }
    }

    /// Writes the document in one of its many spellings.
    pub(crate) fn spell(&self, whims: &mut Whims, text: &mut String) {
        text.push_str(whims.space());
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(value) => text.push_str(&value.to_string()),
            Self::Whole(number) => text.push_str(&number.to_string()),
            Self::Double(number) if whims.coin() => text.push_str(&format!("{number:e}")),
            Self::Double(number) => text.push_str(&format!("{number:?}")),
            Self::Text(value) => whims.text(value, text),
            Self::List(values) => {
                text.push('[');
                for (index, value) in values.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    value.spell(whims, text);
                }
                text.push(']');
            }
            Self::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                if whims.coin() {
                    members.reverse();
                }
                text.push('{');
                for (index, (name, value)) in members.into_iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    text.push_str(whims.space());
                    whims.text(name, text);
                    text.push_str(whims.space());
                    text.push(':');
                    value.spell(whims, text);
                }
                text.push('}');
            }
        }
        text.push_str(whims.space());
    }
}

/// Choices between spellings.
pub(crate) struct Whims(pub(crate) u64);

impl Whims {
    /// The next number of Knuth's generator (MMIX), whose upper bits are good.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn coin(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }

    fn space(&mut self) -> &'static str {
        ["", "", " ", "\n\t", "\r "][usize::try_from(self.next() % 5).unwrap_or(0)]
    }

    fn text(&mut self, value: &str, text: &mut String) {
        text.push('"');
        for character in value.chars() {
            if self.coin() || character.is_control() || matches!(character, '"' | '\\') {
                let mut units = [0; 2];
                character.encode_utf16(&mut units).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
            } else {
                text.push(character);
            }
        }
        text.push('"');
    }
}

/// Unlike serde_json's own value, it refuses a name that comes twice.
impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Document, E> {
        Ok(Document::whole(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Document, E> {
        Ok(Document::whole(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Document, E> {
        Ok(Document::Double(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Document, E> {
        Ok(Document::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element()? {
            list.push(value);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Document, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((name, value)) = members.next_entry::<String, Document>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name comes twice"));
            }
        }
        Ok(Document::Object(object))
    }
}
