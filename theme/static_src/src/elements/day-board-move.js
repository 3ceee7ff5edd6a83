// Moving an appointment on the board: by drag, by the keyboard, or by picking the card and then a place, perhaps on another
// day: what is picked stands in the page's address (?place=), so it is carried from day to day.
// Nothing moves on the screen before the server has said yes; a refusal opens the panel with the reason.
import { ROW, clock, compact, gridOf, momentAt, parse } from "./grid-time.js"

const THRESHOLD = 5 // pixels before a press becomes a drag
const EDGE = 48 // pixels from the edge at which the board scrolls along

export class Mover {
  #drag = null
  #keys = null
  #swallowClick = false

  constructor(board) {
    this.board = board
    this.board.addEventListener("pointerdown", this.#down)
    this.board.addEventListener("dragstart", (event) => event.target.closest(".card") && event.preventDefault())
    if (this.placing) this.#resume()
  }

  // The id of the appointment that was picked for a place.
  get placing() {
    return this.board.dataset.place
  }

  // What is moved: a card of this board, or the appointment that was picked on another day.
  #visit(card) {
    if (card) {
      const { minutes, version, at } = card.dataset
      const url = card.querySelector("a").getAttribute("href")
      return { card, url, minutes, version, at: parse(at), doctor: card.closest(".column").dataset.doctor }
    }
    const { placeUrl: url, placeMinutes: minutes, placeVersion: version, placeAt, placeDoctor: doctor } = this.board.dataset
    return { url, minutes, version, at: parse(placeAt), doctor }
  }

