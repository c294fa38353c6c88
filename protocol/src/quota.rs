//! How many new keys one scope may use in a window of time, on a route that limits it.
//!
//! Windows are fixed: one begins with the first key after the one before has ended. So at the seam of two windows a scope may
//! use up to twice the limit in a short time.

use core::num::NonZeroU32;
use core::time::Duration;

use crate::bytes::{self, DecodeError, Reader, Writer};
use crate::ids::RecordId;
use crate::time::Timestamp;

/// The limit of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many new keys.
    pub keys: NonZeroU32,
    /// In how long.
    pub window: Duration,
}

/// What a ledger keeps of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// When the window began.
    pub since: Timestamp,
    /// How many keys were granted in it.
    pub keys: u32,
    /// The last of them: it is not counted again when its answer was lost, or when several requests come with it at once.
    pub last: RecordId,
}

/// Whether a scope may use a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may; this is to be written down first, if anything.
    Granted(Option<Usage>),
    /// It has used all it may, for this time to come.
    Exhausted(Duration),
    /// It is not known of this scope yet, and there is no room to note it.
    Full,
}

impl Quota {
    /// Decides about one more key. `is_full` is whether the ledger that counts has as many records as it may.
    pub fn spend(&self, usage: Option<Usage>, key: RecordId, is_full: bool, now: Timestamp) -> Verdict {
        if usage.is_none() && is_full {
            return Verdict::Full;
        }
        match usage.filter(|usage| !self.has_ended(usage, now)) {
            None => Verdict::Granted(Some(Usage { since: now, keys: 1, last: key })),
            Some(usage) if usage.last == key => Verdict::Granted(None),
            Some(usage) if usage.keys < self.keys.get() => {
                Verdict::Granted(Some(Usage { keys: usage.keys.saturating_add(1), last: key, ..usage }))
            }
            Some(usage) => Verdict::Exhausted(usage.since.after(self.window).since(now)),
        }
    }

    /// Also where the clock has stepped back behind the beginning: nobody is locked out for longer than a window.
    fn has_ended(&self, usage: &Usage, now: Timestamp) -> bool {
        now >= usage.since.after(self.window) || now < usage.since
    }
}

const SCHEMA: u8 = 1;

impl Usage {
    /// The stored form: version, the window's beginning u64, keys u32, the last key (32 bytes); integers big-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(48);
        writer.u8(SCHEMA);
        writer.u64(self.since.as_millis());
        writer.u32(self.keys);
        writer.bytes(self.last.as_bytes());
        writer.finish()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// Where a newer program wrote it, or nobody did.
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(stored);
        bytes::version(&mut reader, SCHEMA)?;
        let since = Timestamp::from_millis(reader.u64("the window's beginning")?);
        let keys = reader.u32("the number of keys")?;
        let last = RecordId::from_bytes(reader.array("the last key")?);
        reader.finish()?;
        Ok(Self { since, keys, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_gets_so_many_keys_in_a_window() {
        let quota = Quota { keys: NonZeroU32::MIN.saturating_add(1), window: Duration::from_secs(60) };
        let at = |seconds: u64| Timestamp::from_millis(seconds.saturating_mul(1000));
        let [mine, other] = [[1; 32], [2; 32]].map(RecordId::from_bytes);
        let used = |since, keys| Some(Usage { since: at(since), keys, last: other });
        let granted = |since, keys| Verdict::Granted(Some(Usage { since: at(since), keys, last: mine }));
        let spend = |usage, now| quota.spend(usage, mine, false, at(now));
        assert_eq!(spend(None, 100), granted(100, 1));
        assert_eq!(spend(used(100, 1), 130), granted(100, 2));
        assert_eq!(spend(used(100, 2), 130), Verdict::Exhausted(Duration::from_secs(30)));
        assert_eq!(spend(used(100, u32::MAX), 159), Verdict::Exhausted(Duration::from_secs(1)));
        assert_eq!(spend(used(100, 2), 160), granted(160, 1));
        assert_eq!(spend(used(100, 2), 100), Verdict::Exhausted(Duration::from_secs(60)));
        assert_eq!(spend(used(100, 2), 99), granted(99, 1), "the clock has stepped back");
        assert_eq!(quota.spend(used(100, 2), other, false, at(130)), Verdict::Granted(None), "it asks again");
        assert_eq!(quota.spend(None, mine, true, at(100)), Verdict::Full);
        assert_eq!(quota.spend(used(100, 1), mine, true, at(130)), granted(100, 2));
    }

    #[test]
    fn usage_is_read_as_it_was_written() {
        let usage = Usage { since: Timestamp::from_millis(5), keys: 7, last: RecordId::from_bytes([9; 32]) };
        let stored = usage.encode();
        assert_eq!(Usage::decode(&stored), Ok(usage));
        assert!((0..stored.len()).all(|length| Usage::decode(stored.split_at(length).0).is_err()));
    }
}
