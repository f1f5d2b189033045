//! Read plans: the rows that a plan names, in every cut, and nothing else.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use arrow_flight::{Action, FlightDescriptor, FlightInfo, Ticket};
use arrow_schema::Schema;
use dataset_model::{Reason, TokenizationId};
use dataset_proto::status::from_status;
use serde_json::{Value, json};
use tonic::Status;

use crate::rig::{Rig, docs, drain, reason, shards, windows};

async fn info(rig: &Rig, plan: &Value) -> Result<FlightInfo, Status> {
    let descriptor = FlightDescriptor::new_cmd(plan.to_string());
    rig.client.clone().get_flight_info(descriptor).await.map(tonic::Response::into_inner)
}

/// What each endpoint gives.
async fn read(rig: &Rig, plan: &Value) -> Vec<Vec<RecordBatch>> {
    let mut read = Vec::new();
    for endpoint in info(rig, plan).await.expect("a plan").endpoint {
        read.push(rig.redeem(endpoint.ticket.expect("a ticket")).await.expect("rows"));
    }
    read
}

/// The global batches of a plan with `rows` rows each, put together from its ranks.
async fn batches(rig: &Rig, plan: &Value) -> Vec<Vec<u64>> {
    let ranks: Vec<Vec<u64>> = read(rig, plan).await.iter().map(|batches| docs(batches)).collect();
    let world = plan["world_size"].as_u64().unwrap_or(1);
    let share = usize::try_from(plan["global_batch_rows"].as_u64().expect("a number") / world).expect("small");
    let steps = ranks[0].len() / share;
    (0..steps).map(|s| ranks.iter().flat_map(|rank| rank[s * share..(s + 1) * share].to_vec()).collect()).collect()
}

fn plan(id: TokenizationId, extra: &Value) -> Value {
    let mut plan = json!({"sources": [{"tokenization_id": id}], "seed": 7, "global_batch_rows": 12});
    plan.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
    plan
}

async fn act(rig: &Rig, action: &str, body: &Value) -> Result<Value, Status> {
    let action = Action::new(action.to_owned(), body.to_string());
    let mut answer = rig.client.clone().do_action(action).await?.into_inner();
    let body = answer.message().await?.expect("one answer").body;
    Ok(serde_json::from_slice(&body).expect("JSON"))
}

#[tokio::test]
async fn every_world_size_reads_the_same_batches() {
    let rig = Rig::start().await;
    let id = rig.tokenization(&shards());
    let mut compared = 0;
    for shuffle in [json!("none"), json!("global"), json!({"block": {"rows": 7}})] {
        let mut seen: Vec<Vec<Vec<u64>>> = Vec::new();
        for world in [1, 2, 3, 4, 6, 12] {
            let wanted = plan(id, &json!({"shuffle": shuffle, "world_size": world, "end_step": 15}));
            seen.push(batches(&rig, &wanted).await);
        }
        assert_eq!(seen[0].len(), 15, "three epochs of 60 rows");
        assert!(seen.iter().all(|other| *other == seen[0]), "{shuffle}");
        for epoch in seen[0].chunks(5) {
            let rows: BTreeSet<u64> = epoch.iter().flatten().copied().collect();
            assert_eq!(rows, (0..60).collect(), "each row once an epoch");
        }
        assert_eq!(seen[0][..5] == seen[0][5..10], shuffle == json!("none"), "epochs differ when shuffled");
        let later = plan(id, &json!({"shuffle": shuffle, "world_size": 4, "start_step": 4, "end_step": 15}));
        assert_eq!(batches(&rig, &later).await, seen[0][4..], "a later start is a suffix");
        compared += seen.len() * 15;
    }
    println!("{compared} global batches");
}

