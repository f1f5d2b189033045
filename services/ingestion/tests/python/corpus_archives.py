"""The repositories of the corpus whose files hold files."""

import io
import tarfile
import zipfile

IMAGE = b"\x89PNG\r\n\x1a\nno image that anybody decodes"


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def encrypted(content):
    """The same archive, whose only member says that it is encrypted."""
    central = content.index(b"PK\x01\x02")
    content = bytearray(content)
    content[6] |= 1
    content[central + 8] |= 1
    return bytes(content)


def tarred(members):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, content in members:
            content = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def write(repository, lines, csv, parquet):
    zips(repository, lines, csv, parquet)
    tars(repository)


def zips(repository, lines, csv, parquet):
    repository("zip-jsonl", {"train.zip": zipped({"b.jsonl": lines, "a.jsonl": lines})})
    repository("zip-stored", {"train.zip": zipped({"a.jsonl": lines}, zipfile.ZIP_STORED)})
    repository("zip-bzip2", {"train.zip": zipped({"a.jsonl": lines}, zipfile.ZIP_BZIP2)})
    repository("zip-lzma", {"train.zip": zipped({"a.jsonl": lines, "b.jsonl": lines * 1000}, zipfile.ZIP_LZMA)})
    repository("zip-parquet", {"train.zip": zipped({"x/a.parquet": parquet, "b.parquet": parquet})}, ours=14)
    repository("zip-csv-by-its-name", {"train.csv.zip": zipped({"table.csv": csv})})
    nested = {"x/": "", "x/y/z.txt": "z\n", "x/a.txt": "a\n", "b.txt": "b\n", ".hidden.txt": "h\n"}
    repository("zip-folders", {"train.zip": zipped({**nested, "__MACOSX/b.txt": "m\n", "x/.git/c.txt": "g\n"})})
    repository("zip-beside-plain", {"a.jsonl": lines, "b.jsonl": lines, "c.zip": zipped({"c.jsonl": lines})})
    repository("zip-two-splits", {"train.zip": zipped({"a.csv": csv}), "test.zip": zipped({"b.csv": csv})})
    repository("zip-hostile-names", {"train.zip": zipped({"../../a.jsonl": lines})}, ours="SOURCE_CORRUPT")
    repository("zip-encrypted", {"train.zip": encrypted(zipped({"a.jsonl": lines}))}, ours="SOURCE_CORRUPT")
    repository("zip-of-nothing", {"train.zip": zipped({})}, ours="NO_DATA_FILES")
    repository("zip-of-pictures", {"train.zip": zipped({"a.png": IMAGE})}, ours="NO_DATA_FILES")
    repository("zip-cut", {"train.zip": zipped({"a.jsonl": lines})[:-30]}, ours="SOURCE_CORRUPT")
    damaged = zipped({"a.jsonl": lines}, zipfile.ZIP_STORED).replace(b"row 3", b"row 9", 1)
    repository("zip-checksum", {"train.zip": damaged}, ours="SOURCE_CORRUPT")


def tars(repository):
    samples = {}
    for n in range(3):
        samples |= {f"d/{n}.txt": f"text {n} é", f"d/{n}.json": f'{{"n": {n}, "l": ["x"]}}', f"d/{n}.cls": f"{n}"}
    repository("tar", {"train.tar": tarred(samples.items())})
    two = {"a.txt": "a", "c.txt": "c"}
    repository("tar-two", {"train-0.tar": tarred(two.items()), "train-1.tar": tarred({"b.txt": "b"}.items())})
    long = {"a.en.txt": "a", "a.de.json": '"b"', "README": "no key", "b.en.txt": "c", "b.de.json": "null"}
    repository("tar-long-extensions", {"train.tar": tarred(long.items())})
    repository("tar-bytes", {"train.tar": tarred({"a.bin": b"\xff\0", "a.txt": "a", "b.bin": b"", "b.txt": "b"}.items())})
    later = {f"{n}.txt": "t" for n in range(5)}
    repository("tar-missing-member", {"train.tar": tarred({"a.txt": "a", "a.cls": "1", **later}.items())}, ours=6)
    repository("tar-image", {"train.tar": tarred({"a.png": IMAGE, "a.txt": "a"}.items())}, ours=1)
    odd = {"a.json": r'{"t": "\ud842\udfb7", "n": NaN}', "b.json": '{"t": "x", "n": 1.5}'}
    repository("tar-odd-json", {"train.tar": tarred(odd.items())})
    repository("tar-twice", {"train.tar": tarred([("a.txt", "a"), ("a.txt", "b")])}, ours="SOURCE_CORRUPT")
    repository("tar-not-utf8", {"train.tar": tarred({"a.txt": b"\xff"}.items())}, ours="SOURCE_CORRUPT")
    repository("tar-no-number", {"train.tar": tarred({"a.cls": "cat"}.items())}, ours="SOURCE_CORRUPT")
    repository("tar-cut", {"train.tar": tarred(samples.items())[:1300]}, ours="SOURCE_CORRUPT")
