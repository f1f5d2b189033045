"""The repositories of the corpus whose files are compressed."""

import bz2
import gzip
import io
import lzma
import zipfile

import pyarrow as pa


def lz4(content):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "lz4") as packed:
        packed.write(content)
    return sink.getvalue().to_pybytes()


def zstd(content):
    return pa.compress(content, "zstd", asbytes=True)


def zipped(content):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.jsonl", content)
    return sink.getvalue()


# `datasets` needs a module for lz4 that is not there.
PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd, "lz4": lz4}
UNREAD = {"lz4": 7}


def write(repository, lines, csv):
    plain = lines.encode()
    for ending, pack in PACKERS.items():
        rows = UNREAD.get(ending)
        repository(f"jsonl-{ending}", {f"train.jsonl.{ending}": pack(plain)}, ours=rows)
        repository(f"jsonl-{ending}-by-its-first-bytes", {"train.jsonl": pack(plain)}, ours=rows)
        twice = pack(plain) + pack(plain)
        repository(f"jsonl-{ending}-two-parts", {f"train.jsonl.{ending}": twice}, ours=rows and 2 * rows)
        repository(f"jsonl-{ending}-cut", {f"train.jsonl.{ending}": pack(plain)[:-4]}, ours="SOURCE_CORRUPT")
        repository(f"jsonl-{ending}-is-text", {f"train.jsonl.{ending}": lines}, ours="SOURCE_CORRUPT")
    repository("jsonl-zip-by-its-first-bytes", {"train.jsonl": zipped(plain)})
    padded = gzip.compress(plain) + b"\0" * 100
    repository("jsonl-gz-padded", {"train.jsonl.gz": padded + gzip.compress(plain) + b"\0"})
    repository("jsonl-gz-padded-with-more", {"train.jsonl.gz": padded + b"x"}, ours="SOURCE_CORRUPT")
    repository("jsonl-gzip", {"train.jsonl.gzip": gzip.compress(plain)})
    repository("jsonl-zstd", {"train.jsonl.zstd": zstd(plain)})
    repository("csv-gz", {"train.csv.gz": gzip.compress(csv.encode())})
    repository("text-xz", {"train.txt.xz": lzma.compress(b"a\nb\n")})
