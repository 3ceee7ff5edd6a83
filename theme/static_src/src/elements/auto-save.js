// <auto-save>: wraps the form of a note and saves it as it is typed. Nothing is kept in the browser's storage: what is
// not saved yet stays in the fields, and in memory.
//
// 800 ms after the last key, at most 5 s after the first one that is not saved, the fields that changed are sent. One
// request is on its way at a time; the newest text goes next. A save carries (version, session, sequence): the version
// that the text was begun from, this page, and the number of the save on this page. No answer: again after 2, 4, 8 …
// 30 s, and at once when the browser says that it is online. The server's "somebody else changed it" (409) stops the
// saving until a person has chosen.
import { csrfToken } from "./csrf.js"

const WAIT = 800
const LONGEST = 5_000
const RETRY = [2_000, 4_000, 8_000, 15_000, 30_000]
const PRESENCE = 10_000

class AutoSave extends HTMLElement {
  #session = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`.slice(0, 36)
  #sequence = 0
  #saved = new Map() // name → text that the server has
  #timer = null
  #first = 0 // when the first key came that is not saved
  #busy = false
  #tries = 0
  #stopped = false // until a person chose
  #state = ""

  connectedCallback() {
    this.form = this.querySelector("form")
    if (!this.form || this.ready) return
    this.ready = true
    this.version = Number(this.dataset.version)
    for (const field of this.fields) this.#saved.set(field.name, field.value)
    this.form.addEventListener("input", this.#typed)
    this.form.addEventListener("submit", this.#submit)
    this.addEventListener("click", this.#choose)
    document.addEventListener("visibilitychange", this.#leaving)
    addEventListener("pagehide", this.#leaving)
    addEventListener("online", this.#online)
    addEventListener("beforeunload", this.#ask)
    document.addEventListener("session:resumed", this.#online)
    this.presence = setInterval(() => this.#here(), PRESENCE)
    document.addEventListener("live:signal", this.#others)
    document.addEventListener("live:resync", this.#others)
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#leaving)
    removeEventListener("pagehide", this.#leaving)
    removeEventListener("online", this.#online)
    removeEventListener("beforeunload", this.#ask)
    document.removeEventListener("session:resumed", this.#online)
    document.removeEventListener("live:signal", this.#others)
    document.removeEventListener("live:resync", this.#others)
    clearTimeout(this.#timer)
    clearInterval(this.presence)
  }

  get fields() {
    return [...this.form.querySelectorAll("textarea[name]")]
  }

  get #changed() {
    return this.fields.filter((field) => field.value !== this.#saved.get(field.name))
  }

  get dirty() {
    return this.#changed.length > 0
  }

  // --- when

  #typed = () => {
    if (this.#stopped) return
    if (!this.dirty) return this.#say(this.#tries ? this.#state : "saved")
    if (!this.#first) {
      this.#first = Date.now()
      this.#here(true)
    }
    if (!this.#tries) this.#say("unsaved")
    this.#later(Math.max(0, Math.min(WAIT, this.#first + LONGEST - Date.now())))
  }

  #later(wait) {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.save(), wait)
  }

  #online = () => {
    if (this.dirty && !this.#stopped) this.#later(0)
  }

  // The page goes away: what is left is sent by a request that outlives it.
  #leaving = () => {
    if (document.visibilityState === "hidden" && this.dirty && !this.#stopped) this.save(true)
  }

  #ask = (event) => {
    if (this.dirty) event.preventDefault()
  }

  #submit = (event) => {
    event.preventDefault()
    event.stopImmediatePropagation()
    this.#later(0)
  }

  // --- saving

  async save(leaving = false) {
    clearTimeout(this.#timer)
    if (this.#busy && !leaving) return // the newest goes next
    const sent = new Map(this.#changed.map((field) => [field.name, field.value]))
    if (!sent.size) return
    this.#busy = true
    this.#first = 0
    this.#say("saving")
    const body = new URLSearchParams([...sent])
    body.set("version", this.version)
    body.set("session", this.#session)
    body.set("sequence", ++this.#sequence)
    let response
    try {
      response = await fetch(this.form.action, {
        method: "POST",
        body,
        // Browsers send no more than 64 kB after the page is gone.
        keepalive: leaving && body.toString().length < 60_000,
        redirect: "manual",
        headers: { "X-Note": "1", "X-CSRFToken": csrfToken(), "HX-Request": "true" },
      })
      await this.#answered(response, sent)
    } catch {
      this.#again()
    } finally {
      this.#busy = false
    }
    // What was refused is not sent again until it has changed.
    const refused = this.#state === "refused" && [...sent].every(([name, text]) => this.form.elements[name].value === text)
    if (this.dirty && !this.#stopped && !this.#tries && !refused) this.#later(Math.min(WAIT, 200))
  }

  async #answered(response, sent) {
    if (response.ok && !response.headers.has("HX-Redirect")) {
      const answer = await response.json()
      this.version = answer.version
      for (const [name, text] of sent) this.#saved.set(name, text)
      this.#tries = 0
      this.#problem("")
      if (this.dirty) this.#say("unsaved")
      else this.#say("saved", answer.at)
      return
    }
    if (response.status === 409) {
      this.#stop("conflict")
      this.#conflict.innerHTML = await response.text()
      this.#hold(sent)
      this.#conflict.querySelector("[tabindex], button")?.focus()
      return
    }
    if (response.status === 422) {
      const answer = await response.json()
      this.#problem(answer.error)
      this.#tries = 0
      return this.#say("refused")
    }
    if (response.status === 413) {
      this.#problem(this.dataset.tooLong)
      return this.#say("refused")
    }
    if (response.status === 401 || response.type === "opaqueredirect" || response.headers.has("HX-Redirect")) {
      document.querySelector("session-watch")?.check()
    }
    this.#again()
  }

  #again() {
    const wait = RETRY[Math.min(this.#tries++, RETRY.length - 1)]
    this.#say("retrying")
    this.#later(wait)
  }

  // --- somebody else

  get #conflict() {
    return this.querySelector("[data-conflict]")
  }

  // What was typed while the answer was on its way belongs to "mine"; nothing more is typed there until a person chose.
  #hold(sent) {
    for (const part of this.#conflict.querySelectorAll("[data-both]")) {
      const field = this.form.elements[part.dataset.both]
      const was = sent.get(field.name)
      field.readOnly = true
      if (field.value === was) continue
      part.querySelector(`#mine-${field.name}`).value = field.value
      for (const whole of part.querySelectorAll("[data-merge], [data-below]"))
        whole.value = whole.value.slice(0, whole.value.length - was.length) + field.value
    }
  }

  #stop(state) {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#say(state)
  }

  // One of the three ways on. Each is a text, saved on top of the other's version like any other.
  #choose = (event) => {
    const button = event.target.closest("[data-resolve]")
    if (!button) return
    event.preventDefault()
    const part = button.closest("[data-both]")
    const all = [...this.#conflict.querySelectorAll("[data-both]")]
    const field = this.form.elements[part.dataset.both]
    const theirs = part.querySelector("[data-theirs]").value
    this.version = Number(this.#conflict.querySelector("[data-version]").dataset.version)
    this.#saved.set(field.name, theirs)
    if (button.dataset.resolve === "theirs") field.value = theirs
    if (button.dataset.resolve === "below") field.value = part.querySelector("[data-below]").value
    if (button.dataset.resolve === "merge") field.value = part.querySelector("[data-merge]").value
    field.readOnly = false
    part.remove()
    if (all.length > 1) return
    this.#conflict.replaceChildren()
    this.#stopped = false
    field.focus()
    if (this.dirty) this.#later(0)
    else this.#say("saved")
  }

  #others = (event) => {
    if (event.type === "live:signal" && !event.detail.nouns.includes("record")) return
    this.#here()
    if (!this.dirty && !this.#busy && !this.#stopped) this.#follow()
  }

  // Nothing unsaved here: show what the other page saved.
  async #follow() {
    try {
      const response = await fetch(location.pathname, { headers: { "X-Background": "1" } })
      if (!response.ok || this.dirty) return
      const page = new DOMParser().parseFromString(await response.text(), "text/html")
      const other = page.querySelector("auto-save")
      if (!other) return location.reload() // signed, or called off
      if (Number(other.dataset.version) <= this.version) return
      this.version = Number(other.dataset.version)
      for (const field of this.fields) {
        const text = other.querySelector(`textarea[name="${field.name}"]`)?.value ?? ""
        if (text === field.value) continue
        const at = field.selectionStart
        field.value = text
        if (document.activeElement === field) field.setSelectionRange(at, at)
        this.#saved.set(field.name, text)
      }
    } catch {
      return // the next signal asks again
    }
  }

  async #here(writing = this.dirty) {
    const place = this.querySelector("[data-presence]")
    if (!place || document.hidden) return
    const body = new URLSearchParams({ session: this.#session, writing: writing ? "1" : "" })
    try {
      const response = await fetch(this.dataset.presence, {
        method: "POST",
        body,
        redirect: "manual",
        headers: { "X-CSRFToken": csrfToken(), "X-Background": "1", "HX-Request": "true" },
      })
      if (response.ok && !response.headers.has("HX-Redirect")) place.innerHTML = await response.text()
    } catch {
      return
    }
  }

  // --- saying so

  #problem(text) {
    const place = this.querySelector("[data-problem]")
    place.textContent = text
    place.hidden = !text
  }

  #say(state, at = "") {
    if (at) this.dataset.savedAt = at
    this.#state = state
    const words = this.dataset[`say${state[0].toUpperCase()}${state.slice(1)}`] ?? ""
    const place = this.querySelector("[data-state]")
    place.textContent = words.replace("%s", this.dataset.savedAt ?? "")
    this.setAttribute("state", state)
  }
}

customElements.define("auto-save", AutoSave)

// <next-patient>: one key away ("n"), unless somebody types or has turned single keys off.
class NextPatient extends HTMLElement {
  connectedCallback() {
    document.addEventListener("keydown", this.#key)
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#key)
  }

  #key = (event) => {
    if (event.key !== "n" || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
    if (localStorage.getItem("shortcuts") === "off") return
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return
    const button = this.querySelector("button:not(:disabled)")
    if (!button) return
    event.preventDefault()
    button.click()
  }
}

customElements.define("next-patient", NextPatient)