#[tokio::test]
async fn rows_are_whole_and_columns_are_chosen() {
    let rig = Rig::start().await;
    let id = rig.tokenization(&shards());
    for world in [1, 2] {
        for shuffle in ["none", "global"] {
            let wanted = plan(id, &json!({"shuffle": shuffle, "world_size": world}));
            for batch in read(&rig, &wanted).await.concat() {
                for row in 0..batch.num_rows() {
                    let one = batch.slice(row, 1);
                    assert_eq!(one, windows(docs(std::slice::from_ref(&one))[0], 1, 50));
                }
            }
        }
    }
    let wanted = plan(id, &json!({"columns": ["doc"], "rank": 1, "world_size": 3}));
    let described = info(&rig, &wanted).await.unwrap();
    assert_eq!((described.endpoint.len(), described.total_records), (1, 20));
    let schema = Schema::try_from(described).unwrap();
    assert_eq!(schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["doc"]);
    assert_eq!(read(&rig, &wanted).await[0][0].num_columns(), 1);
}

#[tokio::test]
async fn sources_are_mixed_by_weight() {
    let rig = Rig::start().await;
    let (a, b) = (rig.tokenization(&shards()), rig.tokenization(&[vec![windows(1000, 25, 50)]]));
    let sources = json!([{"tokenization_id": a, "weight": 3}, {"tokenization_id": b, "weight": 1}]);
    let wanted = json!({"sources": sources, "seed": 1, "shuffle": "global", "global_batch_rows": 8, "end_step": 20});
    let read = batches(&rig, &wanted).await;
    assert_eq!(read.len(), 20);
    for batch in &read {
        assert_eq!(batch.iter().filter(|doc| **doc >= 1000).count(), 2, "a quarter of each batch");
    }
    let from_b: Vec<u64> = read.concat().into_iter().filter(|doc| *doc >= 1000).collect();
    assert_eq!(from_b[..25].iter().copied().collect::<BTreeSet<_>>().len(), 25, "its first epoch, each row once");
}

#[tokio::test]
async fn messages_are_bounded_whatever_the_rows() {
    let rig = Rig::start().await;
    let stored = [vec![windows(0, 60, 50_000), windows(60, 1, 2_500_000)], vec![windows(61, 300, 10)]];
    let id = rig.tokenization(&stored);
    let ticket = info(&rig, &plan(id, &json!({"shuffle": "global", "global_batch_rows": 1}))).await.unwrap().endpoint
        [0]
    .ticket
    .clone();
    let (read, error) = drain(rig.open(ticket.unwrap()).await.unwrap()).await;
    assert!(error.is_none());
    let rows: BTreeSet<u64> = docs(&read).into_iter().collect();
    assert_eq!((read.iter().map(RecordBatch::num_rows).sum::<usize>(), rows.len()), (361, 361));
    for batch in &read {
        let bytes: usize = batch.columns().iter().map(|c| c.to_data().get_slice_memory_size().unwrap()).sum();
        assert!(bytes < 4 << 20 || batch.num_rows() == 1, "{bytes} bytes in {} rows", batch.num_rows());
    }
}

