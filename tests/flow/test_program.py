#!/usr/bin/python3
"""hearthd as a program: options, exit statuses, start-up failures, signals, what systemd is told."""
import os
import pathlib
import resource
import signal
import socket
import subprocess
import tempfile
import time

import lib


def hearthd(*arguments, **more):
    return subprocess.run([lib.hearthd_path(), *arguments], capture_output=True, text=True, timeout=30 * lib.PATIENCE, **more)


def options(directory, **changes):
    """Arguments for a server of its own in `directory`."""
    settings = {"sip.listen": f"udp:127.0.0.1:{lib.free_port()}", "http.listen": f"127.0.0.1:{lib.free_port()}",
                "store.path": f"{directory}/h.db"} | {key.replace("__", "."): value for key, value in changes.items()}
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


@lib.case
def prints_and_exits():
    assert hearthd("-V").stdout.startswith("hearthd ")
    assert "Usage: hearthd" in hearthd("-h").stdout
    assert hearthd("-C").stdout == "configuration is valid\n"
    keys = ["-o", "sip.tls_certificate=/nowhere.pem", "-o", "sip.tls_key=/nowhere.key"]
    done = hearthd("-C", *keys, "-o", "sip.listen=tls:127.0.0.1:5061")
    assert done.returncode == 2 and "/nowhere.pem: a certificate, key or CA file" in done.stderr, done
    assert hearthd("-C", *keys).returncode == 0  # nobody listens by TLS: nobody needs them
    for page, option in (("conf/hearth.conf", "--dump-config"), ("docs/configuration.md", "--dump-reference")):
        assert hearthd(option).stdout == (lib.ROOT / page).read_text(), f"hearthd {option} > {page}"


@lib.case
def shipped_configuration_is_valid():
    done = hearthd("-C", "-c", str(lib.ROOT / "conf/hearth.conf"))
    assert done.returncode == 0, done.stderr


@lib.case
def dump_shows_what_is_in_force():
    done = hearthd("-o", "rooms.max=17", "-v", "--dump-config")
    assert "max = 17;" in done.stdout and 'level = "debug";' in done.stdout


@lib.case
def mistakes_exit_with_2():
    for arguments, said in ((["-x"], "-x: unknown option"), (["-c", "/nowhere"], "/nowhere: cannot be read"),
                            (["-c", "/tmp"], "/tmp: cannot be read: Is a directory"),
                            (["-o", "sip.lisen=x"], "did you mean sip.listen?"), (["file"], "unexpected argument")):
        done = hearthd(*arguments)
        assert done.returncode == 2 and said in done.stderr, (arguments, done)


@lib.case
def start_failures_exit_with_1_and_say_why():
    directory = pathlib.Path(tempfile.mkdtemp())
    (directory / "other.db").write_text("not a database, but long enough to have a header. " * 4)
    taken = socket.create_server(("127.0.0.1", lib.free_port()))
    place = "127.0.0.1:%d" % taken.getsockname()[1]
    for changes, said in (({"sip__listen": f"tcp:{place}"}, place), ({"http__listen": place}, f'address={place} error="Address already in use"'),
                          ({"store__path": str(directory / "other.db")}, "file is not a database"),
                          ({"store__path": "/nowhere/h.db"}, "unable to open database file"),
                          ({"sip__listen": "udp:192.0.2.99:5060"}, "192.0.2.99:5060")):
        done = hearthd(*options(directory, **changes))
        assert done.returncode == 1, (changes, done)
        assert "server.failed" in done.stderr and said in done.stderr, (changes, done.stderr)


@lib.case
def few_files_are_told_only_when_calls_do_not_fit():
    directory = pathlib.Path(tempfile.mkdtemp())
    (directory / "other.db").write_text("not a database, but long enough to have a header. " * 4)

    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (400, 400))

    for legs, is_told in ((10, False), (1000, True)):
        done = hearthd(*options(directory, mixer__legs_max=legs, http__connections_max=100,
                                store__path=str(directory / "other.db")), preexec_fn=few_files)
        assert ("warn server.few_files limit=400" in done.stderr) == is_told, (legs, done.stderr)
        assert ("mixer.legs_max" in done.stderr) == is_told, done.stderr


