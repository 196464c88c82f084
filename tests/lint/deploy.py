"""The files that deploy: Dockerfile, compose file, systemd unit, logrotate, package lists.

Docker itself is not needed: what can be checked by reading is checked. The unit file is given to
systemd-analyze where there is one.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
_failed = []


def check(name, faults):
    faults = [fault for fault in faults if fault]
    print(f"not ok deploy.{name}: {'; '.join(faults)}" if faults else f"ok deploy.{name}")
    _failed.extend(faults)


def instructions(text):
    """(WORD, rest) of each instruction, continuation lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def dockerfile():
    known = {"FROM", "COPY", "RUN", "WORKDIR", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL",
             "ENTRYPOINT", "CMD", "ENV", "ARG", "LABEL"}
    faults, stages, user = [], [], "root"
    for word, rest in instructions((ROOT / "docker/Dockerfile").read_text()):
        if word not in known:
            faults.append(f"unknown instruction {word}")
        if word == "FROM":
            stages.append(re.search(r" AS (\w+)", rest + " AS final")[1])
            image = rest.split()[0]
            if ":" not in image or image.endswith(":latest"):
                faults.append(f"{image} names no version")
        elif word == "USER":
            user = rest.strip()
        elif word == "COPY":
            parts = rest.split()
            if parts[0].startswith("--from=") and parts[0][7:] not in stages:
                faults.append(f"no stage {parts[0][7:]}")
            if not parts[0].startswith("--from="):
                faults += [f"{name} is not in the tree" for name in parts[:-1] if not (ROOT / name).exists()]
        elif word == "ENTRYPOINT" and not rest.startswith("["):
            faults.append("ENTRYPOINT runs a shell, which does not pass signals on")
    if len(stages) < 2:
        faults.append("one stage only")
    if user == "root":
        faults.append("runs as root")
    return faults


def compose():
    text = (ROOT / "docker/compose.yml").read_text()
    faults = ["a tab" if "\t" in text else ""]
    for word in ("network_mode: host", "stop_grace_period", "dockerfile: docker/Dockerfile"):
        faults.append("" if word in text else f"no {word}")
    try:
        import yaml
        services = yaml.safe_load(text)["services"]
        faults.append("" if "hearth" in services else "no service hearth")
    except ImportError:
        pass
    return faults


def unit_file():
    """systemd-analyze wants the program to exist, so it is shown another."""
    text = (ROOT / "conf/hearth.service").read_text()
    faults = ["" if word in text else f"no {word}" for word in
              ("DynamicUser=yes", "StateDirectory=", "LimitRTPRIO=", "NoNewPrivileges=yes", "WatchdogSec=")]
    if not shutil.which("systemd-analyze"):
        return faults
    with tempfile.TemporaryDirectory() as directory:
        copy = pathlib.Path(directory) / "hearth.service"
        copy.write_text(text.replace("/usr/sbin/hearthd", "/bin/true"))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
        return faults + [line for line in done.stderr.splitlines() if "hearth.service" in line]


def drain_fits():
    """systemd waits longer than the default drain."""
    drain = int(re.search(r"drain_s = (\d+)", (ROOT / "conf/hearth.conf").read_text())[1])
    wait = int(re.search(r"TimeoutStopSec=(\d+)", (ROOT / "conf/hearth.service").read_text())[1])
    return [] if wait > drain else [f"TimeoutStopSec={wait} ends a drain of {drain} s"]


def package_lists():
    faults = []
    for path in sorted((ROOT / "docker").glob("packages-*.txt")):
        names = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        faults += [f"{path.name}: {name}" for name in names if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", name)]
        if names != sorted(names):
            faults.append(f"{path.name} is not sorted")
    return faults


def run_packages():
    """What the programs are linked with comes from packages-run.txt (names of Debian 12)."""
    built = next((ROOT / "build" / preset for preset in ("release", "asan", "dev")
                  if (ROOT / "build" / preset / "hearthd").exists()), None)
    release = pathlib.Path("/etc/debian_version").read_text() if pathlib.Path("/etc/debian_version").exists() else ""
    if not built or not release.startswith("12"):
        print("# no hearthd yet, or not Debian 12: libraries not compared")
        return []
    programs = [program for name in ("hearthd", "hearthctl") if (program := built / name).exists()]
    dynamic = "".join(subprocess.run(["readelf", "-dW", program], capture_output=True, text=True, check=True).stdout
                      for program in programs)
    listed = (ROOT / "docker/packages-run.txt").read_text().split()
    faults = []
    for library in sorted(set(re.findall(r"NEEDED.*\[(.+)\]", dynamic))):
        owners = subprocess.run(["dpkg", "-S", f"*/{library}"], capture_output=True, text=True).stdout
        packages = {line.split(":")[0] for line in owners.splitlines()}
        # libc and the sanitizers' run time belong to every image or to none.
        if packages and not packages & {"libc6", "libasan8", "libubsan1", "libtsan2", "libgcc-s1", *listed}:
            faults.append(f"{library} of {' or '.join(sorted(packages))} is not listed")
    return faults


def main():
    for name, function in (("dockerfile", dockerfile), ("compose", compose), ("unit_file", unit_file),
                           ("drain_fits", drain_fits), ("package_lists", package_lists),
                           ("run_packages", run_packages)):
        check(name, function())
    return 1 if _failed else 0


if __name__ == "__main__":
    sys.exit(main())
