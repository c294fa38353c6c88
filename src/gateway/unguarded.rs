//! A guarded request whose record failed, on a route with `on_ledger_failure = "pass"`: it goes to the origin all the same,
//! marked in its reply and in the log.

use oncegate_protocol::headers;
use oncegate_protocol::problem::Problem;
use serde_json::json;
use wasm_bindgen::JsValue;

use super::answered::pass_on;
use super::body::GuardedRequest;
use super::guarded::Attempt;
use super::replies;
use crate::origin;
use crate::platform::{Purpose, Response, TimeLimit, describe};

/// How the reply is marked.
const MARK: &str = "unguarded";

impl Attempt {
    /// Sends the request on, and gives the origin's answer as it comes.
    pub(super) async fn pass_unguarded(&self, request: Box<GuardedRequest>) -> Result<Response, JsValue> {
        self.log("passed unguarded", json!({}));
        let time_limit = TimeLimit::begin(self.route.timeout);
        let method = request.head.method().to_owned();
        let outgoing = match self.prepare(request, None) {
            Ok(outgoing) => outgoing,
            Err(problem) => return replies::problem(&problem),
        };
        let service = self.deployment.bindings.origin_service();
        let arrived = match outgoing.send(service.as_ref(), time_limit, Purpose::PassOn, self.deployment.given_up).await
        {
            Ok(arrived) => arrived,
            Err(thrown) => {
                self.log("origin failed", json!({ "reason": describe(&thrown) }));
                return replies::problem(&Problem::unknown(origin::doubt(&thrown)));
            }
        };
        pass_on(&arrived.response, headers::to_client(arrived.headers, &method), MARK)
    }
}
