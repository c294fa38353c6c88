//! An operator's requests: without the token there is nothing to learn, and with it what is asked is bounded.

use std::sync::LazyLock;

use oncegate_protocol::config::{Config, Secret, Variables};
use oncegate_protocol::headers::{to_client, to_record};
use oncegate_protocol::limits;
use oncegate_protocol::operator::body::{Change, find, forget, resolve};
use oncegate_protocol::operator::{self, Ask, Problem};
use oncegate_protocol::request::{Admission, RequestHead, RequestUrl, admit};
use oncegate_protocol::wire::SentIntervention;
use serde_json::{Value, json};

const TOKEN: &str = "a-token-of-the-operators";

static GATE: LazyLock<Config> = LazyLock::new(|| {
    let routes: Value = json!([
        { "name": "payments", "path": "/pay", "scope": ["header:Authorization", "cookie:s"], "shards": 40 },
        { "name": "orders", "path": "/orders/{id}", "scope": "public", "key": ["path:id", "json:/n"], "renamed_from": "old" },
    ]);
    let routes = vec![("ROUTES".to_owned(), routes.to_string())];
    let admin_token = Some(Secret::new(TOKEN.to_owned()));
    Config::parse(&Variables { admin_token, routes, ..Variables::default() }).expect("a right configuration")
});

/// A method and what follows `/_oncegate/` in the address, line by line, and the body.
pub fn check(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    let lines: Vec<&str> = text.splitn(3, '\n').collect();
    let [method, address, body] = lines[..] else { return };
    for wrong in [None, Some("Bearer another-token-of-nobody"), Some(TOKEN)] {
        if let Some(result) = ask(method, address, wrong) {
            assert!(result.is_err_and(|problem| problem.status() == 401), "{address} with {wrong:?}");
        }
    }
    let Some(Ok(asked)) = ask(method, address, Some(&format!("Bearer {TOKEN}"))) else { return };
    let is_reading = matches!(method, "GET" | "HEAD");
    assert_eq!(
        is_reading,
        matches!(asked, Ask::Configuration | Ask::Counters(_) | Ask::Metrics(_) | Ask::Records(_) | Ask::Record { .. })
    );
    assert!(is_reading || method == "POST", "{method}");
    match asked {
        Ask::Configuration | Ask::Counters(_) | Ask::Metrics(_) | Ask::Record { .. } => {}
        Ask::Records(tour) => {
            // Where the tour goes on is an address that is understood, and leads there.
            let (reply, authorization) = (tour.reply(), format!("Bearer {TOKEN}"));
            let (Some(route), Some(next)) = (reply["route"].as_str(), reply["next"].as_str()) else { return };
            let address = format!("routes/{route}/records?state=unknown&after={next}");
            let Some(Ok(Ask::Records(again))) = ask("GET", &address, Some(&authorization)) else { panic!("{address}") };
            assert_eq!(again.reply()["next"], reply["next"]);
        }
        Ask::Find(route) => {
            if let Ok(places) = find(route, body.as_bytes()) {
                assert_eq!(places.len(), route.layouts().count());
            }
        }
        Ask::Resolve(route, _) => drop(resolve(route, body.as_bytes()).map(|change| check_change(&change))),
        Ask::Forget(..) => drop(forget(body.as_bytes()).map(|change| check_change(&change))),
    }
}

/// `None` where the address is not for the operator.
fn ask(method: &str, address: &str, authorization: Option<&str>) -> Option<Result<Ask<'static>, Problem>> {
    let href = format!("https://gate.example/_oncegate/{address}");
    let header = |name: &str| authorization.filter(|_| name == "authorization").map(str::to_owned);
    let head = RequestHead { method, url: RequestUrl::parse(&href), header: &header, certificate: &|| None };
    match admit(&GATE, &head) {
        Admission::Operator(token) => Some(operator::admit(&GATE, token, &head)),
        Admission::Documentation | Admission::Console(_) => None,
        _ => panic!("{href} is for others than the operator"),
    }
}

/// A change has a reason that can be kept, and an answer that an origin could have given.
fn check_change(change: &Change) {
    let (who, why) = (change.note.who(), change.note.why());
    assert!((1..=limits::WHO_BYTES).contains(&who.len()) && (1..=limits::WHY_BYTES).contains(&why.len()));
    assert!(!who.contains(char::is_control) && !why.contains(char::is_control), "{change:?}");
    match &change.intervention {
        SentIntervention::Complete { headers, length, .. } => {
            assert_eq!(usize::try_from(*length), Ok(change.body.len()));
            assert_eq!(&to_record(&to_client(headers.clone(), "POST"), &[]), headers);
        }
        SentIntervention::Release | SentIntervention::Forget => assert!(change.body.is_empty()),
    }
}
