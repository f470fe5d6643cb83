#!/usr/bin/env python3
"""Looks at an audit's HTML page as a person would: in headless Chromium, with clicks and typing.

    audit_page.py PAGE [--screenshot FILE.png [--height 4000] [--scale 1]] [--print FILE.pdf]

Standard library and Debian's `chromium` only. Chromium is spoken to by its own protocol over a pipe
(file descriptors 3 and 4, messages end with a zero byte). Exit status: 0 all is as it should be, 1
something is not, 3 there is no Chromium.
"""

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


class Browser:
    """One headless Chromium with one tab."""

    def __init__(self, program: str, profile: str) -> None:
        here_reads, browser_writes = os.pipe()
        browser_reads, here_writes = os.pipe()
        self._out = os.fdopen(here_writes, "wb", buffering=0)
        self._in = os.fdopen(here_reads, "rb", buffering=0)
        self._rest = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

        def descriptors() -> None:
            # 3 and 4 may be the numbers that the pipes have here already.
            reads, writes = os.dup(browser_reads), os.dup(browser_writes)
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        self._process = subprocess.Popen(
            [
                program,
                "--headless",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                f"--user-data-dir={profile}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=descriptors,
        )
        os.close(browser_reads)
        os.close(browser_writes)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session: str | None = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = self._in.read(65536)
            if not more:
                raise SystemExit("chromium ended before it answered")
            self._rest += more
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, event: str) -> None:
        while not any(seen.get("method") == event for seen in self.events):
            self.events.append(self._message())

    def ask(self, expression: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"{expression}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def end(self) -> None:
        self._session = None
        self.call("Browser.close")
        self._process.wait(timeout=20)


def visible(kind: str) -> str:
    return f"[...document.querySelectorAll('[data-kind={kind}]')].filter(e => e.getClientRects().length).length"


def look(browser: Browser, page: Path) -> list[str]:
    wrong: list[str] = []

    def expect(what: str, is_so: bool) -> None:
        if not is_so:
            wrong.append(what)

    for domain in ("Page", "Network", "Runtime", "Log"):
        browser.call(f"{domain}.enable")
    browser.call("Emulation.setDeviceMetricsOverride", width=1440, height=1000, deviceScaleFactor=1, mobile=False)
    browser.call("Page.navigate", url=page.resolve().as_uri())
    browser.wait("Page.loadEventFired")

    rows, findings = browser.ask(visible("access")), browser.ask(visible("finding"))
    total = browser.ask("document.querySelectorAll('[data-kind]').length")
    expect("everything is shown at first", rows + findings == total and rows > 0 and findings > 0)
    expect("the script of the page runs", not browser.ask("document.getElementById('filters').hidden"))
    expect("the style of the page holds", browser.ask("getComputedStyle(document.querySelector('table')).borderCollapse") == "collapse")
    expect("names are text", browser.ask("document.querySelectorAll('main script, main img, main iframe').length") == 0)
    expect("nothing is wider than the page", browser.ask("document.documentElement.scrollWidth <= innerWidth"))

    # Each severity by itself, and together they are all.
    per_severity = {}
    for severity in ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"):
        browser.ask(f"document.querySelector('input[value={severity}]').click()")
        per_severity[severity] = browser.ask(visible("finding"))
        expected = browser.ask(f"document.querySelectorAll('[data-kind=finding][data-severity={severity}]').length")
        expect(f"the filter {severity} shows {expected} findings", per_severity[severity] == expected)
        browser.ask(f"document.querySelector('input[value={severity}]').click()")
    expect("each finding has one severity", sum(per_severity.values()) == findings)

    # Words: both must be there; a hostile name is found like any other.
    type_in = "(words) => { const box = document.querySelector('input[name=text]'); box.value = words; box.dispatchEvent(new Event('input', { bubbles: true })); }"
    name = browser.ask("document.querySelector('[data-kind=access] td.name').firstChild.textContent")
    browser.ask(f"({type_in})({json.dumps(name)})")
    expect("a name is found", 0 < browser.ask(visible("access")) < rows)
    browser.ask(f"({type_in})({json.dumps(name + ' zzzzqqq')})")
    expect("every word must be there", browser.ask(visible("access")) == 0)
    browser.ask("document.querySelector('#filters button').click()")
    browser.ask("new Promise(done => setTimeout(done, 50))")
    expect("`Show all` shows all", browser.ask(visible("access")) == rows)

    # By check, and without a rule.
    code = browser.ask("document.querySelector('#filters select').options[1].value")
    choose = "(code) => { const list = document.querySelector('#filters select'); list.value = code; list.dispatchEvent(new Event('input', { bubbles: true })); }"
    browser.ask(f"({choose})({json.dumps(code)})")
    expected = browser.ask(f"document.querySelectorAll('[data-kind=finding][data-codes={json.dumps(code)}]').length")
    expect(f"{code} has {expected} findings", browser.ask(visible("finding")) == expected > 0)
    browser.ask(f"({choose})('')")
    browser.ask("document.querySelector('input[name=unruled]').click()")
    expected = browser.ask("document.querySelectorAll('[data-kind=access][data-rule=no]').length")
    expect(f"{expected} accesses have no rule", browser.ask(visible("access")) == expected)

    # A link to a finding shows it though the filters hid it.
    link = "document.querySelector('[data-kind=access][data-rule=yes] a.chip[href]')"
    if browser.ask(f"Boolean({link})"):
        target = browser.ask(f"{link}.getAttribute('href').slice(1)")
        browser.ask(f"{link}.click()")
        browser.ask("new Promise(done => setTimeout(done, 100))")
        expect("a linked finding is shown", browser.ask(f"document.getElementById({json.dumps(target)}).getClientRects().length > 0"))
    browser.ask("document.querySelector('#filters button').click()")
    browser.ask("new Promise(done => setTimeout(done, 50))")
    browser.ask("location.hash = ''; scrollTo(0, 0)")

    # What is written into the page cannot run, even if it got there.
    ran = """(() => { const script = document.createElement('script'); script.textContent = 'window.broken = 1';
        document.body.append(script); const image = new Image(); image.src = 'https://192.0.2.1/x.png';
        document.body.append(image); return window.broken === 1; })()"""
    expect("an added script does not run", not browser.ask(ran))
    expect("an added image is not loaded", browser.ask("new Promise(done => setTimeout(() => done(document.querySelector('body > img').naturalWidth), 100))") == 0)
    browser.ask("document.querySelectorAll('body > img, body > script:last-child').forEach(e => e.remove())")
    for event in browser.events:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Page.javascriptDialogOpening":
            wrong.append(f"a dialog opened: {parameters.get('message')}")
        if method == "Network.responseReceived" and not parameters["response"]["url"].startswith("file:"):
            wrong.append(f"it loaded {parameters['response']['url']}")
        if method == "Runtime.exceptionThrown":
            wrong.append(f"a script failed: {parameters['exceptionDetails']['text']}")

    # On paper, no filters.
    browser.call("Emulation.setEmulatedMedia", media="print")
    expect("paper has no filters", browser.ask("document.getElementById('filters').getClientRects().length") == 0)
    expect("paper has every finding", browser.ask(visible("finding")) == findings)
    browser.call("Emulation.setEmulatedMedia", media="")
    print(f"{page.name}: {rows} accesses, {findings} findings, {'as it should be' if not wrong else 'not as it should be'}")
    return wrong


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("page", type=Path)
    arguments.add_argument("--screenshot", type=Path)
    arguments.add_argument("--height", type=int, default=4000, help="of the screenshot, at most")
    arguments.add_argument("--scale", type=float, default=1)
    arguments.add_argument("--print", type=Path, dest="paper")
    options = arguments.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        print("there is no Chromium here: sudo apt-get install chromium", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        wrong = look(browser, options.page)
        if options.screenshot:
            size = browser.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], options.height), "scale": options.scale}
            shot = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
            options.screenshot.write_bytes(base64.b64decode(shot["data"]))
        if options.paper:
            paper = browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
            options.paper.write_bytes(base64.b64decode(paper["data"]))
        browser.end()
    for what in wrong:
        print(f"not so: {what}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
