class error(Exception): ...  # noqa: N801 -- the name the library gives

class Options:
    max_mem: int
    log_errors: bool
    case_sensitive: bool

class _Match: ...

class _Regexp:
    def fullmatch(self, text: str) -> _Match | None: ...
    def search(self, text: str) -> _Match | None: ...

def compile(pattern: str, options: Options | None = ...) -> _Regexp: ...
