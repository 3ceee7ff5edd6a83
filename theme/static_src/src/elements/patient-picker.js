// <patient-picker>: a combobox (ARIA 1.2) that finds patients while somebody types and puts the picked one's id into the
// hidden field. Says so by a bubbling "patient-picked" event, {id, text}; id is "" when the choice is taken back.
const WAIT = 120 // ms after the last key

export class PatientPicker extends HTMLElement {
  connectedCallback() {
    if (this.input) return
    this.input = this.querySelector("[role=combobox]")
    this.value = this.querySelector("[data-value]")
    this.listbox = this.querySelector("[data-listbox]")
    // These send the form where there are no scripts; the first of them would also answer the Enter key.
    this.querySelector("[data-find]")?.remove()
    this.querySelector("[data-radios]")?.remove()
    const change = this.querySelector("[data-change]")
    change.type = "button"
    change.addEventListener("click", () => this.pick(null))
    this.input.addEventListener("input", () => this.later())
    this.input.addEventListener("focus", () => this.input.value.trim() && this.later(0))
    this.input.addEventListener("keydown", (event) => this.key(event))
    this.input.addEventListener("blur", () => this.close())
    // Before the field loses the focus to the click.
    this.listbox.addEventListener("mousedown", (event) => event.preventDefault())
    this.listbox.addEventListener("click", (event) => {
      const option = event.target.closest("[data-patient], [data-new]")
      if (option) this.choose(option)
    })
    this.newcomer?.addEventListener("toggle", () => this.newcomer.open && this.carry())
  }

  disconnectedCallback() {
    clearTimeout(this.timer)
    this.request?.abort()
  }

  get options() {
    return [...this.listbox.querySelectorAll("[data-patient]:not([aria-disabled=true]), [data-new]")]
  }

  later(wait = WAIT) {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.search(), wait)
  }

  async search() {
    const text = this.input.value.trim()
    this.request?.abort()
    if (!text) return this.close()
    const request = (this.request = new AbortController())
    try {
      const answer = await fetch(`${this.dataset.options}?${new URLSearchParams({ q: text })}`, {
        headers: { "HX-Request": "true" },
        signal: request.signal,
      })
      if (!answer.ok || answer.headers.has("HX-Redirect")) throw new Error(answer.status)
      const html = await answer.text()
      if (request.signal.aborted) return
      this.listbox.innerHTML = html
      if (!this.newcomer) this.listbox.querySelector("[data-new]")?.remove()
      this.open()
    } catch (error) {
      if (error.name !== "AbortError") this.close()
    }
  }

  open() {
    if (document.activeElement !== this.input) return
    this.listbox.hidden = false
    this.input.setAttribute("aria-expanded", "true")
    // The first one is marked, so that Enter picks it; an arrow down, pressed out of habit, stays on it.
    this.mark(this.options[0])
    this.untouched = true
    this.querySelector("[data-status]").textContent = this.listbox.querySelector(".picker-none")?.textContent ?? ""
  }

  close() {
    clearTimeout(this.timer)
    this.request?.abort()
    this.listbox.hidden = true
    this.input.setAttribute("aria-expanded", "false")
    this.mark(null)
  }

  mark(option) {
    for (const other of this.listbox.querySelectorAll("[aria-selected=true]")) other.setAttribute("aria-selected", "false")
    this.marked = option
    this.untouched = false
    if (!option) return this.input.removeAttribute("aria-activedescendant")
    option.setAttribute("aria-selected", "true")
    option.scrollIntoView({ block: "nearest" })
    this.input.setAttribute("aria-activedescendant", option.id)
  }

  key(event) {
    const open = !this.listbox.hidden
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) {
      event.preventDefault()
      if (!open) return this.later(0)
      const options = this.options
      const at = this.untouched && step > 0 ? -1 : options.indexOf(this.marked)
      if (options.length) this.mark(options.at((at + step) % options.length))
    } else if (event.key === "Enter" && (open || this.input.value.trim())) {
      // Never sends the form from here: what is typed is no patient yet.
      event.preventDefault()
      if (open && this.marked) this.choose(this.marked)
      else this.later(0)
    } else if (event.key === "Escape" && open) {
      event.preventDefault()
      event.stopPropagation() // closes the list, not the panel around it
      this.close()
    }
  }

  choose(option) {
    if (!("new" in option.dataset)) return this.pick(option)
    if (this.newcomer.open) this.carry()
    else this.newcomer.open = true // and its toggle carries
  }

  // The fields of the same form that register somebody, where it has them.
  get newcomer() {
    return this.closest("form")?.querySelector("details.new-patient")
  }

  // What was searched for in vain goes into those fields that are still empty.
  async carry() {
    if (!this.input.value.trim()) return
    if (!this.listbox.querySelector("[data-new]")) await this.search()
    const typed = new URLSearchParams(this.listbox.querySelector("[data-new]")?.dataset.new ?? "")
    const fields = [...this.newcomer.querySelectorAll("input:not([type=hidden])")]
    if (fields.some((field) => field.value)) return
    for (const field of fields) field.value = typed.get(field.name) ?? ""
    this.input.value = ""
    this.close()
    const next = fields.find((field) => !field.value) ?? fields[0]
    next.focus()
    next.dispatchEvent(new Event("input", { bubbles: true })) // asks for duplicates
  }

  pick(option) {
    if (option?.getAttribute("aria-disabled") === "true") return
    const id = option?.dataset.patient ?? ""
    this.value.value = id
    const shown = this.querySelector("[data-shown]")
    shown.replaceChildren(...[...(option?.childNodes ?? [])].map((node) => node.cloneNode(true)))
    this.querySelector(".picker-chosen").hidden = !option
    this.querySelector(".picker-search").hidden = Boolean(option)
    this.input.value = ""
    this.close()
    const text = option?.querySelector("strong")?.textContent ?? ""
    this.querySelector("[data-status]").textContent = text
    if (option) this.querySelector("[data-change]").focus()
    else this.input.focus()
    this.dispatchEvent(new CustomEvent("patient-picked", { bubbles: true, detail: { id, text } }))
  }
}

customElements.define("patient-picker", PatientPicker)
