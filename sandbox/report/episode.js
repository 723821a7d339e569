"use strict";
// One step at a time, by keys and buttons. It reads what the page holds and writes text only; without it all steps show.
(() => {
  const byId = (id) => document.getElementById(id);
  const steps = [...document.querySelectorAll("section.step")];
  if (!steps.length) return;
  const links = [...document.querySelectorAll("#steps a")];
  const search = byId("search"), number = byId("number"), said = byId("said");
  const texts = [];
  let here = -1, needle = "", hits = [];

  const say = (text) => { said.textContent = text; };
  const textOf = (index) => texts[index] ??= steps[index].textContent.toLowerCase();

  function show(index, keep) {
    if (!Number.isFinite(index)) return say("no such step");
    index = Math.max(0, Math.min(Math.trunc(index), steps.length - 1));
    if (index !== here) {
      if (here >= 0) {
        steps[here].classList.remove("here");
        links[here].removeAttribute("aria-current");
      }
      here = index;
      steps[here].classList.add("here");
      links[here].setAttribute("aria-current", "step");
      links[here].scrollIntoView({ block: "nearest" });
      number.value = here + 1;
      if (!keep) history.replaceState(null, "", "#step-" + (here + 1));
    }
    say(`step ${here + 1} of ${steps.length}` + (needle ? `; ${place()}` : ""));
    mark();
  }

  function place() {
    const at = hits.indexOf(here);
    return at < 0 ? `in ${hits.length} steps` : `${at + 1} of ${hits.length} steps with it`;
  }

  function mark() {
    if (!globalThis.CSS || !CSS.highlights) return;
    CSS.highlights.delete("found");
    if (!needle) return;
    const ranges = [], walker = document.createTreeWalker(steps[here], NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()) && ranges.length < 1000;) {
      const text = node.data.toLowerCase();
      if (text.length !== node.data.length) continue;
      for (let at = text.indexOf(needle); at >= 0 && ranges.length < 1000; at = text.indexOf(needle, at + 1)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, at + needle.length);
        ranges.push(range);
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  function go(by) {
    const index = here + by;
    if (index < 0 || index >= steps.length) say(index < 0 ? "this is the first step" : "this is the last step");
    else show(index);
  }

  function jump(by, fits, otherwise) {
    for (let index = here + by; index >= 0 && index < steps.length; index += by) {
      if (fits(index)) return show(index);
    }
    return say(otherwise);
  }

  const flagged = (index) => "stop" in steps[index].dataset;
  const risky = (index) => "risk" in steps[index].dataset;
  const found = (index) => textOf(index).includes(needle);

  function find() {
    needle = search.value.toLowerCase();
    hits = needle ? steps.map((_, index) => index).filter(found) : [];
    if (needle && !hits.length) { mark(); say(`no step has ${JSON.stringify(search.value)}`); }
    else show(needle ? hits.find((index) => index >= here) ?? hits[0] : here);
  }

  const next = {
    ArrowLeft: () => go(-1), p: () => go(-1), h: () => go(-1),
    ArrowRight: () => go(1), n: () => go(1), l: () => go(1),
    Home: () => show(0), End: () => show(steps.length - 1),
    w: () => jump(1, flagged, "no flag after this step"), "]": () => next.w(),
    W: () => jump(-1, flagged, "no flag before this step"), "[": () => next.W(),
    r: () => jump(1, risky, "no risk after this step"), R: () => jump(-1, risky, "no risk before this step"),
    s: () => needle ? jump(1, found, "not after this step") : search.focus(),
    S: () => needle ? jump(-1, found, "not before this step") : search.focus(),
    "/": () => search.select(), g: () => number.select(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target instanceof HTMLInputElement) {
      if (event.key === "Escape" || event.key === "Enter") event.target.blur();
      if (event.key === "Enter" && event.target === search) find();
      if (event.key === "Enter" && event.target === number) show(Number(number.value) - 1);
      return;
    }
    const act = Object.hasOwn(next, event.key) ? next[event.key] : null;
    if (act) { event.preventDefault(); act(); }
  });
  for (const button of document.querySelectorAll("#bar button")) {
    button.addEventListener("click", () => next[button.dataset.key]());
  }
  search.addEventListener("change", find);
  number.addEventListener("change", () => show(Number(number.value) - 1));
  links.forEach((link, index) => link.addEventListener("click", (event) => { event.preventDefault(); show(index); }));
  const asked = () => { const found = /^#step-(\d+)$/.exec(location.hash); return found ? Number(found[1]) - 1 : null; };
  addEventListener("hashchange", () => { const index = asked(); if (index !== null) show(index, true); });

  document.body.classList.add("stepping");
  byId("bar").hidden = false;
  show(asked() ?? 0, true);
})();
