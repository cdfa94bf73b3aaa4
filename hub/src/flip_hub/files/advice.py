"""What bandit notes of a Python file. Advice for people; the checks that decide are the app checks of contracts."""

from pydantic import BaseModel


class Advice(BaseModel):
    code: str
    severity: str
    line: int | None
    message: str
