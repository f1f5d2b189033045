//! What waits for a slow reader: bounded, nothing numbered is dropped, progress is latest-wins.
//!
//! Nothing is refused here: whoever fills an outbox asks first whether it is full, and waits for room. So it holds at
//! most one message more than its bounds, and a burst that a healthy reader works off does no harm.

use super::message::{Class, Message};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

const MAX_ITEMS: usize = 256;
const MAX_BYTES: usize = 256 << 10;

#[derive(Debug, Default)]
struct Queue {
    /// With whether the message is counted.
    messages: VecDeque<(Arc<Message>, bool)>,
    items: usize,
    bytes: usize,
}

impl Queue {
    fn push(&mut self, message: Arc<Message>) {
        if matches!(message.class, Class::Latest(_))
            && let Some((waiting, _)) = self.messages.iter_mut().find(|(waiting, _)| waiting.class == message.class)
        {
            self.bytes = self.bytes - waiting.text.len() + message.text.len();
            *waiting = message;
            return;
        }
        let same = |waiting: &Message| waiting.class == Class::Snapshot && waiting.channel == message.channel;
        let free = message.class == Class::Snapshot && !self.messages.iter().any(|(waiting, _)| same(waiting));
        self.append(message, !free);
    }

    fn append(&mut self, message: Arc<Message>, counted: bool) {
        if counted {
            self.items += 1;
            self.bytes += message.text.len();
        }
        self.messages.push_back((message, counted));
    }

    fn pop(&mut self) -> Option<Arc<Message>> {
        let (message, counted) = self.messages.pop_front()?;
        if counted {
            self.items -= 1;
            self.bytes -= message.text.len();
        }
        Some(message)
    }

    fn forget(&mut self, channel: &str) {
        for (message, counted) in std::mem::take(self).messages {
            if message.channel != channel {
                self.append(message, counted);
            }
        }
    }

    fn is_full(&self) -> bool {
        self.items >= MAX_ITEMS || self.bytes >= MAX_BYTES
    }

    /// Half empty: a reader that takes one message now and then does not count as one that keeps up.
    fn has_room(&self) -> bool {
        self.items <= MAX_ITEMS / 2 && self.bytes <= MAX_BYTES / 2
    }
}

/// A queue between the reading and the writing half of one socket.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    arrived: Notify,
    left: Notify,
}

impl Outbox {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, message: impl Into<Arc<Message>>) {
        self.queue().push(message.into());
        self.arrived.notify_one();
    }

    /// Drops what waits of a channel that the client left.
    pub(super) fn forget(&self, channel: &str) {
        self.queue().forget(channel);
        self.left.notify_one();
    }

    /// Whether nothing more may be pushed for now.
    pub(super) fn is_full(&self) -> bool {
        self.queue().is_full()
    }

    /// Waits until the reader caught up.
    pub(super) async fn room(&self) {
        while !self.queue().has_room() {
            self.left.notified().await;
        }
    }

    /// The next message; waits for one. Nothing is lost when this future is dropped.
    pub(super) async fn next(&self) -> Arc<Message> {
        loop {
            if let Some(message) = self.queue().pop() {
                self.left.notify_one();
                return message;
            }
            self.arrived.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(channel: &str, class: Class, text: String) -> Arc<Message> {
        Arc::new(Message { channel: channel.to_owned(), event: "e", seq: None, class, text: text.into() })
    }

    fn drain(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.pop().map(|message| message.text.to_string())).collect()
    }

    #[test]
    fn numbered_messages_fill_the_queue_and_are_never_dropped() {
        let mut queue = Queue::default();
        for n in 0..MAX_ITEMS {
            assert!(!queue.is_full());
            queue.push(message("a", Class::Lasting, n.to_string()));
        }
        assert!(queue.is_full() && !queue.has_room());
        assert_eq!(drain(&mut queue), (0..MAX_ITEMS).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!((queue.items, queue.bytes, queue.has_room()), (0, 0, true));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut queue = Queue::default();
        queue.push(message("a", Class::Lasting, "x".repeat(MAX_BYTES)));
        assert!(queue.is_full());
    }

    #[test]
    fn the_latest_progress_takes_the_place_of_the_waiting_one() {
        let mut queue = Queue::default();
        let key = || Class::Latest("job".to_owned());
        queue.push(message("a", key(), "10 %".to_owned()));
        queue.push(message("a", Class::Lasting, "done".to_owned()));
        for _ in 0..10_000 {
            queue.push(message("a", key(), "100 %".to_owned()));
        }
        assert!(queue.has_room());
        assert_eq!(drain(&mut queue), ["100 %", "done"]);
        assert_eq!((queue.items, queue.bytes), (0, 0));
    }

    #[test]
    fn the_first_snapshot_of_a_channel_is_free_and_later_ones_are_not() {
        let mut queue = Queue::default();
        queue.push(message("a", Class::Snapshot, "x".repeat(MAX_BYTES)));
        queue.push(message("b", Class::Snapshot, "x".repeat(MAX_BYTES)));
        assert_eq!((queue.items, queue.bytes), (0, 0));
        queue.push(message("a", Class::Snapshot, "x".repeat(MAX_BYTES)));
        assert!(queue.is_full());
        queue.forget("a");
        assert_eq!((queue.items, queue.bytes, queue.messages.len()), (0, 0, 1));
    }

    #[tokio::test]
    async fn a_full_outbox_waits_for_its_reader() {
        let outbox = Outbox::default();
        for n in 0..MAX_ITEMS {
            outbox.push(message("a", Class::Lasting, n.to_string()));
        }
        let reader = async {
            for n in 0..MAX_ITEMS / 2 {
                assert_eq!(outbox.next().await.text.as_str(), n.to_string());
            }
            // Never ends: only room may end the wait.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = reader => {}
            () = outbox.room() => {}
        }
        assert_eq!(outbox.queue().items, MAX_ITEMS / 2);
    }
}
