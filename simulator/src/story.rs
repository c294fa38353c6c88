//! A run told as a story: a line for each step.

use oncegate_protocol::ids::AttemptId;
use oncegate_protocol::outcome::Doubt;
use oncegate_protocol::record::Outcome;

use crate::ledger::{Asked, Said, Version};
use crate::scenario::Scenario;
use crate::world::{Action, Answered, Message, Phase, World, execution_of};

/// The steps of a run, and what was seen to be wrong in the end. Times are true ones, in ticks; `ahead` is by how much the
/// observed clock is.
pub(crate) fn tell(scenario: &Scenario, actions: &[Action]) -> Vec<String> {
    let mut world = World::new(scenario);
    let mut lines = vec![rules(scenario)];
    for action in actions {
        lines.push(step(scenario, &mut world, *action));
    }
    lines.extend(world.violation.map(|violation| format!("violation   {violation}")));
    lines
}

/// The rules of a run.
pub(crate) fn rules(scenario: &Scenario) -> String {
    let Scenario { payloads, on_unknown, timeout, ttl, guard, lateness, step, horizon, faults, bug } = scenario;
    let bug = bug.map(|bug| format!(" · with the bug {bug:?}")).unwrap_or_default();
    format!(
        "payloads {payloads:?} · on unknown: {on_unknown:?} · timeout {timeout}, ttl {ttl}, guard {guard}, lateness {lateness}, \
         step {step}, horizon {horizon} ticks · at most {faults:?}{bug}"
    )
}

/// Lets a step happen, and tells it.
pub(crate) fn step(scenario: &Scenario, world: &mut World, action: Action) -> String {
    let (now, ahead) = (world.now, world.ahead);
    let text = what(world, action);
    world.happen(scenario, action);
    let said = world.latest.said.as_ref().map(|said| format!(" → {}", reply(said))).unwrap_or_default();
    let clock = if ahead == 0 { String::new() } else { format!("+{ahead}") };
    let time = format!("{now}{clock}");
    format!("{time:<8} {text}{said}{}", then(world, action))
}

/// What is about to happen.
fn what(world: &World, action: Action) -> String {
    match action {
        Action::Arrive { request } => format!("request {request} comes and begins"),
        Action::Deliver { message } => format!("the ledger gets {}", place(&world.to_ledger, message, asked)),
        Action::DeliverAndRepeat { message } => {
            format!("the ledger gets, for the first time, {}", place(&world.to_ledger, message, asked))
        }
        Action::LoseMessage { message } => format!("lost: {}", place(&world.to_ledger, message, asked)),
        Action::LoseReply { reply: lost } => {
            let text = place(&world.to_workers, lost, |lost| format!("{} for request {}", reply(&lost.said), lost.to));
            format!("lost: {text}")
        }
        Action::Receive { reply: got } => {
            place(&world.to_workers, got, |got| format!("request {} gets {}", got.to, reply(&got.said)))
        }
        Action::MakeDurable => "what the ledger has written is durable".to_owned(),
        Action::RestartLedger => "the ledger restarts".to_owned(),
        Action::SendAgain { request } => format!("request {request} has no answer and sends again"),
        Action::GiveUp { request } => format!("request {request} has no answer and gives up"),
        Action::CallOrigin { request } => format!("request {request} is about to call the origin"),
        Action::AskOrigin { request } => format!("request {request} asks the origin"),
        Action::AskInVain { request } => format!("request {request} asks the origin in vain"),
        Action::Execute { call } => {
            let text = place(&world.calls, call, |call| format!("request {}", call.by));
            format!("the origin executes {text}: execution {}", world.executions.len())
        }
        Action::Answer { call, answered } => {
            let text = place(&world.calls, call, |call| format!("request {}", call.by));
            format!("{text} gets {} of the origin", status(answered))
        }
        Action::TimeOut { request } => format!("request {request} waits for the origin no longer"),
        Action::Die { request } => format!("the Worker of request {request} dies"),
        Action::Tick => "time passes".to_owned(),
        Action::StepClock { ahead } => format!("the clock steps: {ahead} ahead"),
        Action::Sweep => "the ledger sweeps".to_owned(),
        Action::ChangeVersion => "another version of the program is deployed".to_owned(),
        Action::Resolve => "an operator looks at the record, and sends an order".to_owned(),
    }
}

/// What came of it, where that is not plain.
fn then(world: &World, action: Action) -> String {
    match action {
        Action::CallOrigin { request } | Action::AskOrigin { request } => {
            let phase = world.requests.get(request).map(|request| &request.phase);
            match phase {
                Some(Phase::Settling { outcome }) => format!(": {}", ended(outcome)),
                _ => String::new(),
            }
        }
        Action::ChangeVersion => match world.ledger.version() {
            Version::Shipped => ": the older one".to_owned(),
            Version::Next => ": the newer one".to_owned(),
        },
        _ => String::new(),
    }
}

fn place<T>(list: &[T], index: usize, tell: impl Fn(&T) -> String) -> String {
    list.get(index).map_or_else(|| "nothing".to_owned(), tell)
}

fn asked(message: &Message) -> String {
    let Message { from, attempt, asked } = message;
    let attempt = short(*attempt);
    match asked {
        Asked::Begin { payload, .. } => format!("begin of request {from}, attempt {attempt}, payload {payload}"),
        Asked::Resolve { fence, answer } => {
            let became = answer
                .as_ref()
                .map_or_else(|| "not executed".to_owned(), |answer| format!("execution {}", execution_of(answer)));
            format!("an operator's order about attempt {}: {became}", short(*fence))
        }
        Asked::Settle { outcome, .. } => format!("outcome of request {from}, attempt {attempt}: {}", ended(outcome)),
    }
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed(answer) => format!("completed by execution {}", execution_of(answer)),
        Outcome::Released => "released".to_owned(),
        Outcome::NotExecuted => "the attempt in question was not executed".to_owned(),
        Outcome::Doubted(doubt) => format!("unknown, {}", reason(*doubt)),
    }
}

fn reply(said: &Said) -> String {
    match said {
        Said::Forward { number } => format!("the grant, attempt number {number}"),
        Said::Probe { fence, doubt } => format!("leave to ask about attempt {}, {}", short(*fence), reason(*doubt)),
        Said::Replay { execution } => format!("a replay of execution {execution}"),
        Said::InProgress => "in progress".to_owned(),
        Said::Mismatch => "a mismatch".to_owned(),
        Said::Unknown(doubt) => format!("unknown, {}", reason(*doubt)),
        Said::Refused => "a refusal: the record cannot be read".to_owned(),
        Said::Done => "done".to_owned(),
        Said::Stale => "stale".to_owned(),
    }
}

fn reason(doubt: Doubt) -> String {
    match doubt {
        Doubt::LeaseExpired => "as the lease has ended".to_owned(),
        Doubt::OriginTimeout => "as the origin has not answered".to_owned(),
        Doubt::NotRecorded => "as the answer could not be stored".to_owned(),
        Doubt::ConnectionLost | Doubt::BodyCut => "as the connection broke".to_owned(),
        Doubt::Status(status) => format!("as the origin answered {status}"),
    }
}

const fn status(answered: Answered) -> &'static str {
    match answered {
        Answered::Created => "the answer",
        Answered::Refused => "a refusal (503)",
        Answered::BadGateway => "502",
    }
}

/// The part of an attempt's id that differs in this world.
fn short(attempt: AttemptId) -> String {
    attempt.as_bytes().iter().skip(1).take(3).map(u8::to_string).collect::<Vec<_>>().join(".")
}
