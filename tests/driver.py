"""Runs every test there is, stage by stage, and counts: what ./test calls.

A stage builds what it needs and runs programs. What mostly waits (flows, whose sound plays in real time) is begun first, the
longest first, and reported when all stages are through; meanwhile the other stages take what is left of the processor, and at
last the hunts of the fuzzer do. A case of a flow or browser script that failed beside others runs again by itself when the rest
is through, and a second time if need be: phones and sound are real, and a machine that is asked for too much makes them late.
Every outcome is shown, the last counts; but when the server crashed nothing runs again. Programs tell their outcome in one of
two ways:

- a line `NAME: N passed, M failed` (CUnit executables, tests/support/check.h), or
- lines `ok NAME` and `not ok NAME: why` (lint, flow and browser scripts);

a program that says neither counts as one test, by its exit status; and one that fails without
saying which test did counts as one failure more. Output is shown when something failed.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import typing

ROOT = pathlib.Path(__file__).resolve().parents[1]
PYTHON = "/usr/bin/python3"  # the one that has Debian's modules
JOBS = max(1, min(4, os.cpu_count() or 1))
FUZZ_SECONDS = 8
FLOW_JOBS = 4  # scripts that mostly wait
SCRIPT_SECONDS = 600
PATIENCE = 4  # times what a script alone on a machine waits for things to happen
ALONE_PATIENCE = 2  # the same, when it is alone indeed
RUNS = 3  # of a case, until it passes
IDLE = ["chrt", "--idle", "0"]  # takes only what nobody else wants of the processor

# Scripts that take a minute or so, the longest first: what begins last is waited for.
LONG = ["test_page.py", "test_dialin.py", "test_doors.py", "test_linphone.py", "test_media.py", "test_menu.py", "test_auth.py", "test_phones.py",
        "test_bridge.py", "test_sip.py", "test_kamailio.py", "test_ladders.py", "test_plays.py", "test_move.py", "test_api.py"]
LINES_SHOWN = 200  # of the output of a failure

# What a program says that a sanitizer or an assertion ends.
CRASH_SIGNS = ["ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "WARNING: ThreadSanitizer", "Assertion `"]

# What each sanitizer is asked beyond its defaults.
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}

# Suites whose code runs on more than one thread, by executable.
THREADED = {"unit_base": ["log", "loop", "ring"], "unit_store": ["store"], "unit_mixer": ["cell", "mixer", "worker"]}

# Scripts that the whole server must get through under ThreadSanitizer, at the same time.
TSAN_FLOWS = ["test_bridge.py", "test_phones.py"]

_totals = {"passed": 0, "failed": 0}
_retries = []  # (title, function, item, names of its cases)
_again = []  # titles of what ran again
_begun = []  # (stage, what waits for what it began and reports it)


class Outcome(typing.NamedTuple):
    status: int | str  # exit status, or what happened instead
    output: str
    seconds: float
    has_crashed: bool = False  # the server did, whatever else was seen: never a matter of load


def run(command, seconds, **environment):
    """The outcome of a command; its whole process group is gone afterwards. No session of its own: the scheduler may weigh
    sessions (sched_autogroup), and then an idle priority counts within its session only. Thread: any."""
    begin = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([str(part) for part in command], cwd=ROOT, stdout=output,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   env=os.environ | ENVIRONMENT | environment, process_group=0)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = f"no end within {seconds} s"
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
        process.wait()
        output.seek(0)
        return Outcome(status, output.read().decode(errors="replace"), time.monotonic() - begin)


def counts(outcome):
    """(passed, failed) of one program."""
    passed = failed = 0
    for line in outcome.output.splitlines():
        if found := re.match(r"\S+: (\d+) passed, (\d+) failed$", line):
            passed += int(found[1])
            failed += int(found[2])
        elif re.match(r"ok \S", line):
            passed += 1
        elif re.match(r"not ok \S", line):
            failed += 1
    if outcome.status != 0 and failed == 0:
        failed = 1
    elif outcome.status == 0 and passed == 0 and failed == 0:
        passed = 1
    return passed, failed


def report(name, outcome, again=None):
    """Adds to the totals, but for what will run again: "all" or "failed". Shows the output of a failure."""
    passed, failed = counts(outcome)
    _totals["passed"] += passed if again != "all" else 0
    _totals["failed"] += failed if again is None else 0
    ended = f", status {outcome.status}" if outcome.status else ""
    print(f"  {name}: {passed} passed, {failed} failed ({outcome.seconds:.0f} s{ended})")
    if failed:
        lines = outcome.output.splitlines()
        if len(lines) > LINES_SHOWN:
            print(f"    ... {len(lines) - LINES_SHOWN} lines before")
        for line in lines[-LINES_SHOWN:]:
            print("    " + line)
    sys.stdout.flush()


def behind(command):
    """The command, which leaves the processor to flows once those are under way."""
    return [*IDLE, *command] if _begun else command


def build(preset, *targets, behind=behind):
    """Configures and builds, which counts as a test: that nothing warns."""
    launcher = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    outcome = run(behind(["cmake", "--preset", preset, *launcher]), 300)
    if outcome.status == 0:
        wanted = ["--target", *targets] if targets else []
        outcome = run(behind(["cmake", "--build", "--preset", preset, "-j", JOBS, *wanted]), 1800)
        if outcome.status == 0 and "warning:" in outcome.output:
            outcome = outcome._replace(status="it warned")
    report(f"build {preset}", outcome)
    return outcome.status == 0


def registered(preset):
    """What CTest knows: [(name, command, labels, timeout)]."""
    text = subprocess.run(["ctest", "--test-dir", f"build/{preset}", "--show-only=json-v1"], cwd=ROOT,
                          capture_output=True, text=True, check=True).stdout
    found = []
    for test in json.loads(text)["tests"]:
        properties = {each["name"]: each["value"] for each in test.get("properties", [])}
        if "command" in test:
            found.append((test["name"], test["command"], properties.get("LABELS", []),
                          properties.get("TIMEOUT", 300)))
    return found


def run_registered(preset, wanted=lambda name, labels: True):
    """Runs what CTest knows, a few at a time, in the order of the list."""
    tests = [test for test in registered(preset) if wanted(test[0], test[2])]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        running = [(name, pool.submit(run, behind(command), 3 * timeout)) for name, command, _, timeout in tests]
        for name, future in running:
            report(f"{preset} {name}", future.result())
    if not tests:
        report(preset, Outcome(1, "no test is registered", 0))


def crash_of(scratch):
    """What a server wrote into its log in there when a sanitizer or an assertion ended it, or nothing."""
    for path in sorted(pathlib.Path(scratch).rglob("*log")):
        text = path.read_text(errors="replace") if path.is_file() else ""
        places = [text.index(sign) for sign in CRASH_SIGNS if sign in text]
        if places and "server.listening" in text:
            return f"{path}:\n{text[min(places):][:4000]}\n"
    return ""


def put_aside(preset):
    """The programs as they are now: what is built while flows are under way may replace the others."""
    aside = ROOT / "build" / preset / "flows"
    aside.mkdir(exist_ok=True)
    for name in ("hearthd", "hearthctl"):
        if (aside.parent / name).exists():
            shutil.copy2(aside.parent / name, aside)


def run_script(script, preset="asan", cases=(), patience=PATIENCE):
    """All its cases or those named. Its temporary files are its own; those of a failure stay to be read."""
    scratch = tempfile.mkdtemp(prefix=f"hearth-{script.stem}-")
    outcome = run([PYTHON, script, *cases], SCRIPT_SECONDS, TMPDIR=scratch, HEARTH_PATIENCE=str(patience),
                  HEARTHD=str(ROOT / "build" / preset / "flows" / "hearthd"))
    if counts(outcome)[1] > 0:
        crash = crash_of(scratch)
        return outcome._replace(output=f"{outcome.output}\n{crash}\nFiles of this run: {scratch}\n", has_crashed=bool(crash))
    shutil.rmtree(scratch, ignore_errors=True)
    return outcome


def begin(stage, title, jobs, function, items, is_retried=False):
    """Begins function(item) for each, `jobs` at a time, which main() waits for and reports. What failed and may be retried
    waits in _retries."""
    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    begun = [(item, pool.submit(function, item)) for item in items]
    pool.shutdown(wait=False)

    def finish():
        for item, future in begun:
            outcome = future.result()
            report(title(item), outcome, again_of(outcome, title(item), function, item) if is_retried else None)
    _begun.append((stage, finish))


def again_of(outcome, title, function, item):
    """What of it will run again, as report() wants it told: a crash is no matter of load."""
    failed = counts(outcome)[1]
    if not failed or outcome.has_crashed:
        return None
    cases = re.findall(r"^not ok \w+\.(\w+)", outcome.output, re.M)
    again = "failed" if len(cases) == failed else "all"
    _retries.append((title, function, item, cases if again == "failed" else ()))
    return again


def run_again():
    """What failed, alone and one after the other, until it passes or has failed RUNS times."""
    for number in range(2, RUNS + 1):
        retries, _retries[:] = _retries[:], []
        for title, function, item, cases in retries:
            outcome = function(item, cases=cases, patience=ALONE_PATIENCE)
            _again.append(title)
            report(f"{title} again, alone, run {number}", outcome,
                   again_of(outcome, title, function, item) if number < RUNS else None)


# Stages ---------------------------------------------------------------------------------------------

def stage_lint():
    """Layers, sizes, format, scripts, Dockerfile, unit file."""
    for script in sorted((ROOT / "tests" / "lint").glob("*.py")):
        report(script.name, run([PYTHON, script], 120))


def run_scripts(folder, jobs):
    """Test scripts against the sanitized server."""
    if not build("asan", "hearthd", "hearthctl", behind=list):
        return
    if not _begun:
        put_aside("asan")
    scripts = sorted((ROOT / "tests" / folder).glob("test_*.py"),
                     key=lambda script: (LONG.index(script.name) if script.name in LONG else len(LONG), script.name))
    if not scripts:
        report(folder, Outcome(1, "no script", 0))
    begin(folder, lambda script: f"{folder}/{script.name}", jobs, run_script, scripts, is_retried=True)


def stage_flow():
    """SIPp, baresip and curl against the real server."""
    run_scripts("flow", FLOW_JOBS)


def stage_browser():
    """The page in a headless Chromium."""
    run_scripts("browser", 1)


def stage_unit():
    """Unit tests and simulations as they are developed: gcc, warnings as errors, real-time trap."""
    if build("dev"):
        run_registered("dev", lambda name, labels: "fuzz" not in labels)


def stage_asan():
    """All of it under AddressSanitizer, LeakSanitizer and UBSan."""
    if build("asan"):
        run_registered("asan")


def stage_tsan():
    """The parts with threads under ThreadSanitizer, and the whole server while phones talk."""
    if build("tsan", "hearthd", *THREADED):
        put_aside("tsan")
        begin("tsan", lambda name: f"tsan flow/{name}", len(TSAN_FLOWS),
              lambda name, **more: run_script(ROOT / "tests" / "flow" / name, "tsan", **more), TSAN_FLOWS, is_retried=True)
        for name, command, _, timeout in registered("tsan"):
            if name in THREADED:
                report(f"tsan {name}", run(behind([*command, *THREADED[name]]), 3 * timeout))


def stage_release():
    """What people run: built with optimisation and hardening, and looked at from outside."""
    if not build("release", "hearthd", "hearthctl"):
        return
    program = ROOT / "build" / "release" / "hearthd"
    report("release starts", run([program, "-V"], 20))
    report("hearthctl starts", run([program.with_name("hearthctl"), "-V"], 20))
    report("release accepts conf/hearth.conf", run([program, "-C", "-c", "conf/hearth.conf"], 20))
    report("release is hardened", run([PYTHON, "tests/support/hardened.py", program], 20))
    report("./run", run([PYTHON, "tests/support/try_run.py"], 60))


def fuzz_one(name):
    """A hunt from the seed corpus, when nobody else wants the processor; new inputs go to build/, a crash too."""
    program = ROOT / "build" / "fuzz" / "tests" / "fuzz" / name
    corpus = ROOT / "tests" / "fuzz" / "corpus" / name.removeprefix("fuzz_")
    found = ROOT / "build" / "fuzz" / "corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    return run([*IDLE, program, f"-max_total_time={FUZZ_SECONDS}", "-timeout=60", "-rss_limit_mb=1024",
                "-print_final_stats=1", f"-artifact_prefix={found.parent}/crash-{name}-", found, corpus],
               300)


def stage_fuzz():
    """Everything built by clang, warnings as errors; each fuzz target replays its corpus, then hunts."""
    if not build("fuzz"):
        return
    run_registered("fuzz", lambda name, labels: "fuzz" in labels)
    names = [name for name, _, labels, _ in registered("fuzz") if "fuzz" in labels]
    begin("fuzz", lambda name: f"{name} for {FUZZ_SECONDS} s", min(2, JOBS), fuzz_one, names)


STAGES = {name.removeprefix("stage_"): function for name, function in list(globals().items())
          if name.startswith("stage_")}


def main():
    parser = argparse.ArgumentParser(
        prog="./test", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Builds and tests everything, or the stages named.",
        epilog="stages:\n" + "\n".join(f"  {name:8} {function.__doc__.splitlines()[0]}"
                                       for name, function in STAGES.items()))
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="default: all")
    wanted = parser.parse_args().stages
    if unknown := [name for name in wanted if name not in STAGES]:
        parser.error(f"unknown stage {unknown[0]}; there are {', '.join(STAGES)}")
    start = time.monotonic()
    for name, function in STAGES.items():
        if wanted and name not in wanted:
            continue
        at = time.monotonic()
        print(f"{name}: {function.__doc__.splitlines()[0]}", flush=True)
        function()
        print(f"{name}: {time.monotonic() - at:.0f} s", flush=True)
    for name, finish in _begun:
        finish()
        print(f"{name}: over after {time.monotonic() - start:.0f} s", flush=True)
    run_again()
    print(f"all: {time.monotonic() - start:.0f} s, {len(set(_again))} scripts had cases run again")
    print(f"{_totals['passed']} passed, {_totals['failed']} failed", flush=True)
    sys.exit(1 if _totals["failed"] or not _totals["passed"] else 0)


if __name__ == "__main__":
    main()
