#!/usr/bin/python3
"""A conference of twenty people moves to and fro ten times between two servers, each on a host of its own.

The hosts are network namespaces that the test makes and removes: it needs root, and iproute2. The phones have a third
one, and run there in a process of their own.
"""
import os
import subprocess
import sys
import time

import crowd
import lib

PEOPLE, MOVES = 20, 10
ADDRESSES = {"here": "10.66.0.1", "there": "10.66.0.2", "phones": "10.66.0.3"}
GAP_S = 0.2  # the longest that anybody may hear nothing of who speaks all the time


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Hosts:
    """Three namespaces, each linked with each other."""

    def __init__(self):
        self.names = {host: f"hearth-{os.getpid()}-{host}" for host in ADDRESSES}
        self.made = []
        lib._running.append(self)
        for host, name in self.names.items():
            ip("netns", "add", name)
            self.made.append(name)
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "address", "add", ADDRESSES[host] + "/32", "dev", "lo")
        for one, other in (("here", "there"), ("here", "phones"), ("there", "phones")):
            ip("link", "add", f"to-{other}", "netns", self.names[one], "type", "veth", "peer", "name", f"to-{one}",
               "netns", self.names[other])
            for near, far in ((one, other), (other, one)):
                ip("-n", self.names[near], "link", "set", f"to-{far}", "up")
                ip("-n", self.names[near], "route", "add", ADDRESSES[far], "dev", f"to-{far}", "src", ADDRESSES[near])

    def stop(self):
        for name in self.made:
            ip("netns", "del", name)
        self.made = []


def server(name, host):
    return lib.Hearth(address=ADDRESSES[host], within=["ip", "netns", "exec", name], rooms__grace_s="1",
                      sip__rate_unlimited="10.66.0.0/24", mixer__workers="1")


def state_of(hearth):
    """What a server has in use, and the ports that it has left."""
    names = ("hearth_mixer_legs", "hearth_sip_dialogs", "hearth_sip_calls", "hearth_rooms", "hearth_participants",
             "hearth_mixer_ports_free")
    return [hearth.metric(name) for name in names]


def used(hearth, phones):
    """What it has in use when calls have come and gone: the first has a port of its own, the second sits in one that
    calls share, and that stays open (docs/mixer.md)."""
    for name in ("first", "second"):
        member = phones.member(name)
        member.dial(f"sip:{name}@{hearth.host}")
        lib.wait_for("the call is up", member.up)
        lib.wait_for("its sound came", lambda: hearth.connected(name) and
                     hearth.connected(name)[0]["quality"]["rx_packets"] > 5)
        member.hang_up()
        lib.wait_for("it is over", lambda: state_of(hearth)[:5] == [0] * 5)
    return state_of(hearth)


def check_people(hearth, room, people):
    """Everybody is there once, as they were, and nobody else is."""
    there = {p["display_name"] or p["uri"][4:].split("@")[0]: p for p in hearth.connected(room)}
    assert sorted(there) == sorted(m.name for m in people), sorted(there)
    assert there["person0"]["role"] == "moderator" and there["person1"]["gain_db"] == -2, there
    assert [name for name, p in there.items() if p["muted"]] == ["person2"], there
    assert hearth.room(room)["participants"] == PEOPLE and hearth.room(room)["locked"]


def witness(hearth, phones):
    """A member in a room of its own where a tone is played: what it misses is the machine's doing, not the move's."""
    member = phones.member("witness")
    member.dial(f"sip:aside@{hearth.host}")
    lib.wait_for("the witness is in", lambda: hearth.connected("aside"))
    played = hearth.api("POST", "/api/v1/rooms/aside/plays", {"items": ["tone:1000:60000:-12"], "loop": True})
    assert played.status == 201, played.text
    return member


