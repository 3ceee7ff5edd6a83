// <command-palette>: Ctrl+K finds a patient, a page or an action from anywhere. Pages are the links of the navigation and
// those in its <template>; patients come from the address in data-options, each leading to data-patient + id + "/".
const WAIT = 120 // ms after the last key

class CommandPalette extends HTMLElement {
  #timer
  #request

  connectedCallback() {
    this.dialog = this.querySelector("dialog")
    this.input = this.querySelector("input")
    this.list = this.querySelector("[role=listbox]")
    document.addEventListener("keydown", this.#open)
    this.input.addEventListener("input", () => this.#show())
    this.input.addEventListener("keydown", (event) => this.#key(event))
    this.list.addEventListener("click", (event) => this.#go(event.target.closest("[role=option]")))
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close())
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#open)
  }

  #open = (event) => {
    if (event.key?.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return
    event.preventDefault()
    this.input.value = ""
    if (!this.dialog.open) this.dialog.showModal()
    this.#show()
    this.input.focus()
  }

  get #pages() {
    const links = [...document.querySelectorAll(".nav a"), ...this.querySelector("template").content.querySelectorAll("a")]
    return links.map((link) => ({ text: link.textContent.trim(), href: link.getAttribute("href") }))
  }

  #show() {
    const typed = this.input.value.trim()
    const words = typed.toLowerCase().split(/\s+/)
    const pages = this.#pages.filter((page) => words.every((word) => page.text.toLowerCase().includes(word)))
    this.list.replaceChildren(...pages.map((page) => this.#option(page.href, page.text)))
    this.#choose(0)
    clearTimeout(this.#timer)
    this.#request?.abort()
    if (typed.length > 1) this.#timer = setTimeout(() => this.#patients(typed), WAIT)
  }

  async #patients(typed) {
    const request = (this.#request = new AbortController())
    const url = `${this.dataset.options}?${new URLSearchParams({ q: typed })}`
    const answer = await fetch(url, { headers: { "HX-Request": "true" }, signal: request.signal }).catch(() => null)
    if (!answer?.ok || answer.headers.has("HX-Redirect")) return
    const html = new DOMParser().parseFromString(await answer.text(), "text/html")
    if (request.signal.aborted) return
    for (const found of html.querySelectorAll("[data-patient]")) {
      const option = this.#option(`${this.dataset.patient}${found.dataset.patient}/`)
      option.append(...found.childNodes)
      this.list.append(option)
    }
    this.#choose(Math.max(this.#at, 0))
  }

  #option(href, text = "") {
    const option = document.createElement("div")
    option.role = "option"
    option.className = "picker-option"
    option.dataset.href = href
    option.textContent = text
    return option
  }

  get #options() {
    return [...this.list.children]
  }

  get #at() {
    return this.#options.findIndex((option) => option.ariaSelected === "true")
  }

  #choose(index) {
    this.#options.forEach((option, i) => {
      option.id = `command-${i}`
      option.ariaSelected = String(i === index)
    })
    const chosen = this.#options[index]
    chosen?.scrollIntoView({ block: "nearest" })
    if (chosen) this.input.setAttribute("aria-activedescendant", chosen.id)
    else this.input.removeAttribute("aria-activedescendant")
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) {
      event.preventDefault()
      this.#choose(Math.min(Math.max(this.#at + step, 0), this.#options.length - 1))
    } else if (event.key === "Enter") {
      event.preventDefault()
      this.#go(this.#options[this.#at])
    }
  }

  #go(option) {
    if (option) location.href = option.dataset.href
  }
}

customElements.define("command-palette", CommandPalette)
