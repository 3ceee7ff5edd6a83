// <day-board>: what the browser adds to the board's HTML. Everything the board says or does is in the HTML and works
// without this; here are the clock (waiting minutes, who is late, the now-line), the keyboard, booking at the time under
// the pointer, dragging (day-board-drag.js), and keeping up with what others change.
import { Mover } from "./day-board-move.js"
import { clock, compact, gridOf, momentAt, parse } from "./grid-time.js"

const LATE = 5 // minutes after the time without arriving
const WARN = 20 // minutes of waiting that turn amber, then red
const ALARM = 40

const GAP = 6 // px above the first in a phone's list

const untilOf = (link) => parse(new URL(link.href).searchParams.get("until"))
const endOf = (item) =>
  item.dataset.at ? parse(item.dataset.at) + item.dataset.minutes * 60_000 : untilOf(item.querySelector("a"))

class DayBoard extends HTMLElement {
  #timer

  connectedCallback() {
    this.slot_ = Number(this.dataset.slot)
    this.zone = this.dataset.zone
    this.mover = new Mover(this)
    this.addEventListener("click", this.#clicked, true) // before htmx follows the link
    this.querySelector("#panel").addEventListener("input", () => (this.dataset.dirty = ""))
    this.addEventListener("patient-picked", this.#picked)
    this.addEventListener("pointermove", this.#hover)
    this.addEventListener("pointerleave", () => this.#hint?.remove())
    document.addEventListener("keydown", this.#key)
    document.addEventListener("live:resync", this.#resync)
    document.addEventListener("htmx:after:settle", this.#swapped)
    document.addEventListener("click", this.#anywhere)
    addEventListener("resize", this.#resized)
    this.#timer = setInterval(() => this.#tick(), 15_000)
    this.#tick()
    this.#scrollToNow()
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#key)
    document.removeEventListener("live:resync", this.#resync)
    document.removeEventListener("htmx:after:settle", this.#swapped)
    document.removeEventListener("click", this.#anywhere)
    removeEventListener("resize", this.#resized)
    clearInterval(this.#timer)
    this.mover.end()
  }

  get board() {
    return this.querySelector("#board")
  }

  get columns() {
    return [...this.querySelectorAll(".column")]
  }

  // --- the clock

  #resized = () => this.#nowLine(Date.now())

  #tick() {
    const now = Date.now()
    for (const element of this.querySelectorAll("[data-since]")) {
      const minutes = Math.max(Math.floor((now - parse(element.dataset.since)) / 60_000), 0)
      const state = element.querySelector(".state") ?? element.querySelector("small")
      let badge = element.querySelector(".minutes")
      if (!badge) {
        badge = document.createElement("span")
        badge.className = "minutes"
        state.after(badge)
      }
      const text = this.dataset.minutes.replace("%s", minutes)
      if (badge.textContent !== text) badge.textContent = text
      badge.classList.toggle("warn", minutes >= WARN && minutes < ALARM)
      badge.classList.toggle("alarm", minutes >= ALARM)
    }
    for (const card of this.querySelectorAll(".card.scheduled, .card.confirmed")) {
      const late = "today" in this.dataset && now - parse(card.dataset.at) > LATE * 60_000
      if (card.classList.toggle("late", late) && !card.dataset.word) {
        const state = card.querySelector(".state")
        card.dataset.word = state.textContent
        state.textContent = this.dataset.late
      }
    }
    for (const link of this.querySelectorAll(".gap a")) {
      link.parentElement.classList.toggle("past", untilOf(link) <= now)
    }
    this.#nowLine(now)
  }

  #nowLine(now) {
    const column = this.columns[0]
    let line = this.querySelector(".now-line")
    const grid = column && gridOf(column)
    if (!grid || now < grid.first || now > grid.last) return line?.remove()
    if (!line) {
      line = document.createElement("div")
      line.className = "now-line"
      line.setAttribute("aria-hidden", "true")
      this.querySelector(".board-scroll").append(line)
    }
    const scroll = this.querySelector(".board-scroll")
    const top = grid.box.top - scroll.getBoundingClientRect().top + scroll.scrollTop
    line.style.top = `${top + ((now - grid.first) / 300_000) * grid.row}px`
    line.style.width = `${scroll.scrollWidth}px`
    line.dataset.time = clock(now, this.zone)
  }

  #scrollToNow() {
    const column = this.columns[0]
    if (location.hash.startsWith("#appointment-")) {
      const card = document.getElementById(location.hash.slice(1))
      card?.scrollIntoView({ block: "center", inline: "center" })
      card?.querySelector("a")?.focus({ preventScroll: true })
      return
    }
    if (!column || !this.dataset.today) return
    const from = Date.now() - 3_600_000
    if (getComputedStyle(column).display === "flex") return this.#scrollLists(from)
    const { first, row } = gridOf(column)
    this.querySelector(".board-scroll").scrollTop = ((from - first) / 300_000) * row
  }

  // A phone shows a doctor's day as a list, as high as it is long: each begins at the first that is not long over.
  #scrollLists(from) {
    for (const column of this.columns) {
      const list = column.querySelector(".timeline")
      const next = [...list.querySelectorAll(".card, .gap")].find((item) => item.offsetHeight && endOf(item) > from)
      if (next) list.scrollTop = next.getBoundingClientRect().top - list.getBoundingClientRect().top - GAP
    }
  }

  // --- the pointer

  #hint = null

  #hover = (event) => {
    const link = event.target.closest?.(".gap a")
    if (!link || event.pointerType === "touch") return this.#hint?.remove()
    const column = link.closest(".column")
    const at = this.#timeIn(link, event.clientY)
    this.#hint ??= Object.assign(document.createElement("span"), { className: "slot-hint" })
    this.#hint.textContent = (this.mover.placing ? "⇢ " : "+ ") + clock(at, this.zone)
    const { first, row } = gridOf(column)
    const top = gridOf(column).box.top + ((at - first) / 300_000) * row
    this.#hint.style.top = `${top - link.getBoundingClientRect().top}px`
    this.#hint.style.height = `${Math.max((this.slot_ / 5) * row, 18)}px`
    if (this.#hint.parentElement !== link) link.append(this.#hint)
  }

  #timeIn(link, y) {
    const column = link.closest(".column")
    const start = parse(new URL(link.href).searchParams.get("at"))
    return Math.max(momentAt(column, y, this.slot_), start)
  }

  #clicked = (event) => {
    if (this.mover.swallow(event)) return
    const link = event.target.closest(".gap a")
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return
    // A keyboard "click" has no place on the screen: the gap's first bookable time.
    const start = parse(new URL(link.href).searchParams.get("at"))
    const soonest = Math.ceil((Date.now() - this.slot_ * 60_000) / (this.slot_ * 60_000)) * this.slot_ * 60_000
    const at = event.detail ? this.#timeIn(link, event.clientY) : Math.max(start, Math.min(soonest, untilOf(link) - 300_000))
    event.preventDefault()
    event.stopPropagation()
    const column = link.closest(".column")
    if (this.mover.placing) return this.mover.place(column.dataset.doctor, at)
    this.open(`${this.dataset.book}?doctor=${column.dataset.doctor}&at=${compact(at)}&until=${compact(untilOf(link))}`)
  }

  // Whoever works without a mouse goes on in the panel that has just opened: at its first field, or at its head.
  #enterPanel(panel) {
    if (panel.contains(document.activeElement) || !panel.firstElementChild) return
    const first = panel.querySelector("error-summary, [autofocus], form input:not([type=hidden]), form select") ?? panel.querySelector("h2")
    if (first?.matches("h2, error-summary")) first.tabIndex = -1
    first?.focus()
  }

  // The card whose step was just taken: its button is another one afterwards, and the focus stays with it.
  get #stepped() {
    return document.getElementById(this.dataset.stepped)
  }

  #anywhere = (event) => {
    const step = event.target.closest(".card .step")
    if (step) this.dataset.stepped = step.closest(".card").id

    const pick = event.target.closest("[data-pick]")
    if (pick) this.mover.pick(pick.dataset.pick)
    if (event.target.closest("[data-place-end]")) this.mover.endPlacing()
    if (event.target.closest("[data-close-panel]")) this.closePanel()
    const link = event.target.closest("a[data-panel]")
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault()
      this.open(link.href)
    }
  }

  // --- the panel

  // What is typed before the panel has come is meant for its first field.
  #typedAhead = null

  open(url) {
    this.#typedAhead = ""
    window.htmx
      .ajax("GET", url, { source: this.querySelector("#panel"), target: "#panel", swap: "innerHTML show:none" })
      .finally(() => {
        const field = this.querySelector("#panel [autofocus]")
        if (this.#typedAhead && field?.matches("input")) {
          field.value += this.#typedAhead
          field.dispatchEvent(new Event("input", { bubbles: true }))
        }
        this.#typedAhead = null
      })
  }

  // A patient is chosen and the rest is known: Enter books.
  #picked = () => this.querySelector("#panel [data-finish]")?.focus()

  closePanel() {
    delete this.dataset.dirty
    const panel = this.querySelector("#panel")
    const back = panel.querySelector("[data-appointment]")?.dataset.appointment
    panel.replaceChildren()
    document.querySelector(`#appointment-${back} a`)?.focus({ preventScroll: true })
  }

  // --- the keyboard

  #key = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    if (this.mover.key(event)) return
    const panel = this.querySelector("#panel")
    if (event.key === "Escape" && panel?.firstElementChild && !document.querySelector("dialog[open]")) {
      // What was sent has gone with its form.
      const asked = panel.querySelector("input:not([type=hidden]), textarea, select")
      if (!asked || !("dirty" in this.dataset)) return this.closePanel()
      delete this.dataset.dirty // a second press throws away what was typed
      return document.querySelector("toast-stack")?.say(this.dataset.pressAgain, "info")
    }
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return
    if (this.#typedAhead !== null) {
      if (event.key.length === 1) this.#typedAhead += event.key
      return event.key.length === 1 && event.preventDefault()
    }
    if (document.documentElement.dataset.shortcuts === "off") return
    const card = event.target.closest?.(".card")
    const act = {
      n: () => this.open(`${this.dataset.book}?day=${this.dataset.day}`),
      t: () => (location.href = document.querySelector("[data-today-link]").href),
      u: () => [...document.querySelectorAll("#toasts button[formaction]")].pop()?.click(),
      m: () => (card || this.mover.placing) && this.mover.startKeys(card),
      "?": () => document.getElementById("shortcuts")?.showModal(),
      ArrowDown: () => this.#walk(card, 1),
      ArrowUp: () => this.#walk(card, -1),
      ArrowRight: () => this.#across(card, 1),
      ArrowLeft: () => this.#across(card, -1),
    }[event.key]
    if (!act || (event.key.startsWith("Arrow") && !card)) return
    event.preventDefault()
    act()
  }

  #walk(card, step) {
    const cards = [...card.closest(".column").querySelectorAll(".timeline > .card")]
    cards[cards.indexOf(card) + step]?.querySelector("a").focus()
  }

  #across(card, step) {
    const columns = this.columns
    const y = card.getBoundingClientRect().top
    for (let i = columns.indexOf(card.closest(".column")) + step; i >= 0 && i < columns.length; i += step) {
      const cards = [...columns[i].querySelectorAll(".timeline > .card")]
      if (!cards.length) continue
      const distance = (c) => Math.abs(c.getBoundingClientRect().top - y)
      return cards.reduce((a, b) => (distance(b) < distance(a) ? b : a)).querySelector("a").focus()
    }
  }

  say(text) {
    document.getElementById("announcements").textContent = text
  }

  // --- what others change

  #resync = () => {
    const url = new URL(location.href)
    url.hash = ""
    url.searchParams.set("known", this.board.dataset.fingerprint)
    window.htmx.ajax("GET", url.pathname + url.search, {
      source: this.querySelector("#board"),
      target: "#board",
      swap: "outerMorph",
      select: "#board",
      selectOOB: "#queue:outerMorph",
      headers: { "X-Background": "1" },
    })
  }

