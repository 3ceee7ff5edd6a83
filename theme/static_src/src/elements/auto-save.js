// <auto-save>: wraps the form of a note and saves it as it is typed. Nothing is kept in the browser's storage: what is
// not saved yet stays in the fields, and in memory.
//
// 800 ms after the last key, at most 5 s after the first one that is not saved, the fields that changed are sent. One
// request is on its way at a time; the newest text goes next. A save carries, for each text, the version it was begun
// from, this page (session), and the number of the save on this page (sequence). No answer: again after 2, 4, 8 … 30 s,
// and at once when the browser says that it is online. "Somebody else changed it" (409) holds that text back until a
// person has chosen; the other one is saved on. Any other form of the page waits until the note is saved.
import { csrfToken } from "./csrf.js"

const WAIT = 800
const LONGEST = 5_000
const RETRY = [2_000, 4_000, 8_000, 15_000, 30_000]
const PRESENCE = 10_000
const KEEPALIVE = 60_000 // browsers send no more than 64 kB after the page is gone

class AutoSave extends HTMLElement {
  #session = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`.slice(0, 36)
  #before = "" // the session of the page that this tab showed before: it is gone, and writes no more
  #sequence = 0
  #answeredTo = 0 // the newest save that was answered
  #saved = new Map() // name → the text that the server has
  #versions = new Map() // name → the record's version that it was seen at
  #known = 0 // the newest version of the record of which everything is known
  #refused = new Map() // name → a text that the server does not want; sent again when it changed
  #held = new Set() // names of texts that wait for a choice
  #timer = null
  #first = 0 // when the first key came that is not saved
  #sending = null
  #tries = 0

