//! Addresses: no path leads to another host than the origin's, out of the path that is put in front of it, to the gate's own
//! addresses, or past a route.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use oncegate_protocol::config::{Config, Origin, Variables};
use oncegate_protocol::request::{Admission, RequestUrl};
use serde_json::{Value, json};
use url::Url;

use crate::gate::{Admitted, Request, choice_and_text, unescaped};

const ORIGINS: [&str; 4] =
    ["https://api.example", "http://127.0.0.1:8080/base", "https://[::1]:8443/a/b/", "https://api.example/base%2Fx"];

static GATES: LazyLock<Vec<Config>> =
    LazyLock::new(|| ORIGINS.iter().map(|origin| gate(origin).expect("a right origin")).collect());

fn gate(origin: &str) -> Option<Config> {
    let routes = json!([
        { "name": "payments", "path": "/v1/payments", "scope": "public" },
        { "name": "orders", "path": "/v1/{shop}/orders", "scope": ["path:shop"],
            "on_unknown": { "probe": "/v1/{shop}/orders/{key}" } },
    ]);
    let routes = vec![("ROUTES".to_owned(), Value::to_string(&routes))];
    Config::parse(&Variables { origin: Some(origin.to_owned()), routes, ..Variables::default() }).ok()
}

/// The first byte chooses an origin, or says that it is the first line of the text; the rest is a path, as it was sent.
pub fn check(input: &[u8]) {
    let Some((choice, text)) = choice_and_text(input) else { return };
    match GATES.get(choice % (ORIGINS.len() + 1)) {
        Some(config) => check_path(config, text),
        None => {
            let (origin, path) = text.split_once('\n').unwrap_or((text, ""));
            if let Some(config) = gate(origin) {
                check_path(&config, path);
            }
        }
    }
}

fn check_path(config: &Config, path: &str) {
    let origin = config.origin.as_ref().expect("each gate has an origin");
    // As the platform gives an address, and as it would be if the platform did not resolve what is in it.
    let raw = format!("https://gate.example/{path}");
    let tidied = Url::parse(&raw).ok().map(String::from);
    let is_visible = raw.chars().all(|character| character > ' ');
    for href in [Some(raw).filter(|_| is_visible), tidied].into_iter().flatten() {
        let seen = RequestUrl::parse(&href);
        assert!(seen.path_and_query.starts_with('/') && seen.host == "gate.example", "{href}");
        for method in ["GET", "POST"] {
            let request = Request::new(method, &href).with("idempotency-key", "k");
            let admission = request.admission(config);
            let readings = readings(seen.path);
            let leads_to = |path: &[&str]| {
                readings.iter().any(|reading| reading.iter().map(Vec::as_slice).eq(path.iter().map(|s| s.as_bytes())))
            };
            match admission {
                Admission::Refuse(..)
                | Admission::Documentation
                | Admission::Console(_)
                | Admission::Nothing
                | Admission::Operator(_) => {
                    continue;
                }
                Admission::PassThrough if method == "POST" => {
                    assert!(!leads_to(&["v1", "payments"]), "{href} slips past its route: {readings:?}");
                }
                Admission::PassThrough | Admission::Guarded(_) | Admission::ByToken(_) | Admission::Observed(..) => {}
            }
            let is_own =
                |reading: &Vec<Vec<u8>>| reading.first().is_some_and(|first| first.eq_ignore_ascii_case(b"_oncegate"));
            assert!(!readings.iter().any(is_own), "{href} leads to the gate's own addresses: {readings:?}");
            check_address(origin, seen);
        }
        check_probe(config, origin, &href);
    }
}

