//! Bindings to the platform's own objects: only the members that are used.
#![allow(missing_docs, reason = "each is the platform's own, and documented there under its JavaScript name")]

use js_sys::{Array, Function, JsString, Object, Promise, Uint8Array};
use wasm_bindgen::prelude::*;

// What is put together in glue.js, and described there.
#[wasm_bindgen(module = "/src/platform/glue.js")]
extern "C" {
    pub fn drive(step: &Function, task: u32, waits_for: &Promise) -> Promise;
    pub fn over(result: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = waitAtMost)]
    pub fn wait_at_most(millis: f64);

    #[wasm_bindgen(catch, js_name = headerLines)]
    pub fn header_lines(headers: &Headers) -> Result<String, JsValue>;
    #[wasm_bindgen(catch, js_name = requestLine)]
    pub fn request_line(request: &Request) -> Result<String, JsValue>;
    #[wasm_bindgen(catch, js_name = headerValues)]
    pub fn header_values(request: &Request, names: &Array) -> Result<String, JsValue>;
    #[wasm_bindgen(catch, js_name = hasAny)]
    pub fn has_any(request: &Request, names: &Array) -> Result<bool, JsValue>;
    #[wasm_bindgen(catch)]
    pub fn respond(status: u16, lines: &str, body: &JsValue) -> Result<Response, JsValue>;
    #[wasm_bindgen(catch, js_name = passUndecoded)]
    pub fn pass_undecoded(
        service: Option<&Fetcher>,
        address: Option<&str>,
        request: &Request,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_name = messageRequest)]
    pub fn message_request(message: &Message, address: &str, method: &str, key: &str) -> Result<Request, JsValue>;
    #[wasm_bindgen(catch, js_name = writeDataPoint)]
    pub fn write_data_point(analytics: &Object, route: &str, outcome: &str, numbers: &[f64]) -> Result<(), JsValue>;
    #[wasm_bindgen(catch, js_name = withHeaders)]
    pub fn with_header_lines(response: &Response, set: &str, appended: &str) -> Result<Response, JsValue>;
    pub fn send(
        service: Option<&Fetcher>,
        address: &str,
        method: &str,
        lines: &str,
        body: Option<&Uint8Array>,
        cache: Option<&str>,
        encode_response_body: Option<&str>,
        is_aborted: bool,
    ) -> Promise;

    #[derive(Debug)]
    pub type RepeatedResponse;
    #[wasm_bindgen(constructor, catch)]
    pub fn new(status: u16, lines: &str, body: Option<&Uint8Array>) -> Result<RepeatedResponse, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub fn response(this: &RepeatedResponse) -> Result<Response, JsValue>;

    pub fn within(millis: f64, promise: &Promise) -> Promise;
    #[wasm_bindgen(js_name = orElse)]
    pub fn or_else(promise: &Promise, instead: &Function) -> Promise;

    #[wasm_bindgen(catch, js_name = gatherPieces)]
    pub fn gather_pieces(body: &ReadableStream, limit: f64, announced: Option<f64>) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_name = lengthOfWhole)]
    pub fn length_of_whole(gathered: &JsValue) -> Option<u32>;
    #[wasm_bindgen(js_name = bytesOf)]
    pub fn bytes_of(bytes: &Uint8Array) -> Vec<u8>;
    pub fn sha256(bytes: &Uint8Array) -> Promise;
    #[wasm_bindgen(js_name = consoleFile)]
    pub fn console_file(name: &str) -> JsValue;

    #[wasm_bindgen(catch, js_name = rowsOf)]
    pub fn rows_of(sql: &Sql, statement: &str, values: &Array) -> Result<Array, JsValue>;
    #[wasm_bindgen(catch, js_name = rowsById)]
    pub fn rows_by_id(sql: &Sql, statement: &JsString, slot: f64, id: &[u8]) -> Result<Option<Array>, JsValue>;
    #[wasm_bindgen(js_name = columnOf)]
    pub fn column_of(row: &Array, index: u32) -> Option<Uint8Array>;
    #[wasm_bindgen(js_name = columnOf)]
    pub fn column_bytes(row: &Array, index: u32) -> Option<Vec<u8>>;
    #[wasm_bindgen(catch, js_name = insertRow)]
    pub fn insert_row(sql: &Sql, statement: &JsString, slot: f64, id: &[u8], record: &[u8]) -> Result<f64, JsValue>;
    #[wasm_bindgen(catch, js_name = settleRow)]
    pub fn settle_row(
        sql: &Sql,
        statement: &JsString,
        slot: f64,
        id: &[u8],
        record: &[u8],
        body: Option<&Uint8Array>,
        before: &[u8],
    ) -> Result<f64, JsValue>;
    #[wasm_bindgen(catch, js_name = rowsWritten)]
    pub fn rows_written(sql: &Sql, statement: &str, values: &Array) -> Result<f64, JsValue>;

    pub type LedgerCalls;
    #[wasm_bindgen(constructor)]
    pub fn new(kind_header: &str, frame_kind: &str) -> LedgerCalls;
    #[wasm_bindgen(method)]
    pub fn ask(
        this: &LedgerCalls,
        bindings: &Bindings,
        name: &str,
        hint: Option<&str>,
        jurisdiction: Option<&str>,
        header_lines: &str,
        body: Option<&Uint8Array>,
    ) -> Promise;
}

