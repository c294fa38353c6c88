//! A cell carried out in the world.

use std::collections::BTreeMap;

use oncegate_protocol::ids::RecordId;

use super::tenant::record_of;
use super::{Came, Cell, Crash, Next, Plot, Told};
use crate::bug::Bug;
use crate::scenario::{Faults, SLACK, Scenario};
use crate::world::{Action, Answered, Message, Phase, Request, World};

/// The most actions of one request, so that a cell ends.
const ACTIONS: usize = 100;

/// Carries it out.
///
/// # Errors
/// A promise that is broken, or a step that cannot be made.
pub(super) fn carry_out(cell: &Cell, bug: Option<Bug>) -> Result<Came, String> {
    let (ours, theirs) = (record_of("Bearer alice")?, record_of("Bearer bob")?);
    let mut ledger: BTreeMap<RecordId, Stage> = BTreeMap::new();
    let stage = ledger.entry(ours).or_insert_with(|| Stage::new(cell, bug));
    stage.until(cell.step)?;
    let late = stage.crash(cell.crash)?;
    if cell.next.is_after_lease() {
        stage.go_on()?;
        stage.lease_passes()?;
    }
    let other = if cell.next == Next::OtherTenant { theirs } else { ours };
    let next = ledger.entry(other).or_insert_with(|| Stage::new(cell, bug)).come(cell.next.payload())?;
    let stage = ledger.entry(ours).or_insert_with(|| Stage::new(cell, bug));
    stage.world.to_ledger.extend(late);
    stage.deliver_all()?;
    stage.go_on()?;
    stage.execute_late()?;
    let came = Came { next, first: stage.told(cell.plot.subject()), executions: stage.world.executions.len() };
    stage.settles()?;
    Ok(came)
}

/// A record, and what happens to it.
pub(super) struct Stage {
    pub(super) plot: Plot,
    pub(super) scenario: Scenario,
    pub(super) world: World,
    /// What each request was told last, other than an answer of the origin's.
    pub(super) heard: BTreeMap<usize, Told>,
}

impl Stage {
    fn new(cell: &Cell, bug: Option<Bug>) -> Self {
        let scenario = Scenario { bug, ..cell.plot.scenario(cell.on_unknown) };
        Self { plot: cell.plot, world: World::new(&scenario), scenario, heard: BTreeMap::new() }
    }

    /// Somebody dies. Gives what comes late. Afterwards nothing goes wrong any more.
    fn crash(&mut self, crash: Crash) -> Result<Vec<Message>, String> {
        let request = self.plot.subject();
        if !crash.spares_the_worker() {
            match self.world.requests.get_mut(request) {
                Some(first) if first.is_alive() => self.happen(Action::Die { request })?,
                // No message of its has left it yet.
                Some(first) if first.phase == Phase::Away => first.phase = Phase::Dead,
                _ => {}
            }
        }
        if matches!(crash, Crash::Ledger | Crash::Both | Crash::BothBeforeWord) {
            while !self.world.to_workers.is_empty() {
                self.happen(Action::LoseReply { reply: 0 })?;
            }
            self.happen(Action::RestartLedger)?;
        }
        let under_way = match crash {
            Crash::Worker => {
                self.deliver_all()?;
                Vec::new()
            }
            _ => core::mem::take(&mut self.world.to_ledger),
        };
        let Faults { ambiguities, refusals, .. } = self.world.left;
        self.world.left = Faults { ambiguities, refusals, ..Faults::NONE };
        self.world.forget_what_nobody_sees();
        let is_late = matches!(crash, Crash::WorkerBeforeWord | Crash::BothBeforeWord);
        Ok(if is_late { under_way } else { Vec::new() })
    }

    fn deliver_all(&mut self) -> Result<(), String> {
        while !self.world.to_ledger.is_empty() {
            self.happen(Action::Deliver { message: 0 })?;
        }
        Ok(())
    }

