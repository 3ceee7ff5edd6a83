"""A patient's phone: small, pressed with a finger, and with an authenticator that Chromium plays."""

from playwright.sync_api import expect

from e2e.desk import violations

# Themes and widths in which axe sees a page: both of each, without every pair of them.
SCREENS = [("light", 360), ("dark", 1440)]
PHONE = {"width": 360, "height": 740}
# Whatever stands alone is as high as a finger; a link within a sentence need not be (WCAG 2.5.5).
LOW = """() => [...document.querySelectorAll(
    "main a, main button, main summary, main input:not([type=hidden]), main select, main textarea"
)].filter((e) => {
    const label = e.type === "checkbox" || e.type === "radio" ? e.closest("label") ?? e.parentElement : null
    const high = (label ?? e).getBoundingClientRect().height
    const alone = e.parentElement.textContent.trim() === e.textContent.trim()
    return high > 0 && high < 43.5 && (alone || getComputedStyle(e).display !== "inline")
}).map((e) => e.outerHTML.slice(0, 160))"""
KEY = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def faults(page, *, by_finger=True):
    """What axe finds wrong with the page as it is now, what is too low for a finger, whether anything is cut off."""
    width = page.viewport_size["width"]
    found = violations(page)
    if by_finger and width < 600:
        found += [f"too low: {e}" for e in page.evaluate(LOW)]
    if page.evaluate("document.documentElement.scrollWidth") > width:
        found.append("wider than the window")
    return found


class Phone:
    """A page whose browser has an authenticator, at the name that passkeys need."""

    def __init__(self, page, live_hms):
        self.page = page
        self.base = live_hms.url.replace("127.0.0.1", "localhost")
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        self.key = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})["authenticatorId"]

    def open(self, path):
        self.page.goto(self.base + path)

    def press(self, name, then):
        self.page.get_by_role("button", name=name).click()
        expect(self.page.locator("h1")).to_have_text(then)

    def recognises(self, whether):
        """Whether the finger on the phone is the right one."""
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.key, "isUserVerified": whether})

    def sign_in(self, live_hms, user):
        self.page.context.clear_cookies()
        for name, value in live_hms.sign_in(user).items():
            self.page.context.add_cookies([{"name": name, "value": value, "url": self.base}])