def move(old, new, room, people, witnesses):
    """One move; the new room, how long it took, and the longest that anybody heard nothing, and that a witness did."""
    began = time.monotonic()
    calls = [m.call for m in people]
    answer = old.api("POST", f"/api/v1/rooms/{room}/migrate", {"to": f"sip:conf-factory@{new.host}"})
    assert answer.status == 202, answer.text
    lib.wait_for("everybody has one call, and a new one", lambda: all(
        len(m.up()) == 1 and m.call is not call and m.call.state == "up" for m, call in zip(people, calls)), 30)
    ended = time.monotonic()
    lib.wait_for("the old room has rung off its bridge", lambda: old.metric("hearth_mixer_legs") == 1)
    time.sleep(0.5)
    over = time.monotonic() - 0.1
    quiet, missed = (max(m.longest_quiet(began - 0.2, over) for m in members) for members in (people, witnesses))
    assert not [c.status for m in people for c in m.calls if c.status >= 300], "somebody was turned away"
    return people[0].call.target[4:].split("@")[0], ended - began, quiet, missed


def inside(names):
    """In the namespace of the phones."""
    servers = [server(names[0], "here"), server(names[1], "there")]
    phones = crowd.Crowd(ADDRESSES["phones"])
    lib._running.append(phones)
    phones.start()
    before = [used(hearth, phones) for hearth in servers]
    witnesses = [witness(hearth, phones) for hearth in servers]
    people = [phones.member(f"person{i}", {0: 440, 1: 620}.get(i)) for i in range(PEOPLE)]
    people[0].dial(f"sip:conference-factory@{servers[0].host}")
    lib.wait_for("the first is in", people[0].up)
    room = people[0].call.target[4:].split("@")[0]
    for member in people[1:]:
        member.dial(people[0].call.target)
    lib.wait_for("all are in", lambda: len(servers[0].connected(room)) == PEOPLE)
    ids = {p["uri"][4:].split("@")[0]: p["id"] for p in servers[0].participants(room)}
    servers[0].api("PATCH", f"/api/v1/rooms/{room}/participants/{ids['person1']}", {"gain_db": -2})
    servers[0].api("PATCH", f"/api/v1/rooms/{room}/participants/{ids['person2']}", {"muted": True})
    servers[0].api("PATCH", f"/api/v1/rooms/{room}", {"locked": True})
    lib.wait_for("all hear who speaks", lambda: all(len(m.loud) > 25 for m in people))
    took, quiet = [], []
    for turn in range(MOVES):
        old, new = servers[turn % 2], servers[(turn + 1) % 2]
        room, seconds, longest, missed = move(old, new, room, people, witnesses)
        took.append(seconds)
        quiet.append(longest - 2 * missed)  # it takes two servers that are in time
        check_people(new, room, people)
        print(f"move {turn + 1}: {seconds:.2f} s, heard nothing for {longest * 1000:.0f} ms at most (a witness: {missed * 1000:.0f} ms)",
              flush=True)
    assert max(quiet) < GAP_S, f"somebody heard nothing for {max(quiet):.3f} s"
    for member in people + witnesses:
        member.hang_up()
    for hearth, was in zip(servers, before):
        lib.wait_for(f"nothing is left: {was}", lambda: state_of(hearth) == was, 15)
        hearth.stop()
    print(f"{MOVES} moves of {PEOPLE}: {sum(took):.1f} s; nothing heard for {max(quiet) * 1000:.0f} ms more than twice a witness's, at most",
          flush=True)


@lib.case
def twenty_people_ten_times():
    hosts = Hosts()
    command = [sys.executable, __file__, "inside", hosts.names["here"], hosts.names["there"]]
    done = subprocess.run(["ip", "netns", "exec", hosts.names["phones"], *command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=180 * lib.PATIENCE)
    print(done.stdout, end="", file=sys.stderr)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


if sys.argv[1:2] == ["inside"]:
    try:
        inside(sys.argv[2:])
    finally:
        lib.stop_all()
else:
    lib.main()
