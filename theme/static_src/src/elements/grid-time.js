// Moments in addresses and data attributes are UTC, written 20261122T1015Z; the board's grid counts rows of 5 minutes.
export const ROW = 5 * 60_000

export function parse(text) {
  const [, y, mo, d, h, mi, s] = text.match(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)?Z$/)
  return Date.UTC(y, mo - 1, d, h, mi, s ?? 0)
}

export function compact(ms) {
  return new Date(ms).toISOString().replace(/[-:]/g, "").slice(0, 13) + "Z"
}

// The wall-clock time in the hospital's zone, as 10:15.
export function clock(ms, zone) {
  return new Date(ms).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone })
}

// Where a column's timeline stands on the screen and in time.
export function gridOf(column) {
  const [first, height] = column.dataset.grid.split("-").map(Number)
  const box = column.querySelector(".timeline").getBoundingClientRect()
  return { first: first * 1000, height, box, row: box.height / height, last: first * 1000 + height * ROW }
}

// The moment at a height on the screen, on the board's slot grid (slots are counted from full hours).
export function momentAt(column, y, slot) {
  const { first, box, row, last } = gridOf(column)
  const raw = first + ((y - box.top) / row) * ROW
  const step = slot * 60_000
  return Math.min(Math.max(Math.floor(raw / step) * step, first), last - step)
}
