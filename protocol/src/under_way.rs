//! What is under way in an isolate, by numbers.
//!
//! The platform may cut off what a request does, when its client has gone or its time is over, without a word to what waits in it
//! (Cloudflare, Workers, "Context", `waitUntil`). What has not moved for long is given up, or it would stay in memory as long as the
//! isolate does.

use crate::limits;
use crate::time::Timestamp;

/// All that is under way.
#[derive(Debug)]
pub struct UnderWay<T> {
    places: Vec<Option<Place<T>>>,
    /// The numbers that are to be used again.
    free: Vec<u32>,
    /// Eras are counted, and last at least [`limits::AT_REST`] each: so the clock need not be read at each move.
    era: u64,
    era_ends: Timestamp,
    begun_since_look: u32,
}

#[derive(Debug)]
struct Place<T> {
    what: T,
    moved_in: u64,
}

impl<T> Default for UnderWay<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new(), era: 0, era_ends: Timestamp::from_millis(0), begun_since_look: 0 }
    }
}

impl<T> UnderWay<T> {
    /// Adds what `begin` makes for its number.
    pub fn add(&mut self, begin: impl FnOnce(u32) -> T) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len().saturating_sub(1)).unwrap_or(u32::MAX)
        });
        if let Some(place) = self.places.get_mut(index(number)) {
            *place = Some(Place { what: begin(number), moved_in: self.era });
        }
        self.begun_since_look = self.begun_since_look.saturating_add(1);
        number
    }

    /// What has this number, which moves now.
    pub fn moved(&mut self, number: u32) -> Option<&mut T> {
        let place = self.places.get_mut(index(number))?.as_mut()?;
        place.moved_in = self.era;
        Some(&mut place.what)
    }

    /// Takes out what has come to its end.
    pub fn remove(&mut self, number: u32) {
        if self.places.get_mut(index(number)).and_then(Option::take).is_some() {
            self.free.push(number);
        }
    }

    /// Whether so much has begun that it is time to look for what is to be [given up](Self::give_up).
    pub fn is_look_due(&self) -> bool {
        self.begun_since_look >= limits::BEGUN_PER_LOOK
    }

    /// Takes out what has not moved for [`limits::AT_REST`], at the latest when twice as long has passed. Its numbers are not used again: a
    /// promise that it waits for may yet settle, and must find nothing.
    pub fn give_up(&mut self, now: Timestamp) -> Vec<T> {
        self.begun_since_look = 0;
        if now < self.era_ends {
            return Vec::new();
        }
        let last = self.era;
        self.era = self.era.saturating_add(1);
        self.era_ends = now.after(limits::AT_REST);
        let is_at_rest = |place: &mut Place<T>| place.moved_in < last;
        self.places.iter_mut().filter_map(|place| place.take_if(is_at_rest)).map(|place| place.what).collect()
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;

    fn after(rests: u32) -> Timestamp {
        Timestamp::from_millis(START).after(limits::AT_REST.saturating_mul(rests))
    }

    fn begin(all: &mut UnderWay<String>, what: &str) -> u32 {
        all.add(|number| format!("{what} {number}"))
    }

    #[test]
    fn each_has_a_number_which_is_used_again_when_it_is_over() {
        let mut all = UnderWay::default();
        assert_eq!([begin(&mut all, "a"), begin(&mut all, "b")], [0, 1]);
        assert_eq!(all.moved(0).map(|what| what.clone()), Some("a 0".to_owned()));
        all.remove(0);
        all.remove(0);
        assert_eq!(all.moved(0), None);
        assert_eq!([begin(&mut all, "c"), begin(&mut all, "d")], [0, 2]);
        assert_eq!(all.moved(0).map(|what| what.clone()), Some("c 0".to_owned()));
        assert_eq!(all.moved(9), None);
    }

    #[test]
    fn what_has_not_moved_for_long_is_given_up_and_its_number_with_it() {
        let mut all = UnderWay::default();
        let (still, moving) = (begin(&mut all, "still"), begin(&mut all, "moving"));
        assert_eq!(all.give_up(after(0)), [""; 0]);
        all.moved(moving);
        assert_eq!(all.give_up(after(1)), ["still 0"]);
        assert_eq!(all.moved(still), None);
        assert_eq!(begin(&mut all, "new"), 2);
        assert_eq!(all.give_up(after(2)), ["moving 1"]);
        assert_eq!(all.give_up(after(3)), ["new 2"]);
        assert_eq!(all.give_up(after(4)), [""; 0]);
    }

    #[test]
    fn nothing_is_given_up_before_its_time() {
        let mut all = UnderWay::default();
        assert_eq!(all.give_up(after(0)), [""; 0]);
        begin(&mut all, "a");
        for early in [0, 1, 5] {
            let now = Timestamp::from_millis(START.saturating_add(early));
            assert_eq!(all.give_up(now), [""; 0]);
        }
        // It has moved in the era that ends now.
        assert_eq!(all.give_up(after(1)), [""; 0]);
        let almost = Timestamp::from_millis(after(2).as_millis().saturating_sub(1));
        assert_eq!(all.give_up(almost), [""; 0]);
        assert_eq!(all.give_up(after(2)), ["a 0"]);
    }

    #[test]
    fn a_look_is_due_when_so_many_have_begun() {
        let mut all = UnderWay::default();
        for _ in 1..limits::BEGUN_PER_LOOK {
            let number = begin(&mut all, "a");
            all.remove(number);
        }
        assert!(!all.is_look_due());
        begin(&mut all, "a");
        assert!(all.is_look_due());
        all.give_up(after(0));
        assert!(!all.is_look_due());
    }
}
