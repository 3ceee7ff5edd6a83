// Moving an appointment on the board: by drag, by the keyboard, or by picking the card and then a place.
// Nothing moves on the screen before the server has said yes; a refusal opens the panel with the reason.
import { ROW, clock, compact, gridOf, momentAt, parse } from "./grid-time.js"

const THRESHOLD = 5 // pixels before a press becomes a drag
const EDGE = 48 // pixels from the edge at which the board scrolls along

export class Mover {
  placing = null // the card picked for a place
  #drag = null
  #keys = null
  #swallowClick = false

  constructor(board) {
    this.board = board
    this.board.addEventListener("pointerdown", this.#down)
    this.board.addEventListener("dragstart", (event) => event.target.closest(".card") && event.preventDefault())
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
    ghost.style.height = `${(Number(at.card.dataset.minutes) / 5) * row}px`
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
    const { ghost, card, column, moment } = this.#drag
    this.#swallowClick = Boolean(ghost)
    setTimeout(() => (this.#swallowClick = false))
    this.#stop()
    if (ghost && column) this.#send(card, column.dataset.doctor, moment)
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

  startKeys(card) {
    if (!this.#movable(card)) return this.board.say(this.board.dataset.cannotMove)
    this.end()
    this.#lift(card)
    this.#keys = { card, ghost: this.#ghost(card), column: card.closest(".column"), moment: parse(card.dataset.at) }
    this.#position(this.#keys)
    this.board.say(this.board.dataset.moveHelp)
  }

  key(event) {
    if (this.#drag?.ghost && event.key === "Escape") {
      this.#stop()
      event.preventDefault()
      return true
    }
    if (this.placing && event.key === "Escape") {
      this.endPlacing()
      return true
    }
    const keys = this.#keys
    if (!keys) return false
    const step = this.board.slot_ * 60_000
    const columns = this.board.columns
    const aside = (by) => (keys.column = columns[columns.indexOf(keys.column) + by] ?? keys.column)
    const { first, last } = gridOf(keys.column)
    const act = {
      ArrowUp: () => (keys.moment = Math.max(keys.moment - step, first)),
      ArrowDown: () => (keys.moment = Math.min(keys.moment + step, last - step)),
      ArrowLeft: () => aside(-1),
      ArrowRight: () => aside(1),
      Escape: () => this.end(),
      Enter: () => {
        const { card, column, moment } = keys
        this.end()
        this.#send(card, column.dataset.doctor, moment)
      },
    }[event.key]
    if (!act) return event.key !== "Tab"
    event.preventDefault()
    act()
    if (this.#keys) {
      this.#position(keys)
      keys.ghost.scrollIntoView({ block: "nearest", inline: "nearest" })
      this.#position(keys)
      this.board.say(`${clock(keys.moment, this.board.zone)}, ${keys.column.querySelector("h2").textContent}`)
    }
    return true
  }

  end() {
    this.#stop()
    if (!this.#keys) return
    this.#keys.ghost.remove()
    this.#drop(this.#keys.card)
    this.#keys.card.querySelector("a")?.focus({ preventScroll: true })
    this.#keys = null
  }

  // --- by picking the card, then the place

  startPlacing(card) {
    if (!card || !this.#movable(card)) return
    this.placing = card.id
    card.classList.add("picked")
    this.board.classList.add("placing")
    this.board.say(this.board.dataset.placeHelp)
    if (matchMedia("(width <= 800px)").matches) this.board.closePanel() // it covers the places
  }

  place(doctor, moment) {
    const card = document.getElementById(this.placing)
    this.endPlacing()
    if (card) this.#send(card, doctor, moment)
  }

  endPlacing() {
    document.getElementById(this.placing)?.classList.remove("picked")
    this.board.classList.remove("placing")
    this.placing = null
  }

  // --- all three

  #lift(card) {
    card.classList.add("lifted")
    card.setAttribute("hx-morph-skip", "") // nobody's change swaps the card under the hand
    this.board.classList.add("moving")
  }

  #drop(card) {
    card.classList.remove("lifted")
    card.removeAttribute("hx-morph-skip")
    this.board.classList.remove("moving")
  }

  #ghost(card) {
    const ghost = document.createElement("div")
    ghost.className = "move-ghost"
    ghost.setAttribute("aria-hidden", "true")
    ghost.append(document.createElement("time"), card.querySelector("bdi").cloneNode(true))
    this.board.append(ghost)
    return ghost
  }

  #send(card, doctor, moment) {
    if (doctor === card.closest(".column").dataset.doctor && moment === parse(card.dataset.at)) return
    const url = card.querySelector("a").getAttribute("href") + "move/"
    const values = {
      instead: `${doctor}@${compact(moment)}`,
      duration: card.dataset.minutes,
      version: card.dataset.version,
    }
    card.classList.add("sending")
    window.htmx
      .ajax("POST", url, { source: document.getElementById("step"), target: "#panel", swap: "innerHTML show:none", values })
      .finally(() => card.classList.remove("sending"))
  }
}
