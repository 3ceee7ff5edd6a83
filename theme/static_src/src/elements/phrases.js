// <phrase-expander data-texts="/address/">: inside a note, ".word" and a space or Enter becomes the phrase; F2 jumps to
// the next *** and marks it. A [data-phrases] button, and the key ? while nobody types, open the <dialog> with all of
// them in a <combo-box>; the chosen one is written where the cursor was. Works on every textarea in it, beside
// <auto-save>, which sees an ordinary input event.
class PhraseExpander extends HTMLElement {
  #texts = null
  #field = null // where was written last

  connectedCallback() {
    this.addEventListener("focusin", this.#entered)
    this.addEventListener("input", this.#typed)
    this.addEventListener("keydown", this.#key)
    this.addEventListener("click", this.#click)
    document.addEventListener("keydown", this.#asked)
  }

  disconnectedCallback() {
    this.removeEventListener("focusin", this.#entered)
    this.removeEventListener("input", this.#typed)
    this.removeEventListener("keydown", this.#key)
    this.removeEventListener("click", this.#click)
    document.removeEventListener("keydown", this.#asked)
  }

  #entered = (event) => {
    if (!event.target.matches("textarea")) return
    this.#field = event.target
    this.#load()
  }

  async #load() {
    if (this.#texts) return
    this.#texts = {}
    try {
      const response = await fetch(this.dataset.texts, { headers: { "X-Background": "1" } })
      this.#texts = response.ok ? await response.json() : null
    } catch {
      this.#texts = null // the next time
    }
  }

  #typed = (event) => {
    const field = event.target
    if (!field.matches("textarea") || !/^[\s]$/.test(event.data ?? "\n") || event.inputType === "deleteContentBackward") return
    const at = field.selectionStart
    const found = /(^|\s)\.([\w-]+)(\s)$/.exec(field.value.slice(0, at))
    const text = found && this.#texts?.[found[2].toLowerCase()]
    if (text) this.#write(field, text, at - found[2].length - 2, at)
  }

  #write(field, text, from, to) {
    // As if typed: the browser's own undo takes it back.
    field.focus()
    field.setSelectionRange(from, to)
    if (!document.execCommand("insertText", false, text)) field.setRangeText(text, from, to, "end")
    this.#hole(field, from) || field.setSelectionRange(from + text.length, from + text.length)
    field.dispatchEvent(new Event("input", { bubbles: true }))
  }

  #key = (event) => {
    if (event.key !== "F2" || !event.target.matches("textarea")) return
    event.preventDefault()
    this.#hole(event.target, event.target.selectionEnd) || this.#hole(event.target, 0)
  }

  #hole(field, from) {
    const at = field.value.indexOf("***", from)
    if (at < 0) return false
    field.focus()
    field.setSelectionRange(at, at + 3)
    return true
  }

  // --- the list

  #asked = (event) => {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem("shortcuts") === "off") return
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return
    event.preventDefault()
    this.#open()
  }

  #click = (event) => {
    if (event.target.closest("[data-phrases]")) {
      event.preventDefault()
      return this.#open()
    }
    const dialog = event.target.closest("dialog")
    const option = event.target.closest("[data-phrase]")
    if (option || event.target === dialog) dialog?.close()
    if (!option) return
    const field = this.#field ?? this.querySelector("textarea")
    this.#write(field, option.dataset.phrase, field.selectionStart, field.selectionEnd)
  }

  #open() {
    const input = this.querySelector("dialog input")
    input.value = ""
    this.querySelector("dialog").showModal()
    input.click() // asks for all of them
  }
}

customElements.define("phrase-expander", PhraseExpander)
