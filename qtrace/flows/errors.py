"""What a flow refuses."""


class FlowError(Exception):
    """A decision the flow does not allow; `message` is a msgid to be filled with `params`."""

    def __init__(self, code: str, message: str, **params: object) -> None:
        super().__init__(message % params if params else message)
        self.code = code
        self.message = message
        self.params = params


class DefinitionError(FlowError):
    """A definition that cannot run; `place` points at the wrong value, as in `nodes[2].due_minutes`."""

    def __init__(self, place: str, code: str, message: str, **params: object) -> None:
        super().__init__(code, message, **params)
        self.place = place
