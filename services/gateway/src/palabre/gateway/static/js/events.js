// One turn's server-sent events, for as long as it takes.
//
// The browser's EventSource reconnects by itself, with Last-Event-ID, when a connection breaks. It gives up on
// an HTTP error (a gateway that restarts behind a proxy); then it is opened again here with the last id in the
// address, later and later, after `lost` was asked whether the turn has ended meanwhile.

const NAMES = ["accepted", "delta", "restarted", "completed", "failed", "cancelled", "segment", "notice"];
const DELAYS_MS = [500, 1000, 2000, 4000, 8000];
const CLOSED = 2;

const page = {
  open: (address) => new EventSource(address),
  later: (action, delay) => setTimeout(action, delay),
};

/**
 * `heard(name, data)` is called for each event; `connected(bool)` when the line breaks or is back;
 * `lost()` resolves to true when nothing more is to be waited for. Returns a function that stops listening.
 */
export function listen(address, { heard, connected, lost }, { open, later } = page) {
  let source = null;
  let lastId = "";
  let failures = 0;
  let stopped = false;

  const stop = () => {
    stopped = true;
    source?.close();
  };
  const connect = () => {
    if (stopped) return;
    source = open(lastId ? `${address}&last_event_id=${encodeURIComponent(lastId)}` : address);
    source.onopen = () => connected(true);
    source.onerror = broken;
    for (const name of NAMES) source.addEventListener(name, arrived);
  };
  const arrived = (event) => {
    if (stopped) return;
    failures = 0;
    lastId = event.lastEventId || lastId;
    heard(event.type, JSON.parse(event.data));
  };
  const broken = () => {
    if (stopped) return;
    connected(false);
    if (source.readyState === CLOSED) later(again, DELAYS_MS[Math.min(failures++, DELAYS_MS.length - 1)]);
  };
  const again = async () => {
    if (stopped || (await lost())) return stop();
    connect();
  };

  connect();
  return stop;
}
