//! What waits for a slow reader: bounded, nothing numbered is dropped, progress is latest-wins.

use super::message::{Class, Message};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};
use tokio::sync::Notify;

const MAX_ITEMS: usize = 256;
const MAX_BYTES: usize = 256 << 10;

/// More waits than the reader may cost: it must be cut off, as nothing numbered may be dropped.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<(Message, bool)>,
    /// Of the counted messages.
    items: usize,
    bytes: usize,
}

impl Queue {
    fn push(&mut self, message: Message) -> Result<(), Overflow> {
        if matches!(message.class, Class::Latest(_))
            && let Some((waiting, _)) = self.messages.iter_mut().find(|(waiting, _)| waiting.class == message.class)
        {
            self.bytes = self.bytes - waiting.text.len() + message.text.len();
            *waiting = message;
            return Ok(());
        }
        let same = |waiting: &Message| waiting.class == Class::Snapshot && waiting.channel == message.channel;
        let free = message.class == Class::Snapshot && !self.messages.iter().any(|(waiting, _)| same(waiting));
        if !free {
            // One alone always fits, whatever its size.
            let full = self.items >= MAX_ITEMS || self.bytes + message.text.len() > MAX_BYTES;
            if self.items > 0 && full {
                return Err(Overflow);
            }
            self.items += 1;
            self.bytes += message.text.len();
        }
        self.messages.push_back((message, !free));
        Ok(())
    }

    fn pop(&mut self) -> Option<Message> {
        let (message, counted) = self.messages.pop_front()?;
        if counted {
            self.items -= 1;
            self.bytes -= message.text.len();
        }
        Some(message)
    }

    fn forget(&mut self, channel: &str) {
        let kept: Vec<_> = self.messages.drain(..).filter(|(message, _)| message.channel != channel).collect();
        (self.items, self.bytes) = (0, 0);
        for (message, counted) in kept {
            if counted {
                self.items += 1;
                self.bytes += message.text.len();
            }
            self.messages.push_back((message, counted));
        }
    }
}

/// A queue between the reading and the writing half of one socket.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    arrived: Notify,
}

impl Outbox {
    pub(super) fn push(&self, message: Message) -> Result<(), Overflow> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push(message)?;
        self.arrived.notify_one();
        Ok(())
    }

    /// Drops what waits of a channel that the client left.
    pub(super) fn forget(&self, channel: &str) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).forget(channel);
    }

    /// The next message; waits for one. Nothing is lost when this future is dropped.
    pub(super) async fn next(&self) -> Message {
        loop {
            if let Some(message) = self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop() {
                return message;
            }
            self.arrived.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(channel: &str, class: Class, text: String) -> Message {
        Message { channel: channel.to_owned(), event: "e", seq: None, class, text }
    }

    fn drain(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.pop().map(|message| message.text)).collect()
    }

    #[test]
    fn numbered_messages_are_never_dropped() {
        let mut queue = Queue::default();
        for n in 0..MAX_ITEMS {
            queue.push(message("a", Class::Lasting, n.to_string())).unwrap();
        }
        assert_eq!(queue.push(message("a", Class::Lasting, "one more".to_owned())), Err(Overflow));
        assert_eq!(drain(&mut queue), (0..MAX_ITEMS).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!((queue.items, queue.bytes), (0, 0));
    }

    #[test]
    fn bytes_are_bounded_and_one_message_always_fits() {
        let mut queue = Queue::default();
        queue.push(message("a", Class::Lasting, "x".repeat(MAX_BYTES + 1))).unwrap();
        assert_eq!(queue.push(message("a", Class::Lasting, String::new())), Err(Overflow));
    }

    #[test]
    fn the_latest_progress_takes_the_place_of_the_waiting_one() {
        let mut queue = Queue::default();
        let key = || Class::Latest("job".to_owned());
        queue.push(message("a", key(), "10 %".to_owned())).unwrap();
        queue.push(message("a", Class::Lasting, "done".to_owned())).unwrap();
        for _ in 0..10_000 {
            queue.push(message("a", key(), "100 %".to_owned())).unwrap();
        }
        assert_eq!(drain(&mut queue), ["100 %", "done"]);
        assert_eq!((queue.items, queue.bytes), (0, 0));
    }

    #[test]
    fn the_first_snapshot_of_a_channel_is_free_and_later_ones_are_not() {
        let mut queue = Queue::default();
        for n in 0..MAX_ITEMS {
            queue.push(message("a", Class::Lasting, n.to_string())).unwrap();
        }
        queue.push(message("a", Class::Snapshot, "x".repeat(MAX_BYTES))).unwrap();
        queue.push(message("b", Class::Snapshot, String::new())).unwrap();
        assert_eq!(queue.push(message("a", Class::Snapshot, String::new())), Err(Overflow));
        queue.forget("a");
        assert_eq!((queue.items, queue.bytes, queue.messages.len()), (0, 0, 1));
    }
}
