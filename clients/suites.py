"""The suites: what each needs, how it is installed, how it is run and how its closing lines are read.

Everything installed lies in the cache, in a directory named after the pinned versions, so that it is made anew when
those change and never touches the work tree.
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUN_TIMEOUT_S = 300
NODE_MAJOR_MIN = 20


class SuiteFailed(Exception):
    """A suite could not be installed, or did not come to its end. The message says why."""


class Suite:
    name = "?"
    clients = "?"

    def __init__(self, cache):
        self.cache = cache / "clients"
        self.home = HERE / self.name

    def prepare(self):
        """Installs what is missing."""
        raise NotImplementedError

    def run(self, environment, name_filter):
        """Runs the tests and returns how many passed, failed and were skipped."""
        raise NotImplementedError

    def _installed(self, what, parts, install):
        """The directory of what `parts` (bytes and paths) pin; `install(directory)` fills it once with `what`."""
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part if isinstance(part, bytes) else part.read_bytes())
        directory = self.cache / self.name / digest.hexdigest()[:16]
        if not (directory / "complete").exists():
            print(f"clients: installing {what} into {directory}", file=sys.stderr, flush=True)
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            install(directory)
            (directory / "complete").touch()
        return directory

    def _run(self, command, environment, patterns):
        """Runs the tests, shows what they print, and adds up the numbers that `patterns` find in it."""
        process = subprocess.Popen(
            command,
            cwd=self.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        # The group is ended as a whole: test runners start processes of their own.
        alarm = threading.Timer(RUN_TIMEOUT_S, lambda: os.killpg(process.pid, signal.SIGKILL))
        alarm.start()
        counts = [0] * len(patterns)
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                for place, pattern in enumerate(patterns):
                    counts[place] += sum(int(number) for number in re.findall(pattern, line))
            exit_code = process.wait()
        finally:
            alarm.cancel()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if exit_code != 0 and counts[1] == 0:
            raise SuiteFailed(f"the test runner ended with exit code {exit_code} and named no failure")
        return tuple(counts)


class Python(Suite):
    name = "python"
    clients = "boto3, PynamoDB, Dyntastic, Powertools"

    def prepare(self):
        requirements = self.home / "requirements.txt"
        pins = [requirements, sys.version.encode()]
        venv = self._installed(self.clients, pins, lambda directory: make_venv(directory, requirements))
        self._python = venv / "bin" / "python"

    def run(self, environment, name_filter):
        command = [
            str(self._python),
            "-m",
            "pytest",
            "-q",
            "--tb=short",
            "-p",
            "no:cacheprovider",
            "--color=no",
        ]
        command += ["-k", name_filter] if name_filter else []
        numbers = [r"\b(\d+) passed", r"\b(\d+) (?:failed|errors?)\b(?=[, ].*in )", r"\b(\d+) skipped"]
        closing = [rf"(?:^|.*, ){number}.* in [\d.]+s" for number in numbers]
        return self._run(command, environment | {"PYTHONDONTWRITEBYTECODE": "1"}, closing)


class JavaScript(Suite):
    name = "javascript"
    clients = "AWS SDK for JavaScript (v3 and v2), Dynamoose, DynamoDB Toolbox, ElectroDB, OneTable and more"

    def prepare(self):
        self._node = find_node() or self._node_from_wheel()
        lock = [self.home / "package.json", self.home / "package-lock.json"]
        modules = (
            self._installed(self.clients, lock, lambda directory: self._install(directory, lock))
            / "node_modules"
        )
        link = self.home / "node_modules"
        if not link.is_symlink() or link.readlink() != modules:
            link.unlink(missing_ok=True)
            link.symlink_to(modules, target_is_directory=True)

    def _node_from_wheel(self):
        """Where no Node is new enough: the one that a Python package carries."""
        requirements = self.home / "requirements-node.txt"
        pins = [requirements, sys.version.encode()]
        venv = self._installed("Node", pins, lambda directory: make_venv(directory, requirements))
        return str(venv / "bin" / "node")

    def _install(self, directory, lock):
        for file in lock:
            shutil.copy(file, directory)
        environment = os.environ | {"PATH": f"{Path(self._node).parent}{os.pathsep}{os.environ['PATH']}"}
        must([self._npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts"], directory, environment)

    def _npm(self):
        return str(Path(self._node).parent / "npm")

    def run(self, environment, name_filter):
        command = [self._node, "--test", "--test-reporter=spec", "--test-timeout=120000"]
        command += [f"--test-name-pattern={re.escape(name_filter)}"] if name_filter else []
        command += [str(path.relative_to(self.home)) for path in sorted(self.home.glob("test/*.test.js"))]
        environment = environment | {"AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true"}
        return self._run(
            command, environment, [r"^ℹ pass (\d+)", r"^ℹ (?:fail|cancelled) (\d+)", r"^ℹ skipped (\d+)"]
        )


class Rust(Suite):
    name = "rust"
    clients = "AWS SDK for Rust"

    def prepare(self):
        target = self.cache / "rust-target"
        self._environment = {"CARGO_TARGET_DIR": str(target), "CARGO_TERM_COLOR": "never"}
        if not target.exists():
            print(
                f"clients: compiling the {self.clients} into {target} (a few minutes, once)",
                file=sys.stderr,
                flush=True,
            )
        must(["cargo", "test", "--locked", "--quiet", "--no-run"], self.home, os.environ | self._environment)

    def run(self, environment, name_filter):
        command = ["cargo", "test", "--locked", "--quiet"] + ([name_filter] if name_filter else [])
        closing = [rf"^test result: .*?\b(\d+) {verdict}" for verdict in ("passed", "failed", "ignored")]
        return self._run(command, environment | self._environment, closing)


def make_venv(directory, requirements):
    must([sys.executable, "-m", "venv", str(directory)], directory)
    pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
    must([*pip, "--disable-pip-version-check", "-r", str(requirements)], directory)


def find_node():
    """A Node that is new enough and has npm beside it, or None."""
    node = shutil.which("node")
    if node is None or not (Path(node).parent / "npm").exists():
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True)
    version = re.match(r"v(\d+)\.", said.stdout)
    return node if version and int(version.group(1)) >= NODE_MAJOR_MIN else None


def must(command, directory, environment=None):
    """Runs an installing command, quiet unless it fails."""
    done = subprocess.run(
        command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise SuiteFailed(f"{' '.join(command)} failed:\n{tail}")


SUITES = {suite.name: suite for suite in (Python, JavaScript, Rust)}
