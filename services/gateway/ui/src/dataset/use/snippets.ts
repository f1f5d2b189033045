// "Use it": programs that read this dataset, filled in with its id and the addresses of the services.
//
// What is copied must run as it is: a test in the browser runs the Flight reader. Names come from outside, so they are
// quoted for the language that they stand in.

export interface Addresses {
  /** Such as `http://127.0.0.1:8080`. */
  gateway: string;
  /** Such as `grpc://127.0.0.1:8815`. */
  flight: string;
  /** Such as `127.0.0.1:50051`. */
  catalog: string;
}

export interface Subject {
  datasetId: string;
  name: string;
  splits: readonly string[];
  tokenization?: { id: string; tokenizer: string };
}

export interface Snippet {
  id: string;
  title: string;
  language: 'python' | 'shell';
  about: string;
  code: string;
}

/** A Python (and JSON) string literal. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** One word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** All snippets for a dataset; those of tokens need a tokenization that is ready. */
export function snippets(subject: Subject, at: Addresses): Snippet[] {
  const { tokenization } = subject;
  return [
    flightReader(subject, at),
    ...(tokenization ? [torch(tokenization.id, at)] : []),
    commandLine(subject, at),
    grpcurl(subject, at),
  ];
}

function flightReader({ datasetId, splits, tokenization }: Subject, at: Addresses): Snippet {
  const path = tokenization
    ? ['tokenizations', tokenization.id]
    : ['datasets', datasetId, 'raw', splits[0] ?? 'train'];
  const columns = tokenization ? 'input_ids, doc, …' : 'the columns of the split';
  return {
    id: 'flight',
    title: 'Python, Arrow Flight',
    language: 'python',
    about: `Needs pyarrow. Reads every ${tokenization ? 'sequence' : 'row'} and says how many there were.`,
    code: `import pyarrow.flight as flight

client = flight.connect(${quoted(at.flight)})
descriptor = flight.FlightDescriptor.for_path(${path.map(quoted).join(', ')})
rows = 0
for endpoint in client.get_flight_info(descriptor).endpoints:  # one per shard, in order
    for chunk in client.do_get(endpoint.ticket):
        batch = chunk.data  # a pyarrow.RecordBatch: ${columns}
        rows += batch.num_rows
print(f"{rows} rows read")
`,
  };
}

function torch(tokenizationId: string, at: Addresses): Snippet {
  return {
    id: 'torch',
    title: 'PyTorch',
    language: 'python',
    about:
      "Needs torch and this project's package: pip install ./libs/python. Shuffled batches that resume on any number of ranks.",
    code: `from tokenmill import TokenDataset

dataset = TokenDataset(
    ${quoted(at.flight)},
    tokenization=${quoted(tokenizationId)},
    seed=7,
    global_batch_rows=8,
    framework="torch",
)
for step, batch in enumerate(dataset):
    print(step, batch["input_ids"].shape, batch["labels"].shape)
    if step == 2:
        break
state = dataset.state_dict()  # goes into the checkpoint; load_state_dict(state) goes on from there
`,
  };
}

function commandLine({ datasetId, tokenization }: Subject, at: Addresses): Snippet {
  const lines = [
    `export TOKENMILL_CATALOG__URL=${shellWord(`http://${at.catalog}`)}`,
    `export TOKENMILL_FLIGHT__URL=${shellWord(at.flight.replace(/^grpc/, 'http'))}`,
    `tokenmill dataset show ${datasetId}`,
  ];
  if (tokenization) {
    lines.push(
      `tokenmill tokenization stats ${datasetId}`,
      `tokenmill export ${tokenization.id} ./rows --format parquet`,
    );
  }
  return {
    id: 'cli',
    title: 'Command line and curl',
    language: 'shell',
    about: 'The program is target/debug/tokenmill after make build; curl needs nothing of this project.',
    code: `${lines.join('\n')}\ncurl -s ${shellWord(`${at.gateway}/api/v1/datasets/${datasetId}/samples?limit=3`)}\n`,
  };
}

function grpcurl({ datasetId }: Subject, at: Addresses): Snippet {
  const call = (method: string, body: object) =>
    `grpcurl -plaintext -d ${shellWord(JSON.stringify(body))} ${shellWord(at.catalog)} tokenmill.catalog.v1.${method}`;
  return {
    id: 'grpcurl',
    title: 'gRPC',
    language: 'shell',
    about:
      'Any gRPC client will do: reflection is on. The second call follows the dataset until you stop it.',
    code: `${call('DatasetService/Get', { id: datasetId })}\n${call('WatchService/WatchDataset', { dataset_id: datasetId })}\n`,
  };
}
