//! The thin layer between Rust and the platform's requests, responses, headers and bodies, run in Node, which has the same
//! ones. What only workerd has (raw bodies, ledgers) is tested end to end.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use core::time::Duration;

use js_sys::{Array, Function, Object, Promise, Uint8Array};
use std::cell::RefCell;
use std::rc::Rc;

use oncegate::configuration::read_with_routes;
use oncegate::platform::{
    Bytes, Cipher, Fetcher, Gathered, GivenUp, OutgoingRequest, Purpose, Relay, Response, TIME_LIMIT_OVER, TimeLimit,
    WritableStream, gather, header_list, now, pipe, property, reply, run, settled, settled_within, sleep,
};
use oncegate_protocol::hashing::BodyDigest;
use oncegate_protocol::ids::{AttemptId, RecordId};
use oncegate_protocol::outcome::Status;
use oncegate_protocol::seal::{self, SealKey, Segments};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

/// Does this as a task, as all of the Worker's work is done: elsewhere its futures cannot wait.
async fn in_task(work: impl Future<Output = ()> + 'static) {
    let done = run(async move {
        work.await;
        Ok(JsValue::UNDEFINED)
    });
    JsFuture::from(done).await.unwrap();
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What this JavaScript comes to.
fn script(source: &str) -> JsValue {
    Function::new_no_args(&format!("return ({source});")).call0(&JsValue::UNDEFINED).unwrap()
}

async fn body_of(response: &Response) -> Vec<u8> {
    Uint8Array::new(&settled(response.array_buffer().unwrap()).await.unwrap()).to_vec()
}

fn bytes(pieces: &[&[u8]]) -> Bytes {
    let mut bytes = Bytes::default();
    for piece in pieces {
        bytes.push(Uint8Array::from(*piece));
    }
    bytes
}

#[wasm_bindgen_test]
async fn a_reply_has_the_status_headers_and_bytes_it_was_given() {
    in_task(async {
        let every_byte: Vec<u8> = (0..=255).collect();
        let headers = pairs(&[
            ("content-type", "application/octet-stream"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2; Path=/"),
        ]);
        let made = reply(418, &headers, &Uint8Array::from(every_byte.as_slice())).unwrap();
        assert_eq!(made.status(), 418);
        assert_eq!(header_list(&made.headers()).unwrap(), headers);
        assert_eq!(body_of(&made).await, every_byte);
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_status_without_a_body_is_made_without_one() {
    in_task(async {
        for status in [204, 205, 304] {
            let made = reply(status, &[], &JsValue::NULL).unwrap();
            assert_eq!((made.status(), made.body().is_none()), (status, true));
        }
        assert!(reply(204, &[], &Uint8Array::new_with_length(1)).is_err(), "the platform refuses a body there");
        assert!(reply(600, &[], &JsValue::NULL).is_err());
    })
    .await;
}

#[wasm_bindgen_test]
fn header_values_cross_unchanged() {
    let odd =
        pairs(&[("x-empty", ""), ("x-quotes", "a \"b\" \\ c"), ("x-spaces", "a  b"), ("x-percent", "%00,\u{e9}")]);
    let mut sorted = odd.clone();
    sorted.sort();
    assert_eq!(header_list(&reply(200, &odd, &JsValue::NULL).unwrap().headers()).unwrap(), sorted);
}

#[wasm_bindgen_test]
fn repeated_headers_are_joined_and_cookies_are_not() {
    let given = pairs(&[("vary", "a"), ("set-cookie", "x"), ("vary", "b"), ("set-cookie", "x")]);
    let made = reply(200, &given, &JsValue::NULL).unwrap();
    let expected = pairs(&[("set-cookie", "x"), ("set-cookie", "x"), ("vary", "a, b")]);
    assert_eq!(header_list(&made.headers()).unwrap(), expected);
}

/// A service binding that answers 201, and remembers what it was given.
fn service() -> Fetcher {
    let source = "({ async fetch(address, init) {
        this.address = address;
        this.init = init;
        return new Response('yes', { status: 201, headers: { 'x-b': '2' } });
    } })";
    script(source).unchecked_into()
}

fn outgoing(method: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Result<OutgoingRequest, JsValue> {
    OutgoingRequest::new("http://origin.example/a".to_owned(), method, &pairs(headers), body.map(Uint8Array::from))
}

#[wasm_bindgen_test]
async fn a_request_is_sent_as_it_was_made_and_redirects_are_answers() {
    in_task(async {
        let (service, limit) = (service(), TimeLimit::begin(Duration::from_secs(9)));
        let request = outgoing("PROPFIND", &[("x-a", "1"), ("x-c", "a: b")], Some(b"abc")).unwrap();
        let arrived = request.send(Some(&service), limit, Purpose::PassOnNew, GivenUp::Left).await.unwrap();
        assert_eq!((arrived.response.status(), body_of(&arrived.response).await), (201, b"yes".to_vec()));
        let text = ("content-type".to_owned(), "text/plain;charset=UTF-8".to_owned());
        assert_eq!(arrived.headers, [text, ("x-b".to_owned(), "2".to_owned())]);
        let sent = |name| property(&property(&service, "init"), name);
        let says = |name, expected: &str| assert_eq!(sent(name).as_string().as_deref(), Some(expected), "{name}");
        assert_eq!(property(&service, "address").as_string().as_deref(), Some("http://origin.example/a"));
        says("method", "PROPFIND");
        says("redirect", "manual");
        says("cache", "no-store");
        says("encodeResponseBody", "manual");
        assert_eq!(property(&sent("headers"), "x-c").as_string().as_deref(), Some("a: b"));
        assert_eq!(sent("body").unchecked_into::<Uint8Array>().to_vec(), b"abc");
        request.send(Some(&service), limit, Purpose::Read, GivenUp::Left).await.unwrap();
        assert!(property(&property(&service, "init"), "encodeResponseBody").is_undefined());
        request.send(Some(&service), limit, Purpose::PassOn, GivenUp::Left).await.unwrap();
        assert!(property(&property(&service, "init"), "cache").is_undefined());
    })
    .await;
}

#[wasm_bindgen_test]
fn what_the_platform_would_refuse_is_refused_before_it_is_sent() {
    for (method, body, is_sendable) in [
        ("GET", None, true),
        ("GET", Some(&b""[..]), true),
        ("GET", Some(&b"a"[..]), false),
        ("HEAD", Some(&b"a"[..]), false),
        ("POST", Some(&b""[..]), true),
        ("DELETE", Some(&b"a"[..]), true),
    ] {
        assert_eq!(outgoing(method, &[], body).is_ok(), is_sendable, "{method} {body:?}");
    }
    assert!(outgoing("POST", &[("x-a", "1\nx-b: 2")], None).is_err());
}

fn name_of(thrown: &JsValue) -> Option<String> {
    property(thrown, "name").as_string()
}

/// A promise of `value`, after so many milliseconds.
fn after(millis: u32, value: &str) -> Promise {
    script(&format!("new Promise((resolve) => setTimeout(() => resolve({value}), {millis}))")).unchecked_into()
}

#[wasm_bindgen_test]
async fn a_call_is_not_waited_for_beyond_its_time_limit() {
    in_task(async {
        let never = script("({ fetch: () => new Promise(() => {}) })").unchecked_into::<Fetcher>();
        let limit = TimeLimit::begin(Duration::from_millis(20));
        let sent = outgoing("GET", &[], None).unwrap().send(Some(&never), limit, Purpose::Read, GivenUp::Left).await;
        assert_eq!(sent.err().and_then(|thrown| name_of(&thrown)).as_deref(), Some(TIME_LIMIT_OVER));
        assert_eq!(limit.left(), Duration::ZERO);
        // The limit is on the answer's body, too, which is given up then.
        let body = stream_that_stops();
        let gathered = gather(body.body().as_ref(), 10, None, Some(Duration::from_millis(20))).await;
        assert_eq!(gathered.err().and_then(|thrown| name_of(&thrown)).as_deref(), Some(TIME_LIMIT_OVER));
        sleep(Duration::from_millis(1)).await;
        assert!(script("globalThis.isCancelled").is_truthy());
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_call_is_aborted_where_it_would_go_on() {
    in_task(async {
        let source = "({ fetch(_, { signal }) { this.signal = signal; return new Promise(() => {}); } })";
        for (given_up, expected) in [(GivenUp::Left, None), (GivenUp::Aborted, Some(TIME_LIMIT_OVER.to_owned()))] {
            let service = script(source).unchecked_into::<Fetcher>();
            let limit = TimeLimit::begin(Duration::from_millis(10));
            let sent = outgoing("GET", &[], None).unwrap().send(Some(&service), limit, Purpose::Read, given_up).await;
            assert!(sent.is_err());
            assert_eq!(name_of(&property(&property(&service, "signal"), "reason")), expected, "{given_up:?}");
        }
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_clock_that_is_set_back_prolongs_no_limit() {
    in_task(async {
        script("(globalThis.realNow = Date.now, globalThis.hour = 0, Date.now = () => realNow() - hour)");
        let real = || script("globalThis.realNow()").as_f64().unwrap();
        // One whose alarm is its own, and one that rings by the alarm of the wait before.
        for before in [0, 40] {
            if before > 0 {
                settled_within(Duration::from_millis(before), after(1, "0")).await.unwrap();
            }
            let begun = real();
            let wait = settled_within(Duration::from_millis(60), after(3_000, "0"));
            script("setTimeout(() => { globalThis.hour += 3_600_000; }, 5)");
            assert!(wait.await.is_err());
            assert!(real() - begun < 1_000.0, "{} ms", real() - begun);
        }
        script("Date.now = globalThis.realNow");
    })
    .await;
}

#[wasm_bindgen_test]
async fn each_wait_has_its_own_limit_whatever_those_before_had() {
    in_task(async {
        let millis = Duration::from_millis;
        let settles = |value: JsValue| value.as_string();
        // The alarm of the first rings during the second, which has longer; and the third has less than is left of that.
        assert_eq!(settled_within(millis(40), after(1, "'a'")).await.map(settles), Ok(Some("a".to_owned())));
        assert_eq!(settled_within(millis(5_000), after(80, "'b'")).await.map(settles), Ok(Some("b".to_owned())));
        let begun = now();
        let ended = settled_within(millis(30), after(4_000, "'c'")).await;
        assert_eq!(ended.err().and_then(|thrown| name_of(&thrown)).as_deref(), Some(TIME_LIMIT_OVER));
        assert!(now().since(begun) < millis(2_000), "{:?}", now().since(begun));
        // What has no limit is not ended by an alarm that was set before.
        assert!(settled_within(millis(20), after(1, "'d'")).await.is_ok());
        assert_eq!(settled(after(60, "'e'")).await.map(settles), Ok(Some("e".to_owned())));
        // A failure is the promise's own.
        let failing = script("Promise.reject(new RangeError('no'))").unchecked_into();
        let failed = settled_within(millis(1_000), failing).await;
        assert_eq!(failed.err().and_then(|thrown| name_of(&thrown)).as_deref(), Some("RangeError"));
    })
    .await;
}

#[wasm_bindgen_test]
async fn an_answer_that_comes_too_late_is_let_go_and_no_other() {
    in_task(async {
        let source = "globalThis.late = new Response(new ReadableStream({ cancel() { globalThis.isLetGo = true; } }))";
        script(source);
        for late in ["late", "[late, 'its kind']"] {
            script("globalThis.isLetGo = false");
            script(source);
            assert!(settled_within(Duration::from_millis(10), after(40, late)).await.is_err());
            sleep(Duration::from_millis(80)).await;
            assert!(script("globalThis.isLetGo").is_truthy(), "{late}");
        }
        // What has come in time is in use, also when the alarm rings that was set for it.
        script("globalThis.isLetGo = false");
        script(source);
        assert!(settled_within(Duration::from_millis(20), after(1, "late")).await.is_ok());
        settled(after(80, "0")).await.unwrap();
        assert!(!script("globalThis.isLetGo").is_truthy());
    })
    .await;
}

/// A response whose body begins, and then stops.
fn stream_that_stops() -> Response {
    let source = "new Response(new ReadableStream({ type: 'bytes', \
                  pull(c) { if (!this.begun) { this.begun = true; c.enqueue(new Uint8Array(3)); } }, \
                  cancel() { globalThis.isCancelled = true; } }))";
    script(source).unchecked_into()
}

#[wasm_bindgen_test]
async fn the_clock_stands_still_within_a_step() {
    in_task(async {
        script("(globalThis.realNow = Date.now, globalThis.shown = 1000, Date.now = () => globalThis.shown++)");
        let (first, again) = (now(), now());
        settled(after(1, "0")).await.unwrap();
        let later = now();
        script("Date.now = globalThis.realNow");
        assert_eq!(first, again);
        assert!(first < later, "{first:?} {later:?}");
    })
    .await;
}

#[wasm_bindgen_test]
fn pieces_are_one_body() {
    let pieces = bytes(&[b"ab", b"", b"c"]);
    assert_eq!(pieces.length(), 3);
    assert_eq!(pieces.to_vec(), b"abc");
    assert_eq!(pieces.joined(&[]).to_vec(), b"abc");
    assert_eq!(pieces.joined(b"head:").to_vec(), b"head:abc");
    assert_eq!(Bytes::default().joined(&[]).to_vec(), b"");
    assert_eq!(Bytes::default().joined(b"h").to_vec(), b"h");
}

#[wasm_bindgen_test]
async fn a_digest_is_that_of_all_bytes_whoever_computes_it() {
    in_task(async {
        for length in [0_u32, 1, 8 << 10, (8 << 10) + 1, 200_003] {
            let body: Vec<u8> = (0..length).map(|n| n.to_le_bytes()[1]).collect();
            let (front, back) = body.split_at(body.len() / 3);
            assert_eq!(bytes(&[front, back]).digest().await.unwrap(), BodyDigest::of(&body), "{length}");
        }
    })
    .await;
}

#[wasm_bindgen_test]
fn a_body_in_one_piece_is_not_copied() {
    let one = bytes(&[b"ab"]);
    let [piece] = one.pieces() else { panic!("several pieces") };
    assert!(Object::is(&one.joined(&[]), piece), "another array");
}

/// The cipher of one body, and what it makes of its first and only segment.
async fn sealed(record: u8, attempt: u8, plain: &[u8]) -> (Cipher, Uint8Array) {
    let key = SealKey::from_bytes([7; SealKey::LENGTH]);
    let info = seal::info(&RecordId::from_bytes([record; RecordId::LENGTH]));
    let cipher = Cipher::derive(key.as_bytes(), &[attempt; AttemptId::LENGTH], &info).await.unwrap();
    let (segment, _) = Segments::of_plain(u32::try_from(plain.len()).unwrap()).split_first();
    let data = seal::additional_data(Status::new(201).unwrap());
    let bytes = cipher.seal(&segment.nonce, &data, &Uint8Array::from(plain)).await.unwrap();
    (cipher, bytes)
}

#[wasm_bindgen_test]
async fn a_sealed_body_is_what_other_programs_make_of_it() {
    in_task(async {
        // By node:crypto: hkdfSync('sha256', key, salt = attempt, info = "oncegate seal 1" and record, 32), then aes-256-gcm with
        // the nonce 00000000000000 00000000 01 and the additional data 00c9.
        let hex = |bytes: &Uint8Array| bytes.to_vec().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&sealed(1, 2, b"a body").await.1), "7e32270f696811f19033899a6ccedd401ec70e08a07b");
        assert_eq!(hex(&sealed(1, 2, b"").await.1), "2f41e9122176774a53013f20d30f8383");
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_sealed_body_opens_only_where_it_was_sealed() {
    in_task(async {
        let plain = b"a body";
        let (cipher, body) = sealed(1, 2, plain).await;
        let (nonce, data) = ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0, 201]);
        assert_eq!(cipher.open(&nonce, &data, &body).await.unwrap().to_vec(), plain);
        assert!(cipher.open(&nonce, &[0, 200], &body).await.is_err(), "another status");
        let not_the_last = [0; 12];
        assert!(cipher.open(&not_the_last, &data, &body).await.is_err(), "another place in the body");
        for (record, attempt) in [(1, 3), (3, 2)] {
            let (other, _) = sealed(record, attempt, plain).await;
            assert!(other.open(&nonce, &data, &body).await.is_err(), "another record or attempt");
        }
        for position in 0..body.length() {
            let altered = Uint8Array::from(body.to_vec().as_slice());
            altered.set_index(position, altered.get_index(position) ^ 1);
            assert!(cipher.open(&nonce, &data, &altered).await.is_err(), "byte {position}");
        }
        assert!(cipher.open(&nonce, &data, &body.subarray(1, body.length())).await.is_err());
        assert!(cipher.open(&nonce, &data, &Uint8Array::new_with_length(0)).await.is_err());
    })
    .await;
}

/// A stream of pieces of these lengths, which then fails if it is to.
fn stream(lengths: &[u32], fails: bool) -> Response {
    let lengths: Array = lengths.iter().map(|length| JsValue::from(*length)).collect();
    let source = format!(
        "new Response(new ReadableStream({{ type: 'bytes', pull(c) {{ this.left ??= {lengths:?}; \
         if (this.left.length) c.enqueue(new Uint8Array(this.left.shift())); \
         else if ({fails}) c.error(new Error('cut')); else {{ c.close(); c.byobRequest?.respond(0); }} }} }}))",
        lengths = lengths.iter().map(|length| length.as_f64().unwrap()).collect::<Vec<_>>()
    );
    script(&source).unchecked_into()
}

#[wasm_bindgen_test]
async fn a_body_is_gathered_up_to_its_limit_and_not_beyond() {
    in_task(async {
        let gathered_of = |lengths: &'static [u32], limit, announced| async move {
            match gather(stream(lengths, false).body().as_ref(), limit, announced, None).await.unwrap() {
                Gathered::Whole(bytes) => (bytes.length(), "whole"),
                Gathered::More(bytes, _) => (bytes.length(), "more"),
            }
        };
        // Whatever was announced: that is not for the gate to believe.
        for announced in [0, 4, 8, 9, 10, 11, 1_000_000] {
            assert_eq!(gathered_of(&[4, 5], 10, Some(announced)).await, (9, "whole"), "{announced}");
            assert_eq!(gathered_of(&[4, 7], 10, Some(announced)).await, (11, "more"), "{announced}");
        }
        let gathered = |lengths, limit| gathered_of(lengths, limit, None);
        assert_eq!(gathered(&[], 10).await, (0, "whole"));
        assert_eq!(gathered(&[4, 5], 10).await, (9, "whole"));
        assert_eq!(gathered(&[4, 6], 10).await, (10, "whole"));
        assert_eq!(gathered(&[4, 7], 10).await, (11, "more"));
        assert_eq!(gathered(&[11, 1_000_000], 10).await, (11, "more"), "what comes later is not read");
        assert_eq!(gathered(&[1_000_000], 10).await, (11, "more"));
        assert_eq!(gathered(&[1; 5_000], 10_000).await, (5_000, "whole"), "however small the pieces");
        assert!(matches!(gather(None, 10, None, None).await.unwrap(), Gathered::Whole(bytes) if bytes.length() == 0));
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_body_that_breaks_off_is_an_error() {
    in_task(async {
        assert!(gather(stream(&[4], true).body().as_ref(), 10, None, None).await.is_err());
    })
    .await;
}

#[wasm_bindgen_test]
async fn tasks_begin_at_once_and_wake_each_other() {
    in_task(async {
        let said = Rc::new(RefCell::new(Vec::new()));
        let relay = Relay::default();
        let (sender, pipe, saying) = (relay.clone(), pipe(None).ok(), Rc::clone(&said));
        assert!(pipe.is_none(), "Node has no IdentityTransformStream");
        let into: WritableStream = script("new WritableStream()").unchecked_into();
        let sent = run(async move {
            saying.borrow_mut().push("waits");
            sender.send(&into).await?;
            saying.borrow_mut().push("has sent");
            Ok(JsValue::UNDEFINED)
        });
        assert_eq!(*said.borrow(), ["waits"]);
        let limit = TimeLimit::begin(Duration::from_secs(9));
        let read = relay.read(stream(&[4, 5], false).body().unwrap(), 10, limit).await.unwrap();
        assert_eq!(read.unwrap().length(), 9);
        settled(sent).await.unwrap();
        assert_eq!(*said.borrow(), ["waits", "has sent"]);

        let fails = run(async { Err("thrown".into()) });
        assert_eq!(settled(fails).await.unwrap_err(), JsValue::from_str("thrown"));
    })
    .await;
    let alone = settled(Promise::resolve(&JsValue::UNDEFINED)).await;
    assert!(alone.is_err(), "outside of a task nobody waits");
}

#[wasm_bindgen_test]
fn a_program_may_bring_its_own_routes_but_not_beside_those_of_its_variables() {
    let routes = r#"[{ "name": "payments", "path": "/v1/payments", "scope": "public" }]"#;
    let read = |bindings: &str| read_with_routes(script(bindings).unchecked_ref(), routes);
    let config = read("({ LEDGER: {} })").unwrap();
    assert!(config.origin.is_none());
    let refused = |bindings: &str| read(bindings).unwrap_err();
    assert!(refused("({ LEDGER: {}, ROUTES_1: [] })").starts_with("ROUTES_1 is set, but the program brings its own"));
    assert!(refused("({})").starts_with("LEDGER is missing"));
    let own = |routes: &str| read_with_routes(script("({ LEDGER: {} })").unchecked_ref(), routes).unwrap_err();
    assert!(
        own(r#"[{ "name": "payments", "path": "/v1/payments" }]"#).contains("ROUTES[0].scope"),
        "it names the field"
    );
}
