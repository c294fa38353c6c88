//! Requests and responses, made and read in few crossings: a list of headers crosses as one JSON text.

use core::time::Duration;

use serde_json::json;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{Array, JSON, Reflect, Uint8Array};

use super::bindings::{AbortSignal, Headers, Response};
use super::js_millis;

/// All headers, names in lower case, values of `Set-Cookie` apart and those of others joined, as the platform has them.
///
/// # Errors
/// Where the platform gives something that is no list of pairs.
pub fn header_list(headers: &Headers) -> Result<Vec<(String, String)>, JsValue> {
    let pairs: Array = Array::from(headers.unchecked_ref());
    let text: String = JSON::stringify(&pairs)?.into();
    serde_json::from_str(&text).map_err(|error| JsValue::from_str(&error.to_string()))
}

/// The names of all headers, in lower case, joined by commas, which no name has.
///
/// # Errors
/// Where the platform gives something that is no list.
pub fn header_names(headers: &Headers) -> Result<String, JsValue> {
    Ok(Array::from(&headers.keys()).join(",").into())
}

/// A response whose body goes out as it is: what is compressed stays so, and is not compressed again.
///
/// # Errors
/// Where the platform refuses it.
pub fn reply(status: u16, headers: &[(String, String)], body: &JsValue) -> Result<Response, JsValue> {
    let init = json!({ "status": status, "headers": headers, "encodeBody": "manual" });
    Response::new(body, &JSON::parse(&init.to_string())?)
}

/// A request to be sent.
pub struct OutgoingRequest<'a> {
    /// The method, as the client sent it.
    pub method: &'a str,
    /// The headers.
    pub headers: &'a [(String, String)],
    /// The body, if there is one.
    pub body: Option<Uint8Array>,
    /// How long the call may take, to the end of the answer's body.
    pub timeout: Duration,
}

impl OutgoingRequest<'_> {
    /// As what `fetch` takes. Redirects are answers, and a compressed answer's body is read as it came.
    ///
    /// # Errors
    /// Where the platform refuses it.
    pub fn into_init(self) -> Result<JsValue, JsValue> {
        let init = json!({
            "method": self.method,
            "headers": self.headers,
            "redirect": "manual",
            "encodeResponseBody": "manual",
        });
        let init = JSON::parse(&init.to_string())?;
        if let Some(body) = self.body {
            Reflect::set(&init, &"body".into(), &body)?;
        }
        Reflect::set(&init, &"signal".into(), &AbortSignal::timeout(js_millis(self.timeout)))?;
        Ok(init)
    }
}
