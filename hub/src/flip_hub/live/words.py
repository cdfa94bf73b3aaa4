"""Events in words, composed when they are read: what is stored are facts."""

from typing import Any, Final

WORDS: Final = {
    "queued": "Training was initiated for {trusts}.",
    "starting": "The run is starting: its trusts are asked to join.",
    "running": "The run is running.",
    "trust_joined": "{trust} joined.",
    "trust_online": "{trust} is online.",
    "trust_refused": "{trust} refused: {text}",
    "trust_code_review": "{trust}'s staff have to look at the app before it runs there.",
    "trust_code_approved": "{trust}'s staff approved the app; it is asked to join again.",
    "trust_lost": "{trust} was lost: {text}",
    "trust_left": "{trust} is no longer part of the run: {text}",
    "trust_rejoining": "{trust} was lost ({text}) and comes back.",
    "attempt": "{text}",
    "net_silent": "The net does not answer now. The run goes on by itself when it is back.",
    "net_back": "The net answers again.",
    "node_started": "{trust} has started its SuperNode.",
    "node_refused": "{trust}'s SuperNode was refused: {text}",
    "node_ended": "{trust}'s SuperNode has ended.",
    "node_client_failed": "{trust}: the ClientApp raised {error_class}. {text}",
    "server_app_started": "The ServerApp has started.",
    "server_app_exception": "The ServerApp raised {error_class}. {text}",
    "app_status": "The app reported {status}.",
    "round_sent": "Round {round} was sent to {nodes} trusts.",
    "round_done": "Round {round} ({phase}): {results} results, {failures} failures.",
    "round_trust": "Round {round} ({phase}): {trust} answered after {seconds} s.",
    "client_name_differs": "{trust}: the app sends metrics as {client_names}; they are kept under {trust}.",
    "notice": "{text}",
    "stop_requested": "A stop was requested.",
    "abort_requested": "The run was aborted.",
    "stopping": "The net was asked to stop the run ({reason}). {text}",
    "exchanges": "The trusts' answers were combined.",
    "finalising": "The results are being collected.",
    "ended": "The run {state}. {text}",
    "model_status": "The model is {status}. {reason}",
    "decision": "{trust} {decision} the project.",
    "decision_request": "{trust} was asked to decide on the project.",
    "cohort_answer": "{trust}'s answer to the cohort query: {state}.",
    "imaging": "{trust} reports how far its images are.",
    "cohort_state": "The cohort query is {state}. {trust}",
    "project_changed": "The project has changed: {what}.",
    "files_changed": "The model's files have changed.",
    "trust_seen": "{trust} is {state}.",
    "metrics": "New values.",
    "log": "New lines in the log.",
    "queue": "The queue has changed.",
}


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def words(kind: str, payload: dict[str, Any]) -> str:
    """A sentence, also for kinds that this version does not know."""
    facts = _Facts({key: _fact(value) for key, value in payload.items()})
    if (known := WORDS.get(kind)) is not None:
        return known.format_map(facts).strip()
    listed = ", ".join(f"{key} {value}" for key, value in facts.items() if value)
    return f"{kind.replace('_', ' ')}{': ' + listed if listed else ''}"


def _fact(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else value
