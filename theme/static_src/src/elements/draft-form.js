// <draft-form id="…"> around the form of a draft: each change is saved in place by the form's hx-post, upon "save".
// One request is under way at a time, and the next one reads the fields when it is sent: with the version that the last
// answer brought, and without the new line that it has saved. A button pressed meanwhile waits for its turn.
class DraftForm extends HTMLElement {
  #sent = null
  #next = null // "save", or the button that was pressed

  connectedCallback() {
    this.addEventListener("change", this.#changed)
    this.addEventListener("submit", this.#submitted, true) // before htmx hears of it
    this.addEventListener("htmx:before:request", this.#asked)
    this.addEventListener("htmx:finally:request", this.#answered)
  }

  disconnectedCallback() {
    this.removeEventListener("change", this.#changed)
    this.removeEventListener("submit", this.#submitted, true)
    this.removeEventListener("htmx:before:request", this.#asked)
    this.removeEventListener("htmx:finally:request", this.#answered)
  }

  get #form() {
    return this.querySelector("form")
  }

  #changed = () => {
    if (this.#sent) this.#next ||= "save"
    else this.#form.dispatchEvent(new Event("save"))
  }

  #submitted = (event) => {
    if (!this.#sent) return
    event.preventDefault()
    event.stopPropagation()
    this.#next = event.submitter || "save"
  }

  #asked = () => {
    this.#sent = new FormData(this.#form)
  }

  #answered = (event) => {
    const [sent, next, status] = [this.#sent, this.#next, event.detail.ctx.response?.status ?? 0]
    this.#sent = this.#next = null
    if (!this.#form) return
    if (status === 200) this.#emptyNewLine(sent)
    // Not after a refusal that somebody should read first.
    if (!next || status === 409 || status === 0) return
    if (next === "save") this.#form.dispatchEvent(new Event("save"))
    else this.#form.requestSubmit(this.#form.querySelector(`button[name="${next.name}"][value="${next.value}"]`))
  }

  // What was saved is a line of its own now; what was typed since stays.
  #emptyNewLine(sent) {
    for (const field of this.#form.querySelectorAll("input[name^='new-']")) {
      if (field.value === sent.get(field.name)) field.value = field.defaultValue
    }
  }
}

customElements.define("draft-form", DraftForm)