  #swapped = (event) => {
    this.#tick()
    const target = event.detail?.task?.target
    if (target?.id === "panel") requestAnimationFrame(() => this.#enterPanel(target))
    if (document.activeElement === document.body) this.#stepped?.querySelector(".step, a")?.focus({ preventScroll: true })
    if (target?.id === "changes") this.#others(target)
    // A column on another grid than the rest, or one that this board should show and does not: get the whole board.
    const grids = new Set(this.columns.map((c) => c.dataset.grid))
    if (grids.size > 1) this.#resync()
  }

  // Only what shows an appointment: a form that somebody is filling in stays, and its version tells on sending.
  #refresh(panel) {
    const headers = { "X-Background": "1" }
    window.htmx.ajax("GET", panel.dataset.refresh, { source: panel, target: panel, swap: "outerMorph", headers })
  }

  #others(list) {
    for (const item of list.children) {
      const panel = this.querySelector(`#panel [data-appointment="${item.dataset.appointment}"]`)
      if (panel?.dataset.refresh) this.#refresh(panel)
      if (item.dataset.by === this.dataset.user) continue
      requestAnimationFrame(() => {
        const card = document.getElementById(`appointment-${item.dataset.appointment}`)
        if (!card) return
        card.classList.remove("pulse")
        void card.offsetWidth
        card.classList.add("pulse")
        if (item.textContent) {
          card.querySelector(".by")?.remove()
          const by = Object.assign(document.createElement("span"), { className: "by", textContent: item.textContent })
          card.append(by)
          setTimeout(() => by.remove(), 4000)
        }
      })
    }
  }
}

// A pushed column that this screen does not have yet (a doctor whose first visit of the day was just booked).
document.addEventListener("htmx:before:swap", (event) => {
  const board = document.querySelector("day-board")
  if (!board || board.hasAttribute("data-filtered")) return
  const missing = (event.detail.tasks ?? []).some((t) => t.type === "partial" && !t.target && t.fragment.querySelector?.(".column"))
  if (missing) document.dispatchEvent(new CustomEvent("live:resync"))
})

customElements.define("day-board", DayBoard)
