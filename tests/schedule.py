"""Runs what `tests/run` checks, side by side on all cores, what takes longest first.

A step is a function of `tests/run` (a build, lints, documentation, fuzzing); the tests are those that the step `build`
made. Tests that `tests/seconds` says take long run in a process of their own, the others of a binary share one.
Every process has one core in mind; it prints whole when it fails. The last line is `N passed, N failed`.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A test that takes longer than this, by what is on record, gets a process of its own.
ALONE = 8
# What is not on record.
UNKNOWN = 1
# Binaries whose tests build firmware most of the time, all in one folder.
BUILDERS = {"sim firmware": "boards", "sim cosim": "boards", "sim chips": "boards"}
# Nothing takes this long; what does is stopped.
LIMIT = 2400
SLOWEST = 20

RESULT = re.compile(r"^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored;", re.MULTILINE)
DONE = re.compile(r"^test (\S+)( - .*)? \.\.\. ")


@dataclass(eq=False)
class Unit:
    """One process: a step, or some tests of one binary."""

    name: str
    command: list
    seconds: float = UNKNOWN
    # Names of units that must have passed before.
    after: tuple = ()
    # Units with the same lock never run at the same time: Cargo would let them wait for each other.
    lock: str = ""
    folder: str = ROOT
    environment: dict = field(default_factory=dict)
    # Tests that must have been run; `None` where it is not known.
    tests: object = None


@dataclass(eq=False)
class Outcome:
    """What a unit did."""

    unit: Unit
    problem: str
    output: str
    seconds: float
    # Seconds of processor, of all that it started and waited for.
    processor: float = 0.0
    passed: int = 0
    failed: int = 0
    ignored: int = 0
    # (seconds, name) of every test.
    times: list = field(default_factory=list)


def judge(unit, code, output):
    """What is wrong with a process that ended with `code` (empty: nothing), and the tests that passed, failed, were ignored."""
    results = [[int(number) for number in result] for result in RESULT.findall(output)]
    passed, failed, ignored = (sum(column) for column in zip(*results)) if results else (0, 0, 0)
    problem = ""
    if code < 0:
        problem = f"it was ended by signal {-code}"
    elif code != 0:
        problem = f"exit code {code}"
    elif failed:
        problem = f"{failed} tests failed, but its exit code is 0"
    elif unit.tests is not None and passed + ignored != unit.tests:
        problem = f"{passed + ignored} of {unit.tests} tests were run"
    return problem, passed, failed, ignored


class Runner:
    """Starts units in the order of their length, as many at once as there are slots."""

    def __init__(self, slots, say=print):
        self.slots, self.say = slots, say
        self.waiting, self.running, self.outcomes = [], {}, []
        self.started = time.monotonic()
        self.changed = threading.Condition()

    def add(self, units):
        """Adds units to those that wait."""
        self.waiting.extend(units)
        self.waiting.sort(key=lambda unit: -unit.seconds)

    def next(self):
        """The longest unit that may start now, taken from those that wait."""
        passed = {outcome.unit.name for outcome in self.outcomes if not outcome.problem}
        locks = {unit.lock for unit in self.running} - {""}
        for unit in self.waiting:
            if set(unit.after) <= passed and unit.lock not in locks:
                self.waiting.remove(unit)
                return unit
        return None

    def run(self, then):
        """Runs everything; `then(outcome)` gives the units that an outcome leads to."""
        seen = 0
        try:
            while self.waiting or self.running or seen < len(self.outcomes):
                with self.changed:
                    while len(self.running) < self.slots and (unit := self.next()):
                        self.start(unit)
                    if not self.running and seen == len(self.outcomes):
                        self.give_up()
                        break
                    self.changed.wait_for(lambda: len(self.outcomes) > seen)
                for outcome in self.outcomes[seen:]:
                    seen += 1
                    self.report(outcome)
                    self.add(then(outcome))
        finally:
            for process in list(self.running.values()):
                end(process)
        return self.outcomes

    def start(self, unit):
        """Starts a unit in a group of processes of its own, so that all of it can be ended."""
        process = subprocess.Popen(
            unit.command,
            cwd=unit.folder,
            env={**os.environ, **unit.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.running[unit] = process
        threading.Thread(target=self.follow, args=(unit, process), daemon=True).start()

    def follow(self, unit, process):
        """Reads what a process prints, to its end."""
        begin = last = time.monotonic()
        stop = threading.Timer(LIMIT, end, [process])
        stop.start()
        lines, times = [], []
        with process.stdout:
            for line in process.stdout:
                line = line.decode(errors="replace")
                lines.append(line)
                if unit.tests is not None and (done := DONE.match(line)):
                    now = time.monotonic()
                    times.append((now - last, f"{unit.name.split(': ')[0]}: {done[1]}"))
                    last = now
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        stop.cancel()
        seconds = time.monotonic() - begin
        output = "".join(lines)
        problem, *counts = judge(unit, process.returncode, output)
        processor = usage.ru_utime + usage.ru_stime
        outcome = Outcome(unit, problem, output, seconds, processor, *counts, times or [(seconds, unit.name)])
        with self.changed:
            del self.running[unit]
            self.outcomes.append(outcome)
            self.changed.notify()

    def report(self, outcome):
        """One line, and all that was printed where something failed."""
        elapsed = time.monotonic() - self.started
        count = f" ({outcome.passed} tests)" if outcome.passed + outcome.failed else ""
        word = "FAILED" if outcome.problem else "ok"
        took = f"{outcome.seconds:7.1f} s {outcome.processor:7.1f} s of processor"
        self.say(f"[{elapsed:5.0f} s] {word:6} {took}  {outcome.unit.name}{count}")
        if outcome.problem:
            self.say(f"---- {outcome.unit.name}: {outcome.problem}; it printed:\n{outcome.output}\n----")

    def give_up(self):
        """What waits for something that failed is not run, which is a failure too."""
        for unit in self.waiting:
            needs = " and ".join(unit.after)
            self.outcomes.append(Outcome(unit, f"not run: it needs {needs}", "", 0.0))
        self.waiting = []


def end(process):
    """Ends a process and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def summary(outcomes):
    """The slowest tests and steps, what failed, and the numbers; and whether all is well."""
    times = sorted((time for outcome in outcomes for time in outcome.times), reverse=True)
    lines = [f"\nthe slowest {min(SLOWEST, len(times))}, in seconds:"]
    lines += [f"{seconds:7.1f}  {name}" for seconds, name in times[:SLOWEST]]
    wrong = [outcome for outcome in outcomes if outcome.problem]
    lines.append(f"\n{sum(outcome.processor for outcome in outcomes):.0f} s of processor in all")
    lines += [f"FAILED {outcome.unit.name}: {outcome.problem}" for outcome in wrong]
    passed, failed, ignored = (sum(getattr(o, n) for o in outcomes) for n in ("passed", "failed", "ignored"))
    # What failed without naming a test is one failure.
    failed += sum(1 for outcome in wrong if outcome.failed == 0)
    if passed == 0:
        failed += 1
        lines.append("FAILED: no test was run")
    skipped = f", {ignored} skipped" if ignored else ""
    lines += ["", f"{passed} passed, {failed} failed{skipped}"]
    return "\n".join(lines), failed == 0


