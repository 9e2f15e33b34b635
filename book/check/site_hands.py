"""What a page lets its reader move, moved by keyboard: dials, hints, what is folded."""

DIAL = """dial => ({
  words: dial.querySelector('output').textContent,
  said: dial.querySelector('input').getAttribute('aria-valuetext'),
  name: dial.querySelector('svg').getAttribute('aria-label'),
  seen: [...dial.querySelectorAll('.stop')]
    .filter((stop) => getComputedStyle(stop).display !== 'none')
    .map((stop) => stop.dataset.stop).join(),
})"""


async def operate(page) -> list[str]:
    """Faults of what can be operated on a page; it is left as it was found."""
    faults = []
    for number in range(await page.locator(".dial:has(input)").count()):
        faults += await _dial(page, page.locator(".dial:has(input)").nth(number))
    if await page.locator(".hinted > a").count():
        faults += await _hint(page, page.locator(".hinted").first)
    for kind in (".cell details", "table details", "details.sd-dropdown"):
        if await page.locator(f"{kind} > summary").count():
            faults += await _fold(page, page.locator(kind).first)
    return faults


async def _dial(page, dial) -> list[str]:
    """From one end to the other each of words, name and picture has to change."""
    slider = dial.locator("input")
    if not await slider.is_visible():
        return ["a dial without its slider"]
    start = await slider.input_value()
    await slider.focus()
    ends = []
    for key in ("Home", "End"):
        await page.keyboard.press(key)
        ends.append(await dial.evaluate(DIAL))
    await page.keyboard.press("ArrowLeft")
    ends.append(await dial.evaluate(DIAL))
    await slider.fill(start)
    await slider.blur()
    stuck = {part for part in ends[0] if len({end[part] for end in ends[:2]}) < 2}
    stuck |= {part for part in ends[1] if len({end[part] for end in ends[1:]}) < 2}
    return [f"a dial whose {part} does not change: {ends[0]['name'][:60]}" for part in stuck]


async def _hint(page, place) -> list[str]:
    """It comes with the focus and goes with Escape."""
    hint = place.locator('[role="tooltip"]')
    await place.locator("a").focus()
    came = await hint.is_visible() and bool((await hint.text_content() or "").strip())
    await page.keyboard.press("Escape")
    went = not await hint.is_visible()
    await place.locator("a").blur()
    return [] if came and went else ["the hint of a term does not come with focus, go with Escape"]


async def _fold(page, details) -> list[str]:
    """Enter on its summary, which has words, opens it and closes it again."""
    summary = details.locator("summary")
    states = []
    await summary.focus()
    for _ in range(2):
        await page.keyboard.press("Enter")
        states.append(await details.evaluate("e => e.open"))
    await summary.blur()
    named = (await summary.inner_text()).strip()
    return (
        [] if states == [True, False] and named else [f"a fold the keyboard does not move: {named}"]
    )
