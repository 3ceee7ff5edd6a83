// Builds theme/static/dist: app.css, app.js, charts.js, charts.css, theme.js, admin.css, icons.svg, favicon.svg and the manifest. `--watch` keeps the styles and scripts up to date.
import { spawn } from "node:child_process"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build, context } from "esbuild"

const here = dirname(fileURLToPath(import.meta.url))
const dist = join(here, "../static/dist")
const watch = process.argv.includes("--watch")

async function icons() {
  const names = (await readFile(join(here, "icons.txt"), "utf8")).split("\n").filter((l) => l && !l.startsWith("#"))
  const symbols = await Promise.all(
    names.map(async (name) => {
      const svg = await readFile(join(here, `node_modules/heroicons/20/solid/${name}.svg`), "utf8")
      const inner = svg.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\s*\n\s*/g, "")
      return `<symbol id="${name}" viewBox="0 0 20 20" fill="currentColor">${inner}</symbol>`
    }),
  )
  await writeFile(join(dist, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`)
}

// Hashed file names are not written into a manifest: the icon goes along as data.
async function manifest() {
  const svg = await readFile(join(here, "favicon.svg"), "utf8")
  await writeFile(join(dist, "favicon.svg"), svg)
  const src = `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`
  const about = {
    name: "HMS",
    short_name: "HMS",
    start_url: "/",
    display: "standalone",
    background_color: "#f6f4ef",
    theme_color: "#0c5b60",
    icons: [{ src, type: "image/svg+xml", sizes: "any" }],
  }
  await writeFile(join(dist, "manifest.webmanifest"), JSON.stringify(about))
}

function styles() {
  const cli = join(here, "node_modules/@tailwindcss/cli/dist/index.mjs")
  const args = [cli, "-i", "src/app.css", "-o", join(dist, "app.css"), "--minify", ...(watch ? ["--watch=always"] : [])]
  const child = spawn(process.execPath, args, { cwd: here, stdio: ["ignore", "inherit", "inherit"] })
  return new Promise((resolve, reject) =>
    child.on("exit", (code) => (code ? reject(new Error(`tailwindcss ended with ${code}`)) : resolve())),
  )
}

const scripts = {
  absWorkingDir: here,
  // theme.js is small and blocks the first paint, so that a dark page does not flash white.
  entryPoints: ["src/app.js", "src/theme.js", "src/charts.js", "src/charts.css", "src/admin.css"],
  outdir: dist,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
}

await mkdir(dist, { recursive: true })
if (watch) {
  await (await context(scripts)).watch()
  await Promise.all([icons(), manifest(), styles()])
} else {
  await Promise.all([icons(), manifest(), styles(), build(scripts)])
}
