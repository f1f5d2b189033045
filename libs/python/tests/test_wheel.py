"""The package installs as a wheel, typed, and imports without torch."""

import subprocess
import sys
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def test_the_wheel_builds_and_imports(tmp_path) -> None:
    # A copy, as the build writes beside the sources.
    source = tmp_path / "source"
    source.mkdir()
    for path in [PACKAGE / "pyproject.toml", PACKAGE / "README.md", *(PACKAGE / "tokenmill").iterdir()]:
        if path.is_file():
            target = source / path.relative_to(PACKAGE)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(path.read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, source], check=True, timeout=120)
    wheel = next(tmp_path.glob("tokenmill-*.whl"))
    assert "tokenmill/py.typed" in zipfile.ZipFile(wheel).namelist()
    target = tmp_path / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--target", target, wheel], check=True, timeout=120)
    shown = subprocess.run([sys.executable, "-c", "import tokenmill; print(tokenmill.__file__, tokenmill.TokenDataset)"],
                           env={"PYTHONPATH": str(target)}, capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0 and str(target) in shown.stdout, shown.stderr


def test_code_generated_from_the_protos_is_imported_beside_it(tmp_path) -> None:
    generated = tmp_path / "tokenmill" / "catalog" / "v1"
    generated.mkdir(parents=True)
    (generated / "datasets_pb2.py").write_text("NAME = 'generated'\n")
    code = "from tokenmill import TokenDataset; from tokenmill.catalog.v1 import datasets_pb2; print(datasets_pb2.NAME)"
    for order in ([PACKAGE, tmp_path], [tmp_path, PACKAGE]):
        path = ":".join(str(folder) for folder in order)
        shown = subprocess.run([sys.executable, "-c", code],
                               env={"PYTHONPATH": path}, capture_output=True, text=True, timeout=60)
        assert shown.stdout == "generated\n", shown.stderr
