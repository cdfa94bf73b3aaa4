"""Take part in a run only if the hub signed it, it names us, and our own approval covers exactly it."""

from flip_contracts.manifest import RunManifest
from flip_contracts.tasks import JoinRun, JoinRunResult
from flip_trust.errors import ManifestInvalid, ManifestReplayed, NotInvited, RunUnknown, TrustError
from flip_trust.keys import is_signed_by
from flip_trust.tasks.registry import Tools


def run(payload: JoinRun, tools: Tools) -> JoinRunResult:
    manifest, signature = payload.signed.manifest, payload.signed.signature
    identity = tools.store.identity()
    if not is_signed_by(identity["hub_public_key"], manifest, signature):
        raise ManifestInvalid("The run manifest is not signed by the hub this trust enrolled with.")
    if identity["name"] not in manifest.trusts:
        raise NotInvited("The run manifest does not name this trust.")
    known = tools.store.run(manifest.run_id)
    if known is not None and _subject(known.manifest) != _subject(manifest):
        raise ManifestReplayed("This trust knows a run of that id about something else. Start a new run.")
    if known is not None and known.ended:
        raise RunUnknown("This trust has left that run already.")
    project = tools.authority.demand(manifest)
    if known is None:
        tools.authority.demand_fresh(manifest)
    tools.supervisor.sandbox.demand()
    public_key = known.public_key if known else tools.supervisor.make_key(manifest.run_id)
    tools.store.put_run(manifest, public_key, tools.approvals.frozen.sha256(project.review.project_id))
    try:
        tools.files.fetch(manifest, tools.supervisor.files(manifest.run_id))
    except TrustError:
        tools.supervisor.leave(manifest.run_id)
        raise
    joined = tools.store.run(manifest.run_id)
    if joined is None or joined.ended:  # while a large file was on its way
        raise RunUnknown("This trust has left that run already.")
    return JoinRunResult(public_key=public_key)


def _subject(manifest: RunManifest) -> tuple[object, ...]:
    """What a run is about; its net may change while it goes on."""
    return manifest.project_id, manifest.model_id, manifest.query_id, manifest.fab_sha256, manifest.files
