//! A conversation that is given as JSON: the messages that a row of a dataset would give.

use std::fmt;

use minijinja::Value;
use minijinja::value::ValueKind;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::column::{Shape, turn};

/// The JSON is none of a conversation.
#[derive(Debug, thiserror::Error)]
pub enum NoConversation {
    #[error("is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("must be a list of {{role, content, …}}, of {{from, value, …}} or of strings")]
    Shape,
}

/// The messages of a list in one of the shapes of [`Shape`]; an item that is null is none.
pub fn messages(json: &str) -> Result<Vec<Value>, NoConversation> {
    let Ordered(list) = serde_json::from_str(json)?;
    if list.kind() != ValueKind::Seq {
        return Err(NoConversation::Shape);
    }
    let items: Vec<Value> = list.try_iter().into_iter().flatten().filter(|item| !item.is_none()).collect();
    if items.iter().all(|item| item.kind() == ValueKind::String) {
        return Ok(items.into_iter().enumerate().map(|(number, text)| turn(number, text)).collect());
    }
    // A field that one message lacks is null in its row.
    let maps = items.iter().all(|item| item.kind() == ValueKind::Map);
    let has = |name: &str| items.iter().any(|item| item.get_attr(name).is_ok_and(|field| !field.is_undefined()));
    let shape = Shape::with_fields(has).filter(|_| maps).ok_or(NoConversation::Shape)?;
    Ok(items.iter().map(|item| shape.message(fields(item))).collect())
}

fn fields(message: &Value) -> impl Iterator<Item = (String, Value)> {
    let keys = message.try_iter().into_iter().flatten();
    keys.filter_map(|key| Some((key.to_string(), message.get_item(&key).ok()?)))
}

/// JSON as templates see it, the fields of a map in their order.
struct Ordered(Value);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrderedVisitor).map(Self)
    }
}

struct OrderedVisitor;

impl<'de> Visitor<'de> for OrderedVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::from(()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Ordered(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::from(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((key, Ordered(value))) = fields.next_entry::<String, Ordered>()? {
            map.push((key, value));
        }
        Ok(Value::from_pairs(map))
    }
}
