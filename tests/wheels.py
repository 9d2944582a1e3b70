"""Check that each dependency of the service has a wheel for each platform: `make wheels`. Needs the package index.

pip evaluates markers such as `platform_machine == 'x86_64'` for the machine that it runs on, whatever its `--platform`
says. So each dependency is downloaded by itself, and its own dependencies are read from the wheel.
"""

import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from email import message_from_bytes
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
EXTRAS = ("apprise", "postgres")
VERSIONS = ("3.11", "3.12", "3.13")
PLATFORMS: Mapping[str, tuple[Mapping[str, str], Sequence[str]]] = {
    "Linux on x86-64": (
        {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
        ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    ),
    "Linux on ARM": (
        {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "aarch64"},
        ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
    ),
    "macOS on ARM": (
        {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
        ("macosx_14_0_arm64",),
    ),
    "Windows on x86-64": (
        {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
        ("win_amd64",),
    ),
}


def main() -> None:
    """Print the packages without a wheel for each platform; exit with 1 if there are any."""
    missing = 0
    for platform in PLATFORMS:
        for version in VERSIONS:
            found, lacking = resolve(platform, version)
            missing += len(lacking)
            print(f"{platform}, Python {version}: {found} wheels", *(f"; none of {name}" for name in lacking), sep="")  # noqa: T201
    sys.exit(min(missing, 1))


def resolve(platform: str, version: str) -> tuple[int, list[str]]:
    """Return the number of wheels that the service needs there, and the requirements without a wheel."""
    machine, tags = PLATFORMS[platform]
    here = {name: str(value) for name, value in default_environment().items()}
    environment = here | {**machine, "python_version": version, "python_full_version": f"{version}.0"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [text for extra in EXTRAS for text in project["optional-dependencies"][extra]]
    waiting = [Requirement(text) for text in project["dependencies"] + extras]
    seen: set[str] = set()
    lacking = []
    with TemporaryDirectory() as folder:
        while waiting:
            wanted = waiting.pop()
            name = f"{canonicalize_name(wanted.name)}{sorted(wanted.extras)}"
            if name in seen or not applies(wanted, environment, ()):
                continue
            seen.add(name)
            wheel = download(wanted, version, tags, Path(folder))
            if wheel is None:
                lacking.append(str(wanted))
            else:
                waiting += [each for each in needs(wheel) if applies(each, environment, wanted.extras)]
        return len(seen), lacking


def applies(wanted: Requirement, environment: Mapping[str, str], extras: Sequence[str] | set[str]) -> bool:
    """Return whether a requirement applies to this environment."""
    marker = wanted.marker
    return marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in extras or [""])


def download(wanted: Requirement, version: str, tags: Sequence[str], folder: Path) -> Path | None:
    """Download the wheel of a package's pinned version; return None if it has no wheel."""
    into = folder / canonicalize_name(wanted.name)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--python-version", version, "--dest", str(into)]
    command += [f"--platform={tag}" for tag in tags] + [f"--constraint={ROOT / 'constraints.txt'}"]
    subprocess.run([*command, f"{wanted.name}{wanted.specifier}"], check=False, capture_output=True)
    return next(into.glob("*.whl"), None)


def needs(wheel: Path) -> Iterator[Requirement]:
    """Yield the requirements of a wheel."""
    with ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        for text in message_from_bytes(archive.read(metadata)).get_all("Requires-Dist", []):
            yield Requirement(text)


if __name__ == "__main__":
    main()
