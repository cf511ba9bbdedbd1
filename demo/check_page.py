# SPDX-License-Identifier: Apache-2.0
"""Use everything on the demo's page in a headless Chromium."""

import json

import browser

# The expected status after each button, by card.
EXPECTED = {
    "card-user": {"Call": "422", "Ada": "200", "Agner": "200", "nobody": "404"}
    | {"not a number": "422"},
    "card-sync": {"Call": "404", "Grace": "200", "Erna": "200", "nobody": "404"},
    "card-fanout": {"Call": "422", "10": "200", "1,000": "200", "10,000": "200", "none": "422"},
    "card-slow": {"Call": "504", "in time": "200", "too late": "504"},
    "card-fail": {"Call": "502", "error": "502", "throw": "502", "exit": "502", "kill": "502"}
    | {"undefined": "502"},
}


class PageProblem(Exception):
    """The page did not work as expected."""


async def check_page(chromium: str, url: str, width: int, height: int) -> str:
    async with browser.opened(chromium) as page:
        await page.show(url, width, height)
        await page.wait_for("document.documentElement.dataset.ready === 'yes'")
        await page.wait_for("document.querySelectorAll('.state[data-state=open]').length === 3")
        clicks = await click_all_calls(page)
        await converse(page)
        await keep_busy(page)
        shown = await page.run("document.querySelector('#total').textContent")
        wide = await page.run("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            raise PageProblem(f"{wide} pixels wider than the window")
        if page.problems:
            raise PageProblem(page.problems)
        return f"{clicks} buttons clicked, both conversations held, {shown} calls shown live"


async def click_all_calls(page: browser.Page) -> int:
    """Click every button of every card; the answer's status must be the expected one."""
    clicks = 0
    for card, buttons in EXPECTED.items():
        found = await page.run(
            f"[...document.querySelectorAll('#{card} button')].map(b => b.textContent)"
        )
        if set(found) != set(buttons):
            raise PageProblem(f"{card} has the buttons {found}")
        # The presets come first: "Call" then repeats the last preset.
        for text in [*found[1:], found[0]]:
            status = await click_call(page, card, text)
            if not status.startswith(buttons[text]):
                raise PageProblem(f"{card}, {text}: {status}, not {buttons[text]}")
            clicks += 1
    return clicks


async def click_call(page: browser.Page, card: str, text: str) -> str:
    await page.run(
        f"[...document.querySelectorAll('#{card} button')]"
        f".find(b => b.textContent === {json.dumps(text)}).click()"
    )
    tone = f"document.querySelector('#{card} .answer').dataset.tone"
    await page.wait_for(f"!['busy', 'empty'].includes({tone})")
    await page.wait_for(f"!document.querySelector('#{card} .go').disabled")
    status: str = await page.run(
        f"document.querySelector('#{card} [data-part=status]').textContent"
    )
    return status


async def converse(page: browser.Page) -> None:
    """Send a message in both conversations; Erlang's part of each must appear."""
    for talk, name in (("talk-ws", "theirs"), ("talk-chat", "mine")):
        await page.run(
            f"(() => {{ const form = document.querySelector('#{talk}');"
            " form.elements.text.value = 'never odd or even';"
            " form.querySelector('.go').click() })()"
        )
        await page.wait_for(
            f"document.querySelector('#{talk} .{name} small')"
            "?.textContent.includes('4 words, by <')"
        )


async def keep_busy(page: browser.Page) -> None:
    """The live strip must show the calls of "Keep it busy", which stops on request."""
    await page.run("document.querySelector('#busy').click()")
    await page.wait_for(
        "Number(document.querySelector('#rate').textContent.replace(',', '')) > 100"
    )
    await page.run("document.querySelector('#busy').click()")
    await page.wait_for("document.querySelector('#busy').getAttribute('aria-pressed') === 'false'")
