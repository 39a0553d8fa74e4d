"""Reads calendar files with python's icalendar and recurring-ical-events, and answers what they say.

One JSON object a line: `text`, the file; with `hours`, two instants in seconds, every VTIMEZONE is asked for
its offsets between them, and what zoneinfo says otherwise is answered. `between`, two
instants in seconds: how many events recurring-ical-events finds there.

The zones of the file are renamed before its events are read: a name that Python knows would be looked up
in its own tables, and it would never be seen whether the file is right by itself.
"""

import datetime
import itertools
import json
import sys
import zoneinfo

import icalendar
import recurring_ical_events

UTC = datetime.timezone.utc
FILES = itertools.count()
SIX_HOURS = 6 * 3600


def seconds(moment):
    if not isinstance(moment, datetime.datetime) or moment.tzinfo is None:
        raise ValueError(f"{moment!r} is no instant")
    return int(moment.timestamp())


def renamed(text):
    # Another name in each file: icalendar keeps the rules of a name it has seen before.
    prefix = f"Own {next(FILES)} "
    for zone in icalendar.Calendar.from_ical(text).walk("VTIMEZONE"):
        name = str(zone["TZID"])
        text = text.replace(f"TZID:{name}", f"TZID:{prefix}{name}")
        text = text.replace(f"TZID={name}:", f'TZID="{prefix}{name}":')
    return text


def shape(text):
    """What no parser would complain of."""
    assert text.endswith("\r\n"), "the last line does not end"
    assert "\n" not in text.replace("\r\n", ""), "a bare line feed"
    assert "\r" not in text.replace("\r\n", ""), "a bare carriage return"
    for line in text.encode().split(b"\r\n"):
        assert len(line) <= 75, line
        line.decode()


def event(component):
    return {
        "uid": str(component["UID"]),
        "sequence": int(component["SEQUENCE"]),
        "status": str(component["STATUS"]),
        "transp": str(component["TRANSP"]),
        "summary": str(component["SUMMARY"]),
        "description": str(component.get("DESCRIPTION", "")),
        "start": seconds(component["DTSTART"].dt),
        "end": seconds(component["DTEND"].dt),
        "wall": str(component["DTSTART"].dt.replace(tzinfo=None)),
        "stamp": seconds(component["DTSTAMP"].dt),
        "created": seconds(component["CREATED"].dt),
        "modified": seconds(component["LAST-MODIFIED"].dt),
    }


def periods(component):
    lines = component.get("FREEBUSY", [])
    for line in lines if isinstance(lines, list) else [lines]:
        for period in getattr(line, "dts", [line]):
            kind = str(line.params.get("FBTYPE", "BUSY"))
            yield {"kind": kind, "start": seconds(period.start), "end": seconds(period.end)}


def free_busy(component):
    return {
        "uid": str(component["UID"]),
        "start": seconds(component["DTSTART"].dt),
        "end": seconds(component["DTEND"].dt),
        "periods": list(periods(component)),
    }


def differences(component, hours):
    """Every six hours, and every ten minutes of six hours in which the clock was changed."""
    name = str(component["TZID"])
    told, known = component.to_tz(lookup_tzid=False), zoneinfo.ZoneInfo(name)
    before = None
    for at in range(hours[0], hours[1], SIX_HOURS):
        now = offsets(at, told, known)
        fine = range(at - SIX_HOURS, at, 600) if before not in (None, now) else []
        for moment in [*fine, at]:
            ours, theirs = offsets(moment, told, known)
            if ours != theirs:
                yield f"{name} {moment}: {ours}, not {theirs}"
        before = now


def offsets(at, *zones):
    moment = datetime.datetime.fromtimestamp(at, UTC)
    return tuple(moment.astimezone(zone).utcoffset() for zone in zones)


def answer(asked):
    text = asked["text"]
    shape(text)
    calendar = icalendar.Calendar.from_ical(text)
    own = icalendar.Calendar.from_ical(renamed(text))
    assert calendar.errors == [] and all(not part.errors for part in calendar.walk()), "errors"
    events = [event(part) for part in own.walk("VEVENT")]
    by_name = [event(part) for part in calendar.walk("VEVENT")]
    unequal = [(one, other) for one, other in zip(by_name, events) if one != other]
    assert not unequal, f"names and rules differ: {unequal[:3]}"
    found = {
        "name": str(calendar.get("NAME", "")),
        "zones": [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")],
        "events": events,
        "free_busy": [free_busy(part) for part in calendar.walk("VFREEBUSY")],
    }
    if "hours" in asked:
        zones = calendar.walk("VTIMEZONE")
        found["differences"] = [it for zone in zones for it in differences(zone, asked["hours"])][:5]
    if "between" in asked:
        first, last = (datetime.datetime.fromtimestamp(at, UTC) for at in asked["between"])
        found["between"] = len(recurring_ical_events.of(calendar).between(first, last))
    return found


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