/// The address at the origin of a request that goes there.
fn check_address(configured: &Origin, seen: RequestUrl<'_>) {
    let (base, address) = (configured.base(), configured.address(seen.path_and_query));
    let origin = Url::parse(base).expect("an origin is an address");
    let url = Url::parse(&address).unwrap_or_else(|error| panic!("{address}: {error}"));
    assert_eq!(
        (url.scheme(), url.host_str(), url.port()),
        (origin.scheme(), origin.host_str(), origin.port()),
        "{address}"
    );
    assert_eq!((url.username(), url.password()), ("", None), "{address}");
    let of_base =
        |path: &str| -> Vec<String> { path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect() };
    let front = of_base(origin.path());
    assert!(of_base(url.path()).starts_with(&front), "{address} leads out of {base}");
    // However the origin reads what is behind the base, it stays there.
    if !front.is_empty() {
        let behind = seen.path;
        assert!(!climbs(behind), "{address} may be read as out of {base}");
    }
}

/// The address at which the origin is asked about a request.
fn check_probe(config: &Config, origin: &Origin, href: &str) {
    for key in ["order-1", "a/../b", "..", ".", "%2e%2E"] {
        let request = Request::new("POST", href).with("idempotency-key", key);
        let Admitted::Identity(identity) = request.admitted(config) else { return };
        let Some(probe) = identity.probe.as_deref() else { continue };
        let address = origin.address(probe);
        // It is a whole address, with nothing in it that would be resolved away.
        assert_eq!(Url::parse(&address).map(String::from).as_ref(), Ok(&address));
        assert_eq!(probe.split('/').count(), 5, "{probe}");
        assert!(!climbs(probe) && !probe.contains(['?', '#']), "{probe}");
    }
}

/// The segments of a path, in every way of which GUARANTEES.md says that it is looked at.
fn readings(path: &str) -> BTreeSet<Vec<Vec<u8>>> {
    ways().map(|way| way.read(path).0).collect()
}

/// Whether any reading leads above where the path begins.
fn climbs(path: &str) -> bool {
    ways().any(|way| way.read(path).1)
}

/// How an origin may read a path.
struct Way {
    /// Segments are separated by slashes as sent, or by those there are once the path is decoded, or by backslashes too.
    separators: Option<&'static [u8]>,
    /// What follows a semicolon is no part of a segment, as sent or once it is decoded.
    cuts: [bool; 2],
    /// Empty segments go before dotted ones are resolved, or after.
    merges_first: bool,
}

fn ways() -> impl Iterator<Item = Way> {
    let separators: [Option<&'static [u8]>; 3] = [None, Some(b"/"), Some(b"/\\")];
    separators.into_iter().flat_map(|separators| {
        [[false, false], [true, false], [false, true]]
            .into_iter()
            .flat_map(move |cuts| [false, true].map(move |merges_first| Way { separators, cuts, merges_first }))
    })
}

impl Way {
    /// The segments, and whether they lead above where they begin.
    fn read(&self, path: &str) -> (Vec<Vec<u8>>, bool) {
        let cut = |segment: &str| segment.split(';').next().unwrap_or_default().to_owned();
        // A backslash that is not encoded is a slash by the URL standard.
        let sent = path.replace('\\', "/");
        let sent: Vec<String> =
            sent.split('/').map(|part| if self.cuts[0] { cut(part) } else { part.to_owned() }).collect();
        let mut segments: Vec<Vec<u8>> = match self.separators {
            None => sent.iter().map(|segment| unescaped(segment)).collect(),
            Some(separators) => {
                unescaped(&sent.join("/")).split(|byte| separators.contains(byte)).map(<[u8]>::to_vec).collect()
            }
        };
        if self.cuts[1] {
            for segment in &mut segments {
                *segment = segment.split(|byte| *byte == b';').next().unwrap_or_default().to_vec();
            }
        }
        self.resolve(&segments)
    }

    fn resolve(&self, segments: &[Vec<u8>]) -> (Vec<Vec<u8>>, bool) {
        let (mut stack, mut climbs): (Vec<&[u8]>, bool) = (Vec::new(), false);
        for segment in segments {
            match segment.as_slice() {
                b"" if self.merges_first => {}
                b"." => {}
                b".." => {
                    climbs |= stack.iter().all(|segment| segment.is_empty());
                    stack.pop();
                }
                other => stack.push(other),
            }
        }
        (stack.into_iter().filter(|segment| !segment.is_empty()).map(<[u8]>::to_vec).collect(), climbs)
    }
}
