"""The first hour of a newcomer: a bare Debian, a user with an empty home, and README.md followed to the letter.

Nothing is typed here that README.md does not say: its blocks of shell and Python are taken out of the file and run one
after the other in one shell, in a copy of the checkout. Needs root, debootstrap and a network; prints what each step
took. The figures are of the machine and the mirrors of the day.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SUITE = "bookworm"  # the oldest Debian with a Python that is new enough
TEN_MINUTES = 600.0
#: How a machine is told to reach its mirrors, if it must be told: names of files and addresses.
TRUST = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
#: What goes on until it is stopped, and how long it is let.
LASTING, LASTING_S = re.compile(r"\basrlab serve\b|\bmake lab\b|\bjupyter lab\b"), 20
#: What a newcomer cannot do yet: these want a key, or name no address.
NEEDS_A_KEY = re.compile(r"DASHSCOPE_API_KEY|singapore|budget_usd|dashscope\.Client")

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(
        os.name == "nt" or os.getuid() != 0 or not shutil.which("debootstrap"), reason="needs root and debootstrap"
    ),
]


class Step(NamedTuple):
    """Something that README.md says is to be done: lines of a shell, or of Python."""

    text: str
    python: bool


def steps(text):
    """Take out what is to be done, in order: fenced blocks, and blocks that are indented.

    Of Python only what stands by itself: it imports what it uses.
    """
    for block in MarkdownIt().parse(text):
        if block.type == "fence" and block.info == "python":
            if block.content.startswith("import asrlab") and not NEEDS_A_KEY.search(without_remarks(block.content)):
                yield Step(block.content, python=True)
        elif block.type == "code_block" or (block.type == "fence" and block.info in {"", "sh", "bash", "console"}):
            lines = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^\$ ", "", block.content)).splitlines()
            yield from (Step(line, python=False) for line in lines if line and not NEEDS_A_KEY.search(line))


def without_remarks(code):
    return re.sub(r"(?m)#.*$", "", code)


def system_packages(text):
    """What README.md says a Debian must have."""
    return re.search(r"`apt install ([\w .+-]+)`", text)[1].split()


def shell(commands):
    """Write one program of all steps, which says when each begins and what came of it."""
    yield "trap '' INT"
    for number, step in enumerate(commands):
        yield f"echo; echo @@{number} $(date +%s.%N)"
        if step.python:
            yield f".venv/bin/python - <<'THE END'\n{step.text}THE END"
        elif LASTING.search(step.text):
            yield f"timeout --signal=INT {LASTING_S} {step.text}; [ $? = 124 ]"
        else:
            yield step.text
        yield f"status=$?; echo; echo @@{number} $(date +%s.%N) $status"


class Machine:
    """A bare Debian in a folder, with its newcomer."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        subprocess.run(["debootstrap", "--variant=minbase", SUITE, folder], check=True, stdout=subprocess.DEVNULL)
        folder.chmod(0o755)
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
        subprocess.run(["mount", "-t", "proc", "proc", folder / "proc"], check=True)
        self.run("useradd -m newcomer")

    def trust(self):
        """Let it reach its mirrors as this machine does."""
        for name in TRUST:
            if (value := os.environ.get(name)) is not None:
                self.environment[name] = value
                if Path(value).is_file():
                    (self.folder / value.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(value, self.folder / value.lstrip("/"))

    def run(self, program, user="root", home="/root"):
        environment = [f"{name}={value}" for name, value in {**self.environment, "HOME": home}.items()]
        command = ["chroot", f"--userspec={user}", self.folder, "env", "-i", *environment, "bash", "-c", program]
        done = subprocess.run(
            command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        return done.returncode, done.stdout

    def hand_over(self, name):
        """Give the newcomer a checkout, as it is committed or about to be."""
        home = self.folder / "home/newcomer" / name
        home.mkdir()
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        for file in filter(None, listed.split("\0")):
            if (ROOT / file).is_file():
                (home / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / file, home / file)
        self.run("chown -R newcomer: /home/newcomer")
        return f"/home/newcomer/{name}"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("debian")
    made = Machine(folder)
    yield made
    for process in processes_in(folder):
        os.kill(process, signal.SIGTERM)
    time.sleep(2)
    subprocess.run(["umount", folder / "proc"], check=False)
    shutil.rmtree(folder)


def processes_in(folder):
    """Find what runs below a folder: the service that the demo leaves running for a while."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("root").readlink() == folder:
                yield int(process.name)
        except OSError:
            continue


def timed(machine, commands, where):
    """Run steps in one shell; give of each its seconds, what came of it, and what it said."""
    _, said = machine.run(f"cd {where}\n" + "\n".join(shell(commands)), user="newcomer:newcomer", home="/home/newcomer")
    parts = re.findall(r"^@@(\d+) ([\d.]+)\n(.*?)^@@\1 ([\d.]+) (\d+)$", said, re.MULTILINE | re.DOTALL)
    assert len(parts) == len(commands), said[-3000:]
    return [(float(end) - float(begin), int(status), told) for _, begin, told, end, status in parts]


def test_readme_to_the_letter(machine):
    table = []
    began = time.perf_counter()
    packages = " ".join(system_packages(README))
    status, said = machine.run(
        f"apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y {packages}"
    )
    assert status == 0, said
    table.append((time.perf_counter() - began, 0, f"apt install {packages}", ""))
    machine.trust()
    every = list(steps(README))
    # What begins with an environment of its own is another way to the same place, and is gone from the beginning.
    starts = [n for n, step in enumerate(every) if n and re.search(r"-m venv|git clone", step.text)]
    first, *others = [every[a:b] for a, b in zip([0, *starts], [*starts, len(every)], strict=True)]
    for number, commands in enumerate([first, *others]):
        found = timed(machine, commands, machine.hand_over(f"asrlab{number or ''}"))
        table += [(took, code, step.text, told) for step, (took, code, told) in zip(commands, found, strict=True)]
    print(f"\n\na bare {SUITE}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n{'seconds':>8}")
    for took, code, text, _ in table:
        print(f"{took:8.1f}  {'' if not code else f'FAILED ({code})  '}{text.splitlines()[0][:100]}")
    wrong = [f"{text}\n{told[-1500:]}" for _, code, text, told in table if code]
    assert not wrong, "\n\n".join(wrong)
    loud = [f"{text}\n{line}" for *_, text, told in table for line in told.splitlines() if "Warning" in line]
    assert not loud, "\n".join(loud)
    until_the_demo_ends = next(n for n, (_, _, text, _) in enumerate(table) if "demo" in text)
    assert sum(took for took, *_ in table[: until_the_demo_ends + 1]) < TEN_MINUTES
