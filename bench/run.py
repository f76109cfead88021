"""Everything the README says about speed and size, measured in one run beside its limits: `make bench`."""

import sys
import traceback
import warnings

from bench import creates, exports, flows, form_imports, imports, listpage, records, startup
from bench.figures import Sheet

PARTS = {
    "list": listpage.measure,
    "records": records.measure,
    "creates": creates.measure,
    "imports": imports.measure,
    "form_imports": form_imports.measure,
    "exports": exports.measure,
    "flows": flows.measure,
    "start": startup.measure,
}


def main(wanted: list[str]) -> int:
    """Run the parts asked for (all without a name); short figures are printed as such, only a failure is an error."""
    unknown = set(wanted) - PARTS.keys()
    if unknown:
        print(f"bench: no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore", message="unknown setting")
    sheet, failed = Sheet("bench"), []
    for name in wanted or PARTS:
        try:
            PARTS[name](sheet)
        except Exception:  # noqa: BLE001 -- one part that fails must not hide the figures of the others
            traceback.print_exc()
            failed.append(name)
    if not wanted:  # a part alone must not replace the figures of a whole run
        sheet.write()
    short = [figure.name for figure in sheet.figures if not figure.good]
    print(f"# {len(sheet.figures)} figures, {len(short)} short: {', '.join(short) or 'none'}")
    if failed:
        print(f"# could not be measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
