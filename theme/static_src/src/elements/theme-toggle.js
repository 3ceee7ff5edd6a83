// <theme-toggle>: three buttons, each with value auto, light or dark. The choice stays on this device.
const KEY = "hms-theme"

function read() {
  try {
    return localStorage.getItem(KEY) || "auto"
  } catch {
    return "auto"
  }
}

export class ThemeToggle extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this)
    addEventListener("storage", this)
    this.show(read())
  }

  disconnectedCallback() {
    removeEventListener("storage", this)
  }

  handleEvent(event) {
    if (event.type === "storage") {
      if (event.key === KEY) this.apply(event.newValue || "auto")
      return
    }
    const choice = event.target.closest("button")?.value
    if (!choice) return
    try {
      if (choice === "auto") localStorage.removeItem(KEY)
      else localStorage.setItem(KEY, choice)
    } catch {
      // Kept for this page only.
    }
    this.apply(choice)
  }

  apply(choice) {
    if (choice === "auto") delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = `hms-${choice}`
    this.show(choice)
  }

  show(choice) {
    for (const button of this.querySelectorAll("button")) button.setAttribute("aria-pressed", button.value === choice)
  }
}

customElements.define("theme-toggle", ThemeToggle)
