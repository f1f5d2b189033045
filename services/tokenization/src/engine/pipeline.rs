//! Work side by side, results in order, both in number and in memory bounded.
//!
//! The calling thread feeds the pool and consumes; whatever finishes early waits until everything before it has been
//! consumed, and what waits still counts as in flight.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use rayon::{Scope, ThreadPool};

/// How much may be in flight.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Items.
    pub items: usize,
    /// Sum of the items' costs.
    pub cost: u64,
}

/// One item alone costs more than may be in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{cost} bytes are needed; the budget is {budget}")]
pub struct OverBudget {
    pub cost: u64,
    pub budget: u64,
}

/// Runs `work` on the items and hands the results to `consume`, in the order of the items. Ends at the first error of
/// the items, of `work` or of `consume`, in that order too, and at an item that does not fit, for which `refuse` has the
/// error; a panic in `work` goes on in the caller.
pub fn in_order<I, R, E>(
    pool: &ThreadPool,
    bounds: Bounds,
    items: impl Iterator<Item = Result<I, E>>,
    cost: impl Fn(&I) -> u64,
    refuse: impl Fn(&I, OverBudget) -> E,
    work: impl Fn(I) -> Result<R, E> + Sync,
    mut consume: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E>
where
    I: Send,
    R: Send,
    E: Send,
{
    // Declared outside: tasks of the scope borrow them.
    let abandoned = AtomicBool::new(false);
    let work = |item| if abandoned.load(Ordering::Relaxed) { None } else { Some(work(item)) };
    pool.in_place_scope(|scope| {
        let mut flight = Flight::new(bounds);
        let feed = || -> Result<(), E> {
            for item in items {
                let item = item?;
                let cost = cost(&item);
                while !flight.has_room(cost) {
                    let Some(result) = flight.land() else {
                        return Err(refuse(&item, OverBudget { cost, budget: bounds.cost }));
                    };
                    consume(result?)?;
                }
                flight.start(scope, cost, item, &work);
            }
            while let Some(result) = flight.land() {
                consume(result?)?;
            }
            Ok(())
        };
        let result = feed();
        abandoned.store(true, Ordering::Relaxed);
        result
    })
}

type Landed<R> = Result<Option<R>, Box<dyn Any + Send>>;

/// What was started and has not been consumed.
struct Flight<R> {
    bounds: Bounds,
    /// Of the items in flight, in order.
    costs: VecDeque<u64>,
    total_cost: u64,
    /// Number of the item that is consumed next.
    next: u64,
    early: BTreeMap<u64, Landed<R>>,
    sender: mpsc::Sender<(u64, Landed<R>)>,
    receiver: mpsc::Receiver<(u64, Landed<R>)>,
}

impl<R: Send> Flight<R> {
    fn new(bounds: Bounds) -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { bounds, costs: VecDeque::new(), total_cost: 0, next: 0, early: BTreeMap::new(), sender, receiver }
    }

    fn has_room(&self, cost: u64) -> bool {
        self.costs.len() < self.bounds.items && self.total_cost.saturating_add(cost) <= self.bounds.cost
    }

    fn start<'s, I: Send + 's>(
        &mut self,
        scope: &Scope<'s>,
        cost: u64,
        item: I,
        work: &'s (impl Fn(I) -> Option<R> + Sync),
    ) where
        R: 's,
    {
        let number = self.next + self.costs.len() as u64;
        self.costs.push_back(cost);
        self.total_cost += cost;
        let sender = self.sender.clone();
        scope.spawn(move |_| {
            let landed = catch_unwind(AssertUnwindSafe(|| work(item)));
            // Nobody listens any more after an error.
            drop(sender.send((number, landed)));
        });
    }

    /// The result of the first item in flight, None when there is none.
    fn land(&mut self) -> Option<R> {
        let cost = self.costs.pop_front()?;
        let landed = loop {
            if let Some(landed) = self.early.remove(&self.next) {
                break landed;
            }
            let (number, landed) = self.receiver.recv().ok()?;
            self.early.insert(number, landed);
        };
        self.next += 1;
        self.total_cost -= cost;
        landed.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[derive(Debug, PartialEq)]
    enum Failure {
        Over(OverBudget),
        Odd(u64),
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as items of any size are")]
    fn over(_: &u64, over: OverBudget) -> Failure {
        Failure::Over(over)
    }

    fn pool(threads: usize) -> ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    /// Spins for a time that differs from item to item, so that later ones finish first.
    fn uneven(n: u64) -> u64 {
        (0..(n * 7919 % 13) * 2000).fold(n, |sum, x| std::hint::black_box(sum ^ x ^ x));
        n
    }

    #[test]
    fn results_come_in_order_and_never_too_many_at_once() {
        for threads in [1, 2, 8] {
            let in_flight = AtomicU64::new(0);
            let mut seen = Vec::new();
            let items = (0..500).map(|n| {
                assert!(in_flight.fetch_add(n % 5, Ordering::SeqCst) <= 20);
                Ok(n)
            });
            let consume = |n| {
                in_flight.fetch_sub(n % 5, Ordering::SeqCst);
                seen.push(n);
                Ok::<_, Failure>(())
            };
            let bounds = Bounds { items: 6, cost: 16 };
            in_order(&pool(threads), bounds, items, |n| n % 5, over, |n| Ok(uneven(n)), consume).unwrap();
            assert_eq!(seen, (0..500).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        let mut seen = Vec::new();
        let work = |n: u64| if n % 10 == 9 { Err(Failure::Odd(n)) } else { Ok(uneven(n)) };
        let consume = |n| {
            seen.push(n);
            Ok(())
        };
        let bounds = Bounds { items: 8, cost: 100 };
        let result = in_order(&pool(4), bounds, (0..100).map(Ok), |_| 1, over, work, consume);
        assert_eq!(result, Err(Failure::Odd(9)));
        assert_eq!(seen, (0..9).collect::<Vec<_>>());
    }

    #[test]
    fn what_cannot_fit_is_refused_after_everything_before_it() {
        let mut seen = Vec::new();
        let consume = |n| {
            seen.push(n);
            Ok(())
        };
        let bounds = Bounds { items: 8, cost: 100 };
        let result = in_order(&pool(2), bounds, [30, 60, 101, 1].map(Ok).into_iter(), |n| *n, over, Ok, consume);
        assert_eq!(result, Err(Failure::Over(OverBudget { cost: 101, budget: 100 })));
        assert_eq!(seen, [30, 60]);
    }

    #[test]
    #[should_panic(expected = "item 3")]
    fn a_panic_goes_on_in_the_caller() {
        let work = |n: u64| if n == 3 { panic!("item {n}") } else { Ok(n) };
        let bounds = Bounds { items: 8, cost: 100 };
        drop(in_order(&pool(2), bounds, (0..10).map(Ok::<_, Failure>), |_| 1, over, work, |_| Ok(())));
    }
}
