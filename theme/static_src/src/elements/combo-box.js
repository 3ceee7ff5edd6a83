// <combo-box>: a field, and below it a list of what is typed in it may mean (ARIA 1.2: combobox with a listbox).
//
// The list is the server's: the field has hx-get, hx-target="next [data-list]" and hx-trigger="input changed delay:150ms,
// ask". Its role is in the page already: htmx gives what it swaps in, and has an id, back the attributes that were sent. Options are buttons (or [data-option]) that do something when they are clicked; a key
// that chooses one clicks it. Without scripts they are the same buttons, below a [data-find] button that sends the form.
//
// With the attribute "first" the first option is marked at once, and Enter takes it; otherwise Enter sends what is typed
// unless an arrow has marked one.
const OPTION = "button, [data-option]"

class ComboBox extends HTMLElement {
  #wanted = false // an answer opens the list
  #asking = false // what is typed is not answered yet
  #take = false // Enter came before the answer
  #marked = null

  connectedCallback() {
    if (this.field) return
    this.field = this.querySelector("input:not([type=hidden])")
    this.list = this.querySelector("[data-list]")
    this.querySelector("[data-find]")?.remove()
    this.list.setAttribute("role", "listbox")
    this.list.id = `${this.field.id}-list`
    this.close()
    this.field.addEventListener("input", () => this.#typed())
    this.field.addEventListener("keydown", (event) => this.#key(event))
    this.field.addEventListener("click", () => this.list.hidden && this.#ask())
    this.field.addEventListener("blur", () => this.close())
    // The field keeps the focus, so that the list is still there when the click comes.
    this.list.addEventListener("mousedown", (event) => event.preventDefault())
    this.list.addEventListener("click", (event) => event.target.closest(OPTION) && this.close())
    new MutationObserver(() => this.#answered()).observe(this.list, { childList: true })
  }

  get options() {
    return [...this.list.querySelectorAll(OPTION)].filter((option) => option.getAttribute("aria-disabled") !== "true")
  }

  close() {
    this.#wanted = this.#take = false
    this.list.hidden = true
    this.field.setAttribute("aria-expanded", "false")
    this.#mark(null)
  }

  #ask() {
    this.#wanted = true
    this.field.dispatchEvent(new Event("ask"))
  }

  #typed() {
    this.#wanted = this.#asking = true
    this.#take = false
    this.#mark(null)
  }

  #answered() {
    this.#asking = false
    this.list.querySelectorAll(OPTION).forEach((option, n) => {
      option.setAttribute("role", "option")
      option.setAttribute("aria-selected", "false")
      option.tabIndex = -1
      option.id ||= `${this.list.id}-${n}`
    })
    if (this.list.contains(this.#marked)) this.#marked.setAttribute("aria-selected", "true")
    if (!this.#wanted || document.activeElement !== this.field) return
    const [first] = this.options
    if (this.#take && first) return first.click()
    this.list.hidden = !this.list.firstElementChild
    this.field.setAttribute("aria-controls", this.list.id)
    this.field.setAttribute("aria-expanded", String(!this.list.hidden))
    if (this.hasAttribute("first")) this.#mark(first)
    const say = this.querySelector("[data-status]")
    say.textContent = first ? say.dataset.status.replace("%s", this.options.length) : this.list.textContent.trim()
  }

  #mark(option) {
    this.#marked?.setAttribute("aria-selected", "false")
    this.#marked = option ?? null
    if (!option) return this.field.removeAttribute("aria-activedescendant")
    option.setAttribute("aria-selected", "true")
    option.scrollIntoView({ block: "nearest" })
    this.field.setAttribute("aria-activedescendant", option.id)
  }

  #key(event) {
    const open = !this.list.hidden
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (event.isComposing) return
    if (step) {
      event.preventDefault()
      if (!open) return this.#ask()
      if (event.altKey) return step < 0 && this.close()
      const options = this.options
      const at = options.indexOf(this.#marked)
      if (options.length) this.#mark(options.at(at < 0 && step < 0 ? -1 : (at + step) % options.length))
    } else if (event.key === "Enter" && open && this.#marked) {
      event.preventDefault()
      this.#marked.click()
    } else if (event.key === "Enter" && this.#asking && this.hasAttribute("first")) {
      event.preventDefault()
      this.#take = true
    } else if (event.key === "Escape" && this.closest("dialog")) {
      event.preventDefault() // a search field would only be emptied, and its list opened anew
      this.closest("dialog").close()
    } else if (event.key === "Escape" && open) {
      event.preventDefault()
      event.stopPropagation() // closes the list, not what is around it
      this.close()
    } else if (event.key === "Home" || event.key === "End") {
      this.#mark(null) // back in the text, where the browser moves the cursor
    }
  }
}

customElements.define("combo-box", ComboBox)
