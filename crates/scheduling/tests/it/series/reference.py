"""The first occurrences of rules by python-dateutil, on naive times.

Reads a JSON object a line, {"start": …, "rule": …}; writes one a line, {"walls": […], "more": …}:
what starts within 24 months, 400 at most, and whether there is a 401st.
"""

import datetime
import json
import sys
import types

from dateutil import rrule
from dateutil.relativedelta import relativedelta

MOST = 400

# A rule that matches nothing is otherwise walked to the year 9999.
rrule.datetime = types.SimpleNamespace(**{**vars(datetime), "MAXYEAR": 2040})


def occurrences(start, text):
    line, *others = text.split("\n")
    # UNTIL as a date is the whole date here, midnight there.
    parts = []
    for part in line.split(";"):
        if part.startswith("UNTIL=") and "T" not in part.removeprefix("UNTIL="):
            part += "T235959"
        parts.append(part)
    dates = {other.partition(":")[2] for other in others if "VALUE=DATE:" in other}
    times = [other for other in others if "VALUE=DATE:" not in other]
    rule = rrule.rrulestr("\n".join(["RRULE:" + ";".join(parts), *times]), dtstart=start)
    limit = start + relativedelta(months=24)
    walls = []
    for wall in rule:
        if wall >= limit:
            return walls, False
        if wall.strftime("%Y%m%d") in dates:
            continue
        if len(walls) == MOST:
            return walls, True
        walls.append(wall)
    return walls, False


for line in sys.stdin:
    case = json.loads(line)
    walls, more = occurrences(datetime.datetime.fromisoformat(case["start"]), case["rule"])
    print(json.dumps({"walls": [wall.isoformat() for wall in walls], "more": more}))
