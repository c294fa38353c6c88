//! The Worker's handler in the place of an origin.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{Context, EncodeBody, Env, Request, Response, Result, web_sys};

#[wasm_bindgen(module = "/src/origin.js")]
extern "C" {
    #[wasm_bindgen(js_name = originOf)]
    fn origin_of(handle: &Function, cf: &JsValue) -> Object;
}

/// Called with a request, and whether its answer is read by the gate.
type Handle = Closure<dyn Fn(web_sys::Request, bool) -> Promise>;

/// A handler, as the gate calls an origin.
pub(crate) struct Origin {
    service: Object,
    /// What `service` calls. It must live until the request is answered: no origin is called afterwards.
    _handle: Handle,
}

impl Origin {
    pub(crate) fn new<H, F>(request: &Request, env: &Env, context: &Context, handler: H) -> Self
    where
        H: Fn(Request, Env, Context) -> F + 'static,
        F: Future<Output = Result<Response>> + 'static,
    {
        let (env, context) = (env.clone(), JsValue::from(context.as_ref()));
        let handle: Handle = Closure::new(move |request: web_sys::Request, is_read| {
            let context = Context::new(context.clone().unchecked_into());
            let answer = handler(Request::from(request), env.clone(), context);
            future_to_promise(async move { raw(answer.await?, is_read).map(Into::into).map_err(Into::into) })
        });
        let cf = Reflect::get(request.inner(), &"cf".into()).unwrap_or(JsValue::UNDEFINED);
        Self { service: origin_of(handle.as_ref().unchecked_ref(), &cf), _handle: handle }
    }

    /// The Worker's bindings, with the handler as their `ORIGIN_SERVICE`.
    pub(crate) fn bound_in(&self, env: &Env) -> Result<Object> {
        let bindings = Object::assign(&Object::new(), env.unchecked_ref());
        Reflect::set(&bindings, &"ORIGIN_SERVICE".into(), &self.service)?;
        Ok(bindings)
    }

    /// What the gate has come to: a response, or the promise of one.
    pub(crate) async fn answered(self, answer: JsValue) -> Result<web_sys::Response> {
        let answer = JsFuture::from(Promise::resolve(&answer)).await?;
        Ok(answer.unchecked_into())
    }
}

/// The platform's own response.
fn raw(response: Response, is_read: bool) -> Result<web_sys::Response> {
    // The platform would encode the body when it sends it. What reads it before gets it as it is, and must not take it for encoded.
    if is_read && matches!(response.encode_body(), EncodeBody::Automatic) {
        response.headers().delete("content-encoding")?;
    }
    Ok(response.into())
}