@lib.case
def banner_says_where_to_call():
    hearth = lib.Hearth(focus__factory_users="meet")
    assert "sip:lobby@" not in hearth.log_text(), "no banner where nobody reads it"
    hearth.stop()
    directory = tempfile.mkdtemp()
    process = subprocess.Popen([lib.hearthd_path(), "--banner", *options(directory, focus__factory_users="meet")],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = [process.stdout.readline() for _ in range(5)]
    process.send_signal(signal.SIGINT)
    assert process.wait(20 * lib.PATIENCE) == 0
    assert "Call a room" in lines[2] and "sip:lobby@127.0.0.1:" in lines[2], lines
    assert "sip:meet@127.0.0.1:" in lines[3] and "http://127.0.0.1:" in lines[4], lines


@lib.case
def an_interrupt_rings_off_and_ends():
    hearth = lib.Hearth()
    inside = lib.Phone(hearth, "inside")
    assert inside.invite("lobby").status == 200
    hearth.process.send_signal(signal.SIGINT)
    inside.answer(inside.wait_request("BYE"))
    assert hearth.process.wait(10 * lib.PATIENCE) == 0
    hearth.stop()


@lib.case
def a_lost_reader_of_the_log_is_no_end():
    """Writing to a closed pipe is an error, not a SIGPIPE."""
    directory = tempfile.mkdtemp()
    arguments = options(directory, log__level="debug")
    process = subprocess.Popen([lib.hearthd_path(), *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    http = next(int(word.rsplit(":", 1)[1]) for word in arguments if word.startswith("http.listen="))
    assert b"server" in process.stderr.readline()

    def is_open():
        try:
            socket.create_connection(("127.0.0.1", http), 1).close()
            return True
        except OSError:
            return False

    lib.wait_for("it listens", is_open, 20)
    process.stderr.close()
    process.send_signal(signal.SIGHUP)  # makes it log
    time.sleep(0.3)
    assert process.poll() is None and is_open()
    process.send_signal(signal.SIGINT)
    assert process.wait(20 * lib.PATIENCE) == 0


@lib.case
def files_run_out_and_rooms_go_on():
    hearth = lib.Hearth(media__shared_ports="false")  # legs in a shared port would need no file
    inside = lib.Phone(hearth, "inside")
    assert inside.invite("lobby").status == 200
    files = pathlib.Path(f"/proc/{hearth.process.pid}/fd")
    most = max(int(entry.name) for entry in files.iterdir()) + 4  # one more call, and a bit for the API
    before = resource.prlimit(hearth.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(hearth.process.pid, resource.RLIMIT_NOFILE, (most, before[1]))
    answers = []
    while len(answers) < 10 and not (answers and answers[-1].status != 200):
        answers.append(lib.Phone(hearth, f"more{len(answers)}").invite("lobby"))
    refused = answers[-1]
    assert refused.status == 503 and refused.get("Retry-After"), refused.fields
    assert hearth.process.poll() is None
    resource.prlimit(hearth.process.pid, resource.RLIMIT_NOFILE, before)
    lib.wait_for("callers are taken again", lambda: lib.Phone(hearth).invite("lobby").status == 200, 15, 0.5)
    hearth.wait_connected("lobby", len(answers) + 1)
    assert inside.bye().status == 200
    hearth.stop()


@lib.case
def systemd_is_told():
    directory = tempfile.mkdtemp()
    path = f"{directory}/notify"
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(path)
    notify.settimeout(20 * lib.PATIENCE)
    process = subprocess.Popen([lib.hearthd_path(), *options(directory)], stderr=subprocess.DEVNULL,
                               env=os.environ | {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"})

    def expect(wanted):
        seen = []
        while wanted not in (seen[-1] if seen else ""):
            seen.append(notify.recv(4096).decode())
            assert len(seen) < 100, (wanted, seen)

    expect("READY=1")
    expect("WATCHDOG=1")
    expect("WATCHDOG=1")
    process.send_signal(signal.SIGHUP)
    expect("RELOADING=1\nMONOTONIC_USEC=")
    expect("READY=1")
    process.send_signal(signal.SIGTERM)
    expect("STOPPING=1")
    assert process.wait(20 * lib.PATIENCE) == 0


lib.main()
