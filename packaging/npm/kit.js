#!/usr/bin/env node
// Runs the program `kit`, which is in the package for this platform.
"use strict";

const { spawn } = require("node:child_process");

// A terminal sends these to kit as well. A second one would end kit before it has cleaned up.
const OF_TERMINALS = ["SIGINT", "SIGHUP"];
const MILLISECONDS_BEFORE_SIGNAL = 1000;

const platform = `${process.platform}-${process.arch}`;
const name = process.platform === "win32" ? "kit.exe" : "kit";

function program() {
  try {
    return require.resolve(`kit-modelkit-${platform}/bin/${name}`);
  } catch {
    console.error(`error: there is no kit for ${platform}`);
    console.error(
      "hint: if there should be one, install again without `--omit=optional`: it is in an optional dependency",
    );
    process.exit(1);
  }
}

// Before the start, so that no signal ends this program and leaves kit alone. They are handled after it.
for (const signal of OF_TERMINALS) {
  process.on(signal, () => setTimeout(() => kit.kill(signal), MILLISECONDS_BEFORE_SIGNAL).unref());
}
process.on("SIGTERM", () => kit.kill("SIGTERM"));

const kit = spawn(program(), process.argv.slice(2), { stdio: "inherit" });
kit.on("error", (error) => {
  console.error(`error: cannot run ${kit.spawnfile}: ${error.message}`);
  process.exit(1);
});
kit.on("exit", (code, signal) => {
  for (const handled of [...OF_TERMINALS, "SIGTERM"]) process.removeAllListeners(handled);
  if (signal) process.kill(process.pid, signal);
  else process.exit(code);
});
