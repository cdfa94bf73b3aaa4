"""What a scan says, as the child process prints it."""

from pydantic import BaseModel

from flip_hub.files.advice import Advice


class Verdict(BaseModel):
    """`code` is empty for a file that is good; `reason` says what to do about one that is not."""

    code: str = ""
    reason: str = ""


class AdviceReport(BaseModel):
    advice: dict[str, list[Advice]]
