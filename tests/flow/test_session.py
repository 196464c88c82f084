#!/usr/bin/python3
"""Calls as SIPp plays them: session timers, UPDATE, hold, PRACK, CANCEL in both its races."""
import pathlib
import subprocess
import tempfile

import lib


class Callee:
    """SIPp as the party that Hearth calls, once, by a scenario of tests/flow/sipp."""

    def __init__(self, scenario, seconds=20):
        seconds = int(seconds * lib.PATIENCE)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="callee-"))
        self.port = lib.free_port()
        self.uri = f"sip:sipp@127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            ["sipp", "-sf", str(lib.ROOT / "tests/flow/sipp" / scenario), "-m", "1", "-i", "127.0.0.1", "-p", str(self.port),
             "-nostdin", "-timeout", f"{seconds}s", "-timeout_error", "-trace_err", "-error_file", str(self.directory / "errors")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lib.wait_for("sipp listens", lambda: lib.is_taken(self.port))

    def finish(self):
        output, _ = self.process.communicate(timeout=30 * lib.PATIENCE)
        errors = (self.directory / "errors").read_text(errors="replace") if (self.directory / "errors").exists() else ""
        assert self.process.returncode == 0, f"sipp: status {self.process.returncode}: {errors[:1500] or output[-1500:]}"


def call_out(hearth, callee):
    hearth.api("POST", "/api/v1/rooms", {"id": "office"})
    answer = hearth.api("POST", "/api/v1/rooms/office/participants", {"uri": callee.uri})
    assert answer.status == 202, answer.text
    return answer.json["id"]


@lib.case
def session_timer_update_and_hold():
    hearth = lib.Hearth()
    leg = lib.Rtp()
    lib.sipp(hearth, "session.xml", "-key", "rtp_port", leg.port, "-key", "room", "session")
    hearth.stop()


# Seeds row S10, the controller's side: reliable answers of the callee, UPDATE before the answer.
@lib.case
def reliable_answers_and_an_early_update():
    hearth = lib.Hearth()
    callee = Callee("callee_prack.xml")
    call_out(hearth, callee)
    lib.wait_for("connected", lambda: hearth.connected("office"))
    callee.finish()
    lib.wait_for("gone", lambda: not hearth.connected("office"))
    hearth.stop()


# Seeds row S8: the API takes back a call that rings.
@lib.case
def cancel_before_the_answer_and_crossing_it():
    hearth = lib.Hearth()
    for scenario in ("callee_cancelled.xml", "callee_crossed.xml"):
        callee = Callee(scenario)
        participant = call_out(hearth, callee)
        lib.wait_for("rings", lambda: any(p["state"] == "alerting" for p in hearth.participants("office")))
        assert hearth.api("DELETE", f"/api/v1/rooms/office/participants/{participant}").status == 204
        callee.finish()
        lib.wait_for("gone", lambda: not hearth.participants("office"))
    hearth.stop()


# Required by configuration: who does not know 100rel is refused, and told why.
@lib.case
def reliable_answers_required():
    hearth = lib.Hearth(sip__rel100="required")
    phone = lib.Phone(hearth)
    assert phone.invite("lobby").status == 421
    phone = lib.Phone(hearth)
    assert phone.invite("lobby", headers="Supported: 100rel\r\n").status == 200
    hearth.stop()


# Seeds row S8, case 1, the other way round; on the way a reliable 180 and its PRACK.
@lib.case
def caller_cancels_while_it_rings():
    hearth = lib.Hearth(sip__registrar="open")
    bob, alice = lib.Phone(hearth, "bob"), lib.Phone(hearth, "alice")
    bob.send(bob.request("REGISTER", f"sip:{hearth.host}", "Expires: 600\r\n", to=f"<sip:bob@{hearth.host}>"))
    assert bob.final().status == 200
    alice.uri = f"sip:bob@{hearth.host}"
    alice.send(alice.request("INVITE", alice.uri, "Require: 100rel\r\n", alice.sdp()))
    invite = bob.wait_request("INVITE")
    bob.answer(invite, 180, "Ringing")
    ringing = lib.wait_for("180", lambda: next((m for m in [alice.receive(0.2)] if m and m.status == 180), None))
    assert ringing.get("Require") == "100rel", ringing.fields
    alice.to, target = ringing.get("To"), ringing.contact_uri()
    alice.send(alice.request("PRACK", target, f"RAck: {ringing.get('RSeq')} 1 INVITE\r\n"))
    assert alice.final(cseq=2).status == 200
    alice.send(alice.request("PRACK", target, f"RAck: {ringing.get('RSeq')} 1 INVITE\r\n"))
    assert alice.final(cseq=3).status == 481, "acknowledged twice"
    alice.to = None
    alice.send(alice.request("CANCEL", alice.uri, cseq=1, branch=alice.invite_branch))
    answers = {m.get("CSeq").split()[1]: m for m in (alice.final(cseq=1), alice.final(cseq=1))}
    assert answers["CANCEL"].status == 200 and answers["INVITE"].status == 487, answers
    alice.ack(answers["INVITE"])
    cancel = bob.wait_request("CANCEL")
    bob.answer(cancel)
    bob.answer(invite, 487, "Request Terminated")
    bob.wait_request("ACK")
    hearth.stop()


lib.main()
