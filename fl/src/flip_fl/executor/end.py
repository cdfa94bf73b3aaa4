"""How a task runner says that it has come to its end."""


class EndOfTask(BaseException):
    def __init__(self, exit_code: int):
        super().__init__(exit_code)
        self.exit_code = exit_code
