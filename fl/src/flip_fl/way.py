"""Before a SuperNode connects: does the SuperLink itself answer, and do the clocks agree? Flower says neither plainly.

A SuperLink takes a request whose time is at most 5 s ahead of its own and 305 s behind (flwr 1.42.0, node auth).
"""

import ssl
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

AHEAD_SECONDS, BEHIND_SECONDS = 5.0, 300.0
DATE_SECONDS = 1.0  # an HTTP date has whole seconds
LOOK_SECONDS = 10.0
AWAY = (502, 503, 504)  # a proxy's word for a SuperLink that is being started
FLOWERS_OWN = (400, 401, 404, 405, 415, 422)  # what it may say to a request that is none of its calls


def problem_on_the_way(superlink: str, ca_pem_file: Path) -> tuple[str, str] | None:
    """Code and words of what will never work, or None. An address that does not answer yet is no problem: it is asked
    again and again. The same proxy is used as by Flower's own client (`HTTPS_PROXY`)."""
    context = ssl.create_default_context(cafile=str(ca_pem_file))
    try:
        answer = httpx.get(f"https://{superlink}/v1/fleet/flip-way", verify=context, timeout=LOOK_SECONDS)
    except httpx.ProxyError as error:
        return "proxy_refused", f"The proxy on the way to {superlink} refuses: {error}. Let this trust reach it."
    except httpx.HTTPError as error:
        if "certificate" in str(error).lower():
            words = "has a certificate that the run's own CA did not sign: something on the way opens the connection"
            return "certificate_untrusted", f"Whoever answers at {superlink} {words}. Let TLS to it through untouched."
        return None
    return judged(answer, superlink, time.time())


def judged(answer: httpx.Response, superlink: str, now: float) -> tuple[str, str] | None:
    if answer.status_code in AWAY:
        return None
    if answer.status_code not in FLOWERS_OWN:
        words = f"not the SuperLink answers but something on the way (HTTP {answer.status_code})"
        return "proxy_answers", f"At {superlink} {words}. Let /v1/fleet/ through unchanged."
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return None
    ahead = now - theirs
    if ahead - DATE_SECONDS > AHEAD_SECONDS or -ahead > BEHIND_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        words = f"This trust's clock is {abs(ahead):.0f} s {way} the hub's, which then refuses its SuperNode"
        return "clock_skew", f"{words}. Keep both by NTP."
    return None
