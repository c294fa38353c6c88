//! What is printed, in files that are reviewed as a diff.

use std::path::{Path, PathBuf};

use super::*;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

fn document(name: &str) -> Document {
    Document::parse(name, &std::fs::read_to_string(file(name)).unwrap()).unwrap()
}

/// Fails unless the file has these lines. With `UPDATE_TABLES=1` it is written anew.
fn assert_same(name: &str, lines: &[String]) {
    let now = format!("{}\n", lines.join("\n"));
    if std::env::var_os("UPDATE_TABLES").is_some() {
        std::fs::write(file(name), &now).unwrap();
    }
    let kept = std::fs::read_to_string(file(name)).unwrap();
    assert!(kept == now, "{name} is not what is printed; UPDATE_TABLES=1 writes it anew. What is printed:\n{now}");
}

fn flags(environment: Option<&str>, request: Option<&str>) -> Flags {
    let asked = request.map(|request| AskedFlags { request: request.to_owned(), ..AskedFlags::default() });
    Flags { file: None, environment: environment.map(str::to_owned), asked }
}

#[test]
fn every_mistake_is_told_where_it_stands() {
    let document = document("mistakes.toml");
    let lines = report::lines(&document, &chosen(&document, &flags(None, None)).unwrap(), None);
    assert_same("mistakes.txt", &lines);
    assert!(!lines.join("\n").contains("me:secret") && !lines.join("\n").contains("short"), "secrets are not shown");
}

/// A token that nobody has signed: {"alg":"RS256"}, {"iss":"https://issuer.example","sub":"alice","exp":4102444800}.
const TOKEN: &str =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoiYWxpY2UiLCJleHAiOjQxMDI0NDQ4MDB9.AAAA";

#[test]
fn what_becomes_of_a_request_is_told() {
    let document = document("gate.jsonc");
    let workers = chosen(&document, &flags(None, None)).unwrap();
    let mut lines = report::lines(&document, &workers, None);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let uuid = "Idempotency-Key: 8E03978E-40D5-43E8-BC93-6894A57F9324";
    let order = "{\"order\": {\"id\": 12}, \"sent_at\": 1}";
    let requests: [(&str, &[&str], Option<&str>); 15] = [
        ("POST /v1/payments", &["Authorization: Bearer alice", "Idempotency-Key: \"order-1\""], Some("{}")),
        ("POST //v1/pay%6dents/", &["Authorization: Bearer alice", "Idempotency-Key: order-1"], Some("{}")),
        ("POST /v1/payments", &["Authorization: Bearer alice"], Some("{}")),
        ("POST /v1/payments", &["Idempotency-Key: a"], Some("{}")),
        ("POST https://Shop.example/v1/acme/orders", &["Content-Type: application/json"], Some(order)),
        ("POST /v1/acme/orders", &[], Some("order=12")),
        ("PUT /v2/transfers/7", &[], Some("{}")),
        ("PUT /v2/transfers/7", &[uuid, &bearer], Some("{}")),
        ("PUT /v2/transfers/7", &[uuid, "Authorization: Bearer x"], Some("{}")),
        ("POST /v1/uploads", &["Idempotency-Key: a"], Some("1234")),
        ("POST /v1/uploads", &["Idempotency-Key: a"], Some("12345")),
        ("POST /v1/trial", &["Idempotency-Key: a"], None),
        ("POST /v1/old", &["Idempotency-Key: a"], None),
        ("GET /v1/payments", &[], None),
        ("GET /_oncegate/records", &[], None),
    ];
    let config = match &workers[0].verdict {
        worker::Verdict::Good(config) => config,
        other => panic!("{other:?}"),
    };
    for (request, headers, body) in requests {
        let headers = headers.iter().map(|header| (*header).to_owned()).collect();
        let asked = Asked::read(&AskedFlags { request: request.to_owned(), headers, body: body.map(str::to_owned) });
        lines.push(String::new());
        lines.extend(explain::explain(config, &asked.unwrap()));
    }
    assert_same("requests.txt", &lines);
}

