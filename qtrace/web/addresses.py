"""What stands in the addresses of pages."""

from werkzeug.routing import IntegerConverter, ValidationError

from qtrace.core.ids import BIGGEST_ID


class RowId(IntegerConverter):
    """A whole number a row can have; an address with a larger one leads nowhere."""

    def to_python(self, value: str) -> int:
        """Return the number; no page matches one that no row can have."""
        number: int = super().to_python(value)
        if number > BIGGEST_ID:
            raise ValidationError
        return number
