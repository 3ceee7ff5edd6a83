// Small things of the day's page.

// <auto-submit>: a filter form sends itself when something is chosen; the button inside is for browsers without scripts.
class AutoSubmit extends HTMLElement {
  connectedCallback() {
    this.hidden = true
    const form = this.closest("form")
    let typing = false // a date changes at every key; it is sent by Enter, or when its field is left
    form.addEventListener("pointerdown", () => (typing = false))
    form.addEventListener("keydown", () => (typing = true))
    form.addEventListener("focusout", (event) => {
      if (event.target.type === "date" && event.target.value !== event.target.defaultValue) send()
    })
    form.addEventListener("change", (event) => (event.target.type === "date" && typing) || send())
    const send = () => {
      for (const field of form.elements) if (field.name && !field.value) field.disabled = true // a short address
      form.submit()
    }
  }
}

// <zoom-choice>: the board's row height, kept in a cookie that the server reads: no jump when the page comes.
const ZOOMS = ["24", "32", "48"]

class ZoomChoice extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const step = Number(event.target.closest("[data-step]")?.dataset.step)
      if (step) this.#set(ZOOMS[ZOOMS.indexOf(this.dataset.zoom) + step])
    })
    this.#show()
  }

  #set(zoom) {
    if (!zoom) return
    this.dataset.zoom = zoom
    document.cookie = `hms-zoom=${zoom}; path=/; max-age=31536000; samesite=lax`
    const scroll = document.querySelector(".board-scroll")
    const part = scroll.scrollTop / scroll.scrollHeight
    document.getElementById("board").className = `board zoom-${zoom}`
    scroll.scrollTop = part * scroll.scrollHeight
    this.#show()
    dispatchEvent(new Event("resize"))
  }

  #show() {
    for (const button of this.querySelectorAll("button")) {
      button.disabled = !ZOOMS[ZOOMS.indexOf(this.dataset.zoom) + Number(button.dataset.step)]
    }
  }
}

// <shortcut-switch>: single-key shortcuts can be turned off (WCAG 2.1.4).
class ShortcutSwitch extends HTMLElement {
  connectedCallback() {
    const box = this.querySelector("input")
    box.checked = localStorage.getItem("shortcuts") !== "off"
    this.#apply(box.checked)
    box.addEventListener("change", () => {
      localStorage.setItem("shortcuts", box.checked ? "on" : "off")
      this.#apply(box.checked)
    })
  }

  #apply(on) {
    document.documentElement.dataset.shortcuts = on ? "on" : "off"
  }
}

// <display-screen>: a wall screen gets its page again when the stream says so, and starts over when it was ended
// (revoked: the page is gone; midnight: another day).
class DisplayScreen extends HTMLElement {
  connectedCallback() {
    document.addEventListener("live:resync", () =>
      window.htmx.ajax("GET", location.href, { target: "#display", select: "#display", swap: "outerMorph" }),
    )
    document.addEventListener("live:ended", () => setTimeout(() => location.reload(), 1000))
  }
}

customElements.define("auto-submit", AutoSubmit)
customElements.define("zoom-choice", ZoomChoice)
customElements.define("shortcut-switch", ShortcutSwitch)
customElements.define("display-screen", DisplayScreen)
