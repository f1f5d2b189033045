//! The bar on a terminal: how much of how much, how fast, or for how long nothing has moved.

use indicatif::{
    DecimalBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
    style::ProgressTracker,
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// So long without progress, and it says so, as the web pages do.
const STALL: Duration = Duration::from_secs(10);

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unit {
    Bytes,
    Samples,
}

impl Unit {
    fn template(self) -> &'static str {
        match self {
            Self::Bytes => "{msg:12} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {pace}",
            Self::Samples => "{wide_bar} {human_pos}/{human_len} samples {pace} · {msg}",
        }
    }
}

pub(super) struct Bar {
    bar: ProgressBar,
    /// What moves while the position does not: rows that are converted, tokens.
    beside: Arc<AtomicU64>,
}

impl Bar {
    pub(super) fn new(target: ProgressDrawTarget) -> Self {
        Self { bar: ProgressBar::with_draw_target(None, target), beside: Arc::default() }
    }

    /// `beside` is another counter that shows that something moves.
    pub(super) fn draw(&self, unit: Unit, (done, total): (u64, u64), beside: u64, message: &str) {
        if self.bar.length().is_none()
            && total > 0
            && let Ok(style) = ProgressStyle::with_template(unit.template())
        {
            let now = Instant::now();
            let seen = (done, beside);
            self.bar
                .set_style(style.with_key("pace", Pace { unit, beside: self.beside.clone(), seen, moved: now, now }));
            // It is drawn when nothing is told, too.
            self.bar.enable_steady_tick(Duration::from_secs(1));
        }
        if total > 0 {
            self.bar.set_length(total);
        }
        self.beside.store(beside, Ordering::Relaxed);
        self.bar.set_position(done);
        self.bar.set_message(message.to_owned());
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Speed and time left, or that nothing moves.
#[derive(Debug, Clone)]
struct Pace {
    unit: Unit,
    beside: Arc<AtomicU64>,
    seen: (u64, u64),
    /// When `seen` last changed.
    moved: Instant,
    now: Instant,
}

impl Pace {
    fn see(&mut self, position: u64, now: Instant) {
        let seen = (position, self.beside.load(Ordering::Relaxed));
        if self.seen != seen {
            (self.seen, self.moved) = (seen, now);
        }
        self.now = now;
    }

    fn stalled(&self) -> Option<Duration> {
        Some(self.now.saturating_duration_since(self.moved)).filter(|still| *still >= STALL)
    }
}

impl ProgressTracker for Pace {
    fn clone_box(&self) -> Box<dyn ProgressTracker> {
        Box::new(self.clone())
    }

    fn tick(&mut self, state: &ProgressState, now: Instant) {
        self.see(state.pos(), now);
    }

    fn reset(&mut self, _: &ProgressState, now: Instant) {
        self.moved = now;
    }

    fn write(&self, state: &ProgressState, text: &mut dyn fmt::Write) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a speed to read")]
        let speed = state.per_sec() as u64;
        let eta = HumanDuration(state.eta());
        // Into a string, which takes everything.
        let _ = match (self.stalled(), self.unit) {
            (Some(still), _) => write!(text, "stalled for {}", HumanDuration(still)),
            (None, Unit::Bytes) => write!(text, "{}/s eta {eta:#}", DecimalBytes(speed)),
            (None, Unit::Samples) => write!(text, "{}/s eta {eta:#}", HumanCount(speed)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stalls_when_neither_counter_moves() {
        let (begin, beside) = (Instant::now(), Arc::new(AtomicU64::new(7)));
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut pace = Pace { unit: Unit::Bytes, beside: beside.clone(), seen: (5, 7), moved: begin, now: begin };
        for (seconds, position, rows, stalled) in [
            (9, 5, 7, None),
            (10, 5, 7, Some(10)),
            (12, 6, 7, None),
            (21, 6, 8, None),
            (30, 6, 8, None),
            (33, 6, 8, Some(12)),
        ] {
            beside.store(rows, Ordering::Relaxed);
            pace.see(position, at(seconds));
            assert_eq!(pace.stalled(), stalled.map(Duration::from_secs), "after {seconds} s");
        }
    }

    #[test]
    fn a_bar_says_how_fast_it_is() {
        let terminal = indicatif::InMemoryTerm::new(3, 120);
        let bar = Bar::new(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        bar.draw(Unit::Bytes, (0, 100_000_000), 0, "downloading");
        bar.draw(Unit::Bytes, (50_000_000, 100_000_000), 0, "downloading");
        let drawn = terminal.contents();
        assert!(drawn.starts_with("downloading") && drawn.contains("50.00 MB/100.00 MB"), "{drawn}");
        assert!(drawn.contains("/s eta"), "{drawn}");
    }
}
