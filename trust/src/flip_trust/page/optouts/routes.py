"""People who are in no cohort: how many they are, and a file to add more. Never who."""

from fastapi import APIRouter, File, Request, Response, UploadFile

from flip_trust.optouts.service import LARGEST_BYTES, read_csv
from flip_trust.page.kit import AdminHere, AgentHere, Page, see, show
from flip_trust.staff.book import Role

router = APIRouter()
PAGE = Page("Opt-outs", "/optouts", router, largest_body=LARGEST_BYTES + 2**20)


@router.get("")
def show_optouts(request: Request, agent: AgentHere) -> Response:
    is_admin = request.state.visit.member.role == Role.ADMIN
    return show(request, "optouts/optouts.html", people=agent.optouts.count(), is_admin=is_admin)


@router.post("")
def add_optouts(request: Request, agent: AgentHere, visit: AdminHere, people: UploadFile = File()) -> Response:
    added = agent.optouts.add(read_csv(people.file.read(LARGEST_BYTES + 1)), visit.login)
    note = f"{added.new} people are added, {added.known} were known."
    if added.cohorts:
        note += f" They are taken out of {len(added.cohorts)} frozen cohorts; runs that used those end here."
    return see(request, "/optouts", note)
