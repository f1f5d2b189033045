//! A pyarrow client reads what was written: more than 10 MB over several endpoints, equal to the last id.

use std::path::Path;
use std::process::Stdio;

use crate::rig::{Rig, windows};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt16Type;
use sha2::{Digest, Sha256};

const CLIENT: &str = r#"
import hashlib, sys
import pyarrow as pa, pyarrow.flight as flight

client = flight.FlightClient("grpc://" + sys.argv[1])
info = client.get_flight_info(flight.FlightDescriptor.for_path("tokenizations", sys.argv[2]))
assert info.ordered and [e.app_metadata for e in info.endpoints] == [b"0", b"1", b"2"], info
digest, rows, size = hashlib.sha256(), 0, 0
for endpoint in info.endpoints:
    table = client.do_get(endpoint.ticket).read_all()
    assert table.schema == info.schema, table.schema
    table.validate(full=True)
    for chunk in table["input_ids"].chunks:
        ids = chunk.flatten().to_numpy()
        digest.update(ids.tobytes())
        size += ids.nbytes
    rows += table.num_rows
assert rows == info.total_records
cut = flight.FlightDescriptor.for_path("tokenizations", sys.argv[2], "rows", "1995", "10")
docs = [d for e in client.get_flight_info(cut).endpoints for d in client.do_get(e.ticket).read_all()["doc"].to_pylist()]
assert docs == list(range(1995, 2005)), docs
try:
    client.get_flight_info(flight.FlightDescriptor.for_path("tokenizations", "x"))
    raise SystemExit("a bad path was accepted")
except pa.ArrowInvalid as error:
    assert "not a UUID" in str(error), error
assert [list(f.descriptor.path) for f in client.list_flights()] == []
print(rows, size, digest.hexdigest())
"#;

#[tokio::test(flavor = "multi_thread")]
async fn pyarrow_reads_the_same_ids() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv/bin/python");
    assert!(python.exists(), "no Python with pyarrow: run `make tools`");
    let rig = Rig::start().await;
    let shards: Vec<_> = (0..3).map(|s| (0..4).map(|b| windows(s * 2000 + b * 500, 500, 1000)).collect()).collect();
    let id = rig.tokenization(&shards).to_string();
    let mut digest = Sha256::new();
    for batch in shards.iter().flatten() {
        for id in batch.column(0).as_list::<i32>().values().as_primitive::<UInt16Type>().values() {
            digest.update(id.to_le_bytes());
        }
    }
    let python = tokio::process::Command::new(python)
        .args(["-c", CLIENT, &rig.address.to_string(), &id])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_mins(1), python).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{answer}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(answer.trim(), format!("6000 12000000 {}", hex::encode(digest.finalize())));
}