#[tokio::test]
async fn bad_plans_are_refused_by_field() {
    let rig = Rig::start().await;
    let (id, other) = (rig.tokenization(&shards()), rig.tokenization(&[vec![windows(0, 5, 3)]]));
    let (unknown, unfinished) = (TokenizationId::new(), TokenizationId::new());
    rig.catalog.table().unfinished.push(unfinished.to_string());
    let of = |sources: Value| json!({"sources": sources, "global_batch_rows": 12, "end_step": 1});
    let cases = [
        (plan(id, &json!({"rank": 4, "world_size": 4})), Reason::InvalidField, "rank"),
        (plan(id, &json!({"rank": -1, "world_size": 4})), Reason::InvalidField, "rank"),
        (plan(id, &json!({"world_size": 5})), Reason::InvalidField, "world_size"),
        (plan(id, &json!({"world_size": 0})), Reason::InvalidField, "world_size"),
        (plan(id, &json!({"global_batch_rows": 61})), Reason::InvalidField, "global_batch_rows"),
        (
            plan(id, &json!({"global_batch_rows": 12_000, "world_size": 12_000, "drop_last": false})),
            Reason::InvalidField,
            "rank",
        ),
        (plan(id, &json!({"start_step": 6})), Reason::InvalidField, "start_step"),
        (plan(id, &json!({"columns": ["nope"]})), Reason::InvalidField, "columns"),
        (plan(id, &json!({"shuffle": "some"})), Reason::InvalidField, "shuffle"),
        (of(json!([{"tokenization_id": id, "weight": 0}])), Reason::InvalidField, "sources[0].weight"),
        (of(json!([{"tokenization_id": id, "weight": -1}])), Reason::InvalidField, "sources[0].weight"),
        (of(json!([{"tokenization_id": "x"}])), Reason::InvalidField, "sources[0].tokenization_id"),
        (of(json!([])), Reason::InvalidField, "sources"),
        (
            of(json!([{"tokenization_id": id}, {"tokenization_id": unknown}])),
            Reason::NotFound,
            "sources[1].tokenization_id",
        ),
        (of(json!([{"tokenization_id": unfinished}])), Reason::DatasetNotReady, "sources[0].tokenization_id"),
        (
            json!({"sources": [{"tokenization_id": id}, {"tokenization_id": other}], "global_batch_rows": 1}),
            Reason::InvalidField,
            "end_step",
        ),
    ];
    for (wanted, expected, field) in &cases {
        let descriptor = FlightDescriptor::new_cmd(wanted.to_string());
        let mut client = rig.client.clone();
        let refused = info(&rig, wanted).await.unwrap_err();
        let problem = from_status(&refused);
        assert_eq!(problem.reason, *expected, "{wanted}");
        assert!(problem.errors.iter().any(|error| error.field == *field), "{wanted}: {problem:?}");
        if *field != "rank" {
            assert_eq!(reason(&client.get_schema(descriptor).await.unwrap_err()), *expected, "GetSchema of {wanted}");
        }
        // Actions have the plan in a field of their own.
        if *field != "rank" && *field != "columns" {
            let refused = act(&rig, "VerifyPlan", &json!({"plan": wanted})).await.unwrap_err();
            assert_eq!(reason(&refused), *expected, "VerifyPlan of {wanted}");
        }
    }
    println!("{} refusals", cases.len());
}

#[tokio::test]
async fn a_ticket_of_a_plan_is_checked_again() {
    let rig = Rig::start().await;
    let (long, short) = (rig.tokenization(&shards()), rig.tokenization(&[vec![windows(0, 5, 3)]]));
    let endpoint = info(&rig, &plan(long, &json!({"shuffle": "global"}))).await.unwrap().endpoint[0].clone();
    let bytes: Vec<u8> = endpoint.ticket.unwrap().ticket.into();
    let at = bytes.windows(36).position(|window| window == long.to_string().as_bytes()).unwrap();
    // Another source, with fewer rows than a batch; an unknown one; each single byte changed.
    let with = |id: &str| Ticket::new([&bytes[..at], id.as_bytes(), &bytes[at + 36..]].concat());
    assert_eq!(reason(&rig.redeem(with(&short.to_string())).await.unwrap_err()), Reason::InvalidField);
    assert_eq!(reason(&rig.redeem(with(&TokenizationId::new().to_string())).await.unwrap_err()), Reason::NotFound);
    let mut refused = 0;
    for n in 0..bytes.len() {
        let mut forged = bytes.clone();
        forged[n] ^= 0x55;
        match rig.redeem(Ticket::new(forged)).await {
            // Another seed or time is a ticket too, for rows that exist.
            Ok(read) => assert!(docs(&read).iter().all(|doc| *doc < 60)),
            Err(error) => {
                assert!(matches!(reason(&error), Reason::InvalidField | Reason::NotFound), "{error}");
                refused += 1;
            }
        }
    }
    println!("{refused} of {} forged tickets refused", bytes.len());
    rig.catalog.table().shards.clear();
    assert_eq!(reason(&rig.redeem(Ticket::new(bytes)).await.unwrap_err()), Reason::NotFound, "deleted since");
}

