// <session-watch>: knows when this session ends, says so two minutes before, and lets the same person sign in again
// without leaving the page, so that nothing typed is lost.
//
// The server says how long is left (data-left, then GET data-session). Only keys and clicks keep a session alive, told
// to the server at most once a minute; a page that merely stays open does not.
import { csrfToken, useToken } from "./csrf.js"

const WARN_BEFORE = 120_000 // ms
const EXTEND_EVERY = 60_000
const LOOK_EVERY = 5_000

class SessionWatch extends HTMLElement {
  #ends = 0
  #extended = Date.now()
  #over = false
  #told = false // that the longest session is nearly over, which no click can change
  #timer = null

  connectedCallback() {
    this.warning = this.querySelector("[data-warning]")
    this.signIn = this.querySelector("[data-sign-in]")
    this.#ends = Date.now() + Number(this.dataset.left) * 1000
    for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, this.#used, true)
    document.addEventListener("visibilitychange", this.#shown)
    document.addEventListener("htmx:before:response", this.#answered)
    document.addEventListener("live:ended", this.check)
    document.addEventListener("submit", this.#leaving)
    addEventListener("pageshow", this.#back)
    this.byPassword = this.signIn.querySelector("form[data-by-password]")
    this.byPassword?.addEventListener("submit", this.#submit)
    this.signIn.addEventListener("pass-key:ready", this.#recognised)
    // Escape must not bring back what the end of the session has covered. Browsers let it through at the second press.
    this.signIn.addEventListener("cancel", (event) => event.preventDefault())
    this.signIn.addEventListener("close", () => this.#over && this.signIn.showModal())
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY)
  }

  disconnectedCallback() {
    for (const name of ["pointerdown", "keydown"]) document.removeEventListener(name, this.#used, true)
    document.removeEventListener("visibilitychange", this.#shown)
    document.removeEventListener("htmx:before:response", this.#answered)
    document.removeEventListener("live:ended", this.check)
    document.removeEventListener("submit", this.#leaving)
    removeEventListener("pageshow", this.#back)
    clearInterval(this.#timer)
  }

  // --- time

  #look() {
    if (this.#over || this.warning.open) {
      if (this.warning.open && Date.now() >= this.#ends) this.check()
      return
    }
    // Another tab may have kept the session alive: ask before saying anything.
    if (Date.now() >= this.#ends - WARN_BEFORE && !this.#told) this.check()
  }

  #used = () => {
    if (this.#over) return
    if (!this.warning.open && Date.now() - this.#extended < EXTEND_EVERY) return
    this.#extended = Date.now()
    const asked = this.warning.open
    this.#ask(this.dataset.extend, { method: "POST", headers: { "X-CSRFToken": csrfToken() } }, asked)
  }

  // An ordinary form takes the page with it: ask first whether the session still holds, so that what was typed stays here.
  #leaving = async (event) => {
    const { target: form, submitter } = event
    if (event.defaultPrevented || form.method !== "post" || this.contains(form)) return
    event.preventDefault()
    await this.check()
    if (this.#over) return
    document.removeEventListener("submit", this.#leaving)
    form.requestSubmit(submitter)
    document.addEventListener("submit", this.#leaving)
  }

  #shown = () => document.hidden || (Date.now() >= this.#ends - WARN_BEFORE && this.check()) || (this.#over && this.check())
  #back = (event) => event.persisted && this.check()

  // Ask the server, without counting as somebody who is there.
  check = () => this.#ask(this.dataset.session, { headers: { "X-Background": "1" } })

  async #ask(address, options, staying = false) {
    let answer
    try {
      const response = await fetch(address, { ...options, redirect: "manual", cache: "no-store" })
      if (response.status === 401 || response.type === "opaqueredirect") return this.#end()
      // Signed in again in another tab, which changes the token: asking for the new one says how long is left, too.
      if (response.status === 403) return this.check()
      if (!response.ok) return
      answer = await response.json()
      // The server's clock decides; this machine's may be wrong.
      answer.left = answer.expires * 1000 - Date.parse(response.headers.get("Date") ?? new Date())
    } catch {
      return // offline: the next look asks again
    }
    if (answer.user === null) return this.#end(answer)
    if (String(answer.user) !== this.dataset.user) return location.reload()
    useToken(answer.csrf)
    this.#continue(answer.left, staying)
  }

  #continue(left, staying) {
    this.#ends = Date.now() + left
    if (this.#over) this.#resume()
    if (left > WARN_BEFORE) {
      this.#told = false
      if (this.warning.open) this.warning.close()
    } else if (staying) {
      // No session lasts longer than this, whoever is there.
      this.warning.close()
      this.#told = true
      this.#say(this.dataset.sayLimit, "warning")
    } else if (!this.#told && !this.warning.open) {
      const at = new Date(this.#ends).toLocaleTimeString("en-GB", { timeStyle: "short" }) // 17:30
      this.warning.querySelector("[data-at]").textContent = at
      this.warning.showModal()
    }
  }

  // --- the end, and the way back

  #answered = (event) => {
    const { response, request } = event.detail.ctx
    const away = response.headers.get("HX-Redirect")
    if (response.status !== 401 && !away?.startsWith(this.dataset.login)) {
      if (!request.headers["X-Background"]) this.#extended = Date.now()
      return
    }
    event.preventDefault()
    this.#end()
  }

  #end() {
    if (this.#over) return
    this.#over = true
    if (this.warning.open) this.warning.close()
    this.signIn.showModal()
    this.signIn.querySelector("pass-key:not([hidden]) button, [type=password]")?.focus()
    this.dispatchEvent(new CustomEvent("session:ended", { bubbles: true }))
  }

  #resume() {
    this.#over = false
    this.#told = false
    this.#problem("")
    this.byPassword?.reset()
    this.signIn.close()
    this.#say(this.dataset.sayBack, "success")
    this.dispatchEvent(new CustomEvent("session:resumed", { bubbles: true }))
  }

  #submit = async (event) => {
    event.preventDefault()
    const button = this.signIn.querySelector("button:not([type=button])")
    button.disabled = true
    try {
      await this.#enter(new URLSearchParams(new FormData(event.target)))
    } catch {
      this.#problem(this.dataset.sayOffline)
    } finally {
      button.disabled = false
    }
  }

  // The passkey has answered: its form is sent from here, so that the page stays.
  #recognised = async (event) => {
    event.preventDefault()
    const { form } = event.detail
    try {
      const response = await this.#send(form.action, new URLSearchParams(new FormData(form)))
      if (response.status === 429) return this.#problem(this.dataset.sayWait)
      await this.check()
      if (this.#over) this.#problem(this.dataset.sayRefused)
    } catch {
      this.#problem(this.dataset.sayOffline)
    }
  }

  async #send(address, body) {
    // The token of the ended session is void; the answer brings one for the signed-out.
    const { csrf } = await (await fetch(this.dataset.session, { headers: { "X-Background": "1" } })).json()
    const headers = { "X-CSRFToken": csrf, "X-Requested-With": "XMLHttpRequest", Accept: "application/json" }
    return fetch(address, { method: "POST", body, headers, redirect: "manual" })
  }

  async #enter(body) {
    const response = await this.#send(this.dataset.login, body)
    if (response.status === 429) return this.#problem(this.dataset.sayWait)
    const answer = await response.json()
    if (!response.ok) {
      const form = answer.form ?? { errors: [], fields: {} }
      const errors = [...form.errors, ...Object.values(form.fields).flatMap((field) => field.errors)]
      this.#problem(errors.join(" ") || this.dataset.sayOffline)
      return this.signIn.querySelector("[type=password]").select()
    }
    await this.check()
    if (this.#over) this.#secondStep(answer.location)
  }

  // A second factor has a page of its own; this one waits for it.
  #secondStep(address) {
    const link = this.signIn.querySelector("[data-second-step]")
    link.href = address
    link.closest("p").hidden = false
    link.focus()
    window.open(address, "_blank", "noopener")
  }

  #problem(text) {
    const place = this.signIn.querySelector("[data-problem]")
    place.textContent = text
    place.hidden = !text
    this.signIn.querySelector("[type=password]")?.setAttribute("aria-invalid", Boolean(text))
  }

  #say(text, kind) {
    document.querySelector("toast-stack")?.say(text, kind)
  }
}

customElements.define("session-watch", SessionWatch)
