"""Reads calendar files with python's icalendar and recurring-ical-events, and answers what they say.

One JSON object a line: `text`, the file; with `hours`, two instants in seconds, every VTIMEZONE is asked for
its offset each half hour between them, and what zoneinfo says otherwise is answered. `between`, two
instants in seconds: how many events recurring-ical-events finds there.

The zones of the file are renamed before its events are read: a name that Python knows would be looked up
in its own tables, and it would never be seen whether the file is right by itself.
"""

import datetime
import json
import sys
import zoneinfo

import icalendar
import recurring_ical_events

UTC = datetime.timezone.utc


def seconds(moment):
    if not isinstance(moment, datetime.datetime) or moment.tzinfo is None:
        raise ValueError(f"{moment!r} is no instant")
    return int(moment.timestamp())


def renamed(text):
    for zone in icalendar.Calendar.from_ical(text).walk("VTIMEZONE"):
        name = str(zone["TZID"])
        text = text.replace(f"TZID:{name}", "TZID:Own " + name).replace(f"TZID={name}:", f'TZID="Own {name}":')
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
    name = str(component["TZID"])
    told, known = component.to_tz(lookup_tzid=False), zoneinfo.ZoneInfo(name)
    at, end = (datetime.datetime.fromtimestamp(hour, UTC) for hour in hours)
    while at < end:
        ours, theirs = at.astimezone(told).utcoffset(), at.astimezone(known).utcoffset()
        if ours != theirs:
            yield f"{name} {at}: {ours}, not {theirs}"
        at += datetime.timedelta(minutes=30)


def answer(asked):
    text = asked["text"]
    shape(text)
    calendar = icalendar.Calendar.from_ical(text)
    own = icalendar.Calendar.from_ical(renamed(text))
    assert calendar.errors == [] and all(not part.errors for part in calendar.walk()), "errors"
    events = [event(part) for part in own.walk("VEVENT")]
    assert [event(part) for part in calendar.walk("VEVENT")] == events, "names and rules differ"
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
