//! The first step: what a request's head leads to. All that can be done at once is done at once, so that a request which passes through,
//! as most do, takes no future.

use std::rc::Rc;

use oncegate_protocol::request::{Admission, RequestHead, RequestUrl, admit};
use wasm_bindgen::JsValue;

use super::passed::pass;
use super::{Deployment, account, failed, guard_by_token, guard_request, observed, replies};
use crate::operator;
use crate::platform::{Head, Request, Response, Work, discard, now};

/// What a request's head has led to.
pub(super) enum Admitted {
    /// The answer, or the promise of it.
    Answered(JsValue),
    /// This is to be done for it.
    Work(Rc<Deployment>, Work),
}

impl Admitted {
    pub(super) fn answered(reply: Response) -> Self {
        Self::Answered(reply.into())
    }

    /// A reply that takes some steps. Each kind of work is a future of its own, so that none is as large as the largest of them.
    fn work<W>(deployment: Deployment, begin: impl FnOnce(Rc<Deployment>) -> W + 'static) -> Self
    where
        W: Future<Output = Result<JsValue, JsValue>>,
    {
        let deployment = Rc::new(deployment);
        let lent = Rc::clone(&deployment);
        Self::Work(deployment, Box::pin(async { Ok(begin(lent).await.unwrap_or_else(|thrown| failed(&thrown))) }))
    }
}

/// Does all that can be done without waiting, which for most requests is all there is to do.
pub(super) fn admit_request(deployment: Deployment, request: Request) -> Result<Admitted, JsValue> {
    let head = Head::read(&request, &deployment.config.read_ahead)?;
    let header = |name: &str| head.header(name);
    let certificate = || request.client_certificate();
    let url = RequestUrl::parse(head.url());
    let asked = RequestHead { method: head.method(), url, header: &header, certificate: &certificate };
    let admission = admit(deployment.config, &asked);
    head.check()?;
    let reply = match admission {
        Admission::PassThrough => return pass(&deployment, &request, &head).map(Admitted::Answered),
        Admission::Documentation => replies::documentation(),
        Admission::Console(file) => operator::console(file),
        Admission::Nothing => replies::nothing(),
        Admission::Refuse(route, problem) => {
            discard(request.body());
            account::refuse(&deployment, route, &head, &problem)
        }
        Admission::Operator(token) => {
            let asked = oncegate_protocol::operator::admit(deployment.config, token, &asked);
            return Ok(Admitted::work(deployment, |deployment| operator::handle(deployment, asked, request)));
        }
        Admission::Observed(route, observed) => {
            let observe = |deployment| observed::observe(deployment, request, head, route, observed);
            return Ok(Admitted::work(deployment, observe));
        }
        Admission::Guarded(guarded) => {
            return Ok(Admitted::work(deployment, |deployment| {
                guard_request(deployment, request, head, guarded, now())
            }));
        }
        Admission::ByToken(by_token) => {
            return Ok(Admitted::work(deployment, |deployment| guard_by_token(deployment, request, head, by_token)));
        }
    };
    reply.map(Admitted::answered)
}