#[tokio::test]
async fn plans_are_described_and_proven() {
    let rig = Rig::start().await;
    let id = rig.tokenization(&shards());
    let wanted = plan(id, &json!({"shuffle": "global", "global_batch_rows": 16, "world_size": 4}));
    let described = act(&rig, "DescribePlan", &json!({"plan": wanted})).await.unwrap();
    let in_info: Value = serde_json::from_slice(&info(&rig, &wanted).await.unwrap().app_metadata).unwrap();
    assert_eq!(described, in_info);
    assert_eq!((&described["steps_per_epoch"], &described["dropped_rows"]), (&json!(3), &json!(12)));
    assert_eq!(described["sources"], json!([{"tokenization_id": id, "rows": 60, "share": 1}]));

    let proof = act(&rig, "VerifyPlan", &json!({"plan": wanted})).await.unwrap();
    let read: BTreeSet<u64> = batches(&rig, &wanted).await.concat().into_iter().collect();
    assert_eq!((&proof["exactly_once"], &proof["rows_read"]), (&json!(true), &json!(read.len())));
    let dropped: Vec<u64> = serde_json::from_value(proof["dropped"].clone()).unwrap();
    assert_eq!(dropped, (0..60).filter(|row| !read.contains(row)).collect::<Vec<_>>(), "the rows that nobody got");

    let mut actions = rig.client.clone().list_actions(arrow_flight::Empty {}).await.unwrap().into_inner();
    let mut names = Vec::new();
    while let Some(action) = actions.message().await.unwrap() {
        names.push(action.r#type);
    }
    assert_eq!(names, ["LookupStep", "VerifyPlan", "DescribePlan", "CancelFlightInfo", "ListReaders"]);
    for (name, body) in
        [("LookupStep", json!({"plan": wanted})), ("VerifyPlan", json!({})), ("DescribePlan", json!([]))]
    {
        let refused = act(&rig, name, &body).await.unwrap_err();
        assert!(matches!(reason(&refused), Reason::InvalidField | Reason::MalformedBody), "{name}: {refused}");
    }
    assert_eq!(reason(&act(&rig, "Nope", &json!({})).await.unwrap_err()), Reason::NotImplemented);
}

#[tokio::test]
async fn readers_are_seen_and_cancelled() {
    let rig = Rig::start().await;
    let stored: Vec<RecordBatch> = (0..60).map(|n| windows(n * 10, 10, 50_000)).collect();
    let id = rig.tokenization(&[stored]);
    let wanted = plan(id, &json!({"shuffle": "global", "world_size": 2, "rank": 1}));
    let ticket = info(&rig, &wanted).await.unwrap().endpoint[0].ticket.clone().unwrap();
    let mut request = tonic::Request::new(ticket);
    request.metadata_mut().insert("x-tokenmill-run-id", "run-7".parse().unwrap());
    request.metadata_mut().insert("x-tokenmill-rank", "1".parse().unwrap());
    let mut stream = rig.client.clone().do_get(request).await.unwrap().into_inner();
    stream.message().await.unwrap().expect("the schema");
    stream.message().await.unwrap().expect("rows");
    let seen = act(&rig, "ListReaders", &json!({})).await.unwrap();
    let reader = &seen["readers"][0];
    assert_eq!((&reader["run_id"], &reader["rank"]), (&json!("run-7"), &json!("1")));
    assert!(reader["rows"].as_u64().unwrap() > 0 && reader["step"].as_u64().unwrap() > 0, "{reader}");
    assert_eq!(reader["reads"]["plan"]["sources"][0]["tokenization_id"], json!(id));

    let other = plan(id, &json!({"shuffle": "global", "world_size": 2, "rank": 0}));
    assert_eq!(act(&rig, "CancelFlightInfo", &json!({"plan": other})).await.unwrap()["streams"], json!(0));
    let all = plan(id, &json!({"shuffle": "global", "world_size": 2}));
    assert_eq!(act(&rig, "CancelFlightInfo", &json!({"plan": all})).await.unwrap()["streams"], json!(1));
    let error = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert_eq!(reason(&error.expect("a cancelled stream must not look complete")), Reason::StaleAttempt);
    drop(stream);
    let gone = async { while act(&rig, "ListReaders", &json!({})).await.unwrap()["readers"] != json!([]) {} };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone).await.expect("the reader is still listed");
}

