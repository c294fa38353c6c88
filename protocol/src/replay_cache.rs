//! Answers that a Worker's isolate remembers for a short time, on a route with `replay_cache`: a retry that finds its own is answered
//! without asking the ledger.
//!
//! An answer on record does not change until it expires or an operator has it forgotten, so that what is remembered is what the
//! ledger would give. Nobody tells an isolate that a record was forgotten elsewhere: it may go on replaying it until its time is over.
//! In the isolate that was told, what is on its way from the ledger then is not remembered any more.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use crate::config::{Mode, Route};
use crate::headers::{Headers, bytes};
use crate::ids::{Fingerprint, RecordId};
use crate::limits;
use crate::record::Answer;
use crate::time::Timestamp;

/// Whose answer it is: what identifies the request that may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its record, which tells route, scope and key.
    pub id: RecordId,
    /// What it asks for.
    pub fingerprint: Fingerprint,
}

/// What a Worker does with a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// It hands it to the client as it is.
    HandOn,
    /// It remembers it, and must know how long.
    Remember,
}

/// From when until when an answer may be replayed from memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    from: Timestamp,
    until: Timestamp,
}

impl Route {
    /// What its Workers do with replays. Nothing is remembered while its records move: they have two ids then; nor where nothing
    /// is replayed.
    pub fn use_of_replays(&self) -> Use {
        let is_off = self.replay_cache.is_zero() || self.mode == Mode::Observe;
        if is_off || self.previous.is_some() { Use::HandOn } else { Use::Remember }
    }

    /// How long an answer is remembered that was on record at this time, and will be for `left`; `None` where it is not.
    pub fn remembers(&self, known_at: Timestamp, left: Duration) -> Option<Lifetime> {
        let until = known_at.after(self.replay_cache.min(left));
        (self.use_of_replays() == Use::Remember && known_at < until).then_some(Lifetime { from: known_at, until })
    }
}

impl Answer {
    /// Whether it may be remembered: what is sealed is not kept open, and what is large is left to the ledger.
    pub fn is_memorable(&self) -> bool {
        let length = self.body.length().filter(|_| self.sealed_by.is_none());
        length.is_some_and(|length| size(&self.headers, length).is_some())
    }
}

/// How much memory an answer takes, about; `None` where that is too much, or where it is one to HEAD: its length is that of another
/// body, which the ledger knows how to say.
pub fn size(headers: &Headers, body: u32) -> Option<usize> {
    let objects = headers.len().saturating_add(1).saturating_mul(limits::REMEMBERING_BYTES);
    let size = bytes(headers).saturating_add(usize::try_from(body).unwrap_or(usize::MAX));
    let is_to_head = headers.iter().any(|(name, _)| name == "content-length");
    (size <= limits::REMEMBERED_ANSWER_BYTES && !is_to_head).then(|| size.saturating_add(objects))
}

/// What an isolate remembers: answers, each in whatever form it is given out. The oldest go where there is no more room.
#[derive(Debug)]
pub struct ReplayCache<A> {
    known: BTreeMap<RecordId, Remembered<A>>,
    /// In the order in which they came, those that were replaced or forgotten among them.
    order: VecDeque<(RecordId, u64)>,
    bytes: usize,
    /// How many have ever come.
    count: u64,
}

#[derive(Debug)]
struct Remembered<A> {
    lifetime: Lifetime,
    /// And what it answers; `None` where it was forgotten.
    answer: Option<(Fingerprint, A)>,
    bytes: usize,
    number: u64,
}

impl<A> Default for ReplayCache<A> {
    fn default() -> Self {
        Self { known: BTreeMap::new(), order: VecDeque::new(), bytes: 0, count: 0 }
    }
}

impl<A> ReplayCache<A> {
    /// The answer to what is asked. `None` also where the payload is another one: it is the ledger that refuses it.
    pub fn find(&self, asked: &Asked, now: Timestamp) -> Option<&A> {
        let found = self.known.get(&asked.id)?;
        let is_alive = found.lifetime.from <= now && now < found.lifetime.until;
        let (fingerprint, answer) = found.answer.as_ref()?;
        (is_alive && *fingerprint == asked.fingerprint).then_some(answer)
    }

    /// Remembers an answer of this [`size`], unless something newer is known of its record.
    pub fn remember(&mut self, asked: &Asked, answer: A, bytes: usize, lifetime: Lifetime) {
        self.put(&asked.id, Some((asked.fingerprint, answer)), bytes, lifetime);
    }

    /// Forgets what is known of a record, and what was asked for before now.
    pub fn forget(&mut self, id: &RecordId, now: Timestamp) {
        let lifetime = Lifetime { from: now, until: now.after(limits::REPLAY_CACHE) };
        self.put(id, None, limits::REMEMBERING_BYTES, lifetime);
    }

