//! What is counted of any documents is what their windows store, each token as often as it lies in one.

use std::sync::{Arc, LazyLock};

use arrow_array::types::{Int32Type, UInt32Type};
use dataset_model::{Packing, TokenizeConfig};
use proptest::prelude::*;
use tokenization::engine::{Recipe, Tokenizer, documents::Documents};

use crate::support::{Bench, config};

/// With a special token before and behind each window.
static BERT: LazyLock<Arc<Tokenizer>> = LazyLock::new(|| Bench::new("bert").tokenizer);

/// Of such lengths; ids that are not alike.
fn documents(lengths: &[usize]) -> Documents {
    let ids = (0..lengths.iter().sum::<usize>()).map(|n| u32::try_from(n * 7919 % 30_011).unwrap());
    Documents { ids: ids.collect(), lengths: lengths.to_vec(), ..Documents::default() }
}

/// A few short documents, and some for which ids are copied more than once.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![6 => 0_usize..200, 1 => 0_usize..20_000], 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn windows_are_counted_as_they_are_stored(lengths in lengths(), max_length in 3_u32..700, stride in 0_u32..700) {
        let stride = stride % (max_length - 2);
        let recipe = Recipe::new(Arc::clone(&BERT), &config(max_length, stride, true)).unwrap();
        let encoded = documents(&lengths);
        let (mut settled, mut tally) = (Documents::default(), recipe.tally());
        recipe.settle::<Int32Type>(&encoded, &mut settled, &mut tally);
        let counts = recipe.sum([tally]);

        let mut stored = recipe.counts();
        for document in encoded.ranges() {
            for parts in recipe.sequences(&encoded.ids[document]) {
                stored.add_lengths(parts.concat().len(), 1);
                for ids in parts {
                    stored.add_tokens::<UInt32Type>(ids, 1);
                }
            }
        }
        prop_assert!(counts.vocabulary == stored.vocabulary && counts.lengths == stored.lengths);
        prop_assert_eq!(counts.totals.tokens, stored.totals.tokens);
        prop_assert!(settled.ids.iter().map(|id| id.cast_unsigned()).eq(encoded.ids.iter().copied()));
    }

    #[test]
    fn packed_tokens_are_counted_once(lengths in lengths()) {
        let config = TokenizeConfig { packing: Packing::Concat, append_eos: false, ..config(128, 0, true) };
        let recipe = Recipe::new(Arc::clone(&BERT), &config).unwrap();
        let encoded = documents(&lengths);
        let mut tally = recipe.tally();
        recipe.settle::<Int32Type>(&encoded, &mut Documents::default(), &mut tally);
        let counts = recipe.sum([tally]);

        let mut once = recipe.counts();
        once.add_tokens::<UInt32Type>(&encoded.ids, 1);
        prop_assert!(counts.vocabulary == once.vocabulary && counts.totals.tokens == once.totals.tokens);
    }
}
