#!/usr/bin/python3
"""hearthctl against a real server: what it asks for, what it prints, how it ends."""
import json
import os
import pathlib
import re
import subprocess

import lib

PROGRAM = pathlib.Path(lib.hearthd_path()).with_name("hearthctl")


def url(hearth):
    return f"http://127.0.0.1:{hearth.http_port}"


def ctl(hearth, *words, status=0, seconds=20, **environment):
    done = subprocess.run([PROGRAM, "-s", url(hearth), *words], capture_output=True, text=True, timeout=seconds * lib.PATIENCE,
                          env=os.environ | environment)
    assert done.returncode == status, (words, done)
    return done.stderr if status else done.stdout


@lib.case
def rooms_and_people():
    hearth = lib.Hearth()
    assert "id: standup\n" in ctl(hearth, "create", "standup", "max_participants:=5")
    phone = lib.Phone(hearth, "anna", samples=lib.tone(440, 1))
    assert phone.invite("standup").status == 200
    lib.wait_for("anna is in", lambda: hearth.connected("standup"))
    head, row = ctl(hearth, "rooms").splitlines()
    assert head.split()[:3] == ["id", "participants", "max_participants"], head
    assert row.split()[:3] == ["standup", "1", "5"], row
    row = ctl(hearth, "who", "standup").splitlines()[1].split()
    participant = row[0]
    assert "anna" in " ".join(row) and "connected" in row, row
    assert "muted: true\n" in ctl(hearth, "mute", "standup", participant)
    assert hearth.participants("standup")[0]["muted"] is True
    assert "INVITE" in ctl(hearth, "ladder", "standup", participant)
    assert ctl(hearth, "kick", "standup", participant) == ""
    phone.answer(phone.wait_request("BYE"))
    lib.wait_for("she is out", lambda: not hearth.participants("standup"))
    assert ctl(hearth, "close", "standup") == ""
    assert json.loads(ctl(hearth, "-j", "rooms"))["rooms"] == []
    hearth.stop()


@lib.case
def lists_are_read_to_their_end():
    hearth = lib.Hearth()
    for i in range(120):
        assert hearth.api("POST", "/api/v1/rooms", {"id": f"r{i:03}"}).status == 201
    lines = ctl(hearth, "rooms").splitlines()
    assert [line.split()[0] for line in lines] == ["id"] + [f"r{i:03}" for i in range(120)]
    hearth.stop()


@lib.case
def events_flow():
    hearth = lib.Hearth()
    watching = subprocess.Popen([PROGRAM, "-s", url(hearth), "events"], stdout=subprocess.PIPE, text=True)
    lib.wait_for("it listens", lambda: hearth.metric("hearth_event_streams") == 1)
    ctl(hearth, "create", "hall")
    event = json.loads(watching.stdout.readline())
    assert event["type"] == "room.created" and event["room_id"] == "hall", event
    watching.terminate()
    watching.wait(5 * lib.PATIENCE)
    hearth.stop()


@lib.case
def what_is_refused_is_told():
    hearth = lib.Hearth()
    assert re.search(r"^hearthctl: .*nobody", ctl(hearth, "room", "nobody", status=1)), "names the room"
    assert "lockd" in ctl(hearth, "create", "x", "lockd:=true", status=1)
    assert "unknown command" in ctl(hearth, "frob", status=2)
    hearth.stop()
    assert url(hearth) in ctl(hearth, "rooms", status=3)
    hearth = lib.Hearth(check=False, http__token="secret")
    lib.wait_for("it serves", lambda: "server.ready" in hearth.log_text(), 20)
    assert "401" not in ctl(hearth, "-t", "secret", "rooms")
    assert ctl(hearth, "rooms", HEARTH_TOKEN="secret").startswith("id")
    assert "hearthctl: " in ctl(hearth, "rooms", status=1)
    hearth.stop()


lib.main()
