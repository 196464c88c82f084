"""What the tests of dialling in share: prompts that are known, and phones that type.

Prompts are Debian's recordings (asterisk-core-sounds-*), or a few sentences of a voice, for tests that wait for many.
"""
import functools
import pathlib
import shutil
import tempfile
import threading

import lib

SOUNDS = pathlib.Path("/usr/share/asterisk/sounds")


def recorded(name, language="en"):
    """Debian's recording of that name, as samples: what a caller must hear."""
    folders = sorted(f for f in SOUNDS.iterdir() if f.name.startswith(language + "_") and (f / f"{name}.wav").exists())
    return lib.read_wav(folders[0] / f"{name}.wav")


@functools.cache
def _prompts():
    root = pathlib.Path(tempfile.mkdtemp(prefix="hearth-prompts-"))
    (root / "en" / "digits").mkdir(parents=True)
    said = {
        "conf-getconfno": "Welcome. Please enter your conference number, then press pound.",
        "conf-getpin": "Now please enter the secret code of this conference.",
        "conf-invalidpin": "That code is not right, sorry.",
        "conf-waitforleader": "The meeting begins when its leader has come.",
        "vm-goodbye": "Good bye and thank you for your call.",
        "conf-kicked": "Sorry, but somebody has sent you out of here.",
        "conf-onlyperson": "You are here all alone at this moment.",
        "conf-placeintoconf": "Here we go, you are going in.",
        "conf-thereare": "In the room we have got",
        "conf-otherinparty": "other people waiting for you.",
    }
    spoken = {name: lib.speech(root / "en" / f"{name}.wav", text, speed=220) for name, text in said.items()}
    for digit in range(10):
        lib.speech(root / "en" / "digits" / f"{digit}.wav", str(digit))
    (root / "moh").mkdir()
    lib.subprocess.run(["sox", "-n", "-r", "8000", "-c", "1", "-b", "16", str(root / "moh" / "tune.wav"), "synth", "3", "sine", "330",
                        "vol", "0.2"], check=True)
    return root, spoken


def prompts():
    """A directory of prompts of our own, each a sentence of a voice, and a tune to wait with."""
    root, spoken = _prompts()
    return pathlib.Path(shutil.copytree(root, tempfile.mkdtemp(prefix="hearth-prompts-"), dirs_exist_ok=True)), spoken


def own(said):
    """A directory to lay over Debian's: {name: sentence} read by a voice. Returns it and the samples."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="hearth-prompts-"))
    (root / "en").mkdir()
    return root, {name: lib.speech(root / "en" / f"{name}.wav", text, speed=220) for name, text in said.items()}


def together(*scenes):
    """Runs them at the same time, as each mostly waits; the first that failed is told of."""
    failed = []

    def run(scene):
        try:
            scene()
        except Exception as error:
            error.args = (f"{getattr(scene, '__name__', scene)}: {error}",)
            failed.append(error)
    threads = [threading.Thread(target=run, args=(scene,), daemon=True) for scene in scenes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def likeness_of(samples, spoken):
    """lib.likeness of a prompt: it is short, or one of several that follow each other."""
    return lib.likeness(samples, spoken, min(1.0, len(spoken) / lib.RATE / 2))


class Ear:
    """What a phone hears from now on, or since that many packets had come."""

    def __init__(self, phone, since=None):
        self.phone, self.since = phone, len(phone.rtp.packets) if since is None else since

    def samples(self):
        return lib.ulaw_decode(b"".join(p[4] for p in self.phone.rtp.packets[self.since:] if p[3] == 0))

    def likeness(self, spoken):
        return likeness_of(self.samples(), spoken)

    def tone(self, hz, piece_s=0.2):
        """Amplitude of a sine in the piece that has most of it."""
        samples, size = self.samples(), int(piece_s * lib.RATE)
        return max((lib.tone_level(samples[at:at + size], hz) for at in range(0, len(samples) - size + 1, size // 4)), default=0.0)

    def wait_tone(self, hz, above, piece_s=0.2, seconds=30):
        """Until there was a piece with that much of it."""
        lib.wait_for(f"{self.phone.name} hears {hz} Hz for a moment", lambda: self.tone(hz, piece_s) > above, seconds, 0.2)

    def wait_long(self, length_s, seconds=30):
        """Until that much sound has come: so long it was for the server, too, however late it is."""
        lib.wait_for(f"{length_s} s of sound", lambda: len(self.phone.rtp.packets) - self.since >= 50 * length_s, seconds)

    def wait(self, what, spoken, seconds=30, above=0.85):
        """Until `spoken` is heard. What was looked through is not looked at again, but for what may have begun there."""
        at, begin = [0.0], [0]

        def is_heard():
            samples = self.samples()
            at[0] = max(at[0], likeness_of(samples[begin[0]:], spoken))
            begin[0] = max(0, len(samples) - len(spoken) - lib.RATE)
            return at[0] > above
        try:
            lib.wait_for(f"{self.phone.name} hears {what}", is_heard, seconds, 0.4)
        except AssertionError as error:
            raise AssertionError(f"{error}, likeness {at[0]:.2f} in {len(self.samples()) / lib.RATE:.1f} s") from None


def hearth_with(root, **options):
    return lib.Hearth(dialin__numbers="8000=en", prompts__path=str(root), prompts__music=str(root / "moh"), **options)


def press(phone, digits):
    for digit in digits:
        phone.rtp.digit(lib.EVENTS[digit])
        for _ in range(4):  # a pause between keys
            phone.rtp.extra.append((13, False, b"\x7f"))
    lib.wait_for("the digits are sent", lambda: not phone.rtp.extra)


def answer_reinvite(phone):
    """Who is let in is told the conference's URI by a re-INVITE; its Contact is returned."""
    request = phone.wait_request("INVITE")
    phone.answer(request, body=phone.sdp(version=2))
    assert phone.wait_request("ACK")
    return request.get("Contact")


def is_spoken_to(phone):
    """Waits for the first sound: then the server listens to keys."""
    lib.wait_for(f"{phone.name} is spoken to", lambda: any(abs(lib.ulaw_decode(p[4])).max(initial=0) > 300 for p in list(phone.rtp.packets)))


def call(hearth, name, hz=None, user="8000"):
    """Dials, and is spoken to."""
    phone = lib.Phone(hearth, name, samples=lib.tone(hz, 1) if hz else None)
    assert phone.invite(user).status == 200
    is_spoken_to(phone)
    return phone
