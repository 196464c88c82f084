"""A phone with several calls at a time, as SIPp plays it: the families of phones that use a factory.

    anna = Handset("anna", 440)
    anna.call("bert", bert.uri, bert)          # a call named "bert", to a phone
    anna.call("conf", factory, hearth)         # another, to the server
    anna.refer("bert", "<[$target_conf]>")     # in the first: go where the second is
    anna.start()

All is one scenario of SIPp, which takes a Call-ID as <any>///<its own>, so that each call has one of its own. What SIPp says of
sound is true of an endpoint of ours (lib.Rtp), which speaks a tone and keeps what it hears: it goes where the other
side's description says, once told (`talks_in`).
"""
import re

import lib
from ladder import Ladder, sdp

TAG = ";tag=[pid]h[call_number]"


class Call:
    def __init__(self, name, peer, is_ours, uri=""):
        self.name, self.port, self.is_ours, self.uri = name, peer, is_ours, uri
        self.cseq, self.is_made, self.version = 0, False, 1


class Handset(Ladder):
    """Steps are added in order; `start` plays them, `finish` says whether all went so. Each takes the name of the call."""

    def __init__(self, name, hz):
        super().__init__(name)
        self.hz, self.calls, self.peer, self.begins = hz, {}, None, True
        self.rtp = lib.Rtp(lib.tone(hz, 1))
        self.ended = False
        lib._running.append(self)

    def where(self):
        return [f"127.0.0.1:{self.peer_first}"] if self.begins else []

    # The parts of a message

    def _towards(self, call):
        """What follows goes to the peer of this call."""
        if self.peer is None:
            self.peer_first = call.port
        elif self.peer != call.port:
            self.steps.append(f'<nop><action><setdest host="127.0.0.1" port="{call.port}" protocol="udp"/></action></nop>')
        self.peer = call.port

    def _ids(self, call, seq):
        own, other = f"<sip:{self.name}@127.0.0.1:[local_port]>{TAG}", f"<{call.uri}>"
        if call.is_ours:
            lines = f"From: {own}\n" + (f"To:[$to_{call.name}]\n" if call.is_made else f"To: {other}\n")
            return lines + f"Call-ID: {call.name}-{self.name}///[call_id]\nCSeq: {seq}\n"
        return f"From:[$to_{call.name}]{TAG}\nTo:[$from_{call.name}]\nCall-ID:[$id_{call.name}]\nCSeq: {seq}\n"

    def _contact(self):
        return f"Contact: <sip:{self.name}@127.0.0.1:[local_port]>\n"

    def sdp(self, call, direction="sendrecv"):
        call.version += 1
        return sdp(call.version, direction, port=str(self.rtp.port))

    def request(self, name, method, headers="", body="", content_type="application/sdp", uri=None):
        call = self.calls[name]
        call.cseq += method != "ACK"
        self._towards(call)
        where = uri or (f"[$target_{name}]" if call.is_made else call.uri)
        self._send(f"{method} {where} SIP/2.0\n{self._via()}Max-Forwards: 70\n{self._ids(call, f'{call.cseq} {method}')}"
                   f"{self._contact()}{headers}", body, content_type, again=method != "ACK")

    def _saves(self, name, *fields):
        text = {"via": ("Via", ".*"), "from": ("From", ".*"), "to": ("To", ".*"), "id": ("Call-ID", ".*"), "cseq": ("CSeq", ".*"),
                "target": ("Contact", "sip:[^>]*"), "tag": ("To", "[^=]*$")}
        return "".join(f'<ereg regexp="{text[f][1]}" search_in="hdr" header="{text[f][0]}:" check_it="true" assign_to="{f}_{name}"/>'
                       for f in fields)

    def replaces(self, name):
        """What names that call in the headers of a URI, as the other side of it knows it."""
        return f"Replaces={name}-{self.name}///[call_id]%3Bto-tag%3D[$tag_{name}]%3Bfrom-tag%3D{TAG[5:]}"

    def reply(self, call, status=200, headers="", body=""):
        """To the last request."""
        self._towards(call)
        self._send(f"SIP/2.0 {status} Reason\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
                   f"{self._contact()}{headers}", body, again=False)

    # What phones do

    def call(self, name, uri, peer, headers="", **wanted):
        """INVITE, answered 200; its Contact is [$target_<name>] from then on."""
        call = self.calls[name] = Call(name, port_of(peer), True, uri)
        self.request(name, "INVITE", headers, self.sdp(call))
        for status in (100, 180):
            self._recv(f'response="{status}"', optional=True)
        self._recv('response="200"', saves=self._saves(name, "to", "target", "tag"), **wanted)
        call.is_made = True
        self.request(name, "ACK")

    def is_redirected(self, name, uri, peer):
        """INVITE, answered 302: where to is [$target_<name>]."""
        call = self.calls[name] = Call(name, port_of(peer), True, uri)
        self.request(name, "INVITE", "", self.sdp(call))
        branch = self.branches
        self._recv('response="100"', optional=True)
        self._recv('response="302"', saves=self._saves(name, "to", "target"))
        self._send(f"ACK {uri} SIP/2.0\n{self._via(branch)}Max-Forwards: 70\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n"
                   f"CSeq: {call.cseq} ACK\n", "", again=False)

    def is_called(self, name, peer, **wanted):
        """An INVITE comes, and is answered."""
        self.begins = self.begins and bool(self.calls)
        self._is_asked(name, peer, **wanted)
        self._picks_up(name)

    def _is_asked(self, name, peer, more="", next_step="", **wanted):
        self.calls[name] = Call(name, port_of(peer), False)
        self._recv(f'request="INVITE"{next_step}', saves=self._saves(name, "via", "from", "to", "id", "cseq", "target") + more, **wanted)
        self.calls[name].is_made = True

    def _picks_up(self, name):
        call = self.calls[name]
        self._towards(call)
        for status, body in ((180, ""), (200, self.sdp(call))):
            self._send(f"SIP/2.0 {status} Reason\nVia:[$via_{name}]\nFrom:[$from_{name}]\nTo:[$to_{name}]{TAG}\nCall-ID:[$id_{name}]\n"
                       f"CSeq:[$cseq_{name}]\n{self._contact()}Supported: replaces\n", body, again=status == 200)
        self._recv('request="ACK"')

    def _label(self, number):
        """Steps jump here: nobody knows who was spoken to last."""
        self.steps.append(f'<label id="{number}"/>')
        self.peer = 0

    def _jump(self, number, if_set=None):
        self.steps.append(f'<nop next="{number}"{f" test={chr(34)}{if_set}{chr(34)}" if if_set else ""}/>')

    def is_called_and_replaced(self, name, peer, by, by_peer):
        """Two calls come, so it must be run with -m 2: the second replaces the first (RFC 3891), which it then hangs up."""
        self.begins = False
        self.globals = '<Global variables="gone"/>'
        self._is_asked(name, peer, '<ereg regexp=".+" search_in="hdr" header="Replaces:" assign_to="names"/>', ' next="1" test="names"')
        self._picks_up(name)
        self._label(2)
        self.pause(50)
        self._jump(3, "gone")
        self._jump(2)
        self._label(3)
        self.asks(name, "BYE")
        self._jump(4)
        self._label(1)
        call = self.calls[by] = Call(by, port_of(by_peer), False)
        call.is_made = True
        # What was saved of the INVITE stands under the first name.
        self.steps.append("<nop><action>" + "".join(f'<assignstr assign_to="{f}_{by}" value="[${f}_{name}]"/>' for f in
                                                    ("via", "from", "to", "id", "cseq", "target")) + "</action></nop>")
        self._picks_up(by)
        self.steps.append('<nop><action><assign assign_to="gone" value="1"/></action></nop>')
        self.serves(by, "BYE")
        self._label(4)

    def is_told(self, name, first, let_go):
        """NOTIFYs of a REFER in call `name`: 100, perhaps 180, and 200. Meanwhile, or after them, the other side of call `let_go`
        hangs up. Labels from `first` on; jumps are made by what is sent, as SIPp takes nothing in while it makes one of its own."""
        early, later, end = first, first + 1, first + 2
        self.serves(name, "NOTIFY", body="SIP/2.0 100")
        self._or_bye(early)
        self._is_told_more(name, first, jump=f' next="{first + 3}" test="final_{first}"')
        self._or_bye(later)
        self._is_told_more(name, first)
        self._label(first + 3)
        self.serves(let_go, "BYE")
        self._jump(end)
        self._label(early)
        self.reply(self.calls[let_go])
        self._is_told_more(name, first, jump=f' next="{end}" test="final_{first}"')
        self._is_told_more(name, first, jump=f' next="{end}"')
        self._label(later)
        self.reply(self.calls[let_go])
        self._is_told_more(name, first)
        self._label(end)

    def _or_bye(self, label):
        self.steps.append(f'<recv request="BYE" optional="true" next="{label}"/>')

    def _is_told_more(self, name, first, jump=""):
        self._recv('request="NOTIFY"', saves=f'<ereg regexp="SIP/2.0 200" search_in="body" assign_to="final_{first}"/>',
                   body="SIP/2.0 (18|200)")
        self.reply(self.calls[name])
        self.steps[-1] = self.steps[-1].replace("<send", f"<send{jump}", 1)

    def is_called_again(self, name, **wanted):
        """A re-INVITE."""
        self._recv('request="INVITE"', **wanted)
        self.reply(self.calls[name], body=self.sdp(self.calls[name]))
        self._recv('request="ACK"')

    def hold(self, name):
        self.request(name, "INVITE", "", self.sdp(self.calls[name], "sendonly"))
        self._recv('response="100"', optional=True)
        self._recv('response="200"', body="a=recvonly|a=inactive")
        self.request(name, "ACK")

    def asks(self, name, method, headers="", body="", status=200, content_type="application/sdp", uri=None, **wanted):
        self.request(name, method, headers, body, content_type, uri)
        self._recv(f'response="{status}"', **wanted)

    def hears(self, other, seconds=1.0):
        return lib.tone_heard(self.rtp.heard(seconds), other.hz) > 1500

    def serves(self, name, method, **wanted):
        """A request comes in the call, and gets 200."""
        self._recv(f'request="{method}"', **wanted)
        self.reply(self.calls[name])

    def refers(self, name, refer_to, headers="", told=(100, 200)):
        """REFER, 202, and what the NOTIFYs say."""
        self.asks(name, "REFER", f"Refer-To: {refer_to}\n{headers}", status=202)
        for status in told:
            self.serves(name, "NOTIFY", Event="refer", body=f"SIP/2.0 {status}")

    def goes_where_referred(self, name, as_name, peer):
        """The other side of that: goes there in a call `as_name`, tells how it went, and is rung off."""
        self._recv('request="REFER"', saves='<ereg regexp="sip:[^&gt;?]*" search_in="hdr" header="Refer-To:" check_it="true" '
                                            'assign_to="goal"/>')
        self.reply(self.calls[name], 202)
        self._tells(name, "100 Trying", "active;expires=60")
        self.call(as_name, "[$goal]", peer, "Referred-By: <sip:anna@127.0.0.1>\n", Contact="isfocus")
        self._tells(name, "200 OK", "terminated;reason=noresource")
        self.serves(name, "BYE")

    def subscribes(self, name, uri, peer, **wanted):
        """To the roster, in a dialog of its own: what the first NOTIFY says; and ends it."""
        call = self.calls[name] = Call(name, port_of(peer), True, uri)
        self.request(name, "SUBSCRIBE", "Event: conference\nAccept: application/conference-info+xml\nExpires: 600\n")
        self._recv('response="200"', saves=self._saves(name, "to", "target"), Contact="isfocus")
        call.is_made = True
        self.serves(name, "NOTIFY", Subscription_State="active", Event="conference", **wanted)
        self.asks(name, "SUBSCRIBE", "Event: conference\nExpires: 0\n")
        self.serves(name, "NOTIFY", Subscription_State="terminated")

    def _tells(self, name, status, state):
        self.asks(name, "NOTIFY", f"Event: refer\nSubscription-State: {state}\n", f"SIP/2.0 {status}\n", content_type="message/sipfrag;version=2.0")

    # While it runs

    def start(self, *arguments, seconds=120):
        super().start(*(arguments or ("-m", "1")), "-cid_str", "%u-%p", "-trace_msg", "-message_file", "messages", seconds=seconds)

    def received(self, name):
        """Messages that came in this call."""
        path = self.directory / "messages"
        text = path.read_text(errors="replace") if path.exists() else ""
        came = re.findall(r"UDP message received .*?\n\n(.*?)(?=\n-{20,}|\Z)", text, re.S)
        messages = [lib.Message(part.replace("\r\n", "\n").replace("\n", "\r\n").encode()) for part in came]
        return [m for m in messages if m.get("Call-ID").startswith(name)]

    def is_well(self):
        """True as long as it has met nothing that is not written; else it fails here, by name."""
        if self.process.poll() not in (None, 0):
            self.finish()
        return True

    def talks_in(self, name, seconds=60):
        """Its sound goes where this call has it, from now on. `name`: of a call, or the beginning of a Call-ID."""
        def described():
            return [m for m in self.received(name) if "m=audio" in m.body]
        self.rtp.start(lib.wait_for(f"{self.name}: a description in {name}", described, seconds)[-1].rtp())

    def stop(self):
        if self in lib._running:
            lib._running.remove(self)
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.rtp.stop()


def port_of(peer):
    return peer.sip_port if isinstance(peer, lib.Hearth) else peer.port
