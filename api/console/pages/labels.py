"""Labels as one types them: `name="value"`, one a line or with commas between, and `name=value` where that is quicker."""

from alerts.routing.matchers import parse_matchers
from core.errors import Invalid


def read_labels(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines():
        for each in parse_matchers(line) if line.strip() else []:
            if each.op != "=":
                raise Invalid(f'{each} is a condition; an alert has labels: name="value".', field="labels")
            found[each.name] = each.value
    return found
