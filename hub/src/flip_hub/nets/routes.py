"""Nets for admins: list, add, drain, remove."""

from uuid import UUID

from fastapi import Request, Response

from flip_hub.auth import NetManager
from flip_hub.db import ReadSession, WriteSession
from flip_hub.errors import NotFound, errors
from flip_hub.nets import service
from flip_hub.nets.schemas import NetCreate, NetRead, NetUpdate, net_read
from flip_hub.routing import Router

router = Router(prefix="/nets", tags=["nets"])


@router.get("")
def get_nets(admin: NetManager, session: ReadSession, request: Request) -> list[NetRead]:
    """Every net with its health and how many of its slots are taken."""
    open_runs, slots = service.open_runs(session), request.app.state.settings.max_active_runs
    return [net_read(row, slots, open_runs[row.id]) for row in service.list_nets(session)]


@router.post(
    "",
    status_code=201,
    responses=errors(service.NetNameTaken, service.NetUnreachable, service.NetCertificateInvalid),
)
def add_net(body: NetCreate, admin: NetManager, session: WriteSession, request: Request) -> NetRead:
    """Once its FL API has answered. Every hub process drives it from then on; its key is kept encrypted."""
    state = request.app.state
    row = service.add_net(session, state.secrets, state.nets.connect, admin, body)
    return net_read(row, state.settings.max_active_runs, 0)


@router.patch("/{net_id}", responses=errors(NotFound))
def edit_net(net_id: UUID, body: NetUpdate, admin: NetManager, session: WriteSession, request: Request) -> NetRead:
    """Drain it or take it back into use; change its slots (null: as the settings say)."""
    row = service.edit_net(session, admin, net_id, body)
    return net_read(row, request.app.state.settings.max_active_runs, service.open_runs(session)[net_id])


@router.delete("/{net_id}", status_code=204, responses=errors(NotFound, service.NetBusy, service.NetOfSettings))
def remove_net(net_id: UUID, admin: NetManager, session: WriteSession, request: Request) -> Response:
    """Of a drained net whose runs have ended. Its past runs keep its name; the same name may be added again."""
    service.remove_net(session, admin, net_id, {net.name for net in request.app.state.settings.nets})
    return Response(status_code=204)