    fn put(&mut self, id: &RecordId, answer: Option<(Fingerprint, A)>, bytes: usize, lifetime: Lifetime) {
        let is_newer = |known: &Remembered<A>| {
            let is_forgotten = known.answer.is_none();
            lifetime.from < known.lifetime.from || (is_forgotten && lifetime.from == known.lifetime.from)
        };
        if self.known.get(id).is_some_and(is_newer) {
            return;
        }
        self.remove(id);
        self.count = self.count.saturating_add(1);
        let number = self.count;
        self.bytes = self.bytes.saturating_add(bytes);
        self.order.push_back((*id, number));
        self.known.insert(*id, Remembered { lifetime, answer, bytes, number });
        self.drop_needless(lifetime.from);
    }

    fn remove(&mut self, id: &RecordId) {
        if let Some(removed) = self.known.remove(id) {
            self.bytes = self.bytes.saturating_sub(removed.bytes);
        }
    }

    /// Drops the oldest: those whose time is over, and more while there is too much.
    fn drop_needless(&mut self, now: Timestamp) {
        while let Some((id, number)) = self.order.front().copied() {
            let current = self.known.get(&id).filter(|remembered| remembered.number == number);
            let is_over = current.is_none_or(|remembered| remembered.lifetime.until <= now);
            let is_too_much = self.bytes > limits::REMEMBERED_BYTES || self.order.len() > limits::REMEMBERED_ANSWERS;
            if !is_over && !is_too_much {
                return;
            }
            if current.is_some() {
                self.remove(&id);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Variables};
    use crate::ids::{AttemptId, SealKeyId};
    use crate::outcome::Status;
    use crate::record::KeptBody;
    use crate::wire::Kind;

    fn asked(id: u16, fingerprint: u8) -> Asked {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&id.to_be_bytes());
        Asked { id: RecordId::from_bytes(bytes), fingerprint: Fingerprint::from_bytes([fingerprint; 32]) }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn life(from: u64, until: u64) -> Lifetime {
        Lifetime { from: at(from), until: at(until) }
    }

    fn remembering(answers: &[(u16, usize, Lifetime)]) -> ReplayCache<u16> {
        let mut cache = ReplayCache::default();
        for (id, bytes, lifetime) in answers {
            cache.remember(&asked(*id, 1), *id, *bytes, *lifetime);
        }
        cache
    }

    #[test]
    fn an_answer_is_given_to_what_was_asked_and_within_its_time() {
        let cache = remembering(&[(1, 10, life(100, 200))]);
        assert_eq!(cache.find(&asked(1, 1), at(100)), Some(&1));
        assert_eq!(cache.find(&asked(1, 1), at(199)), Some(&1));
        assert_eq!(cache.find(&asked(1, 1), at(200)), None, "its time is over");
        assert_eq!(cache.find(&asked(1, 1), at(99)), None, "the clock was put back");
        assert_eq!(cache.find(&asked(1, 2), at(100)), None, "another payload");
        assert_eq!(cache.find(&asked(2, 1), at(100)), None, "another record");
    }

    #[test]
    fn what_comes_later_takes_the_place_of_what_came_before() {
        let mut cache = remembering(&[(1, 10, life(100, 200))]);
        cache.remember(&asked(1, 2), 7, 20, life(150, 250));
        assert_eq!((cache.find(&asked(1, 1), at(160)), cache.find(&asked(1, 2), at(160))), (None, Some(&7)));
        assert_eq!(cache.bytes, 20);
        cache.remember(&asked(2, 1), 2, 5, life(240, 300));
        assert_eq!(cache.find(&asked(1, 2), at(240)), Some(&7), "its older entry is not the one to go by");
    }

    #[test]
    fn what_is_forgotten_is_gone() {
        let mut cache = remembering(&[(1, 10, life(0, 9)), (2, 5, life(0, 9))]);
        cache.forget(&asked(1, 1).id, at(5));
        cache.forget(&asked(1, 1).id, at(5));
        assert_eq!((cache.find(&asked(1, 1), at(5)), cache.find(&asked(2, 1), at(5))), (None, Some(&2)));
        assert_eq!(cache.bytes, 5 + limits::REMEMBERING_BYTES);
        cache.forget(&asked(3, 1).id, at(5));
        for (id, from) in [(1, 4), (1, 5), (3, 5)] {
            cache.remember(&asked(id, 1), 7, 1, life(from, 99));
            assert_eq!(cache.find(&asked(id, 1), at(6)), None, "it was asked for before");
        }
        cache.remember(&asked(1, 1), 8, 1, life(6, 99));
        assert_eq!(cache.find(&asked(1, 1), at(6)), Some(&8), "it was asked for afterwards");
    }

    #[test]
    fn an_older_answer_does_not_take_the_place_of_a_newer_one() {
        let mut cache = remembering(&[(1, 10, life(100, 200))]);
        cache.remember(&asked(1, 1), 7, 1, life(99, 300));
        assert_eq!(cache.find(&asked(1, 1), at(150)), Some(&1));
        cache.remember(&asked(1, 1), 7, 1, life(100, 300));
        assert_eq!(cache.find(&asked(1, 1), at(150)), Some(&7));
    }

    #[test]
    fn there_is_only_so_much_room_and_the_oldest_go_first() {
        let half = limits::REMEMBERED_BYTES / 2;
        let cache = remembering(&[(1, half, life(0, 9)), (2, half, life(0, 9)), (3, 1, life(0, 9))]);
        let known = |id| cache.find(&asked(id, 1), at(0)).is_some();
        assert_eq!((known(1), known(2), known(3)), (false, true, true));

        let most = u16::try_from(limits::REMEMBERED_ANSWERS).unwrap();
        let full = remembering(&(0..=most).map(|id| (id, 1, life(0, 9))).collect::<Vec<_>>());
        assert_eq!((full.known.len(), full.order.len(), full.bytes), (4096, 4096, 4096));
        assert!(full.find(&asked(0, 1), at(0)).is_none() && full.find(&asked(1, 1), at(0)).is_some());

        let mut again = ReplayCache::default();
        for _ in 0..3 * limits::REMEMBERED_ANSWERS {
            again.remember(&asked(1, 1), 1, 1, life(0, 9));
        }
        assert!(again.order.len() <= limits::REMEMBERED_ANSWERS, "{}", again.order.len());
        assert_eq!((again.known.len(), again.bytes), (1, 1));
    }

    #[test]
    fn what_is_over_goes_when_something_comes() {
        let mut cache = remembering(&[(1, 10, life(0, 9)), (2, 10, life(0, 99)), (3, 10, life(0, 9))]);
        cache.remember(&asked(4, 1), 4, 1, life(50, 99));
        assert_eq!(cache.bytes, 21, "the first of them; the third when the second is gone");
        cache.remember(&asked(5, 1), 5, 1, life(100, 199));
        assert_eq!((cache.bytes, cache.known.len(), cache.order.len()), (1, 1, 1));
    }

    fn route(field: &str, value: &str) -> Route {
        let route = format!(r#"[{{ "name": "b", "path": "/b", "scope": "public", "{field}": "{value}" }}]"#);
        let variables = Variables { routes: vec![("ROUTES".to_owned(), route)], ..Variables::default() };
        Config::parse(&variables).unwrap().routes.routes()[0].clone()
    }

    #[test]
    fn an_answer_is_remembered_for_the_routes_time_and_no_longer_than_it_is_on_record() {
        let on = route("replay_cache", "100ms");
        let left = Duration::from_millis;
        assert_eq!(on.remembers(at(50), left(1000)), Some(life(50, 150)));
        assert_eq!(on.remembers(at(950), left(50)), Some(life(950, 1000)));
        assert_eq!(on.remembers(at(1000), left(0)), None);
        assert_eq!(on.use_of_replays(), Use::Remember);
        let moving = Route { replay_cache: on.replay_cache, ..route("renamed_from", "a") };
        for off in [route("ttl", "1s"), route("replay_cache", "0s"), moving] {
            assert_eq!((off.use_of_replays(), off.remembers(at(50), left(1000))), (Use::HandOn, None));
        }
    }

    #[test]
    fn a_ledger_lets_a_worker_remember_what_is_small_and_open() {
        let answer = |body, sealed_by| Answer {
            status: Status::new(201).unwrap(),
            headers: vec![("x-a".to_owned(), "1".to_owned())],
            body,
            sealed_by,
        };
        let attempt = AttemptId::from_bytes([9; 16]);
        let kind = |answer: &Answer, replays| Kind::of_replay(answer, attempt, replays, Duration::from_millis(7));
        let most = u32::try_from(limits::REMEMBERED_ANSWER_BYTES).unwrap() - 4;
        let small = answer(KeptBody::Inline { length: most }, None);
        assert_eq!(kind(&small, Use::Remember), Some(Kind::For(Duration::from_millis(7))));
        assert_eq!(kind(&small, Use::HandOn), None);
        assert_eq!(kind(&answer(KeptBody::Inline { length: most + 1 }, None), Use::Remember), None);
        assert_eq!(kind(&answer(KeptBody::TooLarge, None), Use::Remember), None);
        let sealed = answer(KeptBody::Inline { length: 1 }, Some(SealKeyId::from_bytes([1; 8])));
        for replays in [Use::Remember, Use::HandOn] {
            assert!(matches!(kind(&sealed, replays), Some(Kind::Sealed(_))));
        }
        let to_head = Answer { headers: vec![("content-length".to_owned(), "9".to_owned())], ..small.clone() };
        assert_eq!(kind(&to_head, Use::Remember), None);
        assert_eq!(size(&small.headers, 0), Some(4 + 2 * limits::REMEMBERING_BYTES));
        assert_eq!(size(&Headers::new(), 9), Some(9 + limits::REMEMBERING_BYTES));
    }
}
