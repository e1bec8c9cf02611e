"""Tests of `schedule.py`: what fails is seen, whatever way it fails."""

import os
import stat
import tempfile
import time
import unittest

import schedule
from schedule import Runner, Unit, judge, records, stale, summary, units_of

GOOD = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 5 filtered out; finished in 0.00s\n"
BAD = "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n"


def shell(name, script, **more):
    return Unit(name, ["bash", "-c", script], **more)


def run(units, then=lambda outcome: [], slots=2):
    said = []
    runner = Runner(slots, said.append)
    runner.add(units)
    outcomes = runner.run(then)
    text, is_well = summary(outcomes)
    return outcomes, text, is_well, "\n".join(said)


class Schedule(unittest.TestCase):
    def test_an_exit_code_a_signal_and_a_wrong_number_are_problems(self):
        unit = Unit("u", [], tests=2)
        self.assertEqual(judge(unit, 0, GOOD), ("", 2, 0, 0))
        self.assertEqual(judge(unit, 101, BAD), ("exit code 101", 1, 1, 0))
        self.assertIn("exit code is 0", judge(unit, 0, BAD)[0])
        self.assertIn("signal 9", judge(unit, -9, "")[0])
        self.assertEqual(judge(unit, 0, "")[0], "0 of 2 tests were run")
        self.assertEqual(judge(Unit("u", [], tests=3), 0, GOOD)[0], "2 of 3 tests were run")
        self.assertEqual(judge(Unit("step", []), 0, ""), ("", 0, 0, 0))
        self.assertEqual(judge(Unit("step", []), 0, GOOD + GOOD), ("", 4, 0, 0))

    def test_the_last_line_counts_and_a_failure_is_printed_whole(self):
        good = shell("good", f"echo 'test a ... ok'; echo '{GOOD}'", tests=2)
        bad = shell("bad", f"echo why; echo '{BAD}'; exit 101", tests=2)
        _, text, is_well, said = run([good, bad])
        self.assertFalse(is_well)
        self.assertEqual(text.splitlines()[-1], "3 passed, 1 failed")
        self.assertIn("why\ntest result: FAILED", said)
        self.assertIn("FAILED bad: exit code 101", text)
        _, text, is_well, _ = run([good])
        self.assertTrue(is_well)
        self.assertEqual(text.splitlines()[-1], "2 passed, 0 failed")

    def test_no_test_at_all_and_a_failed_step_are_failures(self):
        _, text, is_well, _ = run([shell("lints", "true")])
        self.assertFalse(is_well)
        self.assertEqual(text.splitlines()[-1], "0 passed, 1 failed")
        step, tests = shell("lints", "exit 1"), shell("tests", f"echo '{GOOD}'", tests=2)
        _, text, is_well, _ = run([step, tests])
        self.assertFalse(is_well)
        self.assertEqual(text.splitlines()[-1], "2 passed, 1 failed")

    def test_what_needs_something_that_failed_is_not_run_and_fails(self):
        units = [shell("build", "exit 1"), shell("tests", f"echo '{GOOD}'", after=("build",), tests=2)]
        outcomes, text, is_well, _ = run(units)
        self.assertFalse(is_well)
        self.assertEqual(outcomes[1].problem, "not run: it needs build")
        self.assertEqual(text.splitlines()[-1], "0 passed, 3 failed")

    def test_the_longest_starts_first_and_a_lock_is_held_once(self):
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "log")
            script = f"echo '{GOOD}'; echo in >>{log}; sleep 0.2; echo out >>{log}"
            run([shell(f"u{at}", script, lock="l", tests=2) for at in range(3)])
            with open(log, encoding="utf-8") as file:
                self.assertEqual(file.read().split(), ["in", "out"] * 3)
        units = [shell(f"u{seconds}", f"echo '{GOOD}'", seconds=seconds, tests=2) for seconds in (1, 9, 4)]
        outcomes, *_ = run(units, slots=1)
        self.assertEqual([outcome.unit.name for outcome in outcomes], ["u9", "u4", "u1"])

    def test_units_run_side_by_side_and_lead_to_others(self):
        units = [shell(f"u{at}", f"sleep 0.4; echo '{GOOD}'", tests=2) for at in range(2)]
        begin = time.monotonic()
        then = lambda outcome: [shell("later", f"echo '{GOOD}'", tests=2)] if outcome.unit.name == "u0" else []
        outcomes, *_ = run(units, then)
        self.assertLess(time.monotonic() - begin, 0.75)
        self.assertIn("later", [outcome.unit.name for outcome in outcomes])

    def test_what_never_ends_is_ended_with_all_that_it_started(self):
        limit, schedule.LIMIT = schedule.LIMIT, 0.3
        try:
            outcomes, _, is_well, _ = run([shell("hangs", "sleep 60 & sleep 60")])
        finally:
            schedule.LIMIT = limit
        self.assertFalse(is_well)
        self.assertIn("signal 9", outcomes[0].problem)
        self.assertLess(outcomes[0].seconds, 30)

    def test_every_test_of_a_binary_is_in_one_unit_and_long_ones_are_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            binary = os.path.join(folder, "binary")
            with open(binary, "w", encoding="utf-8") as file:
                file.write("#!/bin/sh\nfor t in a b c::d; do echo \"$t: test\"; done\n")
            os.chmod(binary, os.stat(binary).st_mode | stat.S_IXUSR)
            known = records("# seconds\n 20.5 sim binary: b # alone\n3 sim binary: a\n")
            units = list(units_of("sim binary", binary, folder, known, ("build",)))
        self.assertEqual(stale({**known, "sim binary: gone": 9.0, "build": 900.0}, units), ["sim binary: gone"])
        self.assertEqual([unit.name for unit in units], ["sim binary: b", "sim binary"])
        self.assertEqual([unit.command[3:] for unit in units], [["b"], ["a", "c::d"]])
        self.assertEqual([unit.tests for unit in units], [1, 2])


if __name__ == "__main__":
    unittest.main()
