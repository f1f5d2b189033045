//! Types that a card declares: rows are cast to them as `datasets` does (`cast_array_to_feature` in `table.py`).
//!
//! A cast loses nothing: a value that its type does not hold is an error, which names file, row and column.

mod values;

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, GenericListArray, OffsetSizeTrait, RecordBatch, RecordBatchOptions,
    StructArray, UInt64Array, cast::AsArray, new_null_array,
};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow_select::{nullif::nullif, take::take};

pub(super) use self::values::scaled;
use super::{ConvertError, Format, Misfit, conform, schema::canonical};
use crate::plan::{
    Options,
    options::{Feature, Features},
};

/// Where `datasets` looks for what a schema does not say.
const METADATA: &str = "huggingface";

/// The declared columns of a file.
#[derive(Debug)]
pub(super) struct Declared {
    features: Features,
    /// Of the file in its plain form, and of what becomes of it.
    own: SchemaRef,
    wanted: SchemaRef,
}

/// What becomes of columns that are not declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    Stay,
    Go,
    /// They contradict, as does a column of another shape.
    Conflict,
}

/// A column that cannot be what it is declared to be, whatever its values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    pub column: String,
    pub why: String,
}

impl Conflict {
    pub(super) fn of(self, file: &str) -> ConvertError {
        ConvertError::Undeclared { file: file.to_owned(), column: self.column, why: self.why }
    }
}

/// What is declared of a file with this schema, in the order in which it is cast.
pub(super) fn declared(own: &Schema, format: Format, options: &Options) -> Result<Vec<Declared>, Conflict> {
    if matches!(format, Format::WebDataset | Format::Zip) {
        return Ok(Vec::new());
    }
    let mut found: Vec<Declared> = Vec::new();
    let by_name =
        matches!(format, Format::Csv { .. }) && options.features.as_ref().is_some_and(|f| !f.have(Feature::is_labels));
    let others = if by_name { Others::Go } else { Others::Conflict };
    for (features, others) in [(&options.features, others), (&options.info, Others::Stay)] {
        let Some(features) = features else { continue };
        let mut features = features.clone();
        if let (Format::Parquet, Some(columns)) = (format, &options.columns) {
            features.0.retain(|(name, _)| columns.contains(name));
        }
        let own = found.last().map_or_else(|| Arc::new(canonical(own)), |last| Arc::clone(&last.wanted));
        found.push(Declared::new(features, others, own)?);
    }
    Ok(found)
}

impl Declared {
    fn new(features: Features, others: Others, own: SchemaRef) -> Result<Self, Conflict> {
        let conflict = |column: &str, why: String| Err(Conflict { column: column.to_owned(), why });
        let mut fields = Vec::with_capacity(features.0.len());
        for (name, feature) in &features.0 {
            let kind = match own.field_with_name(name) {
                Ok(field) => field.data_type(),
                Err(_) if others == Others::Go => return conflict(name, "it is declared and not there".to_owned()),
                Err(_) => &DataType::Null,
            };
            let Some(wanted) = kind_of(kind, feature) else {
                return conflict(name, format!("it is {kind} and declared as another kind"));
            };
            fields.push(Arc::new(Field::new(name, wanted, true)));
        }
        for field in own.fields().iter().filter(|field| features.get(field.name()).is_none()) {
            match others {
                Others::Stay => fields.push(Arc::clone(field)),
                Others::Go => {}
                Others::Conflict => return conflict(field.name(), "it is there and not declared".to_owned()),
            }
        }
        let metadata = features.labels_json().map(|json| (METADATA.to_owned(), json));
        let wanted = Arc::new(Schema::new_with_metadata(fields, metadata.into_iter().collect::<HashMap<_, _>>()));
        Ok(Self { features, own, wanted })
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.wanted
    }

    /// The batch in the declared types.
    pub(super) fn cast(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let plain = conform(batch, &self.own)?;
        let column = |field: &FieldRef| match plain.column_by_name(field.name()) {
            Some(column) => self.column(column, field),
            None => Ok(new_null_array(field.data_type(), plain.num_rows())),
        };
        let columns = self.wanted.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.wanted), columns, &options)
    }

    fn column(&self, column: &ArrayRef, field: &Field) -> Result<ArrayRef, ArrowError> {
        let feature = self.features.get(field.name());
        feature.map_or_else(|| Ok(Arc::clone(column)), |feature| cast(column, feature))
    }

    /// The first value that its declared type does not hold.
    pub(super) fn misfit(&self, batch: &RecordBatch) -> Option<Misfit> {
        let plain = conform(batch, &self.own).ok()?;
        self.wanted.fields().iter().find_map(|field| {
            let column = plain.column_by_name(field.name())?;
            self.column(column, field).err()?;
            let one = |row: usize| take(column, &UInt64Array::from(vec![row as u64]), None);
            let is_unfit = |row: &usize| one(*row).is_ok_and(|one| self.column(&one, field).is_err());
            let row = (0..column.len()).find(is_unfit)?;
            Some(Misfit { column: field.name().clone(), row, wanted: field.data_type().clone() })
        })
    }
}

