// Reading: an utterance and what was made of it, word under word; a word that is clicked is heard.
// Everything foreign comes in as data and goes out through textContent: nothing here reads markup.

const BEFORE_S = 0.4; // of a word, so that it is heard in its place
const AFTER_S = 0.3;
const AROUND_S = 1.5; // on either side of a place that is not known well

const SIGNS = { sub: "→", del: "−", ins: "+" };
const NOWHERE = "There is no place to play this from.";

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function render({ model, el }) {
  const audio = make("audio", { controls: "", preload: "auto", "aria-label": "recording" });
  const told = make("p", { role: "status" });
  const body = make("div");
  const root = make("div", { class: "asrlab-reading", role: "group", "aria-label": "reading" }, audio, told, body);
  el.append(root);
  // JupyterLab takes keys for its own commands (d twice deletes the cell) unless what has the focus asks it not to.
  const keep = (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  requestAnimationFrame(() => (el.closest(".asrlab-explorer") ?? el).addEventListener("focusin", keep));

  let sounds = {}; // sound -> {url, offset}: what has come of this page
  let number = -1; // of this page
  let loaded = null; // the sound that the player holds
  let wanted = null; // what is to be played when it comes
  let stop = null; // where to stop, in seconds of what the player holds
  let rows = []; // buttons by row and column

  const say = (text) => { told.textContent = text; };
  const ask = (sound, at) => model.send({ sound, at, page: number });

  function forget() {
    for (const { url } of Object.values(sounds)) URL.revokeObjectURL(url);
    sounds = {};
    loaded = wanted = stop = null;
    audio.pause();
    audio.removeAttribute("src");
    audio.load();
  }

  function load(sound) {
    if (loaded === sound) return;
    loaded = sound;
    stop = null;
    audio.src = sounds[sound].url;
    audio.setAttribute("aria-label", `recording, as heard under ${model.get("page").sounds[sound] ?? ""}`);
  }

  function start({ sound, from, to, share, text }) {
    const { offset, whole } = sounds[sound];
    if (!whole && from === null) return say(NOWHERE); // a share of the clip is none of the recording
    const seek = () => {
      const about = share !== null;
      const at = from === null ? share * audio.duration : from - offset; // of what the player holds
      if (!whole && (at < 0 || at > audio.duration)) return ask(sound, from); // the clip that is here ends before
      audio.currentTime = Math.max(0, at - (about ? AROUND_S : BEFORE_S));
      stop = about ? at + AROUND_S : (to ?? from) - offset + AFTER_S;
      audio.play().then(() => say(`Playing ${text}`), (error) => say(`The browser did not play it: ${error.message}`));
    };
    load(sound);
    if (audio.readyState >= 1) seek();
    else audio.addEventListener("loadedmetadata", seek, { once: true });
  }

  function play(sound, cell) {
    const due = { sound, from: cell.from, to: cell.to, share: cell.share, text: cell.label };
    if (cell.from === null && cell.share === null) return say(NOWHERE);
    wanted = null;
    if (sounds[sound]) return start(due);
    wanted = due;
    say("Fetching the sound …");
    ask(sound, cell.from ?? 0);
  }

  function receive(message, buffers) {
    if (message.page !== number) return;
    if (message.why) {
      if (wanted?.sound === message.sound || loaded === null) say(message.why);
      wanted = null;
      return;
    }
    if (sounds[message.sound]) {
      URL.revokeObjectURL(sounds[message.sound].url);
      if (loaded === message.sound) loaded = null;
    }
    const url = URL.createObjectURL(new Blob([buffers[0]], { type: message.mime }));
    sounds[message.sound] = { url, offset: message.offset, whole: message.whole };
    say(message.note);
    if (wanted?.sound === message.sound) {
      const due = wanted;
      wanted = null;
      start(due);
    } else if (loaded === null) load(message.sound);
  }

  function button(cell, row, column, sound) {
    const node = make("button", { type: "button", tabindex: "-1", class: cell.kind, "aria-label": cell.label });
    node.title = cell.label;
    node.append(cell.kind === "del" ? make("s", {}, make("bdi", {}, cell.text)) : make("bdi", {}, cell.text));
    if (SIGNS[cell.kind]) node.prepend(`${SIGNS[cell.kind]}\u2060`); // a word joiner: no line ends behind a sign
    node.addEventListener("click", () => {
      root.querySelector(".playing")?.classList.remove("playing");
      node.classList.add("playing");
      stopAt(node);
      play(sound, cell);
    });
    rows[row][column] = node;
    return node;
  }

  function stopAt(node) { // the one word that the tabulator key goes to
    for (const other of root.querySelectorAll('.blocks button[tabindex="0"]')) other.tabIndex = -1;
    node.tabIndex = 0;
  }

  function table(stack, block, first) {
    const head = make("tr", {}, make("th", { scope: "row" }, "reference"));
    block.reference.forEach((cell, n) => {
      const place = make("th", { scope: "col" });
      if (cell) place.append(button(cell, first, block.first + n, cell.sound));
      head.append(place);
    });
    const lines = block.lines.map((cells, k) => {
      const line = make("tr", {}, make("th", { scope: "row" }, make("bdi", {}, stack.lines[k].name)));
      cells.forEach((cell, n) => {
        const place = make("td");
        if (cell) place.append(button(cell, first + 1 + k, block.first + n, stack.lines[k].sound));
        line.append(place);
      });
      return line;
    });
    const about = { "aria-label": stack.title, dir: stack.rtl ? "rtl" : "ltr" };
    return make("table", about, make("thead", {}, head), make("tbody", {}, ...lines));
  }

  function draw() {
    const page = model.get("page");
    const focused = body.contains(document.activeElement);
    forget();
    number = page.number;
    rows = [];
    body.replaceChildren();
    say(page.note);
    audio.hidden = page.stacks.length === 0;
    for (const stack of page.stacks) {
      const first = rows.length;
      for (let k = 0; k <= stack.lines.length; k += 1) rows.push([]);
      const blocks = make("div", { class: "blocks" }, ...stack.blocks.map((block) => table(stack, block, first)));
      const facts = stack.lines.map((line) =>
        make("li", { dir: "auto" }, make("b", {}, make("bdi", {}, line.name)), ` — ${line.fact}`));
      const written = stack.written.map(([name, text]) => make("p", {}, `${name}: `, make("bdi", {}, text)));
      body.append(
        make("p", { dir: "auto" }, make("b", {}, stack.title)),
        blocks,
        make("ul", {}, ...facts),
        ...stack.notes.map((note) => make("p", { dir: "auto" }, note)),
        make("details", {}, make("summary", {}, "as written"), ...written),
      );
    }
    if (page.parts > 1) {
      const turn = (name, part) => {
        const node = make("button", { type: "button" }, name);
        node.disabled = part < 0 || part >= page.parts;
        node.addEventListener("click", () => { model.set("part", part); model.save_changes(); });
        return node;
      };
      body.prepend(make("p", {}, turn("◀ earlier words", page.part - 1), ` ${page.where} `, turn("later words ▶", page.part + 1)));
    }
    const entry = body.querySelector(".blocks tbody button:not(.hit)") ?? body.querySelector(".blocks button");
    if (entry) {
      stopAt(entry);
      if (focused) entry.focus();
    }
    if (page.stacks.length) ask(page.sound, 0);
  }

  function nearest(row, column) { // the button of a row that is next to a column
    const there = Object.keys(rows[row] ?? {}).map(Number);
    const best = there.sort((a, b) => Math.abs(a - column) - Math.abs(b - column))[0];
    return best === undefined ? null : rows[row][best];
  }

  function move(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const row = rows.findIndex((own) => own.includes(event.target));
    if (row < 0) return;
    const there = rows[row].filter(Boolean);
    const at = there.indexOf(event.target);
    const column = rows[row].indexOf(event.target);
    const onward = event.target.closest("table").dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    let next = null;
    if (event.key === onward) next = there[at + 1];
    else if (event.key === "ArrowRight" || event.key === "ArrowLeft") next = there[at - 1];
    else if (event.key === "Home") next = there[0];
    else if (event.key === "End") next = there[there.length - 1];
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const by = event.key === "ArrowDown" ? 1 : -1;
      for (let k = row + by; k >= 0 && k < rows.length && !next; k += by) next = nearest(k, column);
    } else return;
    event.preventDefault();
    event.stopPropagation(); // a notebook would take the key for its own
    if (next) {
      stopAt(next);
      next.focus();
    }
  }

  audio.addEventListener("timeupdate", () => {
    if (stop !== null && audio.currentTime >= stop) {
      audio.pause();
      stop = null;
    }
  });
  audio.addEventListener("error", () => { if (audio.getAttribute("src")) say("The browser cannot play this sound."); });
  root.addEventListener("keydown", move);
  model.on("change:page", draw);
  model.on("msg:custom", receive);
  draw();
  return () => {
    model.off("change:page", draw);
    model.off("msg:custom", receive);
    forget();
  };
}

export default { render };
