//! Identities: two requests have the same record where they have the same route, scope and key, and the same fingerprint where
//! they ask for the same; and nowhere else, however much their parts look alike when they are put together.

use std::sync::LazyLock;

use oncegate_protocol::config::Config;
use serde_json::json;

use crate::gate::{Admitted, Request, config, escaped};

static GATE: LazyLock<Config> = LazyLock::new(|| {
    let key = json!(["json:/key/0", "json:/key/1"]);
    let methods = json!(["POST", "PUT"]);
    let quota = json!({ "keys": 1, "window": "1s" });
    let scope = json!(["header:X-Account", "header:X-User", "path:tenant"]);
    let of_device = json!(["cookie:s", "client-certificate", "path:tenant"]);
    config(
        None,
        &json!([
            { "name": "a", "path": "/a/{tenant}", "key": key, "scope": scope, "methods": methods, "keys_per_scope": quota,
                "renamed_from": "b" },
            { "name": "aa", "path": "/aa/{tenant}", "key": key, "scope": scope, "methods": methods, "keys_per_scope": quota },
            { "name": "device", "path": "/device/{tenant}", "key": key, "scope": of_device, "methods": methods,
                "keys_per_scope": quota },
            { "name": "public", "path": "/public/{tenant}", "key": ["path:tenant", "json:/key/0", "json:/key/1"],
                "scope": "public", "methods": methods, "keys_per_scope": quota },
        ]),
    )
});

const ROUTES: [&str; 4] = ["a", "aa", "device", "public"];
/// How many texts a request is made of.
const TEXTS: usize = 7;

/// What a request is made of.
#[derive(Clone, Debug, PartialEq)]
struct Parts {
    route: u8,
    is_put: bool,
    /// Tenant, account, user, two parts of the key, query and note, in this order.
    texts: [String; TEXTS],
}

/// A request, and what makes another one of it. The first byte chooses the route. The texts are lines; behind the last of them,
/// and a zero byte, each change is three bytes.
pub fn check(input: &[u8]) {
    let Some((route, rest)) = input.split_first() else { return };
    let (texts, changes) =
        rest.iter().position(|byte| *byte == 0).map_or((rest, [].as_slice()), |at| rest.split_at(at));
    let Ok(texts) = core::str::from_utf8(texts) else { return };
    let mut lines = texts.splitn(TEXTS, '\n');
    let texts = core::array::from_fn(|_| lines.next().unwrap_or_default().to_owned());
    let one = Parts { route: *route, is_put: false, texts };
    let mut other = one.clone();
    changes.get(1..).unwrap_or_default().as_chunks().0.iter().for_each(|change| other.change(*change));
    let (Some(found), Some(other_found)) = (one.identified(), other.identified()) else { return };

    assert_eq!(found.record == other_found.record, one.record() == other.record(), "{one:?} and {other:?}");
    assert_eq!(found.asked == other_found.asked, one.asked() == other.asked(), "{one:?} and {other:?}");
    assert_eq!(found.scope == other_found.scope, one.scope() == other.scope(), "{one:?} and {other:?}");
    // No digest that was made for one purpose passes for one of another.
    for digest in [other_found.scope, other_found.asked] {
        assert_ne!(found.record, digest);
    }
    if let Some(previous) = found.previous {
        assert_ne!(previous, found.record);
    }
}

/// Digests of a request.
struct Found {
    record: [u8; 32],
    previous: Option<[u8; 32]>,
    scope: [u8; 32],
    asked: [u8; 32],
}

impl Parts {
    fn route(&self) -> &'static str {
        ROUTES[usize::from(self.route) % ROUTES.len()]
    }

    fn method(&self) -> &'static str {
        if self.is_put { "PUT" } else { "POST" }
    }

    /// Changes the request: most changes leave it as it is when all texts are put together.
    fn change(&mut self, [kind, text, by]: [u8; 3]) {
        let (at, by_length) = (usize::from(text) % TEXTS, usize::from(by));
        let text = &mut self.texts[at];
        match kind % 6 {
            // Some of the end of a text goes to the beginning of the one behind it.
            0 => {
                let moved = text.split_off(floor_char_boundary(text, text.len().saturating_sub(by_length)));
                self.texts[(at + 1) % TEXTS].insert_str(0, &moved);
            }
            // Some of the beginning of a text goes to the end of the one before it.
            1 => {
                let rest = text.split_off(floor_char_boundary(text, by_length));
                let moved = std::mem::replace(text, rest);
                self.texts[(at + TEXTS - 1) % TEXTS].push_str(&moved);
            }
            2 => self.texts.swap(at, by_length % TEXTS),
            3 => text.push(char::from(by)),
            4 => self.route = by,
            _ => self.is_put = !self.is_put,
        }
    }

    /// `None` where the gate refuses the request.
    fn identified(&self) -> Option<Found> {
        let [tenant, account, user, _, _, query, _] = &self.texts;
        if query.contains('#') {
            return None;
        }
        let href = format!("https://gate.example/{}/{}?{query}", self.route(), escaped(tenant.as_bytes()));
        let mut request = Request::new(self.method(), &href)
            .with("x-account", account)
            .with("x-user", user)
            .with("cookie", &format!("s={account}"));
        request.certificate = Some(user.clone());
        request.body = self.body().into_bytes();
        let Admitted::Identity(identity) = request.admitted(&GATE) else { return None };
        Some(Found {
            record: *identity.place.id.as_bytes(),
            previous: identity.previous.map(|place| *place.id.as_bytes()),
            scope: *identity.counted_at.expect("the route counts").id.as_bytes(),
            asked: *identity.fingerprint.as_bytes(),
        })
    }

    fn body(&self) -> String {
        let [_, _, _, first, second, _, note] = &self.texts;
        json!({ "key": [first, second], "note": note }).to_string()
    }

    /// What makes two requests have one record.
    fn record(&self) -> (&str, Vec<&str>, Vec<&str>) {
        let [tenant, _, _, first, second, ..] = &self.texts;
        let (route, scope) = self.scope();
        let is_public = route == "public";
        (route, scope, is_public.then_some(tenant.as_str()).into_iter().chain([first.as_str(), second]).collect())
    }

    /// Whose keys are counted together.
    fn scope(&self) -> (&str, Vec<&str>) {
        let [tenant, account, user, ..] = &self.texts;
        match self.route() {
            "public" => ("public", Vec::new()),
            // A cookie ends at the semicolon, and white space around its value is not part of it (RFC 6265, section 5.2).
            "device" => ("device", vec![account.split(';').next().unwrap_or_default().trim(), user, tenant]),
            route => (route, vec![account, user, tenant]),
        }
    }

    /// What makes two requests ask for the same.
    fn asked(&self) -> (&str, &str, &str, &str, String) {
        let [tenant, _, _, _, _, query, _] = &self.texts;
        (self.method(), self.route(), tenant, query, self.body())
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
