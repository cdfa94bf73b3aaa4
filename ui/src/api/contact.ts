/** When the hub was last heard of. Everything that shows how fresh the data is reads it from here. */

type Listener = () => void;

let lastHeard = Date.now();
let failing = false;
const listeners = new Set<Listener>();

export interface Contact {
  lastHeard: number;
  failing: boolean;
}
let snapshot: Contact = { lastHeard, failing };

function publish() {
  snapshot = { lastHeard, failing };
  for (const listener of listeners) listener();
}

export const contact = {
  heard() {
    const back = failing;
    lastHeard = Date.now();
    failing = false;
    // The time alone is read by whoever ticks; only a change of state needs a render.
    if (back) publish();
    else snapshot = { lastHeard, failing };
  },
  failed() {
    if (failing) return;
    failing = true;
    publish();
  },
  read: () => snapshot,
  subscribe(listener: Listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