#[tokio::test]
async fn readers_that_do_not_read_hold_nobody_up() {
    let rig = Rig::start().await;
    let stored: Vec<RecordBatch> = (0..60).map(|n| windows(n * 10, 10, 50_000)).collect();
    let id = rig.tokenization(&[stored]);
    let wanted = plan(id, &json!({"shuffle": "global", "global_batch_rows": 32, "world_size": 32, "drop_last": false}));
    let endpoints = info(&rig, &wanted).await.unwrap().endpoint;
    let tickets: Vec<Ticket> = endpoints.into_iter().map(|endpoint| endpoint.ticket.unwrap()).collect();
    let mut asleep = Vec::new();
    for ticket in &tickets[16..] {
        asleep.push(rig.open_apart(ticket.clone()).await.unwrap());
    }
    let mut streams = Vec::new();
    for ticket in &tickets[..16] {
        streams.push(rig.open_apart(ticket.clone()).await.unwrap());
    }
    let awake = futures::future::join_all(streams.into_iter().map(drain));
    let awake = tokio::time::timeout(std::time::Duration::from_mins(1), awake).await.expect("held up");
    let mut rows: Vec<u64> = awake.iter().flat_map(|(read, _)| docs(read)).collect();
    assert!(awake.iter().all(|(_, error)| error.is_none()));
    for stream in asleep {
        let (read, error) = drain(stream).await;
        assert!(error.is_none());
        rows.extend(docs(&read));
    }
    rows.sort_unstable();
    assert_eq!(rows, (0..600).collect::<Vec<_>>(), "all of them together: each row once");
}

#[tokio::test]
async fn numbers_at_their_ends_are_refused_and_nothing_panics() {
    let rig = Rig::start().await;
    let id = rig.tokenization(&shards());
    let (most, large) = (u64::MAX, u32::MAX);
    for extra in [
        json!({"rank": large, "world_size": large, "global_batch_rows": large}),
        json!({"world_size": 0, "global_batch_rows": 0}),
        json!({"start_step": most}),
        json!({"start_step": most, "end_step": most}),
        json!({"epoch": most}),
        json!({"shuffle": {"block": {"rows": 0}}}),
        json!({"global_batch_rows": large, "world_size": large}),
    ] {
        let wanted = plan(id, &extra);
        assert_eq!(reason(&info(&rig, &wanted).await.unwrap_err()), Reason::InvalidField, "{extra}");
        for action in ["LookupStep", "VerifyPlan", "DescribePlan", "CancelFlightInfo"] {
            let mut body = json!({"plan": wanted});
            if action == "LookupStep" {
                body["step"] = json!(0);
            }
            match act(&rig, action, &body).await {
                // What only the sources could refuse has no open streams either.
                Ok(answer) => assert_eq!((action, &answer["streams"]), ("CancelFlightInfo", &json!(0)), "{extra}"),
                Err(error) => assert_eq!(reason(&error), Reason::InvalidField, "{action} of {extra}: {error}"),
            }
        }
    }
    // The largest that is possible.
    let last = plan(id, &json!({"shuffle": {"block": {"rows": large}}, "seed": most, "epoch": 1u64 << 61}));
    assert_eq!(batches(&rig, &last).await.len(), 5);
    assert_eq!(
        reason(&act(&rig, "LookupStep", &json!({"plan": last, "step": most})).await.unwrap_err()),
        Reason::InvalidField
    );
}
