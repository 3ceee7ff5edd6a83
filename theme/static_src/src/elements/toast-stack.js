// <toast-stack> holds <toast-message>s. A success leaves by itself, an error stays until it is closed.
const STAYS = 6000 // ms
const STAYS_WITH_UNDO = 10_000

export class ToastStack extends HTMLElement {
  // For scripts: say something. kind: success, info, warning or error.
  say(text, kind = "success") {
    const toast = document.createElement("toast-message")
    toast.className = `toast-${kind}`
    const p = document.createElement("p")
    p.textContent = text
    toast.append(p)
    this.append(toast)
    return toast
  }
}

export class ToastMessage extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", this.lasting ? "alert" : "status")
    this.replaceOlder()
    if (!this.querySelector("[data-close]")) this.append(this.closeButton())
    this.addEventListener("click", (event) => event.target.closest("[data-close]") && this.remove())
    // An action inside (Undo) has been taken: what the message said no longer holds.
    this.addEventListener("htmx:finally:request", () => this.remove())
    if (this.lasting) return
    this.left = this.querySelector("[formaction]") ? STAYS_WITH_UNDO : STAYS
    this.run()
    // Reading it, or reaching for Undo, takes the time it takes.
    for (const name of ["pointerenter", "focusin"]) this.addEventListener(name, () => this.pause())
    for (const name of ["pointerleave", "focusout"]) this.addEventListener(name, () => this.run())
  }

  disconnectedCallback() {
    clearTimeout(this.timer)
  }

  // What was said of the same thing before no longer holds, and its Undo would meet another state.
  replaceOlder() {
    const { about } = this.dataset
    if (!about) return
    for (const other of [...this.parentElement.children]) if (other !== this && other.dataset.about === about) other.remove()
  }

  get lasting() {
    return this.classList.contains("toast-error") || this.classList.contains("toast-warning")
  }

  run() {
    clearTimeout(this.timer)
    this.since = Date.now()
    this.timer = setTimeout(() => this.remove(), this.left)
  }

  pause() {
    clearTimeout(this.timer)
    this.left = Math.max(2000, this.left - (Date.now() - this.since))
  }

  closeButton() {
    const button = document.createElement("button")
    button.type = "button"
    button.dataset.close = ""
    button.textContent = "×"
    button.setAttribute("aria-label", this.closest("toast-stack")?.dataset.closeLabel || "Close")
    return button
  }
}

customElements.define("toast-stack", ToastStack)
customElements.define("toast-message", ToastMessage)
