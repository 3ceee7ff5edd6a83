// <line-chart data-table="id">: cells [data-x] (seconds since 1970) and [data-y] of each row; each further [data-y] is
// another line, dashed so that it is known without its colour.
// <bar-chart data-table="id">: the row's th is the label, the first [data-y] its bar; with data-across the first rows lie
// below one another, so that long labels can be read.
// Colours come from the page, so that both themes look right; both are drawn again when the size or the theme changes.
import uPlot from "uplot"

const DAY = 86400 // seconds
const FONT = "12px system-ui, sans-serif"

class Chart extends HTMLElement {
  connectedCallback() {
    this.resize = new ResizeObserver(() => this.#draw())
    this.resize.observe(this)
    this.theme = new MutationObserver(() => this.#draw(true))
    this.theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] })
    this.dark = matchMedia("(prefers-color-scheme: dark)")
    this.dark.addEventListener("change", this.#again)
    this.paper = matchMedia("print") // on which everything is light
    this.paper.addEventListener("change", this.#again)
  }

  disconnectedCallback() {
    this.resize.disconnect()
    this.theme.disconnect()
    this.dark.removeEventListener("change", this.#again)
    this.paper.removeEventListener("change", this.#again)
    this.plot?.destroy()
  }

  #again = () => this.#draw(true)

  #draw(anew = false) {
    const width = this.clientWidth
    if (!width) return
    if (this.plot && !anew && !this.fits) return this.plot.setSize({ width, height: 190 })
    this.plot?.destroy()
    const rows = [...(document.getElementById(this.dataset.table)?.querySelectorAll("tbody tr") ?? [])]
    if (rows.length) this.plot = this.plotOf(rows, width, getComputedStyle(this))
  }

  colour(name) {
    // A custom property with light-dark() is only resolved where it is used.
    const probe = document.createElement("i")
    probe.style.color = `var(${name})`
    this.append(probe)
    const found = getComputedStyle(probe).color
    probe.remove()
    return found
  }

  axes(more = {}) {
    const stroke = this.colour("--muted")
    const grid = { stroke: this.colour("--line"), width: 1 }
    return [{ stroke, grid: { show: false }, ticks: grid, ...more }, { stroke, grid, ticks: grid, size: 60 }]
  }
}

class LineChart extends Chart {
  // Never a month in figures; over more than a year the year matters more than the day.
  #day(x) {
    const long = x[x.length - 1] - x[0] > 365 * DAY
    const shown = long ? { month: "short", year: "numeric" } : { day: "numeric", month: "short" }
    const { lang } = document.documentElement
    const format = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang || undefined, shown) // our English: 7 Nov
    return (seconds) => format.format(seconds * 1000)
  }

  plotOf(rows, width) {
    const at = (row) => Number(row.querySelector("[data-x]").dataset.x)
    rows.sort((a, b) => at(a) - at(b))
    const x = rows.map(at)
    const lines = [...rows[0].querySelectorAll("[data-y]")].map((_cell, i) =>
      rows.map((row) => Number(row.querySelectorAll("[data-y]")[i].dataset.y)),
    )
    const series = lines.map((_line, i) => {
      const stroke = this.colour(i ? "--color-info" : "--color-primary")
      return { stroke, width: 2, dash: i ? [6, 4] : [], points: { show: true, size: 6, fill: stroke } }
    })
    const options = {
      width,
      height: 190,
      legend: { show: false },
      axes: this.axes({ space: 70, values: (_u, ticks) => ticks.map(this.#day(x)) }),
      series: [{}, ...series],
      // One measurement has no course: its day, in the middle of a week.
      scales: { x: { range: (_u, from, to) => (x.length > 1 ? [from, to] : [x[0] - 3 * DAY, x[0] + 3 * DAY]) } },
    }
    return new uPlot(options, [x, ...lines], this)
  }
}

class BarChart extends Chart {
  // Lying bars are drawn anew at another width: their labels are cut to it.
  get fits() {
    return "across" in this.dataset
  }

  plotOf(rows, width) {
    return this.fits ? this.#lying(rows.slice(0, 12), width) : this.#standing(rows, width)
  }

  #lying(rows, width) {
    const pen = document.createElement("canvas").getContext("2d")
    pen.font = FONT
    const room = Math.min(320, width * 0.5)
    const short = (text) => {
      let cut = text
      while (pen.measureText(cut).width > room) cut = `${cut.slice(0, -2).trimEnd()}…`
      return cut
    }
    const labels = rows.map((row) => short(row.querySelector("th").textContent.trim()))
    const y = rows.map((row) => Number(row.querySelector("[data-y]").dataset.y))
    const fill = this.colour("--color-primary")
    const [names, amounts] = this.axes({
      side: 3,
      font: FONT,
      size: 20 + Math.max(...labels.map((label) => pen.measureText(label).width)),
      splits: () => labels.map((_label, i) => i),
      values: (_u, at) => at.map((i) => labels[i] ?? ""),
    })
    const options = {
      width,
      height: rows.length * 24 + 40,
      padding: [0, 24, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, ori: 1, dir: -1, range: [-0.5, labels.length - 0.5] },
        y: { ori: 0, range: (_u, low, high) => [Math.min(0, low), Math.max(0, high) || 1] },
      },
      axes: [names, { ...amounts, side: 2, size: 30, space: 80 }],
      series: [{}, { fill, stroke: fill, paths: uPlot.paths.bars({ size: [0.7, 16] }), points: { show: false } }],
    }
    return new uPlot(options, [labels.map((_label, i) => i), y], this)
  }

  #standing(rows, width) {
    const labels = rows.map((row) => row.querySelector("th").textContent.trim())
    const y = rows.map((row) => Number(row.querySelector("[data-y]").dataset.y))
    const fill = this.colour("--color-primary")
    const step = Math.max(1, Math.ceil(labels.length / Math.max(1, Math.floor(width / 90))))
    const options = {
      width,
      height: 190,
      legend: { show: false },
      scales: { x: { time: false, range: [-0.5, labels.length - 0.5] }, y: { range: (_u, low, high) => [Math.min(0, low), high || 1] } },
      axes: this.axes({
        splits: () => labels.map((_label, i) => i).filter((i) => i % step === 0),
        values: (_u, at) => at.map((i) => (labels[i] ?? "").slice(0, 14)),
      }),
      series: [{}, { fill, stroke: fill, paths: uPlot.paths.bars({ size: [0.7, 60] }), points: { show: false } }],
    }
    return new uPlot(options, [labels.map((_label, i) => i), y], this)
  }
}

customElements.define("line-chart", LineChart)
customElements.define("bar-chart", BarChart)
