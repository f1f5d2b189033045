//! The format of token shards: the type of ids and what the schema says about where they come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Int32Type, UInt16Type, UInt32Type};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use dataset_model::{Packing, TokenizeConfig, TokenizeSpec};

use super::{Recipe, pack, window};

/// Raised by every change of the bytes that the same source gives; part of a tokenization's identity.
pub const FORMAT_VERSION: u32 = 1;

/// The narrowest type that holds every id and that training frameworks take without a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdType {
    U16,
    I32,
}

impl IdType {
    /// For a vocabulary, added tokens included, whose largest id is `max_id`.
    pub const fn for_max_id(max_id: u32) -> Self {
        if max_id <= u16::MAX as u32 { Self::U16 } else { Self::I32 }
    }

    pub const fn data_type(self) -> DataType {
        match self {
            Self::U16 => UInt16Type::DATA_TYPE,
            Self::I32 => Int32Type::DATA_TYPE,
        }
    }
}

/// A type of ids: a stored one, or `UInt32Type` for ids as engines give them.
pub trait TokenId: ArrowPrimitiveType {
    /// Ids come from a vocabulary that [`IdType::for_max_id`] found to fit.
    fn from_id(id: u32) -> Self::Native;

    /// The id that was given to [`Self::from_id`].
    fn id(native: Self::Native) -> u32;
}

impl TokenId for UInt32Type {
    fn from_id(id: u32) -> u32 {
        id
    }

    fn id(native: u32) -> u32 {
        native
    }
}

impl TokenId for UInt16Type {
    #[expect(clippy::cast_possible_truncation, reason = "every id of the vocabulary is at most 65,535")]
    fn from_id(id: u32) -> u16 {
        id as u16
    }

    fn id(native: u16) -> u32 {
        native.into()
    }
}

impl TokenId for Int32Type {
    fn from_id(id: u32) -> i32 {
        id.cast_signed()
    }

    fn id(native: i32) -> u32 {
        native.cast_unsigned()
    }
}

/// Which tokens the model said: of each id, in lists like those of the ids.
fn mask_field(config: &TokenizeConfig) -> Field {
    let item = Arc::new(Field::new_list_field(DataType::Boolean, true));
    let data_type = match config.packing {
        Packing::None => DataType::List(item),
        Packing::Concat => DataType::FixedSizeList(item, config.max_length.cast_signed()),
    };
    Field::new("loss_mask", data_type, false)
}

/// The schema of a tokenization's shards; its metadata says everything that a reader of one lone file needs.
pub fn schema(recipe: &Recipe, spec: &TokenizeSpec) -> SchemaRef {
    let (config, tokenizer) = (&spec.config, recipe.tokenizer());
    let id_type = tokenizer.id_type();
    let (mut fields, packing) = match config.packing {
        Packing::None => (window::fields(id_type), "none"),
        Packing::Concat => (pack::fields(id_type, config.max_length.cast_signed()), "concat"),
    };
    if recipe.has_mask() {
        fields.push(mask_field(config));
    }
    let mut metadata = BTreeMap::from([
        ("format_version", FORMAT_VERSION.to_string()),
        ("identity", spec.identity.clone()),
        ("max_length", config.max_length.to_string()),
        ("packing", packing.to_owned()),
        ("stride", config.stride.to_string()),
        ("tokenizer_name", config.tokenizer_name.clone()),
        ("tokenizer_revision", spec.tokenizer_commit.clone()),
        ("tokenizer_sha256", spec.tokenizer_sha256.clone()),
        ("vocab_size", tokenizer.vocabulary().size().to_string()),
    ]);
    let special = tokenizer.special_ids();
    let ids = [("bos_id", special.bos), ("eos_id", special.eos), ("pad_id", special.pad), ("unk_id", special.unk)];
    metadata.extend(ids.into_iter().filter_map(|(key, id)| Some((key, id?.to_string()))));
    let metadata = metadata.into_iter().map(|(key, value)| (key.to_owned(), value));
    Schema::new(fields).with_metadata(metadata.collect::<std::collections::HashMap<_, _>>()).into()
}