  get #picked() {
    return this.#visit(this.board.querySelector(`.timeline > #appointment-${this.placing}`))
  }

  get busy() {
    return this.#drag?.ghost || this.#keys
  }

  // --- by drag

  #down = (event) => {
    const card = event.target.closest(".timeline > .card")
    if (!card || event.button !== 0 || event.pointerType === "touch" || event.target.closest("button")) return
    if (!this.#movable(card)) return
    const box = card.getBoundingClientRect()
    this.#drag = { card, x: event.clientX, y: event.clientY, grip: event.clientY - box.top, pointer: event.pointerId }
    addEventListener("pointermove", this.#move)
    addEventListener("pointerup", this.#up)
    addEventListener("pointercancel", this.#cancel)
  }

  #movable(card) {
    return card.classList.contains("scheduled") || card.classList.contains("confirmed") || card.classList.contains("arrived")
  }

  #move = (event) => {
    const drag = this.#drag
    if (!drag.ghost) {
      if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < THRESHOLD) return
      drag.visit = this.#visit(drag.card)
      this.#lift(drag.card)
      drag.ghost = this.#ghost(drag.card)
      drag.scroll = setInterval(() => this.#scrollAlong(), 16)
    }
    drag.last = event
    this.#show(drag, this.#columnAt(event.clientX), event.clientY - drag.grip)
  }

  #columnAt(x) {
    return this.board.columns.find((c) => {
      const box = c.getBoundingClientRect()
      return x >= box.left && x < box.right
    })
  }

  #show(at, column, y) {
    if (column) {
      at.column = column
      at.moment = momentAt(column, y + 4, this.board.slot_)
    }
    if (at.column) this.#position(at)
  }

  #position(at) {
    const { first, box, row } = gridOf(at.column)
    const ghost = at.ghost
    ghost.style.left = `${box.left}px`
    ghost.style.width = `${box.width}px`
    ghost.style.top = `${box.top + ((at.moment - first) / ROW) * row}px`
    ghost.style.height = `${(Number(at.visit.minutes) / 5) * row}px`
    ghost.firstChild.textContent = clock(at.moment, this.board.zone)
  }

  #scrollAlong() {
    const { last } = this.#drag ?? {}
    if (!last) return
    const scroll = this.board.querySelector(".board-scroll")
    const box = scroll.getBoundingClientRect()
    const pull = (at, low, high) => (at < low + EDGE ? -12 : at > high - EDGE ? 12 : 0)
    scroll.scrollBy(pull(last.clientX, box.left, box.right), pull(last.clientY, box.top, box.bottom))
    this.#show(this.#drag, this.#columnAt(last.clientX), last.clientY - this.#drag.grip)
  }

  #up = () => {
    const { ghost, visit, column, moment } = this.#drag
    this.#swallowClick = Boolean(ghost)
    setTimeout(() => (this.#swallowClick = false))
    this.#stop()
    if (ghost && column) this.#send(visit, column.dataset.doctor, moment)
  }

  #cancel = () => this.#stop()

  #stop() {
    const drag = this.#drag
    removeEventListener("pointermove", this.#move)
    removeEventListener("pointerup", this.#up)
    removeEventListener("pointercancel", this.#cancel)
    if (!drag) return
    clearInterval(drag.scroll)
    drag.ghost?.remove()
    this.#drop(drag.card)
    this.#drag = null
  }

  // The click that ends a drag opens nothing.
  swallow(event) {
    if (!this.#swallowClick) return false
    event.preventDefault()
    event.stopPropagation()
    return true
  }

  // --- by the keyboard

  // Of this card, or of the one that was picked; ``doctor`` and ``time`` (10:15) say where to begin.
  startKeys(card, { doctor, time } = {}) {
    if (card && !this.#movable(card)) return this.board.say(this.board.dataset.cannotMove)
    this.end()
    const visit = card ? this.#visit(card) : this.#picked
    const columns = this.board.columns
    const column = columns.find((c) => c.dataset.doctor === (doctor ?? visit.doctor)) ?? columns[0]
    this.#lift(visit.card)
    this.#keys = { visit, ghost: this.#ghost(visit.card), column, moment: visit.at }
    if (column && (time || !visit.card)) this.#keys.moment = this.#momentOf(column, time ?? clock(visit.at, this.board.zone))
    this.#showKeys()
    this.board.say(column ? this.board.dataset.moveHelp : this.board.dataset.nobody)
  }

  // The moment of a wall-clock time on this day's grid, or the grid's first.
  #momentOf(column, time) {
    const { first, last } = gridOf(column)
    for (let moment = first; moment < last; moment += ROW) if (clock(moment, this.board.zone) === time) return moment
    return first
  }

  #showKeys() {
    const keys = this.#keys
    if (!keys.column) return keys.ghost.remove()
    this.#position(keys)
    const scroll = this.board.querySelector(".board-scroll")
    const [box, ghost] = [scroll.getBoundingClientRect(), keys.ghost.getBoundingClientRect()]
    const pull = (start, end, low, high) => (start < low + EDGE ? start - low - EDGE : Math.max(end - high + EDGE, 0))
    scroll.scrollBy(pull(ghost.left, ghost.right, box.left, box.right), pull(ghost.top, ghost.bottom, box.top, box.bottom))
    this.#position(keys)
  }

  // The day before or after, with what is moved in the hand.
  #otherDay(step) {
    const { visit, column, moment } = this.#keys
    const url = new URL(document.querySelector(`[data-day-step="${step}"]`).href)
    url.searchParams.set("place", visit.url.match(/(\d+)\/$/)[1])
    url.hash = `place-${column?.dataset.doctor ?? visit.doctor}-${clock(moment, this.board.zone)}`
    location.href = url
  }

  key(event) {
    if (this.#drag?.ghost && event.key === "Escape") {
      this.#stop()
      event.preventDefault()
      return true
    }
    const keys = this.#keys
    if (!keys && this.placing && event.key === "Escape") {
      this.endPlacing()
      return true
    }
    if (!keys) return false
    const step = this.board.slot_ * 60_000
    const columns = this.board.columns
    const aside = (by) => (keys.column = columns[columns.indexOf(keys.column) + by] ?? keys.column)
    const { first, last } = keys.column ? gridOf(keys.column) : {}
    const act = {
      ArrowUp: () => (keys.moment = Math.max(keys.moment - step, first)),
      ArrowDown: () => (keys.moment = Math.min(keys.moment + step, last - step)),
      ArrowLeft: () => aside(-1),
      ArrowRight: () => aside(1),
      PageUp: () => this.#otherDay(-1),
      PageDown: () => this.#otherDay(1),
      Escape: () => {
        this.end()
        this.endPlacing()
      },
      Enter: () => {
        const { visit, column, moment } = keys
        this.end()
        this.endPlacing()
        if (column) this.#send(visit, column.dataset.doctor, moment)
      },
    }[event.key]
    if (!act) return event.key !== "Tab"
    event.preventDefault()
    act()
    if (this.#keys && keys.column) {
      this.#showKeys()
      this.board.say(`${clock(keys.moment, this.board.zone)}, ${keys.column.querySelector("h2").textContent}`)
    }
    return true
  }

  end() {
    this.#stop()
    if (!this.#keys) return
    const { ghost, visit } = this.#keys
    ghost.remove()
    this.#drop(visit.card)
    visit.card?.querySelector("a")?.focus({ preventScroll: true })
    this.#keys = null
  }

  // --- by picking the card, then the place

  pick(id) {
    const url = new URL(location.href)
    url.searchParams.set("place", id)
    url.hash = `appointment-${id}`
    location.href = url
  }

  #resume() {
    this.board.classList.add("placing")
    this.board.querySelector(`#appointment-${this.placing}`)?.classList.add("picked")
    const [, doctor, time] = location.hash.match(/^#place-(\d+)-(\d\d:\d\d)$/) ?? []
    requestAnimationFrame(() => {
      if (doctor) this.startKeys(null, { doctor, time })
      else document.getElementById("placing")?.focus({ preventScroll: true })
    })
  }

  place(doctor, moment) {
    const visit = this.#picked
    this.endPlacing()
    this.#send(visit, doctor, moment)
  }

  endPlacing() {
    if (!this.placing) return
    document.getElementById(`appointment-${this.placing}`)?.classList.remove("picked")
    this.board.classList.remove("placing")
    delete this.board.dataset.place
    document.getElementById("placing").remove()
    document.querySelector(".toolbar [name=place]").remove()
    const without = (address) => {
      const url = new URL(address)
      url.searchParams.delete("place")
      return url
    }
    for (const link of document.querySelectorAll('.toolbar a[href*="place="], .month a[href*="place="]')) link.href = without(link.href)
    const here = without(location.href)
    here.hash = ""
    history.replaceState(history.state, "", here)
  }

  // --- all three

  #lift(card) {
    card?.classList.add("lifted")
    card?.setAttribute("hx-morph-skip", "") // nobody's change swaps the card under the hand
    this.board.classList.add("moving")
  }

  #drop(card) {
    card?.classList.remove("lifted")
    card?.removeAttribute("hx-morph-skip")
    this.board.classList.remove("moving")
  }

  #ghost(card) {
    const ghost = document.createElement("div")
    ghost.className = "move-ghost"
    ghost.setAttribute("aria-hidden", "true")
    const name = (card ?? document.getElementById("placing")).querySelector("bdi")
    ghost.append(document.createElement("time"), name.cloneNode(true))
    this.board.append(ghost)
    return ghost
  }

  #send({ card, url, minutes, version, at, doctor: before }, doctor, moment) {
    if (doctor === before && moment === at) return
    const values = { instead: `${doctor}@${compact(moment)}`, duration: minutes, version }
    card?.classList.add("sending")
    window.htmx
      .ajax("POST", `${url}move/`, { source: document.getElementById("step"), target: "#panel", swap: "innerHTML show:none", values })
      .finally(() => card?.classList.remove("sending"))
  }
}
