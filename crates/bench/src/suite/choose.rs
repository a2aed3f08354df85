//! Which key comes next: uniform, zipfian, or the latest ones; and how many keys there are by now.

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use serde::{Deserialize, Serialize};

use crate::requests::Random;

/// YCSB's constant: the most popular of a thousand items gets about an eighth of all requests.
const ZIPFIAN_CONSTANT: f64 = 0.99;
const UNIT: u64 = 1 << 53;

/// How keys are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Distribution {
    /// Each as often as every other.
    Uniform,
    /// Few very often, spread over the key space.
    Zipfian,
    /// Like zipfian, counted from the newest.
    Latest,
}

/// The keys of one table on one server: numbers from 0, without gaps.
#[derive(Clone, Debug)]
pub(crate) struct Keys(Rc<RefCell<KeysState>>);

#[derive(Debug)]
struct KeysState {
    next: u64,
    under_way: BTreeSet<u64>,
}

impl Keys {
    /// `count` keys are there.
    pub(crate) fn new(count: u64) -> Self {
        Self(Rc::new(RefCell::new(KeysState { next: count, under_way: BTreeSet::new() })))
    }

    /// How many there are for certain.
    pub(crate) fn count(&self) -> u64 {
        let state = self.0.borrow();
        state.under_way.first().copied().unwrap_or(state.next)
    }

    /// A key that is going to be inserted.
    pub(crate) fn begin_insert(&self) -> u64 {
        let mut state = self.0.borrow_mut();
        let key = state.next;
        state.next += 1;
        state.under_way.insert(key);
        key
    }

    /// It has been acknowledged.
    pub(crate) fn end_insert(&self, key: u64) {
        self.0.borrow_mut().under_way.remove(&key);
    }
}

/// Picks keys.
#[derive(Clone, Debug)]
pub(crate) struct Chooser {
    distribution: Distribution,
    zipfian: Option<Zipfian>,
}

impl Chooser {
    /// For a table that begins with `count` keys.
    pub(crate) fn new(distribution: Distribution, count: u64) -> Self {
        let zipfian = (distribution != Distribution::Uniform).then(|| Zipfian::new(count));
        Self { distribution, zipfian }
    }

    /// A key below `count`.
    pub(crate) fn next(&self, count: u64, random: &mut Random) -> u64 {
        let Some(zipfian) = &self.zipfian else { return random.below(count) };
        let rank = zipfian.next(random).min(count - 1);
        match self.distribution {
            Distribution::Latest => count - 1 - rank,
            // Popular keys are no neighbours of each other.
            Distribution::Zipfian | Distribution::Uniform => Random::new(rank).below(count),
        }
    }
}

/// Ranks by Zipf's law, after Gray and others, "Quickly generating billion-record synthetic databases" (1994).
#[derive(Clone, Debug)]
struct Zipfian {
    count: f64,
    zeta: f64,
    alpha: f64,
    eta: f64,
}

impl Zipfian {
    fn new(count: u64) -> Self {
        let zeta_of = |count: u64| (1..=count).map(|rank| (rank as f64).powf(-ZIPFIAN_CONSTANT)).sum::<f64>();
        let (zeta, zeta_two) = (zeta_of(count), zeta_of(2.min(count)));
        let count = count as f64;
        let eta = (1.0 - (2.0 / count).powf(1.0 - ZIPFIAN_CONSTANT)) / (1.0 - zeta_two / zeta);
        Self { count, zeta, alpha: 1.0 / (1.0 - ZIPFIAN_CONSTANT), eta }
    }

    fn next(&self, random: &mut Random) -> u64 {
        let unit = random.below(UNIT) as f64 / UNIT as f64;
        let scaled = unit * self.zeta;
        if scaled < 1.0 {
            0
        } else if scaled < 1.0 + 0.5_f64.powf(ZIPFIAN_CONSTANT) {
            1
        } else {
            (self.count * (self.eta * unit - self.eta + 1.0).powf(self.alpha)) as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popular_ranks_come_as_often_as_zipf_says() {
        let zipfian = Zipfian::new(1_000);
        let mut random = Random::new(7);
        let mut counts = [0_u32; 1_000];
        for _ in 0..100_000 {
            counts[zipfian.next(&mut random) as usize] += 1;
        }
        let share = |rank: usize| f64::from(counts[rank]) / 100_000.0;
        let expected = |rank: f64| rank.powf(-ZIPFIAN_CONSTANT) / zipfian.zeta;
        assert!((share(0) - expected(1.0)).abs() < 0.01, "{}", share(0));
        assert!((share(1) - expected(2.0)).abs() < 0.01, "{}", share(1));
        assert!(share(999) < 0.002);
    }

    #[test]
    fn only_acknowledged_keys_are_chosen() {
        let keys = Keys::new(10);
        let (first, second) = (keys.begin_insert(), keys.begin_insert());
        keys.end_insert(second);
        assert_eq!((first, keys.count()), (10, 10));
        keys.end_insert(first);
        assert_eq!(keys.count(), 12);
        for distribution in [Distribution::Uniform, Distribution::Zipfian, Distribution::Latest] {
            let chooser = Chooser::new(distribution, 10);
            let mut random = Random::new(1);
            assert!((0..1_000).all(|_| chooser.next(12, &mut random) < 12), "{distribution:?}");
        }
    }
}
