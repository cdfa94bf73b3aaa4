"""The provider's keys: read anew when a token is signed by another, and not at the will of whoever sends bad tokens."""

from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from flip_hub.db import now
from flip_hub.login import provider
from flip_hub.login.provider import OidcFailed, Provider
from flip_hub.settings import HubSettings

ISSUER = "https://login.example"


@pytest.fixture
def keys() -> list[ECKey]:
    return [ECKey.generate_key("P-256", parameters={"kid": kid}) for kid in ("old", "new")]


@pytest.fixture
def asked(monkeypatch, keys) -> list[str]:
    """What was asked of the provider, which has the last key of a list that a test may shorten."""
    urls: list[str] = []

    def answer(url: str) -> dict:
        urls.append(url)
        if url.endswith("configuration"):
            return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        return KeySet([keys[0 if len(urls) <= 2 else -1]]).as_dict(private=False)

    monkeypatch.setattr(provider, "_json", answer)
    return urls


@pytest.fixture
def ours(tmp_path: Path) -> Provider:
    return Provider(HubSettings(data_dir=tmp_path, oidc_issuer=ISSUER, oidc_client_id="flip"))


def token(key: ECKey) -> str:
    at = int(now().timestamp())
    claims = {"iss": ISSUER, "aud": "flip", "sub": "s", "iat": at, "exp": at + 60, "nonce": "n"}
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)


def test_new_keys_are_read_once_they_are_needed(ours, asked, keys, monkeypatch):
    assert ours._claims(token(keys[0]), "n")["sub"] == "s"
    monkeypatch.setattr(provider, "NEW_KEYS_SECONDS", 0.0)
    assert ours._claims(token(keys[1]), "n")["sub"] == "s"
    assert asked.count(f"{ISSUER}/keys") == 2


def test_bad_tokens_do_not_make_us_ask_again_and_again(ours, asked, keys):
    stranger = ECKey.generate_key("P-256", parameters={"kid": "old"})
    for bad in ("", "x.y.z", token(stranger), token(keys[1])) * 5:
        with pytest.raises(Exception, match=r".*") as refused:
            ours._claims(bad, "n")
        assert not isinstance(refused.value, OidcFailed | AssertionError)
    assert len(asked) == 2
