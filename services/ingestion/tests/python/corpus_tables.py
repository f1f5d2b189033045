"""The repositories of the corpus with tables between other signs, odd names of columns, and options of readers."""

CARD = "configs:\n- config_name: x\n  data_files: "


def write(repository, csv, lines):
    repository("csv-and-tsv", {"a.csv": csv(), "b.tsv": csv("\t"), "c.csv": csv()}, ours=21)
    repository("tsv-and-csv", {"a.tsv": csv("\t"), "b.csv": csv(), "c.tsv": csv("\t")}, ours=21)
    repository("card-csv-and-tsv", {"a.csv": csv(), "b.tsv": csv("\t")}, CARD + "[a.csv, b.tsv]", ours=14)
    repository("split-csv-and-tsv", {"train.csv": csv(), "test.tsv": csv("\t")}, ours="SCHEMA_MISMATCH")
    headers = {
        "again": "a,a,a.1,a",
        "again-numbered": "a,a.1,a,a.1,a",
        "unnamed-first": ",Unnamed: 0,b",
        "unnamed-last": "Unnamed: 1,,b",
        "unnamed-among": ",a,,a,Unnamed: 2,a.1",
        "unnamed-twice": "Unnamed: 1,Unnamed: 1,",
    }
    for name, header in headers.items():
        row = ",".join(str(n) for n in range(len(header.split(","))))
        repository(f"csv-names-{name}", {"train.csv": f"{header}\n{row}\n"})
    options(repository, csv, lines)


def options(repository, csv, lines):
    followed = {
        "csv": ["header: 0", "quoting: 1", "engine: c", "encoding: UTF-8", "names: null", "no_such_option: 1"],
        "jsonl": ["chunksize: 1000000", "header: null", "field: null"],
        "txt": ["sample_by: line", "keep_linebreaks: false"],
    }
    texts = {"csv": csv(), "jsonl": lines, "txt": "a\nb\n\nc\n"}
    for ending, declared in followed.items():
        for number, option in enumerate(declared):
            name = f"option-{ending}-{option.partition(':')[0]}-{number}-harmless"
            repository(name, {f"a.{ending}": texts[ending]}, f"{CARD}a.{ending}\n  {option}")
    merged = "x: &base\n  data_files: a.csv\n  sep: ','\nconfigs:\n- config_name: x\n  <<: *base\n  sep: ';'"
    repository("card-merged", {"a.csv": csv(";"), "b.csv": csv()}, merged)