#[wasm_bindgen]
extern "C" {
    // --- requests and responses ---

    #[derive(Clone)]
    pub type Request;
    #[wasm_bindgen(method, getter)]
    pub fn method(this: &Request) -> String;
    #[wasm_bindgen(method, getter)]
    pub fn url(this: &Request) -> String;
    #[wasm_bindgen(method, getter)]
    pub fn headers(this: &Request) -> Headers;
    #[wasm_bindgen(method, getter)]
    pub fn body(this: &Request) -> Option<ReadableStream>;
    #[wasm_bindgen(method, catch, js_name = arrayBuffer)]
    pub fn array_buffer(this: &Request) -> Result<Promise, JsValue>;
    #[wasm_bindgen(constructor, catch)]
    pub fn new(url: &str, init: &JsValue) -> Result<Request, JsValue>;
    /// Another request whose body comes from the same source.
    #[wasm_bindgen(method, catch, js_name = clone)]
    pub fn tee(this: &Request) -> Result<Request, JsValue>;

    pub type Response;
    #[wasm_bindgen(constructor, catch)]
    pub fn new(body: &JsValue, init: &JsValue) -> Result<Response, JsValue>;
    /// Another response whose body comes from the same source.
    #[wasm_bindgen(method, catch, js_name = clone)]
    pub fn tee(this: &Response) -> Result<Response, JsValue>;
    #[wasm_bindgen(method, getter)]
    pub fn status(this: &Response) -> u16;
    #[wasm_bindgen(method, getter)]
    pub fn headers(this: &Response) -> Headers;
    #[wasm_bindgen(method, getter)]
    pub fn body(this: &Response) -> Option<ReadableStream>;
    #[wasm_bindgen(method, catch, js_name = arrayBuffer)]
    pub fn array_buffer(this: &Response) -> Result<Promise, JsValue>;

    pub type Headers;
    #[wasm_bindgen(method, catch)]
    pub fn get(this: &Headers, name: &str) -> Result<Option<String>, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub fn has(this: &Headers, name: &str) -> Result<bool, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub fn delete(this: &Headers, name: &str) -> Result<(), JsValue>;

    // --- streams ---

    #[derive(Clone)]
    pub type ReadableStream;
    #[wasm_bindgen(method, catch, js_name = getReader)]
    pub fn get_reader(this: &ReadableStream, options: &JsValue) -> Result<Reader, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub fn cancel(this: &ReadableStream) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = pipeTo)]
    pub fn pipe_to(this: &ReadableStream, destination: &JsValue) -> Result<Promise, JsValue>;

    #[derive(Clone)]
    pub type Reader;
    #[wasm_bindgen(method, catch)]
    pub fn read(this: &Reader, view: &Uint8Array, options: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub fn cancel(this: &Reader) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = releaseLock)]
    pub fn release_lock(this: &Reader) -> Result<(), JsValue>;

    pub type ReadResult;
    #[wasm_bindgen(method, getter)]
    pub fn done(this: &ReadResult) -> bool;
    #[wasm_bindgen(method, getter)]
    pub fn value(this: &ReadResult) -> Option<Uint8Array>;

    /// A pipe; and one that announces how many bytes will come.
    pub type Pipe;
    #[wasm_bindgen(constructor, catch, js_class = "IdentityTransformStream")]
    pub fn new() -> Result<Pipe, JsValue>;
    #[wasm_bindgen(method, getter)]
    pub fn readable(this: &Pipe) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub fn writable(this: &Pipe) -> WritableStream;

    #[wasm_bindgen(extends = Pipe)]
    pub type FixedLengthStream;
    #[wasm_bindgen(constructor, catch)]
    pub fn new(length: f64) -> Result<FixedLengthStream, JsValue>;

    pub type WritableStream;
    #[wasm_bindgen(method, catch, js_name = getWriter)]
    pub fn get_writer(this: &WritableStream) -> Result<Writer, JsValue>;

    pub type Writer;
    #[wasm_bindgen(method, catch)]
    pub fn write(this: &Writer, chunk: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub fn close(this: &Writer) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub fn abort(this: &Writer, reason: &JsValue) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = releaseLock)]
    pub fn release_lock(this: &Writer) -> Result<(), JsValue>;

    // --- queues ---

    pub type Batch;
    #[wasm_bindgen(method, getter)]
    pub fn queue(this: &Batch) -> String;
    #[wasm_bindgen(method, getter)]
    pub fn messages(this: &Batch) -> Vec<JsValue>;
    #[wasm_bindgen(method, js_name = retryAll)]
    pub fn retry_all(this: &Batch, options: &JsValue);

    pub type Message;
    #[wasm_bindgen(method, getter)]
    pub fn id(this: &Message) -> String;
    #[wasm_bindgen(method)]
    pub fn ack(this: &Message);
    #[wasm_bindgen(method)]
    pub fn retry(this: &Message, options: &JsValue);

    // --- calls ---

    #[wasm_bindgen(catch, js_name = fetch)]
    pub fn fetch_request(request: &Request) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_name = fetch)]
    pub fn fetch_at(address: &str, request: &Request) -> Result<Promise, JsValue>;

    /// A service binding.
    pub type Fetcher;
    #[wasm_bindgen(method, catch, js_name = fetch)]
    pub fn fetch_request(this: &Fetcher, request: &Request) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = fetch)]
    pub fn fetch_at(this: &Fetcher, address: &str, request: &Request) -> Result<Promise, JsValue>;

    /// The context of a request.
    #[derive(Clone)]
    pub type Context;
    #[wasm_bindgen(method, catch, js_name = waitUntil)]
    pub fn wait_until(this: &Context, promise: &Promise) -> Result<(), JsValue>;

    /// The deployment's bindings.
    #[derive(Clone)]
    pub type Bindings;
    #[wasm_bindgen(method, getter, js_name = LEDGER)]
    pub fn ledger(this: &Bindings) -> Option<Object>;
    #[wasm_bindgen(method, getter, js_name = ORIGIN_SERVICE)]
    pub fn origin_service(this: &Bindings) -> Option<Fetcher>;
    #[wasm_bindgen(method, getter, js_name = ANALYTICS)]
    pub fn analytics(this: &Bindings) -> Option<Object>;

    // --- cryptography ---

    pub type CryptoKey;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    pub fn import_key(
        format: &str,
        key: &JsValue,
        algorithm: &JsValue,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = verify)]
    pub fn verify(
        algorithm: &JsValue,
        key: &JsValue,
        signature: &Uint8Array,
        signed: &Uint8Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = deriveKey)]
    pub fn derive_key(
        algorithm: &JsValue,
        base: &CryptoKey,
        derived: &JsValue,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    pub fn encrypt(algorithm: &JsValue, key: &CryptoKey, plain: &Uint8Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    pub fn decrypt(algorithm: &JsValue, key: &CryptoKey, sealed: &Uint8Array) -> Result<Promise, JsValue>;

    // --- the storage of a Durable Object ---

    pub type ObjectState;
    #[wasm_bindgen(method, getter)]
    pub fn storage(this: &ObjectState) -> Storage;

    #[derive(Clone)]
    pub type Storage;
    #[wasm_bindgen(method, getter)]
    pub fn sql(this: &Storage) -> Sql;
    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    pub fn set_alarm(this: &Storage, at_millis: f64) -> Result<Promise, JsValue>;

    #[derive(Clone)]
    pub type Sql;
    #[wasm_bindgen(method, getter, js_name = databaseSize)]
    pub fn database_size(this: &Sql) -> f64;

    // --- the rest ---

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    pub fn date_now() -> f64;
    #[wasm_bindgen(js_name = setTimeout)]
    pub fn set_timeout(callback: &Function, millis: f64) -> JsValue;
    #[wasm_bindgen(catch, js_namespace = crypto, js_name = getRandomValues)]
    pub fn fill_with_random(bytes: &mut [u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(js_namespace = console, js_name = log)]
    pub fn console_log(line: &str);
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    pub fn console_error(line: &str);
}
