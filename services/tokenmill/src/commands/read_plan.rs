//! `tokenmill plan …` and `tokenmill read`: questions about read plans, asked of the flight service.

use super::{Client, flight::Flight};
use crate::{
    arguments::{FlightAddress, Plan as Command, PlanText, Read},
    failure::Failure,
    output,
};
use arrow_array::RecordBatch;
use arrow_flight::{Action, FlightDescriptor};
use futures::TryStreamExt;
use serde_json::{Map, Value, json};
use std::io::Read as _;

pub(crate) async fn run(client: &Client, command: Command) -> Result<(), Failure> {
    match command {
        Command::Lookup { plan, step, flight } => {
            let question = json!({"plan": parse(&plan)?, "step": step});
            let answer = ask(&flight, "LookupStep", &question).await?;
            if client.json { output::json(&answer) } else { lookup(&answer) }
        }
        Command::Verify { plan, flight } => {
            let answer = ask(&flight, "VerifyPlan", &json!({"plan": parse(&plan)?})).await?;
            if client.json {
                output::json(&answer)?;
            } else {
                verdict(&answer)?;
            }
            if answer["exactly_once"] == json!(true) {
                return Ok(());
            }
            Err(Failure::other("the plan does not read each row once"))
        }
    }
}

/// Prints the rows of a step as JSON lines.
pub(crate) async fn read(options: Read) -> Result<(), Failure> {
    let mut plan = parse(&options.plan)?;
    let Some(end) = options.step.checked_add(1) else { return Err(Failure::usage("there is no such step")) };
    plan.extend([("start_step".to_owned(), options.step.into()), ("end_step".to_owned(), end.into())]);
    if let Some(rank) = options.rank {
        plan.insert("rank".to_owned(), rank.into());
    }
    let mut flight = Flight::connect(&options.flight)?;
    let info = flight.info(FlightDescriptor::new_cmd(Value::from(plan).to_string())).await?;
    for endpoint in info.endpoint {
        let rank = String::from_utf8_lossy(&endpoint.app_metadata).parse::<u64>().unwrap_or(0);
        let mut batches = flight.rows(endpoint).await?;
        while let Some(batch) = batches.try_next().await? {
            print(&batch, rank)?;
        }
    }
    Ok(())
}

fn print(batch: &RecordBatch, rank: u64) -> Result<(), Failure> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::other(format!("rows cannot be shown as JSON: {error}"));
    let mut lines = arrow_json::LineDelimitedWriter::new(Vec::new());
    lines.write(batch).and_then(|()| lines.finish()).map_err(|error| unreadable(&error))?;
    for line in lines.into_inner().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let row: Map<String, Value> = serde_json::from_slice(line).map_err(|error| unreadable(&error))?;
        let ranked = Map::from_iter([("rank".to_owned(), rank.into())]).into_iter().chain(row);
        output::line(&ranked.collect::<Value>().to_string())?;
    }
    Ok(())
}

/// JSON as it stands, or the path of a file, or `-` for standard input.
fn parse(plan: &PlanText) -> Result<Map<String, Value>, Failure> {
    let given = plan.plan.trim();
    let mut text = String::new();
    if given.starts_with('{') {
        given.clone_into(&mut text);
    } else if given == "-" {
        let read = std::io::stdin().lock().read_to_string(&mut text);
        read.map_err(|error| Failure::usage(format!("the plan cannot be read: {error}")))?;
    } else {
        text = std::fs::read_to_string(given).map_err(|error| Failure::usage(format!("`{given}`: {error}")))?;
    }
    serde_json::from_str(&text).map_err(|error| Failure::usage(format!("the plan is not a JSON object: {error}")))
}

async fn ask(flight: &FlightAddress, action: &'static str, question: &Value) -> Result<Value, Failure> {
    let mut answers =
        Flight::connect(flight)?.0.do_action(Action::new(action, question.to_string())).await?.into_inner();
    let answer = answers.message().await?.ok_or_else(|| Failure::other("the service gave no answer"))?;
    serde_json::from_slice(&answer.body).map_err(|error| Failure::other(format!("the answer cannot be read: {error}")))
}

fn lookup(answer: &Value) -> Result<(), Failure> {
    let text = |row: &Value, key: &str| match &row[key] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let mut rows = Vec::new();
    for rank in answer["ranks"].as_array().into_iter().flatten() {
        for row in rank["rows"].as_array().into_iter().flatten() {
            let cells = ["row", "shard", "shard_row", "doc", "window", "source_file", "source_row"];
            rows.push(std::iter::once(text(rank, "rank")).chain(cells.map(|key| text(row, key))).collect());
        }
    }
    output::table(&["rank", "row", "shard", "row in it", "document", "window", "source file", "row in it"], &rows)
}

fn verdict(answer: &Value) -> Result<(), Failure> {
    for (name, key) in [
        ("each row once", "exactly_once"),
        ("epoch", "epoch"),
        ("steps", "steps"),
        ("rows read", "rows_read"),
        ("duplicates", "duplicate_rows"),
        ("missing", "missing_rows"),
        ("dropped tail", "dropped_rows"),
    ] {
        output::line(&format!("{name:<16}{}", answer[key]))?;
    }
    Ok(())
}