def records(text):
    """Seconds by name from lines of `seconds name`; `#` starts a remark."""
    lines = (line.split("#")[0].split(maxsplit=1) for line in text.splitlines())
    return {line[1].strip(): float(line[0]) for line in lines if line}


def binaries(messages):
    """(name, executable, folder of the package) of each test binary among Cargo's messages."""
    for line in messages:
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("reason") == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            folder = os.path.dirname(message["manifest_path"])
            yield f"{os.path.relpath(folder, ROOT)} {message['target']['name']}", message["executable"], folder


def tests_of(executable, folder):
    """The names of a binary's tests."""
    listing = subprocess.run([executable, "--list", "--format", "terse"], cwd=folder, capture_output=True, text=True, check=True)
    return [line.removesuffix(": test") for line in listing.stdout.splitlines() if line.endswith(": test")]


def units_of(name, executable, folder, known, after):
    """The units of a binary: each long test, then all others."""
    tests = tests_of(executable, folder)
    seconds = {test: known.get(f"{name}: {test}", UNKNOWN / 10) for test in tests}
    alone = [[test] for test in tests if seconds[test] > ALONE]
    others = [test for test in tests if seconds[test] <= ALONE]
    for group in alone + [others]:
        if group:
            label = f"{name}: {group[0]}" if group is not others else name
            yield Unit(
                label,
                # The names are exact: a name that is part of another would run both.
                [executable, "--test-threads=1", "--exact", *group],
                seconds=sum(seconds[test] for test in group),
                after=after,
                lock=BUILDERS.get(name, ""),
                folder=folder,
                environment={"CARGO_MANIFEST_DIR": folder},
                tests=len(group),
            )


def stale(known, units):
    """The tests on record that are none of the units': they were renamed, and start too late."""
    names = {f"{unit.name.split(': ')[0]}: {test}" for unit in units for test in unit.command[3:]}
    return [name for name in known if ": " in name and name not in names]


def steps(known, install):
    """The functions of `tests/run` as units."""
    one = {"CARGO_BUILD_JOBS": "1"}

    def step(name, *after, lock="", environment=None):
        command = [os.path.join(ROOT, "tests", "run"), "--step", name]
        return Unit(name, command, known.get(name, UNKNOWN), after, lock, environment=environment or {})

    yield step("build", lock="workspace")
    yield step("fuzz", environment=one)
    yield step("board_lints", lock="boards", environment=one)
    yield step("lints", "build", lock="workspace", environment=one)
    yield step("documentation", "build", lock="workspace", environment=one)
    yield step("examples_in_documentation", "build", lock="workspace", environment=one)
    yield step("command_alone", "build", lock="workspace", environment=one)
    yield step("left_out_kinds", "build", lock="workspace", environment=one)
    if install:
        yield step("wheels")
        yield step("models", "build", "wheels")


def main(arguments):
    install = "--no-install" not in arguments
    with open(os.path.join(ROOT, "tests", "seconds"), encoding="utf-8") as file:
        known = records(file.read())
    after = ("build", "models") if install else ("build",)
    messages = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "tests.json")

    def then(outcome):
        if outcome.unit.name != "build" or outcome.problem:
            return []
        with open(messages, encoding="utf-8") as file:
            found = list(binaries(file))
        units = [unit for binary in found for unit in units_of(*binary, known, after)]
        for name in stale(known, units):
            print(f"tests/seconds names {name}, which is no test", flush=True)
        return units

    runner = Runner(os.cpu_count() or 1, lambda text: print(text, flush=True))

    # An exception ends what runs.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    runner.add(steps(known, install))
    text, is_well = summary(runner.run(then))
    print(text, flush=True)
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
