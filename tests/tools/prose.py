"""Real English prose out of published packages, as (title, text) documents.

Service references make good samples: they are written by people, freely licensed, large, and the same for
everyone. The first two sources are wheels, which need no root; the third adds Debian's manuals for benchmarks
that want more than those hold. Every paragraph is kept once: references repeat themselves a great deal.
"""

import gzip
import html
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator

Document = tuple[str, str]

BOTOCORE = ("botocore", "1.44.5")
GOOGLE = ("google-api-python-client", "2.202.0")
DEBIAN = [
    "rust-doc", "linux-doc-6.1", "python3.11-doc", "cppreference-doc-en-html", "erlang-doc", "perl-doc",
    "libstdc++-12-doc", "libboost1.81-doc", "postgresql-doc-15", "git-doc", "debian-handbook", "openjdk-17-doc",
]
SHORTEST_DOCUMENT = 200

_BLOCKS = re.compile(r"</?(?:p|li|ul|ol|div|h\d|tr|br|pre|dt|dd|section|table)\b[^>]*>", re.I)
_NOT_TEXT = re.compile(r"<(script|style|head|nav)\b.*?</\1>", re.I | re.S)
_TAGS = re.compile(r"<[^>]+>")
_SPACES = re.compile(r"[ \t\r\f\v]+")
_GAPS = re.compile(r"\s*\n\s*")


def strip_markup(text: str) -> str:
    """Plain text: block elements become line ends, entities become characters."""
    text = html.unescape(_TAGS.sub("", _BLOCKS.sub("\n", _NOT_TEXT.sub("", text))))
    return _GAPS.sub("\n", _SPACES.sub(" ", text)).strip()


def from_botocore(wheel: pathlib.Path, seen: set[str]) -> Iterator[Document]:
    """One document for each service, operation and structure of the AWS API models."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(n for n in archive.namelist() if "service-2.json" in n):
            raw = archive.read(name)
            model = json.loads(gzip.decompress(raw) if name.endswith(".gz") else raw)
            service = model["metadata"].get("serviceFullName", name)
            yield from _document(service, [("", model.get("documentation", ""))], seen)
            for kind in ("operations", "shapes"):
                for part, described in sorted(model.get(kind, {}).items()):
                    members = described.get("members", {})
                    paragraphs = [("", described.get("documentation", ""))]
                    paragraphs += [(member, shape.get("documentation", "")) for member, shape in members.items()]
                    yield from _document(f"{service}: {part}", paragraphs, seen)


def from_google(wheel: pathlib.Path, seen: set[str]) -> Iterator[Document]:
    """One document for each schema of the Google API discovery documents."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(n for n in archive.namelist() if "/documents/" in n and n.endswith(".json")):
            api = json.loads(archive.read(name))
            title = api.get("title", name)
            yield from _document(title, [("", api.get("description", ""))], seen)
            for part, schema in sorted(api.get("schemas", {}).items()):
                paragraphs = [("", schema.get("description", ""))]
                paragraphs += [(key, p.get("description", "")) for key, p in schema.get("properties", {}).items()]
                yield from _document(f"{title}: {part}", paragraphs, seen)


def from_debian(folder: pathlib.Path, seen: set[str]) -> Iterator[Document]:
    """One document for each page of Debian's documentation packages; nothing where there is no apt."""
    if not shutil.which("apt-get"):
        return
    folder.mkdir(parents=True, exist_ok=True)
    for package in DEBIAN:
        if not list(folder.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package], cwd=folder, check=False)
        for archive in folder.glob(f"{package}_*.deb"):
            with tempfile.TemporaryDirectory() as unpacked:
                subprocess.run(["dpkg", "-x", archive, unpacked], check=True)
                for page in sorted(pathlib.Path(unpacked).rglob("*")):
                    if page.is_symlink() or not page.is_file() or page.suffix not in {".html", ".txt", ".rst", ".gz"}:
                        continue
                    raw = page.read_bytes()
                    text = (gzip.decompress(raw) if page.suffix == ".gz" else raw).decode("utf-8", "replace")
                    paragraphs = [("", line) for line in strip_markup(text).split("\n")]
                    yield from _document(f"{package}: {page.stem}", paragraphs, seen)


def _document(title: str, paragraphs: list[tuple[str, str]], seen: set[str]) -> Iterator[Document]:
    kept = []
    for name, text in paragraphs:
        text = strip_markup(text)
        if text and text not in seen:
            seen.add(text)
            kept.append(f"{name}: {text}" if name else text)
    whole = "\n\n".join(kept)
    if len(whole) >= SHORTEST_DOCUMENT:
        yield title, whole