  connectedCallback() {
    this.form = this.querySelector("form[action$='/note/']")
    if (!this.form || this.ready) return
    this.ready = true
    this.#known = Number(this.dataset.version)
    this.#before = sessionStorage.getItem("note") ?? "" // no more than a random number: of whom, only the server knows
    sessionStorage.setItem("note", this.#session)
    for (const field of this.fields) {
      this.#saved.set(field.name, field.defaultValue)
      this.#versions.set(field.name, this.#known)
    }
    this.form.addEventListener("input", this.#typed)
    this.form.addEventListener("focusout", this.#left)
    this.form.addEventListener("submit", this.#submit)
    this.addEventListener("click", this.#choose)
    this.listeners = [
      [document, "visibilitychange", () => document.hidden && this.#leaving()],
      [window, "pagehide", this.#leaving],
      [window, "online", this.#online],
      [window, "beforeunload", this.#ask],
      [window, "pageshow", (event) => event.persisted && this.#others(event)],
      [document, "session:resumed", this.#online],
      [document, "live:signal", this.#others],
      [document, "live:resync", this.#others],
    ]
    for (const [target, name, handler] of this.listeners) target.addEventListener(name, handler)
    document.addEventListener("submit", this.#noteFirst, true)
    this.presence = setInterval(() => this.#here(), PRESENCE)
  }

  disconnectedCallback() {
    for (const [target, name, handler] of this.listeners ?? []) target.removeEventListener(name, handler)
    document.removeEventListener("submit", this.#noteFirst, true)
    clearTimeout(this.#timer)
    clearInterval(this.presence)
  }

  get fields() {
    return [...this.form.querySelectorAll("textarea[name]")]
  }

  get #unsaved() {
    return this.fields.filter((field) => field.value !== this.#saved.get(field.name))
  }

  // What can be sent: neither held back nor refused as it stands.
  get #changed() {
    return this.#unsaved.filter((f) => !this.#held.has(f.name) && this.#refused.get(f.name) !== f.value)
  }

  get dirty() {
    return this.#unsaved.length > 0
  }

  // --- when

  #typed = () => {
    if (!this.#changed.length) return this.#tries || this.#sending || this.#settled()
    if (!this.#first) {
      this.#first = Date.now()
      this.#here(true)
    }
    if (this.#tries) return // the next try takes it along
    this.#settled()
    this.#later(Math.max(0, Math.min(WAIT, this.#first + LONGEST - Date.now())))
  }

  #left = () => this.#changed.length && !this.#tries && this.#later(0)

  #later(wait) {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.save(), wait)
  }

  #online = () => this.#changed.length && this.#later(0)

  #submit = (event) => {
    event.preventDefault()
    event.stopImmediatePropagation()
    this.#later(0)
  }

  // Signing, or leaving by a form, takes effect on what is saved: it waits until everything typed is.
  #noteFirst = async (event) => {
    const { target: form, submitter } = event
    if (form === this.form || form.method !== "post" || form.closest("dialog")) return
    if (!this.dirty && !this.#sending) return
    if (form.matches("[hx-post]:not([data-note-first])")) return this.#later(0) // stays on this page
    event.preventDefault()
    event.stopImmediatePropagation()
    if (await this.flush()) return form.requestSubmit(submitter)
    if (!this.#held.size && !this.#refused.size) this.#problem(this.dataset.first)
    this.scrollIntoView({ block: "nearest" })
  }

  // Save everything now; whether that went well.
  async flush() {
    for (let i = 0; i < 10 && (this.#sending || this.#changed.length); i++) {
      await (this.#sending ?? this.save())
      if (this.#tries) return false
    }
    return !this.dirty
  }

  // The page goes away: what is left is sent by a request that outlives it. A text that waits for a choice goes along
  // as it stands; the server sets it aside.
  #leaving = () => {
    const texts = new Map(this.#changed.map((field) => [field.name, field.value]))
    for (const name of this.#held) texts.set(name, standing(this.#part(name)))
    if (texts.size) this.#send(texts, true)
  }

  // Nobody is kept who can leave without loss: the request that outlives the page takes what is left.
  #ask = (event) => {
    const length = this.#unsaved.reduce((sum, field) => sum + encodeURIComponent(field.value).length, 0)
    if (this.dirty && (this.#tries || this.#refused.size || this.#held.size || length > KEEPALIVE)) event.preventDefault()
  }

  // --- saving

  save() {
    clearTimeout(this.#timer)
    if (this.#sending) return this.#sending // the newest goes next
    const texts = new Map(this.#changed.map((field) => [field.name, field.value]))
    if (!texts.size) return Promise.resolve()
    this.#first = 0
    if (!this.#tries && !this.#held.size) this.#say("saving")
    this.#sending = this.#send(texts).finally(() => {
      this.#sending = null
      if (this.#changed.length && !this.#tries) this.#later(WAIT / 4)
    })
    return this.#sending
  }

  async #send(texts, keepalive = false) {
    const number = ++this.#sequence
    const body = new URLSearchParams([...texts])
    for (const name of texts.keys()) body.set(`version-${name}`, this.#versions.get(name))
    body.set("session", this.#session)
    body.set("sequence", number)
    try {
      const response = await fetch(this.form.action, {
        method: "POST",
        body,
        keepalive: keepalive && body.toString().length < KEEPALIVE,
        redirect: "manual",
        headers: { "X-Note": "1", "X-CSRFToken": csrfToken(), "HX-Request": "true" },
      })
      await this.#answered(response, texts, number)
    } catch {
      this.#again()
    }
  }

  async #answered(response, texts, number) {
    const away = response.headers.has("HX-Redirect") || response.type === "opaqueredirect"
    if (response.ok && !away) return this.#taken(await response.json(), texts, number)
    if (response.status === 409) return this.#conflicting(await response.text(), number)
    if (response.status === 422) {
      const answer = await response.json()
      return this.#unwanted(answer.error, answer.field ? [answer.field] : [...texts.keys()], texts, answer.kept)
    }
    if (response.status === 413) return this.#unwanted(this.dataset.tooLong, [longest(texts)], texts)
    if (response.status === 404) return this.#unwanted(this.dataset.gone, [...texts.keys()], texts)
    // Signed out, or signed in anew on another page, which changes the token.
    if (away || response.status === 401 || response.status === 403) document.querySelector("session-watch")?.check()
    this.#again()
  }

  #taken(answer, texts, number) {
    this.#tries = 0
    if (number < this.#answeredTo) return // overtaken on the way: the newer answer counts
    this.#answeredTo = number
    for (const [name, text] of texts) {
      this.#saved.set(name, text)
      this.#versions.set(name, answer.version)
      this.#refused.delete(name)
    }
    if (answer.before === (this.#known || 1)) this.#know(answer.version)
    this.dataset.savedAt = answer.at
    if (!this.#refused.size) this.#problem("")
    this.#settled()
  }

  // The others of the same save may be fine: they go by themselves.
  #unwanted(problem, names, texts, kept = false) {
    this.#tries = 0
    for (const name of names) this.#refused.set(name, texts.get(name))
    this.#problem(problem)
    this.#say(kept ? "kept" : "refused")
  }

  #again() {
    const wait = RETRY[Math.min(this.#tries++, RETRY.length - 1)]
    this.#settled()
    this.#later(wait)
  }

  #know(version) {
    this.#known = Math.max(this.#known, version)
    for (const input of document.querySelectorAll("[data-note-version]")) input.value = this.#known
  }

  // --- somebody else

  get #conflict() {
    return this.querySelector("[data-conflict]")
  }

  #part(name) {
    return this.#conflict.querySelector(`[data-both="${name}"]`)
  }

  // Both texts are shown. One's own is what stands in the field now, with what was typed while the answer came; it goes
  // on in the place where the two are put together.
  #conflicting(html, number) {
    this.#tries = 0
    if (number < this.#answeredTo) return
    this.#answeredTo = number
    const template = document.createElement("template")
    template.innerHTML = html
    const notice = template.content.firstElementChild
    for (const part of notice.querySelectorAll("[data-both]")) {
      const field = this.form.elements[part.dataset.both]
      if (this.#held.has(field.name)) {
        part.remove() // asked already
        continue
      }
      this.#held.add(field.name)
      field.readOnly = true
      part.querySelector("[data-mine]").value = field.value
      part.querySelector("[data-merge]").value = below(part)
    }
    this.#settled()
    if (!notice.querySelector("[data-both]")) return
    this.#conflict.append(notice)
    notice.focus()
  }

  // One of the three ways on. Each is a text, saved on top of the other's version like any other.
  #choose = (event) => {
    const button = event.target.closest("[data-resolve]")
    if (!button) return
    event.preventDefault()
    const part = button.closest("[data-both]")
    const notice = part.closest("[data-version]")
    const field = this.form.elements[part.dataset.both]
    const theirs = part.querySelector("[data-theirs]").value
    const chosen = { theirs, below: below(part), merge: part.querySelector("[data-merge]").value }
    this.#versions.set(field.name, Number(notice.dataset.version))
    this.#saved.set(field.name, theirs)
    field.value = chosen[button.dataset.resolve]
    field.readOnly = false
    this.#held.delete(field.name)
    part.remove()
    if (notice.querySelector("[data-both]")) return
    const { drop } = notice.dataset
    notice.remove()
    field.focus()
    this.#settled()
    if (this.#changed.length) this.#later(0)
    else if (drop && !this.#held.size) this.#post(drop, {}).catch(() => {})
  }

  #others = async (event) => {
    if (event.type === "live:signal" && !event.detail.nouns.includes("record")) return
    await this.#here()
  }

  // Show what another page saved, but where something unsaved stands: the version that one was begun from stays.
  async #follow() {
    const response = await fetch(location.pathname, { headers: { "X-Background": "1" } })
    if (!response.ok || response.redirected) return
    const page = new DOMParser().parseFromString(await response.text(), "text/html")
    const other = page.querySelector("auto-save")
    if (!other || this.#sending) return
    const version = Number(other.dataset.version)
    for (const field of this.fields) {
      if (field.value !== this.#saved.get(field.name) || version < this.#versions.get(field.name)) continue
      const text = other.querySelector(`textarea[name="${field.name}"]`)?.defaultValue ?? ""
      this.#saved.set(field.name, text)
      this.#versions.set(field.name, version)
      if (text === field.value) continue
      const at = field.selectionStart
      field.value = text
      if (document.activeElement === field) field.setSelectionRange(at, at)
    }
    this.#know(version)
    this.dataset.savedAt = other.dataset.savedAt ?? ""
    this.#settled()
  }

  async #here(writing = this.dirty) {
    if (document.hidden) return
    try {
      const fields = { session: this.#session, writing: writing ? "1" : "", left: this.#before }
      const response = await this.#post(this.dataset.presence, fields)
      if (!response.ok || response.headers.has("HX-Redirect")) return
      this.#before = ""
      this.querySelector("[data-presence]").innerHTML = await response.text()
      const version = response.headers.get("X-Note-Version")
      if (version === "closed") {
        if (!this.dirty && !this.#sending) location.reload() // signed, or called off
      } else if (Number(version) > this.#known && !this.#sending) await this.#follow()
    } catch {
      return // the next signal asks again
    }
  }

  #post(address, fields) {
    return fetch(address, {
      method: "POST",
      body: new URLSearchParams(fields),
      redirect: "manual",
      headers: { "X-CSRFToken": csrfToken(), "X-Background": "1", "HX-Request": "true", "X-Note": "1" },
    })
  }

  // --- saying so

  #problem(text) {
    const place = this.querySelector("[data-problem]")
    place.textContent = text
    place.hidden = !text
  }

  #settled() {
    if (this.#held.size) return this.#say("conflict")
    if (this.#tries) return this.#say("retrying")
    if (this.#changed.length) return this.#say("unsaved")
    if (!this.dirty && this.dataset.savedAt) return this.#say("saved")
    if (!this.dirty) return this.#say("")
  }

  #say(state) {
    const words = state ? this.dataset[`say${state[0].toUpperCase()}${state.slice(1)}`] : ""
    const place = this.querySelector("[data-state]")
    const text = words.replace("%s", this.dataset.savedAt ?? "")
    if (place.textContent !== text) place.textContent = text
    this.setAttribute("state", state)
  }
}

const below = (part) =>
  part.querySelector("[data-theirs]").value + part.dataset.glue + part.querySelector("[data-mine]").value

// What a text that waits for a choice comes to: one's own, or what was put together by hand.
const standing = (part) => {
  const merge = part.querySelector("[data-merge]").value
  return merge === below(part) ? part.querySelector("[data-mine]").value : merge
}

const longest = (texts) => [...texts].sort(([, a], [, b]) => b.length - a.length)[0][0]

customElements.define("auto-save", AutoSave)
