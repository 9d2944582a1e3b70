"""Build the image of the Dockerfile without a container engine: a folder takes the place of `/`."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from fnmatch import fnmatch
from pathlib import Path, PurePath

from e2e.readme import ROOT

TIMEOUT_SECONDS = 120.0

_ABSOLUTE = re.compile(r"/(?=(?:build|data|opt)\b)")
"""The start of each absolute path that belongs to the image."""


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile as pairs of name and arguments."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", "").splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines if line)]


def is_sent(path: PurePath) -> bool:
    """Return whether `.dockerignore` includes a path of this repository: the last matching line decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.removeprefix("!")
        if not line.startswith("#") and any(fnmatch(str(part), pattern) for part in [path, *path.parents[:-1]]):
            sent = pattern != line
    return sent


def context(folder: Path) -> Path:
    """Copy the build context, the files that an engine would receive, and return its folder."""

    def excluded(parent: str, names: list[str]) -> list[str]:
        return [name for name in names if not is_sent((Path(parent) / name).relative_to(ROOT))]

    return Path(shutil.copytree(ROOT, folder, ignore=excluded))


def libraries(folder: Path) -> Path:
    """Link the libraries of the tests' environment, without leads, into a folder that replaces a package index."""
    folder.mkdir()
    for installed in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for path in Path(installed).iterdir():
            if not path.name.startswith(("leads-", "pip", "_editable", "__pycache__")) and path.suffix != ".pth":
                (folder / path.name).symlink_to(path)
    return folder


class Image:
    """An image built from the Dockerfile, step by step. The user who runs the tests replaces both its users."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.arguments: dict[str, str] = {}
        self.printed = ""
        self.environment: dict[str, str] = {}
        self._stages = folder / "stages"
        self._stage = ""
        self._context = context(folder / "context")
        self._libraries = libraries(folder / "libraries")
        for name, rest in instructions():
            self.arguments[name] = self._localized(rest)
            step = getattr(self, f"_{name.lower()}", None)
            assert step or name in {"USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}, name
            if step:
                step(self.arguments[name])

    @property
    def command(self) -> list[str]:
        """The command that a container runs."""
        return self.entrypoint + list(json.loads(self.arguments["CMD"]))

    @property
    def entrypoint(self) -> list[str]:
        """The command that comes before a container's arguments."""
        return list(json.loads(self.arguments["ENTRYPOINT"]))

    def health_check(self, port: int) -> list[str]:
        """Return the command of the health check, for a service on another port."""
        _, _, command = self.arguments["HEALTHCHECK"].partition(" CMD ")
        assert "8000" in command
        return list(json.loads(command.replace("8000", str(port))))

    def _localized(self, text: str) -> str:
        return _ABSOLUTE.sub(f"{self.root}/", text).replace("10001", str(os.getuid()))

    def _from(self, text: str) -> None:
        if self.root.exists():
            self._stages.mkdir()
            self.root.rename(self._stages / self._stage)
        self.root.mkdir()
        self._stage = text.rpartition(" AS ")[2]
        self._working = self.root
        # The environment has only the tests' Python and libraries, no other settings of the tests.
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {"PATH": path, "PYTHONPATH": str(self._libraries)}

    def _workdir(self, text: str) -> None:
        self._working = Path(text)
        self._working.mkdir(exist_ok=True)

    def _run(self, text: str) -> None:
        offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        done = subprocess.run(
            ["/bin/sh", "-c", text],
            cwd=self._working,
            env=self.environment | offline,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        self.printed += done.stdout

    def _copy(self, text: str) -> None:
        *sources, target = text.split()
        origin = self._context
        if sources[0].startswith("--from="):
            stage = self._stages / sources.pop(0).removeprefix("--from=")
            origin, sources = stage, [str(Path(source).relative_to(self.root)) for source in sources]
        for source in sources:
            if (origin / source).is_dir():
                shutil.copytree(origin / source, self._working / target, symlinks=True)
            else:
                shutil.copy(origin / source, self._working / target)

    def _env(self, text: str) -> None:
        for setting in shlex.split(text):
            name, _, value = setting.partition("=")
            self.environment[name] = value.replace("$PATH", self.environment["PATH"])