#[test]
fn an_environment_is_chosen() {
    let document = document("mistakes.toml");
    let titles = |flags: &Flags| -> Vec<String> {
        chosen(&document, flags).unwrap().iter().map(|worker| worker.environment.title()).collect()
    };
    let all = ["the top level", "the environment bare", "the environment production", "the environment staging"];
    assert_eq!(titles(&flags(None, None)), all);
    assert_eq!(titles(&flags(None, Some("POST /"))), ["the top level"]);
    assert_eq!(titles(&flags(Some("staging"), Some("POST /"))), ["the environment staging"]);
    let unknown = chosen(&document, &flags(Some("stage"), None)).unwrap_err().to_string();
    assert!(unknown.contains("--env stage") && unknown.contains("bare, production, staging"), "{unknown}");
}

const LEDGER: &str = "[[durable_objects.bindings]]\nname = \"LEDGER\"\nclass_name = \"Ledger\"\n";
const ROUTE: &str = "name = \"a\"\npath = \"/a\"\nscope = \"public\"\n";

fn told(text: &str) -> Vec<String> {
    let made = "[[migrations]]\ntag = \"v1\"\nnew_sqlite_classes = [\"Ledger\"]\n";
    let document = Document::parse("w.toml", &format!("{text}{made}")).unwrap();
    report::lines(&document, &chosen(&document, &flags(None, None)).unwrap(), None)
}

#[test]
fn a_route_that_seals_is_checked_without_the_secret() {
    let lines = told(&format!("{LEDGER}[[vars.ROUTES]]\n{ROUTE}seal = true\n"));
    assert!(lines[0].ends_with("1 route") && lines[1].contains("the secret SEAL_KEY must be set"), "{lines:#?}");
    let lines = told(&format!("{LEDGER}[[vars.ROUTES]]\n{ROUTE}seal = true\nreplay_cache = \"1s\"\n"));
    assert!(lines[0].ends_with("1 mistake") && lines[1].contains("replay_cache = 1s"), "{lines:#?}");
}

#[test]
fn a_variable_has_a_limit() {
    let route =
        |index: usize| format!("[[vars.ROUTES]]\nname = \"r{index}\"\npath = \"/{index}\"\nscope = \"public\"\n");
    let routes = |count: usize| told(&format!("{LEDGER}{}", (0..count).map(route).collect::<String>()));
    assert!(routes(100)[0].ends_with("100 routes"));
    let lines = routes(130);
    assert!(lines[0].ends_with("1 mistake") && lines[1].starts_with("w.toml:4: [vars] ROUTES has 5"), "{lines:#?}");
}

#[test]
fn routes_may_be_set_elsewhere_or_in_environments_only() {
    assert!(told(&format!("keep_vars = true\n{LEDGER}"))[0].contains("set elsewhere"));
    let ledger = LEDGER.replace("[[d", "[[env.x.d");
    let lines = told(&format!("{ledger}[[env.x.vars.ROUTES]]\n{ROUTE}"));
    assert!(lines[0].contains("it is not checked") && lines[2].ends_with("the environment x: 1 route"), "{lines:#?}");
    let lines = told(&format!("{LEDGER}[[ROUTES]]\n{ROUTE}"));
    assert!(lines[1].ends_with("there is no [[vars.ROUTES]]; its [[ROUTES]] must be [[vars.ROUTES]]"), "{lines:#?}");
}

#[test]
fn the_projects_own_files_are_good() {
    let project = Project::here();
    check_before_build(&project).unwrap();
    let template = Document::read(&project.path("package/template/wrangler.toml")).unwrap();
    let workers = Worker::all(&template.json);
    assert_eq!(workers.iter().flat_map(|worker| report::mistakes(&template, worker)).collect::<Vec<_>>(), [""; 0]);
}
