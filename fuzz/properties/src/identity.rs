//! Identities: two requests have the same record where they have the same route, scope and key, and the same fingerprint where
//! they ask for the same; and nowhere else, however much their parts look alike when they are put together.

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
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
#[derive(Arbitrary, Clone, Debug, PartialEq)]
struct Parts {
    route: u8,
    is_put: bool,
    /// Tenant, account, user, two parts of the key, query and note, in this order.
    texts: [String; TEXTS],
}

/// What makes another request of one.
#[derive(Arbitrary, Debug)]
enum Change {
    /// Some of the end of a text goes to the beginning of the one behind it.
    Forward {
        text: u8,
        bytes: u8,
    },
    /// Some of the beginning of a text goes to the end of the one before it.
    Back {
        text: u8,
        bytes: u8,
    },
    Swap {
        text: u8,
        with: u8,
    },
    Replace {
        text: u8,
        by: String,
    },
    Route(u8),
    Method,
}

/// A request, and what makes another one of it.
pub fn check(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(one) = Parts::arbitrary(&mut input) else { return };
    let Ok(changes) = Vec::<Change>::arbitrary_take_rest(input) else { return };
    let mut other = one.clone();
    changes.iter().for_each(|change| other.change(change));
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

    fn change(&mut self, change: &Change) {
        let index = |text: u8| usize::from(text) % TEXTS;
        match change {
            Change::Forward { text, bytes } => {
                let (from, to) = (index(*text), (index(*text) + 1) % TEXTS);
                let at =
                    floor_char_boundary(&self.texts[from], self.texts[from].len().saturating_sub(usize::from(*bytes)));
                let moved = self.texts[from].split_off(at);
                self.texts[to].insert_str(0, &moved);
            }
            Change::Back { text, bytes } => {
                let (from, to) = (index(*text), (index(*text) + TEXTS - 1) % TEXTS);
                let at = floor_char_boundary(&self.texts[from], usize::from(*bytes));
                let rest = self.texts[from].split_off(at);
                let moved = std::mem::replace(&mut self.texts[from], rest);
                self.texts[to].push_str(&moved);
            }
            Change::Swap { text, with } => self.texts.swap(index(*text), index(*with)),
            Change::Replace { text, by } => self.texts[index(*text)].clone_from(by),
            Change::Route(route) => self.route = *route,
            Change::Method => self.is_put = !self.is_put,
        }
    }

    /// `None` where the gate refuses the request.
    fn identified(&self) -> Option<Found> {
        let [tenant, account, user, first, second, query, _] = &self.texts;
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
        assert!(first.len() < 1 << 20 && second.len() < 1 << 20);
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
            // White space around a cookie's value is not part of it.
            "device" => ("device", vec![account.trim(), user, tenant]),
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
