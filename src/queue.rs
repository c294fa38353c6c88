//! Messages of a queue, each as a request to its route. What is to become of one is decided in [`oncegate_protocol::queue`].

use core::time::Duration;
use std::rc::Rc;

use js_sys::Promise;
use oncegate_protocol::config::Route;
use oncegate_protocol::headers::STATUS;
use oncegate_protocol::limits;
use oncegate_protocol::queue::{METHOD, PAUSE, Verdict, address, key, route, verdict};
use serde_json::json;
use wasm_bindgen::{JsCast, JsValue};

use crate::platform::{
    Batch, Bindings, Context, Message, Response, describe, discard, message_request, settled, start,
};
use crate::{configuration, gateway, log};

/// Takes a batch: a few messages at a time, each of which is acknowledged or is to come again.
pub fn take(batch: Batch, bindings: Bindings, context: Context) -> Promise {
    start(async move {
        let name = batch.queue();
        let route = configuration::configuration(&bindings)
            .and_then(|config| route(config, &name, bindings.origin_service().is_some()).map_err(str::to_owned));
        let route = match route {
            Ok(route) => route,
            Err(reason) => {
                log::error("messages not taken", json!({ "queue": name, "reason": reason }));
                batch.retry_all(&after(PAUSE));
                return;
            }
        };
        let context = Rc::new((bindings, context));
        for few in batch.messages().chunks(limits::MESSAGES_AT_A_TIME) {
            let at_once: Vec<Promise> =
                few.iter().map(|message| deliver(message.clone().unchecked_into(), route, &context)).collect();
            for promise in at_once {
                let _ = settled(promise).await;
            }
        }
    })
}

fn deliver(message: Message, route: &'static Route, context: &Rc<(Bindings, Context)>) -> Promise {
    let context = Rc::clone(context);
    start(async move {
        let verdict = send(&message, route, &context).await.unwrap_or_else(|thrown| {
            log::error("message not sent", json!({ "route": route.name, "reason": describe(&thrown) }));
            Verdict::Again(PAUSE)
        });
        match verdict {
            Verdict::Taken => message.ack(),
            Verdict::Again(pause) => message.retry(&after(pause)),
        }
    })
}

async fn send(message: &Message, route: &Route, (bindings, context): &(Bindings, Context)) -> Result<Verdict, JsValue> {
    let request = message_request(message, &address(route), METHOD, &key(&message.id()))?;
    let answer = gateway::handle_as(configuration::configuration, request, bindings.clone(), context.clone());
    let response: Response = settled(Promise::resolve(&answer)).await?.unchecked_into();
    let headers = response.headers();
    let (mark, retry_after) = (headers.get(STATUS)?, headers.get("retry-after")?);
    let verdict = verdict(route.mode, mark.as_deref(), response.status(), retry_after.as_deref());
    discard(response.body());
    Ok(verdict)
}

/// That something is to come again after this time, as the platform is told it.
fn after(pause: Duration) -> JsValue {
    let options = js_sys::Object::new();
    // A new object takes a property.
    let _ = js_sys::Reflect::set(&options, &"delaySeconds".into(), &pause.as_secs_f64().into());
    options.into()
}
