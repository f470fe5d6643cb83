#!/usr/bin/env python3
"""Looks at an audit's HTML page as a person would: in headless Chromium, with clicks and typing.

    audit_page.py PAGE [--screenshot FILE.png] [--phone FILE.png] [--height 4000] [--scale 1] [--print FILE.pdf]

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
from collections.abc import Callable
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


PHONE = 390
CLEAR = "document.querySelector('#filters button').click(); new Promise(done => setTimeout(done, 50))"
# Where a link lands: its target is seen, nothing lies over its first words.
LANDS = """(async (link) => {
    link.click();
    await new Promise(done => setTimeout(done, 60));
    const target = document.getElementById(link.hash.slice(1)), place = target.getBoundingClientRect();
    const bar = document.getElementById('filters'), stuck = getComputedStyle(bar).position === 'sticky';
    const under = stuck && place.top < bar.getBoundingClientRect().bottom - 1 && bar.getBoundingClientRect().top <= 1;
    return place.height > 0 && place.top >= -1 && place.top < innerHeight && !under;
})"""


def window(browser: Browser, width: int) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=width < 500)


def picture_is_true(browser: Browser, expect: Callable[[str, bool], None], where: str) -> None:
    """Each curve is there, ends at the middle of its row, and all words are seen."""
    curves = browser.ask("document.querySelectorAll('.picture path').length")
    expect(f"{where}: a curve for each line", curves == browser.ask("document.querySelectorAll('.roles li').length") > 0)
    ends = """[...document.querySelectorAll('.party')].every(party => {
        const rows = [...party.querySelectorAll('li')].map(row => row.getBoundingClientRect());
        const paths = [...party.querySelectorAll('path')];
        return paths.every((path, place) => {
            const end = path.getPointAtLength(path.getTotalLength()).matrixTransform(path.getScreenCTM());
            return Math.abs(end.y - (rows[place].top + rows[place].bottom) / 2) < 2 && Math.abs(end.x - rows[place].left) < 2;
        });
    })"""
    expect(f"{where}: curves end at their roles", browser.ask(ends))
    cut = "[...document.querySelectorAll('.picture li, .picture .who')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    expect(f"{where}: no words of the picture are cut", browser.ask(cut) == 0)


def order_and_groups(browser: Browser, expect: Callable[[str, bool], None], rows: int, findings: int) -> None:
    choose = "(name, value) => { const list = document.querySelector(`select[name=${name}]`); list.value = value; list.dispatchEvent(new Event('input', { bubbles: true })); }"
    first = "[...document.querySelectorAll('[data-kind=access]')].map(row => row.id).join()"
    came = browser.ask(first)
    for key in ("party", "role", "used"):
        browser.ask(f"({choose})('sort', '{key}')")
        texts = browser.ask(f"[...document.querySelectorAll('[data-kind=access]')].map(row => row.dataset.{key})")
        in_order = browser.ask(f"(texts => texts.every((text, i) => !i || new Intl.Collator(undefined, {{ numeric: true }}).compare(texts[i - 1], text) <= 0))({json.dumps(texts)})")
        expect(f"sorted by {key}", in_order and len(texts) == rows)
    for key in ("party", "role", "rule", "code"):
        browser.ask(f"({choose})('group', '{key}')")
        headings = "[...document.querySelectorAll('[data-group]')].filter(e => e.getClientRects().length)"
        names = browser.ask(f"{headings}.filter(e => e.tagName === 'TR').map(e => e.textContent)")
        expect(f"each group by {key} has one heading", len(names) == len(set(names)) > 0)
        expect(f"grouped by {key} all is there", browser.ask(visible("access")) == rows and browser.ask(visible("finding")) == findings)
    browser.ask("document.querySelector('input[value=CRITICAL]').click()")
    empty = "[...document.querySelectorAll('[data-group]')].filter(e => e.getClientRects().length && !(e.nextElementSibling && 'kind' in e.nextElementSibling.dataset)).length"
    expect("no group is empty", browser.ask(empty) == 0)
    browser.ask(CLEAR)
    expect("`Show all` gives the first order back", browser.ask(first) == came and browser.ask("document.querySelectorAll('[data-group]').length") == 0)


def links_land(browser: Browser, expect: Callable[[str, bool], None]) -> None:
    links = browser.ask("document.querySelectorAll(\"a[href^='#']\").length")
    dead = browser.ask("[...document.querySelectorAll(\"a[href^='#']\")].filter(a => !document.getElementById(a.hash.slice(1))).map(a => a.hash)")
    expect(f"no link leads nowhere: {dead}", links > 0 and not dead)
    same = """[...document.querySelectorAll('tr a.chip')].every(chip =>
        document.getElementById(chip.hash.slice(1)).dataset.codes === chip.textContent
        && document.getElementById(chip.hash.slice(1)).dataset.role === 'role/' + chip.closest('tr').dataset.role)"""
    expect("a finding of a row is of its role and check", browser.ask(same))
    same = "[...document.querySelectorAll('.picture li a')].every(a => document.getElementById(a.hash.slice(1)).dataset.role === a.textContent)"
    expect("a name of the picture leads to its row", browser.ask(same))
    for chosen in ("nav a", ".picture li a", "tr a.chip", "article a[href^='#']"):
        for end in ("0", "list.length - 1"):
            lands = f"(list => {LANDS}(list[{end}]))([...document.querySelectorAll({json.dumps(chosen)})].filter(a => a.hash))"
            expect(f"{chosen} lands", browser.ask(lands))
            # The same link again, after the page was scrolled away from it.
            browser.ask("scrollTo(0, 0)")
            expect(f"{chosen} lands again", browser.ask(lands))
    browser.ask("history.replaceState(null, '', location.pathname); scrollTo(0, 0)")


def look(browser: Browser, page: Path) -> list[str]:
    wrong: list[str] = []

    def expect(what: str, is_so: bool) -> None:
        if not is_so:
            wrong.append(what)

    for domain in ("Page", "Network", "Runtime", "Log"):
        browser.call(f"{domain}.enable")
    window(browser, 1440)
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
    browser.ask(CLEAR)
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
    browser.ask(CLEAR)
    browser.ask("location.hash = ''; scrollTo(0, 0)")

    picture_is_true(browser, expect, "desk")
    order_and_groups(browser, expect, rows, findings)
    links_land(browser, expect)

    # On a phone: nothing is cut or asks for scrolling aside, and each cell says what it is.
    window(browser, PHONE)
    expect("nothing is wider than a phone", browser.ask("document.documentElement.scrollWidth <= innerWidth") and browser.ask("innerWidth") == PHONE)
    wide = "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
    expect("nothing is cut on a phone", browser.ask(wide) == 0)
    small = "[...document.querySelectorAll('main *')].filter(e => e.children.length === 0 && e.textContent.trim() && parseFloat(getComputedStyle(e).fontSize) < 11).length"
    expect("all letters are large enough for a phone", browser.ask(small) == 0)
    expect("cells have their headings", browser.ask("getComputedStyle(document.querySelector('td'), '::before').content") == '"Role"')
    picture_is_true(browser, expect, "phone")
    links_land(browser, expect)
    window(browser, 1440)

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
    picture_is_true(browser, expect, "paper")
    browser.call("Emulation.setEmulatedMedia", media="")
    print(f"{page.name}: {rows} accesses, {findings} findings, {'as it should be' if not wrong else 'not as it should be'}")
    return wrong


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("page", type=Path)
    arguments.add_argument("--screenshot", type=Path)
    arguments.add_argument("--height", type=int, default=4000, help="of the screenshot, at most")
    arguments.add_argument("--scale", type=float, default=1)
    arguments.add_argument("--phone", type=Path, help="a screenshot at the width of a phone")
    arguments.add_argument("--print", type=Path, dest="paper")
    options = arguments.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        print("there is no Chromium here: sudo apt-get install chromium", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        wrong = look(browser, options.page)
        for file, width in ((options.screenshot, 1440), (options.phone, PHONE)):
            if file:
                window(browser, width)
                height = min(browser.call("Page.getLayoutMetrics")["cssContentSize"]["height"], options.height)
                clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": options.scale}
                shot = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
                file.write_bytes(base64.b64decode(shot["data"]))
        if options.paper:
            paper = browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
            options.paper.write_bytes(base64.b64decode(paper["data"]))
        browser.end()
    for what in wrong:
        print(f"not so: {what}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
