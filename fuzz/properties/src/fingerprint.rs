//! Fingerprints: equal where two requests ask for the same, and different where they do not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use oncegate_protocol::config::Config;
use oncegate_protocol::ids::Fingerprint;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};

use crate::gate::{Admitted, Request, config};

static GATE: LazyLock<Config> = LazyLock::new(|| {
    let route = |name: &str, fingerprint: Value| json!({ "name": name, "path": format!("/{name}"), "scope": "public", "fingerprint": fingerprint });
    let parts = json!({ "include": ["/a", "/b/c"], "exclude": ["/a/t"] });
    let routes =
        [route("raw", json!("raw")), route("json", json!("json")), route("none", json!("none")), route("parts", parts)];
    config(None, &routes.into_iter().collect())
});

/// Two bodies, with a zero byte between. The first byte says how the first one is spelled anew.
pub fn check(input: &[u8]) {
    let Some((seed, bodies)) = input.split_first() else { return };
    let mut bodies = bodies.splitn(2, |byte| *byte == 0);
    let one = bodies.next().unwrap_or_default();
    let other = bodies.next().unwrap_or(one);

    let by_bytes = |body| fingerprint("raw", body).expect("any body may be compared by its bytes");
    assert_eq!(by_bytes(one) == by_bytes(other), one == other);
    assert_eq!(fingerprint("none", one), fingerprint("none", other));

    let (one_read, other_read) = (Document::read(one), Document::read(other));
    for (route, parts) in ROUTES_BY_JSON {
        let (found, other_found) = (fingerprint(route, one), fingerprint(route, other));
        assert_eq!(found.is_some(), one_read.is_some(), "{}", String::from_utf8_lossy(one));
        assert_eq!(other_found.is_some(), other_read.is_some(), "{}", String::from_utf8_lossy(other));
        if let (Some(one), Some(other)) = (&one_read, &other_read) {
            assert_eq!(found == other_found, parts(one) == parts(other), "{route}: {one:?} and {other:?}");
        }
        if let Some(document) = &one_read {
            let mut spelled = String::new();
            document.spell(&mut Whims(u64::from(*seed)), &mut spelled);
            assert_eq!(fingerprint(route, spelled.as_bytes()), found, "{spelled}");
        }
    }
}

fn fingerprint(route: &str, body: &[u8]) -> Option<Fingerprint> {
    let mut request = Request::new("POST", &format!("https://gate.example/{route}")).with("idempotency-key", "k");
    request.body = body.to_vec();
    match request.admitted(&GATE) {
        Admitted::Identity(identity) => Some(identity.fingerprint),
        Admitted::Refused(problem) => {
            assert_eq!(problem.status(), 400);
            None
        }
        Admitted::PassThrough | Admitted::Own => panic!("{route} is not guarded"),
    }
}

/// Whether a text is JSON in which no object has a name twice.
pub(crate) fn names_come_once(text: &[u8]) -> bool {
    Document::read(text).is_some()
}

/// What counts of a document on a route.
type Parts = fn(&Document) -> Vec<Option<Document>>;

const ROUTES_BY_JSON: [(&str, Parts); 2] =
    [("json", |document| vec![Some(document.clone())]), ("parts", Document::parts)];

/// A JSON document. Two are equal where they mean the same: numbers are doubles, but for whole ones of so many digits that a
/// double need not hold them, which are compared to the last one.
#[derive(Clone, Debug, PartialEq)]
enum Document {
    Null,
    Bool(bool),
    Whole(i128),
    Double(f64),
    Text(String),
    List(Vec<Document>),
    Object(BTreeMap<String, Document>),
}

impl Document {
    fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// What the route `parts` includes, without what it excludes.
    fn parts(&self) -> Vec<Option<Self>> {
        let mut a = self.member("a").cloned();
        if let Some(Self::Object(members)) = &mut a {
            members.remove("t");
        }
        vec![a, self.member("b").and_then(|b| b.member("c")).cloned()]
    }

    fn member(&self, name: &str) -> Option<&Self> {
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
    fn spell(&self, whims: &mut Whims, text: &mut String) {
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
struct Whims(u64);

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
