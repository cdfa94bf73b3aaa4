"""The organisation's OpenID provider: where it sends people, and who it says has come (OpenID Connect Core, 3.1)."""

import secrets
import time
from dataclasses import dataclass
from typing import Any, Final

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from flip_hub.errors import HubError
from flip_hub.settings import HubSettings

TIMEOUT_SECONDS: Final = 10
KEPT_SECONDS: Final = 3600.0  # how long what the provider says of itself is good
NEW_KEYS_SECONDS: Final = 60.0  # bad tokens do not make us ask the provider more often than this
LEEWAY_SECONDS: Final = 60
ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class OidcUnavailable(HubError):
    code, status = "oidc_unavailable", 503
    public = "Your organisation's login does not answer as OpenID Connect says. Try again later; tell the admin."


class OidcFailed(HubError):
    code, status = "oidc_failed", 401
    public = "The login at your organisation did not come to an end. Start it again."


@dataclass(frozen=True)
class Asked:
    """What this login was begun with; it waits in the browser, sealed."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Identity:
    """`email` is empty unless the provider has verified it."""

    subject: str
    email: str
    name: str


class Provider:
    def __init__(self, settings: HubSettings):
        self._settings = settings
        self._metadata: dict[str, Any] = {}
        self._read_at = -KEPT_SECONDS

    @property
    def callback(self) -> str:
        return f"{self._settings.base_url}/api/v1/auth/oidc/callback"

    def begin(self) -> tuple[str, Asked]:
        """Where to send the browser, with PKCE (RFC 7636)."""
        asked = Asked(*(secrets.token_urlsafe(size) for size in (24, 24, 48)))
        url, _ = self._client().create_authorization_url(
            self._known()["authorization_endpoint"], state=asked.state, code_verifier=asked.verifier, nonce=asked.nonce
        )
        return url, asked

    def finish(self, asked: Asked, code: str) -> Identity:
        """Change the code for tokens and check all that they claim."""
        known, client = self._known(), self._client()
        try:
            token = client.fetch_token(
                known["token_endpoint"],
                code=code,
                code_verifier=asked.verifier,
                grant_type="authorization_code",
                timeout=TIMEOUT_SECONDS,
            )
            claims = self._claims(str(token.get("id_token", "")), asked.nonce)
            if "email" not in claims and "userinfo_endpoint" in known:
                told = client.get(known["userinfo_endpoint"], timeout=TIMEOUT_SECONDS).json()
                if told.get("sub") != claims["sub"]:  # 5.3.2: it may be another's
                    raise OidcFailed
                claims = {**told, **claims}
        except (AuthlibBaseError, JoseError, KeyError, AttributeError) as error:
            raise OidcFailed from error
        except (requests.RequestException, ValueError) as error:
            raise OidcUnavailable from error
        verified = claims.get("email_verified") in (True, "true")
        email = str(claims.get("email", "")).strip().lower() if verified else ""
        name = str(claims.get("name") or claims.get("preferred_username") or email.partition("@")[0])
        return Identity(f"{self._settings.oidc_issuer}#{claims['sub']}", email, name)

    def _client(self) -> Any:
        """authlib's session, which has no types."""
        secret = self._settings.oidc_client_secret.get_secret_value()
        return OAuth2Session(
            self._settings.oidc_client_id,
            secret or None,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            scope=self._settings.oidc_scope,
            redirect_uri=self.callback,
            code_challenge_method="S256",
        )

    def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """3.1.3.7: signed by the provider, for us, for this login, and not too old."""
        try:
            claims = jwt.decode(id_token, self._keys(), algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):  # it may have new keys
            if time.monotonic() - self._read_at < NEW_KEYS_SECONDS:
                raise
            self._read_at = -KEPT_SECONDS
            claims = jwt.decode(id_token, self._keys(), algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._settings.oidc_issuer},
            aud={"essential": True, "value": self._settings.oidc_client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self._settings.oidc_client_id:
            raise OidcFailed
        return claims

    def _keys(self) -> KeySet:
        return KeySet.import_key_set(self._known()["jwks"])

    def _known(self) -> dict[str, Any]:
        if time.monotonic() - self._read_at < KEPT_SECONDS and self._metadata:
            return self._metadata
        issuer = self._settings.oidc_issuer
        try:
            found = _json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found["issuer"] != issuer:
                raise OidcUnavailable(f"The provider calls itself {found['issuer']}. Set FLIP_HUB_OIDC_ISSUER to that.")
            found["jwks"] = _json(found["jwks_uri"])
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise OidcUnavailable from error
        self._metadata, self._read_at = found, time.monotonic()
        return found


def _json(url: str) -> dict[str, Any]:
    answer = requests.get(url, timeout=TIMEOUT_SECONDS)
    answer.raise_for_status()
    return answer.json()