    /// A request comes, and is served to its end before anything else happens. Gives what it is told.
    fn come(&mut self, payload: u8) -> Result<Told, String> {
        // In this world requests come in their order, so whoever has yet to come is taken away meanwhile.
        let is_away = |request: &Request| request.phase == Phase::Away;
        let away: Vec<bool> = self.world.requests.iter().map(is_away).collect();
        self.world
            .requests
            .iter_mut()
            .filter(|request| is_away(request))
            .for_each(|request| request.phase = Phase::Dead);
        let index = self.world.requests.len();
        self.world.requests.push(Request::away(index));
        self.scenario.payloads.push(payload);
        self.serve(index, true)?;
        for (request, _) in self.world.requests.iter_mut().zip(away).filter(|(_, is_away)| *is_away) {
            request.phase = Phase::Away;
        }
        Ok(self.told(index))
    }

    /// Who lives goes on to its end.
    fn go_on(&mut self) -> Result<(), String> {
        let index = self.plot.subject();
        match self.world.requests.get(index) {
            Some(first) if first.is_alive() || first.phase == Phase::Away => self.serve(index, false),
            _ => Ok(()),
        }
    }

    fn serve(&mut self, index: usize, is_next: bool) -> Result<(), String> {
        let is_subject = !is_next && index == self.plot.subject();
        for _ in 0..ACTIONS {
            let action = self.actions().into_iter().find(|action| self.is_of(*action, index, is_subject));
            let is_calling =
                self.world.requests.get(index).is_some_and(|request| matches!(request.phase, Phase::Calling { .. }));
            match action {
                Some(action) => self.happen(action)?,
                None if is_subject && is_calling => self.happen(Action::Tick)?,
                None => return Ok(()),
            }
        }
        Err(format!("request {index} comes to no end"))
    }

    /// Whether this is the next thing to happen to a request, or to who answers it.
    fn is_of(&self, action: Action, index: usize, is_subject: bool) -> bool {
        let answered = if is_subject { self.plot.answered() } else { Some(Answered::Created) };
        let executes = !is_subject || self.plot != Plot::Refused;
        let is_call = |call: usize| self.world.calls.get(call).is_some_and(|call| call.by == index);
        match action {
            Action::Arrive { request }
            | Action::SendAgain { request }
            | Action::GiveUp { request }
            | Action::CallOrigin { request }
            | Action::AskOrigin { request }
            | Action::TimeOut { request } => request == index,
            Action::Deliver { message } => {
                self.world.to_ledger.get(message).is_some_and(|message| message.from == index)
            }
            Action::Receive { reply } => self.world.to_workers.get(reply).is_some_and(|reply| reply.to == index),
            Action::MakeDurable => true,
            Action::Execute { call } => executes && is_call(call),
            Action::Answer { call, answered: how } => Some(how) == answered && is_call(call),
            _ => false,
        }
    }

    /// What the origin was called for, and has not executed yet.
    fn execute_late(&mut self) -> Result<(), String> {
        let is_refused = |call: usize| self.plot == Plot::Refused && call == 0;
        let execute = |action: &Action| matches!(action, Action::Execute { call } if !is_refused(*call));
        let late: Vec<Action> = self.actions().into_iter().filter(execute).collect();
        late.into_iter().try_for_each(|action| self.happen(action))
    }

    fn lease_passes(&mut self) -> Result<(), String> {
        let lease = self.scenario.timeout.saturating_add(SLACK);
        (0..=lease).try_for_each(|_| self.happen(Action::Tick))
    }

    /// P6: after one more lease, a request learns how the key stands.
    fn settles(&mut self) -> Result<(), String> {
        self.lease_passes()?;
        let payloads = [0, 1];
        for payload in payloads {
            match self.come(payload)? {
                Told::Created | Told::Replayed | Told::Unknown => return Ok(()),
                Told::Mismatch => {}
                other => return Err(format!("P6: in the end a retry is told {other:?}")),
            }
        }
        Err("in the end the key matches no payload that was ever sent".to_owned())
    }
}
