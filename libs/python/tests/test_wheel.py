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
