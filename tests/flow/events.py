"""Subscriptions of the hand-written phone of lib.py."""


def subscribe(phone, user, event="conference", expires=600, headers="", cseq=None):
    """Sends a SUBSCRIBE, first or in the dialog; returns its final response. NOTIFYs stay in phone.queue."""
    uri = phone.target or f"sip:{user}@{phone.hearth.host}"
    lines = (f"Event: {event}\r\n" if event else "") + (f"Expires: {expires}\r\n" if expires is not None else "") + headers
    phone.send(phone.request("SUBSCRIBE", uri, lines, cseq=cseq))
    response = phone.final()
    if response.status < 300:
        phone.to, phone.target = response.get("To"), response.contact_uri()
    return response


def notify(phone, status=200, reason="OK", headers="", seconds=8):
    message = phone.wait_request("NOTIFY", seconds)
    phone.answer(message, status, reason, headers)
    return message


def state(message):
    return message.get("Subscription-State")
