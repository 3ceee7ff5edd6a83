// <phrase-expander data-texts="/address/">: inside a note, ".word" and a space or Enter becomes the phrase; F2 jumps to
// the next *** and marks it. Works on every textarea in it, beside <auto-save>, which sees an ordinary input event.
class PhraseExpander extends HTMLElement {
  #texts = null

  connectedCallback() {
    this.addEventListener("focusin", this.#load)
    this.addEventListener("input", this.#typed)
    this.addEventListener("keydown", this.#key)
  }

  disconnectedCallback() {
    this.removeEventListener("focusin", this.#load)
    this.removeEventListener("input", this.#typed)
    this.removeEventListener("keydown", this.#key)
  }

  #load = async () => {
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
    if (!text) return
    const from = at - found[2].length - 2
    // As if typed: the browser's own undo takes it back.
    field.setSelectionRange(from, at)
    if (!document.execCommand("insertText", false, text)) field.setRangeText(text, from, at, "end")
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
}

customElements.define("phrase-expander", PhraseExpander)