/// What a column of that type becomes; none when it has another shape, or nobody knows the type.
fn kind_of(own: &DataType, feature: &Feature) -> Option<DataType> {
    use DataType::{FixedSizeList, LargeList, List, Null, Struct};
    let item_of = |feature| {
        let inner = match own {
            List(item) | LargeList(item) | FixedSizeList(item, _) => item.data_type(),
            Null => &Null,
            _ => return None,
        };
        kind_of(inner, feature).map(|kind| Arc::new(Field::new_list_field(kind, true)))
    };
    Some(match feature {
        Feature::Other => own.clone(),
        Feature::Value(dtype) => return values::named(dtype).filter(|_| *own == Null || !own.is_nested()),
        Feature::Labels(_) => return Some(DataType::Int64).filter(|_| *own == Null || !own.is_nested()),
        Feature::List { item, length: None } => List(item_of(item)?),
        Feature::List { item, length: Some(length) } => FixedSizeList(item_of(item)?, *length),
        Feature::LargeList(item) => LargeList(item_of(item)?),
        Feature::Struct(features) => {
            let own = match own {
                Struct(fields) => fields.clone(),
                Null => Fields::empty(),
                _ => return None,
            };
            if own.iter().any(|field| !features.iter().any(|(name, _)| name == field.name())) {
                return None;
            }
            let field = |(name, feature): &(String, Feature)| {
                let own = own.find(name).map_or(&Null, |(_, field)| field.data_type());
                kind_of(own, feature).map(|kind| Field::new(name, kind, true))
            };
            Struct(features.iter().map(field).collect::<Option<Vec<_>>>()?.into())
        }
    })
}

fn cast(from: &ArrayRef, feature: &Feature) -> Result<ArrayRef, ArrowError> {
    let unfit = || ArrowError::CastError("another shape".to_owned());
    let wanted = kind_of(from.data_type(), feature).ok_or_else(unfit)?;
    match (from.data_type(), feature) {
        (DataType::Null, _) => Ok(new_null_array(&wanted, from.len())),
        (_, Feature::Other) => Ok(Arc::clone(from)),
        (_, Feature::Value(_)) => values::cast(from, &wanted),
        (_, Feature::Labels(names)) => values::labels(from, names),
        (_, Feature::Struct(features)) => structs(from.as_struct(), features, &wanted),
        (DataType::FixedSizeList(item, _), _) => {
            let list = DataType::List(Arc::clone(item));
            list_of(arrow_cast::cast(from, &list)?.as_list::<i32>(), feature, &wanted)
        }
        (DataType::LargeList(_), _) => list_of(from.as_list::<i64>(), feature, &wanted),
        _ => list_of(from.as_list::<i32>(), feature, &wanted),
    }
}

fn structs(from: &StructArray, features: &[(String, Feature)], wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    let DataType::Struct(fields) = wanted else { return Err(ArrowError::CastError("no struct".to_owned())) };
    // Below null nothing is looked at.
    let hidden = from.nulls().map(|nulls| arrow_array::BooleanArray::new(!nulls.inner(), None));
    let child = |((name, feature), field): (&(String, Feature), &FieldRef)| match from.column_by_name(name) {
        Some(child) => match &hidden {
            Some(hidden) => cast(&nullif(child, hidden)?, feature),
            None => cast(child, feature),
        },
        None => Ok(new_null_array(field.data_type(), from.len())),
    };
    let children = features.iter().zip(fields).map(child).collect::<Result<Vec<_>, _>>()?;
    let nulls = from.nulls().cloned();
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), children, nulls, from.len())?))
}

fn list_of<O: OffsetSizeTrait>(
    from: &GenericListArray<O>,
    feature: &Feature,
    wanted: &DataType,
) -> Result<ArrayRef, ArrowError> {
    let (Feature::List { item, .. } | Feature::LargeList(item)) = feature else {
        return Err(ArrowError::CastError("no list".to_owned()));
    };
    let values = cast(from.values(), item)?;
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let list = GenericListArray::<O>::try_new(field, from.offsets().clone(), values, from.nulls().cloned())?;
    if let DataType::FixedSizeList(field, length) = wanted {
        return fixed(&list, field, *length);
    }
    let list: ArrayRef = Arc::new(list);
    values::strict(&list, wanted)
}

/// Lists that all have the length that is declared.
fn fixed<O: OffsetSizeTrait>(
    from: &GenericListArray<O>,
    field: &FieldRef,
    length: i32,
) -> Result<ArrayRef, ArrowError> {
    let fits = |row: usize| from.is_null(row) || i32::try_from(from.value_length(row).as_usize()) == Ok(length);
    if !(0..from.len()).all(fits) {
        return Err(ArrowError::CastError("another length".to_owned()));
    }
    let places = (0..from.len()).flat_map(|row| {
        let begin = from.value_offsets()[row].as_usize() as u64;
        (0..u64::from(length.unsigned_abs())).map(move |at| from.is_valid(row).then_some(begin + at))
    });
    let values = take(from.values(), &places.collect::<UInt64Array>(), None)?;
    let nulls = from.nulls().cloned();
    Ok(Arc::new(FixedSizeListArray::try_new_with_length(Arc::clone(field), length, values, nulls, from.len())?))
}
